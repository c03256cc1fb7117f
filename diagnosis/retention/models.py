"""What the administrator lets the platform remove by itself, when it did so, and what it removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.people.groups import ReadingGroup
from diagnosis.predicting import AbstractPrediction

if TYPE_CHECKING:
    from diagnosis.models import Radiograph
    from diagnosis.querysets import RadiographQuerySet

#: A rule that has gone through everything has its next turn after so long.
EVERY = timedelta(days=1)
LONGEST_NAME = 60
MOST_DAYS = 36500
#: Files that could not be deleted are tried again after so long.
TRY_AGAIN_AFTER = timedelta(hours=1)


class What(models.TextChoices):
    HEATMAPS = "heatmaps", _("heat maps")
    IMAGES = "images", _("images")
    ALL = "all", _("everything")


class RetentionRuleQuerySet(models.QuerySet["RetentionRule"]):
    def due(self, now: datetime) -> Self:
        """Those that are on, and have not gone through everything since then and within the last day."""
        lately = RetentionRun.objects.filter(finished__gt=now - EVERY, started__gte=OuterRef("on_since"))
        return self.on().exclude(Exists(lately.filter(rule=OuterRef("pk"))))

    def on(self) -> Self:
        return self.filter(on_since__isnull=False)

    def told_to(self, user: Any) -> Self:
        """Those that are on and may touch what the user uploads; visitors are told what holds for everybody."""
        everybody = Q(group=None)
        return self.on().filter(everybody | Q(group__in=ReadingGroup.objects.of(user)) if user.pk else everybody)


class RetentionRule(models.Model):
    """What is removed, and when. A new one is off; it is switched on by who has seen what it would remove."""

    name = models.CharField(
        max_length=LONGEST_NAME, unique=True, help_text="Users read it where it removed something."
    )
    days = models.PositiveIntegerField(
        "days after the upload", validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )
    removes = models.CharField(
        max_length=8,
        choices=What,
        default=What.IMAGES,
        help_text="Heat maps: images and results stay. Images: with previews, heat maps and reports; results stay. "
        "Everything: results and verdicts as well.",
    )
    outcome = models.CharField(
        "only with this result",
        max_length=9,
        blank=True,
        choices=[(each.value, each.label) for each in AbstractPrediction.FINAL],
        help_text="Of the newest prediction; empty: whatever it is.",
    )
    # A rule without its group would hold for everybody.
    group = models.ForeignKey(
        ReadingGroup,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name="only of this group",
        help_text="What is shared with it; empty: everything. The rule is deleted with the group.",
    )
    spare_reviewed = models.BooleanField(
        "keep what a reader has reviewed", default=False, help_text="A training set may need these."
    )
    on_since = models.DateTimeField(null=True, editable=False)

    objects = RetentionRuleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        return self.on_since is not None

    @property
    def text(self) -> str:
        """All that it says, in English: for the record, and to see whether it was changed. Groups may be renamed."""
        limits = [
            f"only {self.outcome}" if self.outcome else "",
            f"only of group {self.group_id}" if self.group_id else "",
            "not what is reviewed" if self.spare_reviewed else "",
        ]
        return "; ".join(filter(None, [f"{self.removes}, {self.days} days after the upload", *limits]))

    @property
    def scope(self) -> dict[str, Any]:
        """What else must be true of a radiograph, by its fields."""
        scope: dict[str, Any] = {"group_id": self.group_id} if self.group_id else {}
        if self.outcome:
            scope["outcome"] = self.outcome
        if self.spare_reviewed:
            scope["reviewed"] = None
        return scope

    @property
    def has_files(self) -> bool:
        """Whether what it removes lies in files. Heat maps lie in the database."""
        return self.removes != What.HEATMAPS

    def covers(self, radiograph: Radiograph) -> bool:
        return all(getattr(radiograph, name) == value for name, value in self.scope.items())

    def due(self, now: datetime) -> RadiographQuerySet:
        """Return what it removes by now, the oldest first. Nothing that waits for an answer, a silent one included."""
        from diagnosis.models import Prediction, Radiograph, ShadowPrediction

        old = Radiograph.objects.filter(created__lt=now - timedelta(days=self.days), **self.scope)
        answers: Any = (Prediction.objects.all(), ShadowPrediction.objects.all())
        # Few among many: read once, by an index of their own.
        waiting, silently = (each.unfinished().values("radiograph") for each in answers)
        settled = old.exclude(pk__in=waiting).exclude(pk__in=silently).order_by("created", "pk")
        if self.removes == What.IMAGES:
            return settled.exclude(file="")
        if self.removes == What.HEATMAPS:
            of_it = {"radiograph": OuterRef("pk"), "activation_map__isnull": False}
            drawn, silent = (Exists(each.filter(**of_it)) for each in answers)
            return settled.filter(drawn | silent)
        return settled

    def switch_on(self, seen: str) -> bool:
        """Switch it on, as long as it still says what was ``seen``."""
        with transaction.atomic():
            this = RetentionRule.objects.select_for_update(of=("self",)).get(pk=self.pk)
            off = RetentionRule.objects.filter(pk=self.pk, on_since=None)
            is_on = this.text == seen and bool(off.update(on_since=timezone.now()))
            if is_on:
                record(Verb.CHANGED, Kind.RETENTION_RULE, self.pk, label=self.name, details=f"switched on: {seen}")
            return is_on

    def switch_off(self) -> bool:
        """Return whether it was on."""
        with transaction.atomic():
            was_on = bool(RetentionRule.objects.filter(pk=self.pk, on_since__isnull=False).update(on_since=None))
            if was_on:
                record(Verb.CHANGED, Kind.RETENTION_RULE, self.pk, label=self.name, details="switched off")
            return was_on


class RetentionRunQuerySet(models.QuerySet["RetentionRun"]):
    def going_on(self) -> Self:
        return self.filter(finished=None)

    def begin(self, rule: RetentionRule) -> RetentionRun:
        """Return the run of this rule that goes on, whoever began it, or a new one."""
        self.filter(rule=rule, finished=None).exclude(text=rule.text).update(finished=timezone.now())
        facts = {"name": rule.name, "text": rule.text}
        return self.get_or_create(rule=rule, finished=None, defaults=facts)[0]


class RetentionRun(models.Model):
    """One time that a rule went through everything. It may take several processes, one after the other or at once."""

    rule = models.ForeignKey(RetentionRule, models.SET_NULL, null=True, related_name="runs")
    name = models.CharField(max_length=LONGEST_NAME, help_text="The rule’s, as it was.")
    text = models.CharField(max_length=300, help_text="What the rule said.")
    started = models.DateTimeField(default=timezone.now)
    finished = models.DateTimeField(null=True)
    reached = models.DateTimeField(null=True, help_text="All that was uploaded before was looked at.")
    radiographs = models.PositiveBigIntegerField(default=0)
    files = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    objects = RetentionRunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule"], condition=Q(finished=None), name="one_run_of_a_rule_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.started:%Y-%m-%d %H:%M}"

    def rule_if_unchanged(self) -> RetentionRule | None:
        """Return the rule; None where it was switched off, changed or deleted since the run began."""
        rule = RetentionRule.objects.all().on().filter(runs=self).first()
        return rule if rule and rule.text == self.text else None

    def count(self, removals: list[Removal], reached: datetime) -> None:
        """In the transaction that removes these."""
        RetentionRun.objects.filter(pk=self.pk).update(
            radiographs=F("radiographs") + len(removals),
            files=F("files") + sum(each.files for each in removals),
            bytes=F("bytes") + sum(each.bytes for each in removals),
            reached=reached,
        )
        self.reached = reached

    def end(self) -> None:
        RetentionRun.objects.filter(pk=self.pk, finished=None).update(finished=timezone.now())
        self.refresh_from_db()


class RemovalQuerySet(models.QuerySet["Removal"]):
    def unfinished(self) -> Self:
        """Those whose files may still be there."""
        return self.filter(waiting__isnull=False).order_by("pk")

    def to_try(self, now: datetime) -> Self:
        """Those of them whose turn it is."""
        return self.unfinished().filter(try_at__lte=now)


class Removal(models.Model):
    """What a rule removed of one radiograph. It outlives the rule and the radiograph, and says nothing of anybody."""

    run = models.ForeignKey(RetentionRun, models.PROTECT, related_name="removals")
    rule = models.CharField(max_length=LONGEST_NAME, help_text="Its name, as it was.")
    radiograph = models.UUIDField(db_index=True)
    what = models.CharField(max_length=8, choices=What)
    moment = models.DateTimeField(default=timezone.now)
    files = models.PositiveSmallIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    waiting = models.JSONField(null=True, help_text="The names of files that are still to be deleted.")
    try_at = models.DateTimeField(default=timezone.now, help_text="Then these are tried to be deleted once more.")

    objects = RemovalQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["id"], condition=Q(waiting__isnull=False), name="removal_unfinished"),
            models.Index(fields=["-moment", "-id"], name="removal_by_moment"),
            models.Index(fields=["what", "-moment", "-id"], name="removal_by_what"),
        ]

    def __str__(self) -> str:
        return f"{self.radiograph}: {self.what}"
