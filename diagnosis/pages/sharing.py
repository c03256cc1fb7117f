"""Sharing radiographs with a group, one or many, and taking them out again."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.forms import ShareForm
from diagnosis.models import Radiograph, ReadingGroup
from diagnosis.pages.access import members_only, visible_radiograph
from diagnosis.pages.chosen import of_chosen
from diagnosis.pages.deleting import back_to_history
from diagnosis.querysets import RadiographQuerySet

#: Where the group that was chosen at the last upload is kept, until the user logs out.
REMEMBERED = "share_with"


def sharing_context(user: Any, radiograph: Radiograph) -> dict[str, Any]:
    """What the result page says of whose a radiograph is and who sees it, and what of that one may change."""
    is_own, group = radiograph.owner_id == user.pk, radiograph.group
    may_take_out = radiograph.is_in_own_group and not is_own
    form = ShareForm(user, initial={"group": group and group.pk}, auto_id="share-%s") if is_own else None
    return {"is_own": is_own, "share_form": form, "may_take_out": may_take_out}


@members_only
@never_cache
@require_POST
def share(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Share one's own with the group that the form names, or with nobody; a group's owner may only do the latter."""
    radiograph = visible_radiograph(request, pk)
    is_own, before = radiograph.owner_id == request.user.pk, radiograph.group
    form = ShareForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, form.first_error)
        return redirect(radiograph)
    group = form.cleaned_data["group"]
    changed = _set_group(request, Radiograph.objects.filter(pk=pk), group)
    if not is_own and not changed:
        raise Http404
    messages.success(request, _sentence(radiograph, group or before, is_shared=bool(group)))
    in_group = {"group": before.pk} if before else None
    return redirect(radiograph if is_own else reverse("diagnosis:history", query=in_group))


def _set_group(request: HttpRequest, radiographs: RadiographQuerySet, group: ReadingGroup | None) -> int:
    return group.share(radiographs, by=request.user) if group else radiographs.unshare(by=request.user)


def _sentence(radiograph: Radiograph, group: ReadingGroup | None, is_shared: bool) -> str:
    facts = {"name": radiograph.filename, "group": group}
    if is_shared:
        return _("“%(name)s” is shared with %(group)s.") % facts
    if group:
        return _("“%(name)s” is no longer shared with %(group)s.") % facts
    return _("“%(name)s” is shared with nobody.") % facts


@partial(of_chosen, rows=RadiographQuerySet.visible_to)
def share_chosen(request: HttpRequest, chosen: RadiographQuerySet) -> HttpResponse:
    form = ShareForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, form.first_error)
        return back_to_history(request)
    group = form.cleaned_data["group"]
    number = _set_group(request, chosen, group)
    if not group:
        said = ngettext("%(number)d X-ray is no longer shared.", "%(number)d X-rays are no longer shared.", number)
    else:
        said = ngettext(
            "%(number)d X-ray is shared with %(group)s.", "%(number)d X-rays are shared with %(group)s.", number
        )
    messages.success(request, said % {"number": number, "group": group})
    return back_to_history(request)


def remember_group(request: HttpRequest, group: ReadingGroup | None) -> None:
    chosen = str(group.pk) if group else ""
    if request.session.get(REMEMBERED, "") != chosen:
        request.session[REMEMBERED] = chosen


def remembered_group(request: HttpRequest) -> ReadingGroup | None:
    """Return what was chosen at the last upload, if the user is still in it."""
    chosen = request.session.get(REMEMBERED)
    return ReadingGroup.objects.of(request.user).filter(pk=chosen).first() if chosen else None
