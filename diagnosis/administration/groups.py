"""Groups for the administrator: made and changed here, and never without an owner."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.administration.paging import BoundedAdmin
from diagnosis.models import Membership, ReadingGroup
from diagnosis.people.groups import Role


class MembersFormSet(BaseInlineFormSet):
    """A group has an owner as long as anybody is in it."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and form not in self.deleted_forms]
        roles = [facts.get("role") for facts in kept if facts.get("user")]
        if roles and Role.OWNER not in roles:
            raise ValidationError(_("A group needs an owner. Make one of the members its owner."))


class MemberInline(admin.TabularInline):
    model = Membership
    formset = MembersFormSet
    fields = ("user", "role", "since")
    readonly_fields = ("since",)
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(ReadingGroup)
class ReadingGroupAdmin(BoundedAdmin):
    """Groups. What is shared with one stays with whoever uploaded it when the group is deleted."""

    list_display = ("name", "created", "members")
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("name", "memberships__user__username")
    fields = ("name", "created")
    readonly_fields = ("created",)
    inlines = (MemberInline,)

    def completed(self, rows: list[Any]) -> list[Any]:
        memberships = Membership.objects.filter(group__in=[group.pk for group in rows]).order_by()
        counts = dict(memberships.values_list("group").annotate(Count("pk")))
        for group in rows:
            group.count_of_members = counts.get(group.pk, 0)
        return rows

    @admin.display(description=gettext_lazy("members"))
    def members(self, group: Any) -> int:
        return int(group.count_of_members)


admin.site.unregister(Group)


@admin.register(Group)
class PermissionGroupAdmin(BoundedAdmin, GroupAdmin):
    """Django's own groups, of permissions."""

    search_fields = ("name",)
