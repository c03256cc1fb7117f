"""Who may see a page, and which radiographs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from diagnosis.models import Radiograph, ReadingGroup
from diagnosis.pages.errors import error_page, wants_fragment

LOGGED_OUT = _("You are logged out. Log in again, then repeat what you did.")


def members_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Lead strangers to the login page. A part of a page cannot become one, so it says what to do instead."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if wants_fragment(request) and not request.user.is_authenticated:
            return error_page(request, 401, "", str(LOGGED_OUT))
        return login_required(view)(request, *args, **kwargs)

    return guarded


def own_radiograph(request: HttpRequest, pk: uuid.UUID) -> Radiograph:
    """Return the user's own radiograph; a stranger's does not exist."""
    return get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)


def visible_radiograph(request: HttpRequest, pk: uuid.UUID) -> Radiograph:
    """Return a radiograph that the user may look at; any other one does not exist."""
    visible = Radiograph.objects.visible_to(request.user).select_related("owner__profile", "group", "removal")
    own_group = ReadingGroup.objects.owned_by(request.user).filter(pk=OuterRef("group"))
    seen_by_user = visible.annotate(is_in_own_group=Exists(own_group))  # type: ignore[no-redef]
    return get_object_or_404(seen_by_user, pk=pk)


def uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
