"""The groups that a user is in, and the page of each: its members, its name, its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from diagnosis.history.daily import DAYS, KINDS
from diagnosis.models import Invitation, Membership, ReadingGroup
from diagnosis.pages.access import members_only
from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.people.group_statistics import statistics_of
from diagnosis.people.groups import LONGEST_ADDRESSEE, LONGEST_GROUP_NAME, GroupError, Role
from diagnosis.reviewing.blinding import is_blinded
from diagnosis.webhooks.forms import WebhookForm

#: Members that the page of a group shows at once.
MEMBERS_SHOWN = 50
ASK_FIRST = require_http_methods(["GET", "HEAD", "POST"])


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_GROUP_NAME,
        error_messages={
            "required": gettext_lazy("Write a name for the group, such as Ward 3."),
            "max_length": gettext_lazy("The name of a group has at most %(limit_value)d characters."),
        },
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class RoleForm(forms.Form):
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=list(reversed(Role.choices)),
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), gettext_lazy("Choose one of the roles: member, supervisor or owner.")
        ),
    )


class InvitationForm(RoleForm):
    field_order = ["addressee", "role"]

    addressee = forms.CharField(
        label=gettext_lazy("Username or email"),
        max_length=LONGEST_ADDRESSEE,
        error_messages={"required": gettext_lazy("Write the username or the email address of whom to invite.")},
    )


def in_group(*roles: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Hand the user's membership over. A stranger's group does not exist; ``roles`` may do what is asked, or all."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, pk: int, **facts: Any) -> HttpResponseBase:
            mine = get_object_or_404(Membership.objects.select_related("group"), group=pk, user=request.user.pk)
            if roles and mine.role not in roles:
                return error_page(request, 403, _("Not allowed"), _("Only an owner of the group may do that."))
            return view(request, mine, **facts)

        return guarded

    return decorate


@members_only
@never_cache
@ASK_FIRST
def groups(request: HttpRequest) -> HttpResponse:
    """The user's groups and the invitations to further ones; POST makes a group."""
    if request.method == "POST":
        return _found(request)
    sizes = Membership.objects.filter(group=OuterRef("group")).order_by().values("group").annotate(size=Count("pk"))
    memberships = Membership.objects.filter(user=request.user.pk).select_related("group")
    context = {
        "memberships": memberships.annotate(size=Subquery(sizes.values("size"))).order_by(Lower("group__name"), "pk"),
        "invitations": Invitation.objects.to(request.user).select_related("group", "invited_by__profile"),
        "form": NameForm(),
    }
    return render(request, "diagnosis/groups/groups.html", context)


def _found(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("diagnosis:groups")
    try:
        group = ReadingGroup.found(form.cleaned_data["name"], request.user)
    except GroupError as error:
        messages.error(request, str(error))
        return redirect("diagnosis:groups")
    messages.success(request, _("The group %(group)s is made, and you own it.") % {"group": group})
    return redirect(group)


def first_error(form: forms.BaseForm) -> str:
    return next(str(sentences[0]) for sentences in form.errors.values())


@members_only
@never_cache
@require_safe
@in_group()
def group(request: HttpRequest, mine: Membership) -> HttpResponse:
    """Who is in it; for its owners what they may change; for those who supervise it what is counted."""
    blinded = is_blinded(request.user)
    members = mine.group.memberships.select_related("user__profile")
    context = {
        "group": mine.group,
        "mine": mine,
        "is_blinded": blinded,
        "members": Paginator(members, MEMBERS_SHOWN).get_page(request.GET.get("members")),
        "roles": [(value, str(words)) for value, words in reversed(Role.choices)],
        "invitations": mine.group.invitations.all() if mine.is_owner else [],
        "webhooks": (webhooks := list(mine.group.webhooks.all())),
        "hosts": ", ".join(sorted({webhook.host for webhook in webhooks})),
        "webhook_form": WebhookForm(group=mine.group),
        "form": InvitationForm(),
        "statistics": statistics_of(mine.group) if mine.supervises and not blinded else None,
        "kinds": list(KINDS.values()),
        "last_days": DAYS,
        "list_address": reverse("diagnosis:history", query={"group": mine.group.pk}),
    }
    return render(request, "diagnosis/groups/group.html", context)


@members_only
@never_cache
@require_POST
@in_group(Role.OWNER)
def rename(request: HttpRequest, mine: Membership) -> HttpResponse:
    form = NameForm(request.POST)
    if form.is_valid():
        mine.group.rename(form.cleaned_data["name"])
        messages.success(request, _("The group is now called %(group)s.") % {"group": mine.group})
    else:
        messages.error(request, first_error(form))
    return redirect(mine.group)


@members_only
@never_cache
@require_POST
@in_group(Role.OWNER)
def set_role(request: HttpRequest, mine: Membership, member: int) -> HttpResponse:
    changed, form = _member(mine, member), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(mine.group)
    try:
        changed.change_role(form.cleaned_data["role"])
    except GroupError as error:
        messages.error(request, str(error))
    else:
        facts = {"name": changed.user, "role": changed.get_role_display()}
        messages.success(request, _("%(name)s is now in the group as: %(role)s.") % facts)
    return redirect(mine.group)


def _member(mine: Membership, pk: int) -> Membership:
    return get_object_or_404(mine.group.memberships.select_related("user__profile", "group"), pk=pk)


@members_only
@never_cache
@ASK_FIRST
@in_group(Role.OWNER)
def remove(request: HttpRequest, mine: Membership, member: int) -> HttpResponse:
    removed = _member(mine, member)
    if request.method != "POST":
        return _ask(request, mine, "remove", removed=removed)
    address = reverse("diagnosis:groups") if removed.pk == mine.pk else mine.group.get_absolute_url()
    return _end(request, removed, _("%(name)s is no longer in %(group)s.") % _names(removed), address)


@members_only
@never_cache
@ASK_FIRST
@in_group()
def leave(request: HttpRequest, mine: Membership) -> HttpResponse:
    if request.method != "POST":
        return _ask(request, mine, "leave")
    return _end(request, mine, _("You have left %(group)s.") % _names(mine), reverse("diagnosis:groups"))


@members_only
@never_cache
@ASK_FIRST
@in_group(Role.OWNER)
def dissolve(request: HttpRequest, mine: Membership) -> HttpResponse:
    if request.method != "POST":
        return _ask(request, mine, "dissolve")
    mine.group.dissolve()
    messages.success(request, _("The group %(group)s is dissolved.") % _names(mine))
    return redirect("diagnosis:groups")


def _ask(request: HttpRequest, mine: Membership, what: str, **facts: Any) -> HttpResponse:
    """Ask first, as a page or as a dialogue on the page of the group."""
    template = "_confirm.html" if wants_fragment(request) else "confirm.html"
    context = {"group": mine.group, "what": f"diagnosis/groups/_{what}.html", "here": request.path, **facts}
    return render(request, f"diagnosis/groups/{template}", context)


def _names(membership: Membership) -> dict[str, Any]:
    return {"name": membership.user, "group": membership.group}


def _end(request: HttpRequest, membership: Membership, sentence: str, address: str) -> HttpResponse:
    try:
        membership.end()
    except GroupError as error:
        messages.error(request, str(error))
        return redirect(membership.group)
    messages.success(request, sentence)
    return redirect(address)
