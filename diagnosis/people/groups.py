"""Groups that share radiographs: who is in them, as what, and what goes with whoever leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models.functions import Lower
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record, record_each

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from diagnosis.models import Radiograph  # noqa: F401  (in the type of a field)
    from diagnosis.querysets import RadiographQuerySet

LONGEST_GROUP_NAME, LONGEST_ADDRESSEE = 60, 254
#: A user's groups are a list to choose from on many pages, and a group's members are one page.
MOST_GROUPS, MOST_MEMBERS, MOST_INVITATIONS = 50, 200, 50


class Role(models.TextChoices):
    OWNER = "owner", gettext_lazy("Owner")
    SUPERVISOR = "supervisor", gettext_lazy("Supervisor")
    MEMBER = "member", gettext_lazy("Member")


#: Those who see what is counted over the whole group.
SUPERVISING = (Role.OWNER, Role.SUPERVISOR)


class GroupError(Exception):
    """What a group does not allow, with a sentence for the user."""


class ReadingGroupQuerySet(models.QuerySet["ReadingGroup"]):
    def of(self, user: Any) -> Self:
        return self.filter(memberships__user=user)

    def owned_by(self, user: Any) -> Self:
        return self.filter(memberships__user=user, memberships__role=Role.OWNER)

    def supervised_by(self, user: Any) -> Self:
        return self.filter(memberships__user=user, memberships__role__in=SUPERVISING)


class ReadingGroup(models.Model):
    """People who see one another's shared radiographs. It has an owner as long as anybody is in it."""

    name = models.CharField(max_length=LONGEST_GROUP_NAME)
    created = models.DateTimeField(default=timezone.now)

    objects = ReadingGroupQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name"), "pk"]
        verbose_name = "group"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("diagnosis:group", args=[self.pk])

    @classmethod
    def found(cls, name: str, founder: Any) -> ReadingGroup:
        """Make a group that belongs to its founder. Raises GroupError."""
        with transaction.atomic():
            _refuse_too_many_groups(founder)
            group = cls.objects.create(name=name)
            group.memberships.create(user=founder, role=Role.OWNER)
            record(Verb.ADDED, Kind.GROUP, group.pk, label=name)
        return group

    def rename(self, name: str) -> None:
        with transaction.atomic():
            ReadingGroup.objects.filter(pk=self.pk).update(name=name)
            record(Verb.CHANGED, Kind.GROUP, self.pk, label=self.name, details=f"renamed {name}")
        self.name = name

    def dissolve(self) -> None:
        """End the group. The radiographs stay with those who uploaded them."""
        with self._locked():
            self.delete()

    def invite(self, addressee: str, role: str, by: User) -> Invitation:
        """Keep an invitation for whoever is called so, and in just the same way where nobody is. Raises GroupError."""
        with self._locked():
            if self.invitations.count() >= MOST_INVITATIONS:
                raise GroupError(
                    _("%(number)d invitations are open, which is the most. Withdraw one of them first.")
                    % {"number": MOST_INVITATIONS}
                )
            self.invitations.filter(addressee__iexact=addressee).delete()
            invited = _account_of(addressee)
            if invited and self.memberships.filter(user=invited).exists():
                invited = None  # to say so would tell whose the address is
            record(Verb.ADDED, Kind.INVITATION, self.pk, details=role)
            return self.invitations.create(addressee=addressee, user=invited, role=role, invited_by=by)

    def share(self, radiographs: RadiographQuerySet, by: Any) -> int:
        """Share those of the radiographs that are the user's own; none where that user is no longer in the group.

        Returns how many of them are shared with it now, those included that were before.
        """
        with transaction.atomic():
            own = radiographs.owned_by(by).select_for_update() if self.holds(by) else radiographs.none()
            groups = dict(own.values_list("pk", "group"))
            new = [pk for pk, group in groups.items() if group != self.pk]
            radiographs.filter(pk__in=new).update(group=self)
            record_each(Verb.SHARED, Kind.RADIOGRAPH, new, details=f"with group {self.pk}")
        return len(groups)

    def holds(self, user: Any) -> bool:
        """Whether the user is in the group, and cannot leave before this transaction ends."""
        return self.memberships.select_for_update().filter(user=user).first() is not None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let nobody else change who is in the group meanwhile: two owners who leave at once would leave none."""
        with transaction.atomic():
            list(ReadingGroup.objects.select_for_update().filter(pk=self.pk))
            yield


@receiver(pre_delete, sender=ReadingGroup)
def _end_sharing(instance: ReadingGroup, **_: Any) -> None:
    """Give back what is shared with a group that goes, whoever deletes it, and however."""
    instance.radiographs.end_sharing()


def _refuse_too_many_groups(user: Any) -> None:
    if Membership.objects.filter(user=user).count() >= MOST_GROUPS:
        sentence = _("You are in %(number)d groups, which is the most. Leave one of them first.")
        raise GroupError(sentence % {"number": MOST_GROUPS})


def _account_of(addressee: str) -> User | None:
    """Find a user by name or, with an @ in it, by an e-mail address that is known to be that user's.

    Anybody can take a name that looks like an address, or enter an address that belongs to somebody else.
    """
    if "@" in addressee:
        known = EmailAddress.objects.filter(email__iexact=addressee, verified=True).select_related("user")
        return known[0].user if len(known) == 1 else None
    return get_user_model().objects.filter(username=addressee, is_active=True).first()


class Membership(models.Model):
    """One user's part in a group."""

    group = models.ForeignKey(ReadingGroup, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["user__username"]
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="one_membership_of_a_user")]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER

    @property
    def supervises(self) -> bool:
        """Whether the user sees what is counted over the whole group."""
        return self.role in SUPERVISING

    def change_role(self, role: str) -> None:
        """Raises GroupError where the group would have no owner any more."""
        with self.group._locked():
            changeable = self._row() if role == Role.OWNER else self._unless_last_owner()
            if changeable.update(role=role):
                self._record(Verb.CHANGED, f"{self.role} → {role}")
            else:
                self._refuse()
        self.role = role

    def end(self) -> None:
        """Leave the group, or be removed from it. Raises GroupError where it would have no owner any more."""
        with self.group._locked():
            if not self._unless_last_owner().delete()[0]:
                self._refuse()

    def _record(self, verb: Verb, details: str) -> None:
        record(verb, Kind.MEMBERSHIP, self.group_id, label=self.user.get_username(), details=details)

    def _row(self) -> models.QuerySet[Membership]:
        return Membership.objects.filter(pk=self.pk)

    def _unless_last_owner(self) -> models.QuerySet[Membership]:
        owners = Membership.objects.filter(group=models.OuterRef("group"), role=Role.OWNER)
        another = models.Exists(owners.exclude(pk=models.OuterRef("pk")))
        return self._row().filter(~models.Q(role=Role.OWNER) | another)

    def _refuse(self) -> None:
        if self._row().exists():
            raise GroupError(_("A group needs an owner. Make somebody else an owner first, or dissolve the group."))


