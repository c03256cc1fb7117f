"""How an account stands, in a line for each card of its home; and what a browser is called."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Count, Max
from django.template import Library
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from diagnosis.people.profile import name_of
from diagnosis.people.sessions import browser_in_words, sessions_of
from diagnosis.people.tokens import ApiToken

register = Library()
register.filter("browser", browser_in_words)
register.filter("shown_name", name_of)


@register.simple_tag
def tokens_in_words(user: Any) -> str:
    facts = ApiToken.objects.owned_by(user).usable().aggregate(count=Count("pk"), last=Max("last_used"))
    if not facts["count"]:
        return _("None. Programs cannot act in your name.")
    count = ngettext("%(count)d token", "%(count)d tokens", facts["count"]) % facts
    if not facts["last"]:
        return _("%(count)s, never used.") % {"count": count}
    return _("%(count)s, last used %(when)s.") % {"count": count, "when": naturaltime(facts["last"])}


@register.simple_tag
def sessions_in_words(user: Any) -> str:
    count = sessions_of(user).count()
    if count < 2:
        return _("Logged in in this browser alone.")
    return ngettext("Logged in in %(count)d browser.", "Logged in in %(count)d browsers.", count) % {"count": count}


@register.simple_tag
def second_factor_in_words(user: Any) -> str:
    found = {each.type: each for each in Authenticator.objects.filter(user=user)}
    if Authenticator.Type.TOTP not in found:
        return _("Off. Your password alone opens the account.")
    codes = found.get(Authenticator.Type.RECOVERY_CODES)
    left = len(codes.wrap().get_unused_codes()) if codes else 0
    sentence = ngettext("On. %(left)d recovery code is left.", "On. %(left)d recovery codes are left.", left)
    return sentence % {"left": left}


@register.simple_tag
def emails_in_words(user: Any) -> str:
    addresses = list(EmailAddress.objects.filter(user=user).order_by("-primary", "pk")[:2])
    if not addresses:
        return user.email or _("None, so no mail reaches you.")
    return addresses[0].email if len(addresses) == 1 else _("%(email)s and more.") % {"email": addresses[0].email}
