"""Every page in every state: for everybody, by itself, and without a complaint of the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.usersessions.models import UserSession
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import get_resolver, resolve
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis import notices, worker
from diagnosis.engine.sentences import sentence
from diagnosis.history.paging import Mark
from diagnosis.models import Disagreement, Drift, ModelVersion, Prediction, Radiograph, ReadingGroup, Webhook
from diagnosis.people.groups import Role
from diagnosis.people.tokens import ApiToken, make_token
from diagnosis.reviewing.blinding import set_blinded
from diagnosis.reviewing.recording import record
from tests.browser.accessibility import SCHEMES, WIDTHS, assert_accessible
from tests.browser.watching import Watch
from tests.diagnosis.pages import page_of
from tests.diagnosis.reviews import reviewed
from tests.factories import make_radiograph, make_user, succeeded
from tests.second_factor import as_if_just_shown, with_second_factor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]

SCREENSHOTS = Path(project.BASE_DIR) / "var" / "screenshots"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
REASON = "The image does not look like a chest X-ray. Send the chest X-ray itself, seen from the front."


def log_in(context: BrowserContext, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    as_if_just_shown(client, user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)


Make = Callable[[User, ModelVersion], str]


def _result(**facts: Any) -> Make:
    return lambda user, _: page_of(make_radiograph(user, filename="thorax 0815.jpg", **facts))


def _answered(probability: float, band: str) -> Make:
    return lambda user, version: page_of(
        make_radiograph(user, filename="thorax 0815.jpg", **{**succeeded(version, probability), "band": band})
    )


def _history(user: User, version: ModelVersion) -> str:
    make_radiograph(user, filename="first.jpg", **succeeded(version, 0.03))
    make_radiograph(user, filename="second.jpg", **succeeded(version))
    make_radiograph(
        user,
        filename="a very long name of a file as scanners like to give them 2026-11-25.jpg",
        status="refused",
        reason=REASON,
    )
    make_radiograph(user, filename="damaged.jpg", status="failed", reason="The file is damaged.")
    make_radiograph(user, filename="running.jpg", status="running")
    for _ in range(3):
        make_radiograph(user, filename="waiting.jpg")
    return "/radiographs/"


def _cautioned(user: User, version: ModelVersion) -> str:
    radiograph = make_radiograph(user, **succeeded(version))
    Radiograph.objects.update(acquisition={"age": 61.0, "sex": "F", "view": "LATERAL", "modality": "DX"})
    return page_of(radiograph)


def _read_twice(user: User, version: ModelVersion) -> str:
    radiograph = make_radiograph(user, **succeeded(version, 0.03))
    Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    return page_of(radiograph)


def _newer(version: ModelVersion) -> ModelVersion:
    facts = {"network_sha256": "1" * 64, "card": version.card}
    return ModelVersion.objects.get_or_create(version="2027.03.01-0123abcd", defaults=facts)[0]


def _side_by_side(user: User, version: ModelVersion) -> str:
    seen = {"activation_map": [[float(row * column) for column in range(7)] for row in range(7)]}
    radiograph = make_radiograph(user, filename="thorax 0815.jpg", **{**succeeded(version, 0.12), **seen})
    Prediction.objects.create(radiograph=radiograph, **{**succeeded(_newer(version)), **seen})
    Prediction.objects.create(radiograph=radiograph, **{**succeeded(version, 0.13), **seen})
    return page_of(radiograph, "side_by_side")


def _disagreements(user: User, version: ModelVersion) -> str:
    for name in ("thorax 0815.jpg", "a very long name of a file as scanners like to give them 2026-11-25.jpg"):
        radiograph = make_radiograph(user, filename=name, **succeeded(version, 0.03))
        newest = Prediction.objects.create(radiograph=radiograph, **succeeded(_newer(version)))
        Disagreement.objects.follow(newest)
    return "/radiographs/disagreements/"


def _to_read(user: User, version: ModelVersion) -> str:
    for _ in range(3):
        make_radiograph(user, filename="thorax 0815.jpg", **succeeded(version))
    Radiograph.objects.update(acquisition={"age": 4.0, "sex": "F", "view": "PA"})
    return "/reading/"


def _revealed(user: User, version: ModelVersion) -> str:
    _to_read(user, version)
    return f"/reading/?last={record(make_radiograph(user, **succeeded(version)), user, 'NORMAL').pk}"


def _reviewed(user: User, version: ModelVersion) -> str:
    radiograph = reviewed(user, version, "PNEUMONIA", "PNEUMONIA", "NORMAL")
    record(radiograph, user, "UNCLEAR")
    record(radiograph, user, "PNEUMONIA", "A shadow at the base of the left lung.")
    return page_of(radiograph)


def _blinded(user: User, version: ModelVersion) -> str:
    set_blinded(user, True)
    return page_of(make_radiograph(user, filename="thorax 0815.jpg", **succeeded(version)))


def _statistics(user: User, version: ModelVersion) -> str:
    for network, *labels in (
        ("PNEUMONIA", "PNEUMONIA", "PNEUMONIA"),
        ("PNEUMONIA", "NORMAL"),
        ("NORMAL", "PNEUMONIA", "NORMAL"),
        ("NORMAL", "NORMAL", "NORMAL"),
        ("NORMAL", "NORMAL", "UNCLEAR"),
    ):
        reviewed(user, version, network, *labels)
    findings = [
        {"what": "scores", "index": 0.412, "is_noticeable": True, "is_large": True, "distance": 0.2, "p": 0.00001},
        {"what": "format", "index": 0.01, "is_noticeable": False, "is_large": False},
        {"what": "refusals, card", "share": 0.03, "expected": [0, 0.006], "is_noticeable": True, "is_large": False},
    ]
    now = timezone.now()
    facts = {"baseline": {}, "baseline_from": now, "baseline_to": now, "checked": now, "answers": 500}
    Drift.objects.create(model_version=version, findings=findings, is_large=True, **facts)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return "/statistics/"


def _no_model(*_: Any) -> str:
    Prediction.objects.all().delete()
    ModelVersion.objects.all().delete()
    return "/models/"


def _without_password(user: User, _: ModelVersion) -> str:
    user.set_unusable_password()
    user.save()
    return "/accounts/password/set/"


def _reset(user: User, _: ModelVersion) -> str:
    Client().post("/accounts/password/reset/", {"email": user.email})
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def _confirm(user: User, _: ModelVersion) -> str:
    address = EmailAddress.objects.create(user=user, email="alice@example.net")
    return f"/accounts/confirm-email/{EmailConfirmationHMAC(address).key}/"


def _tokens(user: User, _: ModelVersion) -> str:
    make_token(user, "an old script")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(days=1))
    make_token(user)
    row, _text = make_token(user, "the scanner of ward seven", "read")
    row.note_use()
    return "/accounts/tokens/"


def _browsers(user: User, _: ModelVersion) -> str:
    for user_agent in ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile Safari/537.36", "curl/8.5.0"):
        client = Client()
        client.force_login(user)
        key = client.cookies["sessionid"].value
        UserSession.objects.create(user=user, session_key=key, user_agent=user_agent, ip="2001:db8::1234:5678:9abc")
    return "/accounts/sessions/"


def _with_second_factor(path: str) -> Make:
    def make(user: User, _: ModelVersion) -> str:
        with_second_factor(user)
        return path

    return make


def _notices(user: User, _: ModelVersion) -> str:
    for state in ({}, {"failing_since": LONG_AGO}, {"paused": "owner"}):
        Webhook.objects.create(owner=user, url="https://archive.example.org/pneumodetect/results", **state)
    return "/accounts/notices/"


def _webhook(user: User, _: ModelVersion) -> str:
    webhook = Webhook.objects.create(owner=user, url="https://archive.example.org/hook", failing_since=LONG_AGO)
    sent = {"state": "sent", "due": None, "attempts": 1, "status_code": 200, "seconds": 0.21, "answer": "thank you"}
    failed = {"attempts": 3, "status_code": 503, "seconds": 1.0, "answer": "<html>" + "x" * 190}
    why = sentence("It answered with {status}; a status from 200 to 299 means success.", status=503)
    failed |= {"problem": why, "problem_parts": why.as_dict()}
    for event, facts in (
        ("ping", sent),
        ("prediction.final", failed | {"due": LONG_AGO}),
        ("prediction.final", failed | {"state": "given_up", "due": None}),
        ("batch.final", {"state": "held", "due": None}),
    ):
        webhook.deliveries.create(event=event, **facts)
    return webhook.get_absolute_url()


def _webhook_paused(user: User, version: ModelVersion) -> str:
    address = _webhook(user, version)
    Webhook.objects.update(paused="failing")
    return address


def _ward(user: User, version: ModelVersion) -> ReadingGroup:
    """A group of the user's with members, invitations, and radiographs of several outcomes."""
    ward = ReadingGroup.found("Ward 3, night shift", user)
    for name, role in (("bob", Role.SUPERVISOR), ("dr-sieglinde-oberhauser-wertheim", Role.MEMBER)):
        colleague = User.objects.filter(username=name).first() or make_user(name)
        ward.memberships.create(user=colleague, role=role)
        make_radiograph(colleague, filename="of a colleague.jpg", **succeeded(version, 0.03))
        make_radiograph(colleague, filename="refused.jpg", status="refused", reason=REASON)
    make_radiograph(user, filename="shared.jpg", **succeeded(version))
    Radiograph.objects.update(group=ward)
    ward.invite("charlie@example.net", Role.MEMBER, by=user)
    return ward


