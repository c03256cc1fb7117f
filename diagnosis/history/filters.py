"""What a list of radiographs can be searched, filtered and sorted by: one form, for the history and the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, Subquery, Value
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from diagnosis import meaning
from diagnosis.history.listed import Reading, Source
from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found
from diagnosis.history.plain_select import PlainSelect
from diagnosis.history.tagging import Tag
from diagnosis.models import ModelVersion, Prediction, Radiograph, ReadingGroup, Reclassification
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing.blinding import reads_blinded

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise
    Choices = list[tuple[str, Words]]

STATUSES: Choices = [
    ("succeeded", _("Answered")),
    ("refused", _("Refused")),
    ("failed", _("Could not be read")),
    ("pending", _("Waiting")),
    ("running", _("Being read")),
]
LABELS: Choices = [("PNEUMONIA", "PNEUMONIA"), ("NORMAL", "NORMAL")]
BANDS: Choices = list(meaning.BANDS.items())
REVIEWED: Choices = [
    ("yes", _("Reviewed")),
    ("no", _("Not reviewed")),
    ("differs", _("Readers differ from the network")),
]
#: What tells, or nearly tells, the network's answer.
TELLING = ("label", "band")
NO_DAY = _("This is no date that is known here. Write it as 2026-11-25, or with a time as 2026-11-25T14:30:00+01:00.")


class DayOrMoment(forms.Field):
    """A day of the calendar, or a moment with its offset."""

    widget = forms.DateInput(attrs={"type": "date"})

    def clean(self, value: Any) -> date | datetime | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            day: date = date.fromisoformat(text) if len(text) <= len("2026-11-25") else datetime.fromisoformat(text)
            starts_of(day)
        except (ValueError, OverflowError) as error:
            raise ValidationError(NO_DAY) from error
        return day


def starts_of(day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and when the next one does, in UTC; for a moment, that moment twice."""
    if isinstance(day, datetime):
        begin = end = day if day.tzinfo else timezone.make_aware(day)
    else:
        midnights = (datetime.combine(day + timedelta(days=after), time()) for after in (0, 1))
        begin, end = (timezone.make_aware(midnight) for midnight in midnights)
    return begin.astimezone(UTC), end.astimezone(UTC)


def _choice(label: Words, choices: Choices, error: Words = "", has_any: bool = True) -> forms.ChoiceField:
    known = ", ".join(value for value, _ in choices)
    sentence = error or format_lazy(_("There is no “%(value)s” among these: {known}."), known=known)
    offered = [("", _("Any")), *choices] if has_any else choices
    errors = {"invalid_choice": sentence}
    return forms.ChoiceField(label=label, choices=offered, required=False, widget=PlainSelect, error_messages=errors)


