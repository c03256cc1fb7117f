"""The language that a user has chosen: in every browser where none was chosen by itself, and in mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from diagnosis.people.profile import Profile

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: Where a session holds it, so that no request has to ask the database.
KEY = "diagnosis.language"


def remember(request: HttpRequest, user: User, **_: Any) -> None:
    """Keep the user's choice in the session, at login and when it is changed."""
    request.session[KEY] = Profile.of(user).language


def language_of(user: Any) -> str:
    """Return the language to write to the user in: nobody's browser asks for one then."""
    return Profile.of(user).language or settings.LANGUAGE_CODE


def language_of_profile(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Middleware. What was chosen in this browser, and is in a cookie, goes before the profile."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if language := _of_session(request):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return middleware


def _of_session(request: HttpRequest) -> str:
    if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return ""
    return str(request.session.get(KEY, ""))
