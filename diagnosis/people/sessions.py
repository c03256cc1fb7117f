"""Where a person is logged in: browsers, by their sessions."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each

logger = logging.getLogger(__name__)

#: How often the row is written while a browser is in use.
LAST_SEEN_STEP = timedelta(minutes=1)
#: As browsers name themselves; the first that fits, since most of them claim to be others too.
BROWSERS = (
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/|Chromium/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"curl/", "curl"),
    (r"python", "Python"),
)
SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"CrOS", "ChromeOS"),
    (r"Windows", "Windows"),
    (r"Macintosh|Mac OS X", "macOS"),
    (r"Linux|X11", "Linux"),
)


def sessions_of(user: Any) -> QuerySet[UserSession]:
    """Return those that are still logged in, the one last seen first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now())
    mine: QuerySet[UserSession] = UserSession.objects.filter(user=user, session_key__in=alive.values("session_key"))
    return mine.order_by("-last_seen_at", "-pk")


def end_sessions(sessions: QuerySet[UserSession]) -> int:
    """Log these browsers out, and return how many they were."""
    ended = dict(sessions.values_list("session_key", "user"))
    with transaction.atomic():
        Session.objects.filter(session_key__in=ended).delete()
        UserSession.objects.filter(session_key__in=ended).delete()
        record_each(Verb.LOGGED_OUT, Kind.ACCOUNT, ended.values(), details="from afar")
    return len(ended)


def note_sessions(respond: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Write down when and from where a browser was last seen: at most once a minute, not at every request."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = respond(request)
        if request.session.accessed and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            _note_once_a_minute(request)
        return response

    return middleware


def _note_once_a_minute(request: HttpRequest) -> None:
    key = request.session.session_key
    if key and request.user.is_authenticated and cache.add(f"seen:{key}", True, LAST_SEEN_STEP.total_seconds()):
        note_session(request)


def note_session(request: HttpRequest) -> None:
    """Where it cannot be written down, the answer is right all the same."""
    try:
        _write_down(request)
    except (DatabaseError, PermissionDenied) as error:  # allauth denies whoever has no address
        logger.warning("It could not be written down that a browser was seen: %s", type(error).__name__)


def _write_down(request: HttpRequest) -> None:
    key = request.session.session_key
    user_agent = request.headers.get("User-Agent", "")[: UserSession._meta.get_field("user_agent").max_length]
    facts = {"ip": get_adapter().get_client_ip(request), "user_agent": user_agent, "last_seen_at": timezone.now()}
    if not UserSession.objects.filter(session_key=key).update(**facts):
        row = UserSession(session_key=key, user=request.user, **facts)
        UserSession.objects.bulk_create([row], ignore_conflicts=True)


def browser_in_words(user_agent: str) -> str:
    """Say which browser on which system it is, as people call them."""
    browser = _first_that_fits(BROWSERS, user_agent)
    system = _first_that_fits(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def _first_that_fits(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for pattern, name in patterns if re.search(pattern, text, re.IGNORECASE)), "")