class FilterForm(forms.Form):
    """All fields are optional, and further ones of a query are none of its business."""

    search = forms.CharField(
        label=_("Search"), max_length=200, required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    status = _choice(_("Status"), STATUSES)
    label = _choice(_("Label"), LABELS)
    band = _choice(_("Outcome"), BANDS)
    model_version = _choice(_("Model version"), [], _("There is no model version “%(value)s”."))
    tag = _choice(_("Tag"), [], _("You have no tag “%(value)s”."))
    source = _choice(_("Sent by"), list(Source.choices))
    group = _choice(_("Shared with"), [], _("You are in no group “%(value)s”."))
    reviewed = _choice(_("Second reader"), REVIEWED)
    created_after = DayOrMoment(label=pgettext_lazy("a day", "From"), required=False)
    created_before = DayOrMoment(label=pgettext_lazy("a day", "To"), required=False)
    ordering = _choice(_("Order"), [(name, order.words) for name, order in ORDERS.items()], has_any=False)

    def __init__(self, data: QueryDict, owner: Any) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.owner = owner
        # Asked along with the versions, without which there is no answer to hide: fewer queries on each page.
        job = Reclassification.objects.owned_by(owner).at_work().values("pk")[:1]
        annotated = ModelVersion.objects.annotate(is_blinded=reads_blinded(owner), classifying=Subquery(job))
        versions = list(annotated.only("version", "active", "shadow"))
        self.is_blinded = any(each.is_blinded for each in versions)
        #: The key of what is classified again just now, in the background.
        self.classifying: int | None = versions[0].classifying if versions else None
        self._versions = {each.version: each.pk for each in versions}
        #: Those that can be asked to classify again.
        self.offered = [each for each in versions if not each.shadow]
        self._tags, groups = _tags_and_groups_of(owner)
        self.groups = {str(pk): ReadingGroup(pk=pk, name=name) for name, pk in groups}
        self._offer("model_version", self._versions)
        self._offer("tag", self._tags)
        self.fields["group"].choices = [("", _("Any or nobody")), *self.groups.items()]  # type: ignore[attr-defined]

    @property
    def shown_group(self) -> ReadingGroup | None:
        """The group whose list is asked for, in place of the owner's."""
        return self.groups.get(self.data.get("group", "").strip())

    @property
    def tags(self) -> list[str]:
        """The names of the owner's tags."""
        return list(self._tags)

    def _offer(self, field: str, names: Iterable[str]) -> None:
        self.fields[field].choices = [("", _("Any")), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def active(self) -> dict[str, str]:
        """Return what of the query is a filter, as it was written, in the order of the form."""
        offered = [name for name, field in self.fields.items() if not field.disabled]
        written = {name: str(self.data.get(name, "")).strip() for name in offered}
        return {name: text for name, text in written.items() if text and (name, text) != ("ordering", NEWEST_FIRST)}

    def hide_answers(self) -> None:
        """Offer nothing by which a reader could find out what the network says before saying so themselves."""
        for name in TELLING:
            self.fields[name].disabled = True
        without = [choice for choice in self.fields["ordering"].choices if "probability" not in choice[0]]  # type: ignore[attr-defined]
        self.fields["ordering"].choices = without  # type: ignore[attr-defined]
        self.fields["reviewed"].choices = [("", _("Any")), *REVIEWED[:2]]  # type: ignore[attr-defined]

    def found(self) -> Found:
        """Return what the filters leave of the owner's radiographs, or of a group's. Only where the form is valid."""
        return self._found(Radiograph.objects.in_group(self.shown_group) if self.shown_group else self._own())

    def found_own(self) -> Found:
        """Return the owner's alone, of a group's too: what one may export."""
        return self._found(self._own().in_group(self.shown_group) if self.shown_group else self._own())

    def _own(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.owner)

    def _found(self, rows: RadiographQuerySet) -> Found:
        facts = self.cleaned_data
        for name in ("label", "band", "source"):
            if facts[name]:
                rows = rows.filter(**{name: facts[name]})
        rows = _reviewed(rows, facts["reviewed"])
        if version := facts["model_version"]:
            rows = rows.filter(model_version=self._versions[version])
        if name := facts["tag"]:
            rows = rows.filter(tags=self._tags[name])
        rows = _within(_of_status(rows, facts["status"]), facts["created_after"], facts["created_before"])
        return Found(self._search(rows, facts["search"]), ORDERS[facts["ordering"] or NEWEST_FIRST])

    def _search(self, rows: RadiographQuerySet, text: str) -> tuple[RadiographQuerySet, ...]:
        """Each word within the file's name; or all of it within the name of a tag."""
        if not text:
            return (rows,)
        words = rows.filter(*(Q(filename__icontains=word) for word in text.split()))
        tags = [pk for name, pk in self._tags.items() if text.lower() in name.lower()]
        return (words, rows.filter(pk__in=_tagged(tags))) if tags else (words,)


def _tags_and_groups_of(owner: Any) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return what the owner alone can filter by, as names and keys: two short lists, in one query."""
    tags = Tag.objects.owned_by(owner).annotate(is_tag=Value(True)).order_by()
    groups = ReadingGroup.objects.of(owner).annotate(is_tag=Value(False)).order_by()
    columns = ("name", "pk", "is_tag")
    rows = sorted(tags.values_list(*columns).union(groups.values_list(*columns), all=True), key=_in_the_alphabet)
    return {name: pk for name, pk, is_tag in rows if is_tag}, [(name, pk) for name, pk, is_tag in rows if not is_tag]


def _in_the_alphabet(row: tuple[str, int, bool]) -> tuple[str, int]:
    return row[0].lower(), row[1]


def _tagged(tags: list[int]) -> Any:
    return Tag.radiographs.through.objects.filter(tag__in=tags).values("radiograph")


def _of_status(rows: RadiographQuerySet, status: str) -> RadiographQuerySet:
    if status in Prediction.FINAL:
        return rows.filter(outcome=status)
    if status:
        unfinished = Prediction.objects.all().unfinished().filter(status=status).values("radiograph")
        return rows.filter(outcome="", pk__in=unfinished)
    return rows


def _reviewed(rows: RadiographQuerySet, wanted: str) -> RadiographQuerySet:
    if wanted == "yes":
        return rows.filter(reviewed__isnull=False)
    return rows.filter(reading={"no": "", "differs": Reading.DIFFERS}[wanted]) if wanted else rows


def _within(rows: RadiographQuerySet, first: date | None, last: date | None) -> RadiographQuerySet:
    """Days count whole, the last one too; what happened at a moment is neither before nor after it."""
    if first:
        begin, _ = starts_of(first)
        rows = rows.filter(created__gt=begin) if isinstance(first, datetime) else rows.filter(created__gte=begin)
    if last:
        _, end = starts_of(last)
        rows = rows.filter(created__lt=end)
    return rows
