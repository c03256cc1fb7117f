"""Users for the administrator, with what each of them takes up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Avg, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.administration.deleting import OthersGoAlong
from diagnosis.administration.paging import BoundedAdmin
from diagnosis.models import ApiToken, Membership, Radiograph
from diagnosis.people.admin import PasswordEndsLogins

#: So many uploads of each user are counted, the newest; of so many the size is looked up.
MOST_COUNTED, MOST_SIZES = 1000, 100


class _Counted(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _newest_of(owner: OuterRef) -> QuerySet[Radiograph]:
    return Radiograph.objects.filter(owner=owner).order_by("-created", "-pk")


def _mean_size() -> QuerySet[Any]:
    """By ids: an index of the user's own gives those alone, and PostgreSQL would look through all rows for sizes."""
    chosen = _newest_of(OuterRef(OuterRef("pk"))).values("pk")[:MOST_SIZES]
    sizes = Radiograph.objects.filter(pk__in=chosen).order_by().annotate(of_all=Value(1)).values("of_all")
    return sizes.annotate(mean=Avg("size")).values("mean")


def with_usage(users: Iterable[User]) -> QuerySet[User]:
    """Annotate these users, a page of them, with uploads, stored bytes, last upload, tokens and groups.

    Each is asked of an index of the user's own, and no further than it takes to say that it is much.
    """
    newest = _newest_of(OuterRef("pk"))
    tokens = ApiToken.objects.filter(user=OuterRef("pk")).order_by()
    groups = Membership.objects.filter(user=OuterRef("pk")).order_by()
    return User.objects.filter(pk__in=[user.pk for user in users]).annotate(
        uploads=_Counted(newest.values("pk")[: MOST_COUNTED + 1]),
        mean_size=Subquery(_mean_size()),
        last_upload=Subquery(newest.values("created")[:1]),
        tokens=_Counted(tokens.values("pk")),
        groups_read_in=_Counted(groups.values("pk")),
    )


admin.site.unregister((User, EmailAddress))


@admin.register(User)
class OwnerAdmin(OthersGoAlong, BoundedAdmin, PasswordEndsLogins):
    """Users. Their radiographs and predictions are deleted with them."""

    list_display = (
        "username", "uploads", "stored", "last_upload", "tokens", "groups_read_in", "last_login", "email", "is_active",
        "is_staff",
    )  # fmt: skip
    sortable_by = ("username",)
    found_by = ("username",)
    search_help_text = gettext_lazy("A user name in full; or a part of a name or address, among the newest 10,000.")

    def completed(self, rows: list[Any]) -> list[Any]:
        known = {user.pk: user for user in with_usage(rows)}
        return [known.get(user.pk, user) for user in rows]

    @admin.display(description=gettext_lazy("uploads"))
    def uploads(self, user: Any) -> str:
        number: int = user.uploads
        return _("more than {number}").format(number=MOST_COUNTED) if number > MOST_COUNTED else str(number)

    @admin.display(description=gettext_lazy("stored"))
    def stored(self, user: Any) -> str:
        size = filesizeformat((user.mean_size or 0) * min(user.uploads, MOST_COUNTED))
        if user.uploads > MOST_COUNTED:
            return _("more than {number}").format(number=size)
        return _("about {size}").format(size=size) if user.uploads > MOST_SIZES else size

    @admin.display(description=gettext_lazy("last upload"))
    def last_upload(self, user: Any) -> Any:
        return user.last_upload

    @admin.display(description=gettext_lazy("API tokens"))
    def tokens(self, user: Any) -> int:
        return int(user.tokens)

    @admin.display(description=gettext_lazy("groups"))
    def groups_read_in(self, user: Any) -> int:
        return int(user.groups_read_in)


@admin.register(EmailAddress)
class AddressAdmin(BoundedAdmin, EmailAddressAdmin):
    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("email", "user__username")
    search_help_text = gettext_lazy("An address or a user name in full.")

    def get_search_fields(self, request: Any) -> Any:
        return self.found_by