def _groups(user: User, version: ModelVersion) -> str:
    _ward(user, version)
    make_radiograph(user, filename="unshared.jpg")
    owner = User.objects.filter(username="radiology").first() or make_user("radiology")
    ReadingGroup.found("Teaching", owner).invite(user.username, Role.SUPERVISOR, by=owner)
    return "/groups/"


def _as_member(user: User, version: ModelVersion) -> str:
    ward = _ward(user, version)
    ward.memberships.filter(user=user).update(role=Role.MEMBER)
    return ward.get_absolute_url()


def _upload_with_groups(user: User, version: ModelVersion) -> str:
    _ward(user, version)
    return "/"


def _remove_member(user: User, version: ModelVersion) -> str:
    ward = _ward(user, version)
    return f"/groups/{ward.pk}/members/{ward.memberships.exclude(user=user)[0].pk}/remove/"


PAGES: dict[str, Make] = {
    "upload": lambda *_: "/",
    "history-empty": lambda *_: "/radiographs/",
    "history": _history,
    "history-end": lambda user, _: f"/radiographs/?cursor={Mark(LONG_AGO, make_radiograph(user).pk)}",
    "result-likely": _answered(0.94, "likely"),
    "result-unlikely": _answered(0.04, "unlikely"),
    "result-uncertain": _answered(0.47, "uncertain"),
    "result-refused": lambda user, version: page_of(
        make_radiograph(user, status="refused", reason=REASON, model_version=version)
    ),
    "result-failed": _result(status="failed", reason="The file is damaged."),
    "result-waiting": _result(),
    "result-running": _result(status="running"),
    "delete": lambda user, _: page_of(make_radiograph(user), "delete"),
    "result-cautioned": _cautioned,
    "result-again": _read_twice,
    "side-by-side": _side_by_side,
    "disagreements": _disagreements,
    "disagreements-none": lambda *_: "/radiographs/disagreements/",
    "groups-empty": lambda *_: "/groups/",
    "groups": _groups,
    "group": lambda user, version: _ward(user, version).get_absolute_url(),
    "group-as-member": _as_member,
    "group-leave": lambda user, version: f"/groups/{_ward(user, version).pk}/leave/",
    "group-dissolve": lambda user, version: f"/groups/{_ward(user, version).pk}/dissolve/",
    "group-remove": _remove_member,
    "group-history": lambda user, version: f"/radiographs/?group={_ward(user, version).pk}",
    "upload-with-groups": _upload_with_groups,
    "result-shared": lambda user, version: page_of(_ward(user, version).radiographs.filter(owner=user)[0]),
    "result-of-another": lambda user, version: page_of(_ward(user, version).radiographs.exclude(owner=user)[0]),
    "reading": _to_read,
    "reading-done": lambda *_: "/reading/",
    "reading-revealed": _revealed,
    "result-reviewed": _reviewed,
    "result-blinded": _blinded,
    "statistics": _statistics,
    "statistics-none": lambda *_: "/statistics/",
    "help": lambda *_: "/help/",
    "models": lambda *_: "/models/",
    "models-none": _no_model,
    "model": lambda _, version: version.get_absolute_url(),
    "account-email": lambda *_: "/accounts/email/",
    "account-email-sent": lambda *_: "/accounts/confirm-email/",
    "account-password": lambda *_: "/accounts/password/change/",
    "account-password-none": _without_password,
    "account-reauthenticate": lambda *_: "/accounts/reauthenticate/",
    "account-logout": lambda *_: "/accounts/logout/",
    "account": lambda *_: "/accounts/profile/",
    "account-tokens": _tokens,
    "account-tokens-revoke": lambda *_: "/accounts/tokens/revoke/",
    "account-browsers": _browsers,
    "second-factor": lambda *_: "/accounts/2fa/",
    "second-factor-on": _with_second_factor("/accounts/2fa/"),
    "second-factor-set-up": lambda *_: "/accounts/2fa/totp/activate/",
    "second-factor-turn-off": _with_second_factor("/accounts/2fa/totp/deactivate/"),
    "second-factor-reauthenticate": _with_second_factor("/accounts/2fa/reauthenticate/"),
    "recovery-codes": _with_second_factor("/accounts/2fa/recovery-codes/"),
    "recovery-codes-new": _with_second_factor("/accounts/2fa/recovery-codes/generate/"),
    "notices": _notices,
    "webhook": _webhook,
    "webhook-paused": _webhook_paused,
    "my-data": lambda *_: "/accounts/my-data/",
}
FOR_VISITORS: dict[str, Make] = {
    "login": lambda *_: "/accounts/login/",
    "signup": lambda *_: "/accounts/signup/",
    "password-reset": lambda *_: "/accounts/password/reset/",
    "password-reset-done": lambda *_: "/accounts/password/reset/done/",
    "password-reset-link": _reset,
    "password-reset-link-old": lambda *_: "/accounts/password/reset/key/1-set-password/",
    "password-reset-end": lambda *_: "/accounts/password/reset/key/done/",
    "confirm-email": _confirm,
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
    "readyz",
    "set_language",
}


