"""Asking somebody into a group, and what the asked one answers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.models import Invitation, Membership
from diagnosis.pages.access import members_only
from diagnosis.pages.groups import InvitationForm, first_error, in_group
from diagnosis.people.groups import GroupError, Role


@members_only
@never_cache
@require_POST
@in_group(Role.OWNER)
def invite(request: HttpRequest, mine: Membership) -> HttpResponse:
    """Invite whoever is called so. What is said does not tell whether there is anybody."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(mine.group)
    addressee = form.cleaned_data["addressee"]
    try:
        mine.group.invite(addressee, form.cleaned_data["role"], by=mine.user)
    except GroupError as error:
        messages.error(request, str(error))
    else:
        said = _("If “%(addressee)s” has an account here, the invitation is on the Groups page of that account now.")
        messages.success(request, said % {"addressee": addressee})
    return redirect(mine.group)


@members_only
@never_cache
@require_POST
@in_group(Role.OWNER)
def withdraw(request: HttpRequest, mine: Membership, invitation: int) -> HttpResponse:
    withdrawn = get_object_or_404(mine.group.invitations, pk=invitation)
    withdrawn.delete()
    messages.success(request, _("The invitation of “%(name)s” is withdrawn.") % {"name": withdrawn.addressee})
    return redirect(mine.group)


@members_only
@never_cache
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = _own_invitation(request, pk)
    try:
        invitation.accept()
    except GroupError as error:
        messages.error(request, str(error))
        return redirect("diagnosis:groups")
    messages.success(request, _("You are in %(group)s now.") % {"group": invitation.group})
    return redirect(invitation.group)


@members_only
@never_cache
@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = _own_invitation(request, pk)
    invitation.delete()
    messages.success(request, _("The invitation to %(group)s is declined.") % {"group": invitation.group})
    return redirect("diagnosis:groups")


def _own_invitation(request: HttpRequest, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.to(request.user).select_related("group"), pk=pk)
