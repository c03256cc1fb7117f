"""Where one is logged in, and logging out from afar."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from diagnosis.pages.access import members_only
from diagnosis.people.sessions import end_sessions, note_session, sessions_of

#: On one page; ending all others takes along those that are not shown.
MOST_LISTED = 100


@members_only
@never_cache
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    note_session(request)  # one that began before such rows were made has none yet
    here = request.session.session_key
    others = list(sessions_of(request.user).exclude(session_key=here)[:MOST_LISTED])
    this = sessions_of(request.user).filter(session_key=here).first()
    return render(request, "account/sessions.html", {"this": this, "others": others})


@members_only
@never_cache
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Log one browser out; this one too, where its own row is meant."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    if session.session_key == request.session.session_key:
        end_sessions(sessions_of(request.user).filter(pk=pk))
        request.session.flush()
        return redirect("account_login")
    end_sessions(sessions_of(request.user).filter(pk=pk))
    messages.success(request, _("That browser is logged out."))
    return redirect("diagnosis:sessions")


@members_only
@never_cache
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    ended = end_sessions(sessions_of(request.user).exclude(session_key=request.session.session_key))
    sentence = ngettext("%(ended)d other browser is logged out.", "%(ended)d other browsers are logged out.", ended)
    messages.success(request, sentence % {"ended": ended})
    return redirect("diagnosis:sessions")