def names_of(patterns: Any, space: str = "") -> Iterator[str]:
    for each in patterns:
        if not hasattr(each, "url_patterns"):
            yield space + each.name
        elif each.namespace not in ("admin", "api"):
            yield from names_of(each.url_patterns, f"{space}{each.namespace}:" if each.namespace else space)


def test_every_address_is_judged_here_or_is_no_page(alice: User, version: ModelVersion) -> None:
    paths = [make(alice, version) for make in (*PAGES.values(), *FOR_VISITORS.values())]
    judged = {resolve(path.partition("?")[0]).view_name for path in paths}
    assert judged | NO_PAGES == set(names_of(get_resolver().url_patterns))
    assert not judged & NO_PAGES


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_everybody(
    name: str, alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    path = PAGES[name](alice, version)
    log_in(browser_context, alice, live_server.url)
    judge(browser_context.new_page(), name, path, live_server.url)


@pytest.mark.parametrize("name", FOR_VISITORS)
def test_every_page_for_visitors_is_for_everybody(
    name: str, alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    judge(browser_context.new_page(), name, FOR_VISITORS[name](alice, version), live_server.url)


def test_the_open_door_is_for_everybody(browser_context: BrowserContext, live_server: Any, settings: Settings) -> None:
    settings.SIGNUP_OPEN = True
    page = browser_context.new_page()
    judge(page, "signup-open", "/accounts/signup/", live_server.url)
    assert page.get_by_role("heading", name="Make an account").is_visible()


def test_too_many_attempts_are_told_to_everybody(browser_context: BrowserContext, live_server: Any) -> None:
    for _ in range(25):
        Client().post("/accounts/password/reset/", {"email": "nobody@example.org"})
    page = browser_context.new_page()
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_role("button").click()
    page.get_by_role("heading", name="Too many attempts").wait_for()
    assert_accessible(page)
    photograph(page, "error-429")


def judge(page: Page, name: str, path: str, url: str, status: int = 200) -> None:
    watch = Watch(page, url)
    answer = page.goto(path)
    page.wait_for_load_state("load")
    assert answer
    assert answer.status == status
    assert_accessible(page)
    photograph(page, name)
    said = [what for what in watch.wrong if status < 400 or not re.search(rf"\b{status}\b", what)]
    assert said == []


def test_a_page_with_notices_is_for_everybody(alice: User, browser_context: BrowserContext, live_server: Any) -> None:
    cache.delete(worker.ALIVE_KEY)
    notices.forget()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    judge(page, "upload-no-worker", "/", live_server.url)
    assert page.locator(".notices").inner_text() == notices.WORKER_AWAY


@pytest.mark.parametrize(("name", "status"), [("error-404", 404), ("error-403", 403), ("error-500", 500)])
def test_every_error_page_is_for_everybody(
    name: str,
    status: int,
    alice: User,
    browser_context: BrowserContext,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)

    def fault(*_: Any, **__: Any) -> None:
        raise PermissionDenied if status == 403 else ZeroDivisionError

    monkeypatch.setattr("diagnosis.pages.history.page_of", fault)
    judge(browser_context.new_page(), name, "/nowhere/" if status == 404 else "/radiographs/", live_server.url, status)


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/help/")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle !== 'none' || each.matches('.skip')")
        reached.append(" ".join(focused.inner_text().split()))
    assert reached == [
        "Skip to the content",
        "PneumoDetect",
        "Upload",
        "History",
        "Reading",
        "Models",
        "Help",
        "Account of alice",
    ]
    page.goto("/help/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_history_asks_once_for_all_its_rows_and_not_from_a_hidden_tab(
    alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    rows = [make_radiograph(alice, filename=f"{number}.jpg") for number in range(3)]
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/outcomes/" in request.url else None)
    page.add_init_script("window.away = false; Object.defineProperty(document, 'hidden', { get: () => window.away })")
    page.goto("/radiographs/")
    with page.expect_request("**/outcomes/**") as first:
        pass
    assert first.value.url.count("pk=") == 3

    page.evaluate("window.away = true")
    page.wait_for_timeout(500)
    before = len(asked)
    page.wait_for_timeout(3000)
    assert len(asked) == before

    Radiograph.objects.get(pk=rows[0].pk).predictions.update(**succeeded(version))
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.locator(".row-outcome").get_by_text("Pneumonia likely").wait_for()
    for row in rows[1:]:
        row.predictions.update(**succeeded(version))
    page.locator(".badge-likely").nth(2).wait_for()
    done = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == done
