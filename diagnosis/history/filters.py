"""What a list of radiographs can be searched, filtered and sorted by: one form, for the history and the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnosis.history.listed import Reading, Source
from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found
from diagnosis.history.tagging import Tag
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing.blinding import reads_blinded

Choices = list[tuple[str, Any]]

STATUSES: Choices = [
    ("succeeded", "Answered"),
    ("refused", "Refused"),
    ("failed", "Could not be read"),
    ("pending", "Waiting"),
    ("running", "Being read"),
]
LABELS: Choices = [("PNEUMONIA", "PNEUMONIA"), ("NORMAL", "NORMAL")]
BANDS: Choices = [("likely", "Pneumonia likely"), ("uncertain", "Uncertain"), ("unlikely", "Pneumonia unlikely")]
REVIEWED: Choices = [
    ("yes", _("Reviewed")),
    ("no", _("Not reviewed")),
    ("differs", _("Readers differ from the network")),
]
#: What tells, or nearly tells, the network's answer.
TELLING = ("label", "band")
NO_DAY = "This is no date that is known here. Write it as 2026-11-25, or with a time as 2026-11-25T14:30:00+01:00."


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


def _choice(label: Any, choices: Choices, error: str = "", has_any: bool = True) -> forms.ChoiceField:
    known = ", ".join(value for value, _ in choices)
    sentence = error or f"There is no “%(value)s” among these: {known}."
    offered = [("", "Any"), *choices] if has_any else choices
    return forms.ChoiceField(label=label, choices=offered, required=False, error_messages={"invalid_choice": sentence})


class FilterForm(forms.Form):
    """All fields are optional, and further ones of a query are none of its business."""

    search = forms.CharField(
        label="Search", max_length=200, required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    status = _choice("Status", STATUSES)
    label = _choice("Label", LABELS)
    band = _choice("Outcome", BANDS)
    model_version = _choice("Model version", [], "There is no model version “%(value)s”.")
    tag = _choice("Tag", [], "You have no tag “%(value)s”.")
    source = _choice("Sent by", list(Source.choices))
    reviewed = _choice(_("Second reader"), REVIEWED)
    created_after = DayOrMoment(label="From", required=False)
    created_before = DayOrMoment(label="To", required=False)
    ordering = _choice("Order", [(name, order.words) for name, order in ORDERS.items()], has_any=False)

    def __init__(self, data: QueryDict, owner: Any) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.owner = owner
        # Asked along with the versions, without which there is no answer to hide: a query fewer on each page.
        versions = ModelVersion.objects.annotate(is_blinded=reads_blinded(owner))
        rows = list(versions.values_list("pk", "version", "is_blinded"))
        self.is_blinded = any(is_blinded for *_, is_blinded in rows)
        self._versions = {version: pk for pk, version, _ in rows}
        self._tags = {name: pk for pk, name in Tag.objects.owned_by(owner).values_list("pk", "name")}
        self._offer("model_version", self._versions)
        self._offer("tag", self._tags)

    @property
    def tags(self) -> list[str]:
        """The names of the owner's tags."""
        return list(self._tags)

    def _offer(self, field: str, names: Iterable[str]) -> None:
        self.fields[field].choices = [("", "Any"), *((name, name) for name in names)]  # type: ignore[attr-defined]

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
        self.fields["reviewed"].choices = [("", "Any"), *REVIEWED[:2]]  # type: ignore[attr-defined]

    def found(self) -> Found:
        """Return what the filters leave of the owner's radiographs. Only where the form is valid."""
        facts = self.cleaned_data
        rows = Radiograph.objects.owned_by(self.owner)
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