@receiver(post_delete, sender=Membership)
def _follow_departure(instance: Membership, origin: Any, **__: Any) -> None:
    """Take along what a member had shared and keep the group owned, whoever ended the membership, and however.

    A user whose account is deleted may have been the last owner: the one who comes next in rank and time follows.
    """
    if getattr(origin, "model", type(origin)) is ReadingGroup:
        return  # the whole group goes
    instance.group.radiographs.filter(owner=instance.user_id).end_sharing()
    left = Membership.objects.filter(group=instance.group_id)
    if left.filter(role=Role.OWNER).exists():
        return
    heir = left.order_by(models.Case(models.When(role=Role.SUPERVISOR, then=0), default=1), "since", "pk").first()
    if heir:
        left.filter(pk=heir.pk).update(role=Role.OWNER)
        heir._record(Verb.CHANGED, f"{heir.role} → {Role.OWNER}, since no other is left")
    else:
        ReadingGroup.objects.filter(pk=instance.group_id).delete()


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def to(self, user: Any) -> Self:
        return self.filter(user=user)


class Invitation(models.Model):
    """Waits for the invited user to accept it. It looks the same to the group where there is no such user."""

    group = models.ForeignKey(ReadingGroup, models.CASCADE, related_name="invitations", db_index=False)
    addressee = models.CharField(max_length=LONGEST_ADDRESSEE, help_text="As whoever invites wrote it.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [models.UniqueConstraint("group", Lower("addressee"), name="one_invitation_of_an_addressee")]

    def __str__(self) -> str:
        return f"{self.addressee}, {self.get_role_display()}"

    def accept(self) -> Membership:
        """Raises GroupError where the group is full, or the user is in too many groups."""
        with self.group._locked():
            _refuse_too_many_groups(self.user)
            if self.group.memberships.count() >= MOST_MEMBERS:
                sentence = _("The group has %(number)d members, which is the most. Ask its owner to make room.")
                raise GroupError(sentence % {"number": MOST_MEMBERS})
            facts = {"role": self.role}
            membership, is_new = self.group.memberships.get_or_create(user=self.user, defaults=facts)
            if is_new:
                membership._record(Verb.ADDED, self.role)
            self.group.invitations.filter(user=self.user).delete()
        return membership
