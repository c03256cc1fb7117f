"""Every page in every state that it can be in, by a name: who makes the state returns the address."""

from __future__ import annotations

from diagnosis.history.paging import Mark
from tests.browser import account_states as accounts
from tests.browser import group_states as groups
from tests.browser import result_states as results
from tests.browser.result_states import LONG_AGO, REASON, Make
from tests.diagnosis.pages import page_of
from tests.factories import make_radiograph

PAGES: dict[str, Make] = {
    "upload": lambda *_: "/",
    "history-empty": lambda *_: "/radiographs/",
    "history": results.history,
    "history-end": lambda user, _: f"/radiographs/?cursor={Mark(LONG_AGO, make_radiograph(user).pk)}",
    "result-likely": results.answered(0.94, "likely"),
    "result-unlikely": results.answered(0.04, "unlikely"),
    "result-uncertain": results.answered(0.47, "uncertain"),
    "result-refused": lambda user, version: page_of(
        make_radiograph(user, status="refused", reason=REASON, model_version=version)
    ),
    "result-failed": results.result(status="failed", reason="The file is damaged."),
    "result-waiting": results.result(),
    "result-running": results.result(status="running"),
    "delete": lambda user, _: page_of(make_radiograph(user), "delete"),
    "result-cautioned": results.cautioned,
    "result-again": results.read_twice,
    "side-by-side": results.side_by_side,
    "disagreements": results.disagreements,
    "disagreements-blinded": results.disagreements_blinded,
    "disagreements-none": lambda *_: "/radiographs/disagreements/",
    "groups-empty": lambda *_: "/groups/",
    "groups": groups.groups,
    "group": lambda user, version: groups.make_ward(user, version).get_absolute_url(),
    "group-as-member": groups.as_member,
    "group-leave": lambda user, version: f"/groups/{groups.make_ward(user, version).pk}/leave/",
    "group-dissolve": lambda user, version: f"/groups/{groups.make_ward(user, version).pk}/dissolve/",
    "group-remove": groups.remove_member,
    "group-history": lambda user, version: f"/radiographs/?group={groups.make_ward(user, version).pk}",
    "upload-with-groups": groups.upload_with_groups,
    "group-blinded": groups.as_blinded,
    "result-shared": groups.result_shared,
    "result-of-another": groups.result_of_another,
    "reading": results.to_read,
    "reading-done": lambda *_: "/reading/",
    "reading-revealed": results.revealed,
    "result-reviewed": results.reviewed_by_several,
    "result-blinded": results.blinded,
    "statistics": results.statistics,
    "statistics-of-group": groups.statistics_of_group,
    "statistics-none": lambda *_: "/statistics/",
    "help": lambda *_: "/help/",
    "models": lambda *_: "/models/",
    "models-none": results.no_model,
    "model": lambda _, version: version.get_absolute_url(),
    "account-email": lambda *_: "/accounts/email/",
    "account-email-sent": lambda *_: "/accounts/confirm-email/",
    "account-password": lambda *_: "/accounts/password/change/",
    "account-password-none": accounts.without_password,
    "account-reauthenticate": lambda *_: "/accounts/reauthenticate/",
    "account-logout": lambda *_: "/accounts/logout/",
    "account": lambda *_: "/accounts/profile/",
    "account-tokens": accounts.tokens,
    "account-tokens-revoke": lambda *_: "/accounts/tokens/revoke/",
    "account-browsers": accounts.browsers,
    "second-factor": lambda *_: "/accounts/2fa/",
    "second-factor-on": accounts.second_factor_on("/accounts/2fa/"),
    "second-factor-set-up": lambda *_: "/accounts/2fa/totp/activate/",
    "second-factor-turn-off": accounts.second_factor_on("/accounts/2fa/totp/deactivate/"),
    "second-factor-reauthenticate": accounts.second_factor_on("/accounts/2fa/reauthenticate/"),
    "recovery-codes": accounts.second_factor_on("/accounts/2fa/recovery-codes/"),
    "recovery-codes-new": accounts.second_factor_on("/accounts/2fa/recovery-codes/generate/"),
    "notices": accounts.notices_page,
    "webhook": accounts.webhook,
    "webhook-paused": accounts.webhook_paused,
    "my-data": lambda *_: "/accounts/my-data/",
}

FOR_VISITORS: dict[str, Make] = {
    "login": lambda *_: "/accounts/login/",
    "signup": lambda *_: "/accounts/signup/",
    "password-reset": lambda *_: "/accounts/password/reset/",
    "password-reset-done": lambda *_: "/accounts/password/reset/done/",
    "password-reset-link": accounts.reset,
    "password-reset-link-old": lambda *_: "/accounts/password/reset/key/1-set-password/",
    "password-reset-end": lambda *_: "/accounts/password/reset/key/done/",
    "confirm-email": accounts.confirm,
    "confirm-email-old": lambda *_: "/accounts/confirm-email/nonsense/",
    "help-visitor": lambda *_: "/help/",
    "inactive": lambda *_: "/accounts/inactive/",
    "left": lambda *_: "/accounts/deleted/",
}
#: Addresses that are none of a page: they take a form, or give a part of a page, a picture, a document or a few words.
NO_PAGES = {
    "diagnosis:add_webhook",
    "diagnosis:delete_webhook",  # asks first: judged in test_leaving_and_webhooks.py
    "diagnosis:my_data_zip",
    "diagnosis:leave",  # asks for the password first: judged there too
    "diagnosis:pause_webhook",
    "diagnosis:ping_webhook",
    "diagnosis:redeliver",
    "diagnosis:resume_webhook",
    "diagnosis:rotate_webhook",
    "account_confirm_login_code",  # of a way to log in that is not offered
    "diagnosis:accept_invitation",
    "diagnosis:again",
    "diagnosis:end_other_sessions",
    "diagnosis:end_session",
    "diagnosis:revoke_token",
    "mfa_authenticate",  # in the midst of logging in: judged in test_account.py
    "mfa_download_recovery_codes",  # the page that shows them saves them
    "usersessions_list",  # another page is at its address
    "diagnosis:classify",
    "diagnosis:classify_chosen",
    "diagnosis:decline_invitation",
    "diagnosis:delete_chosen",  # asks first: judged in test_history.py
    "diagnosis:export",
    "diagnosis:export_chosen",
    "diagnosis:forget_filter",
    "diagnosis:heatmap",
    "diagnosis:image",
    "diagnosis:invite",
    "diagnosis:outcomes",
    "diagnosis:rename_group",
    "diagnosis:reading_mode",
    "diagnosis:report",
    "diagnosis:reports",
    "diagnosis:review",
    "diagnosis:sample",
    "diagnosis:save_filter",
    "diagnosis:set_role",
    "diagnosis:share",
    "diagnosis:share_chosen",
    "diagnosis:status",
    "diagnosis:tag_chosen",
    "diagnosis:thumbnail",
    "diagnosis:training_set",
    "diagnosis:try_sample",
    "diagnosis:untag_chosen",
    "diagnosis:upload_states",
    "diagnosis:withdraw_invitation",
    "favicon",
    "healthz",
    "metrics",
    "readyz",
    "set_language",
}
