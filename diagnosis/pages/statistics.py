"""How readers and network agree, by version and period; and what the reviewed radiographs are good for besides."""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.engine.figures import Figure
from diagnosis.history.filters import starts_of
from diagnosis.models import ModelVersion, Radiograph, ReadingGroup
from diagnosis.pages.access import members_only
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing import training_set as sets
from diagnosis.reviewing.agreement import kappa_among_readers
from diagnosis.reviewing.blinding import is_blinded, read_already
from diagnosis.reviewing.counting import MOST_COUNTED, Counts, Row, count_reviews
from diagnosis.reviewing.drift import drift_of_active
from diagnosis.reviewing.picture import draw_agreement

#: The picture shows so many versions, those with the most radiographs.
MOST_DRAWN = 6
#: With a smaller share of the answered reviewed, the page says that they may not be like the others.
FEW = 0.9
#: On fewer ill, or fewer healthy ones, a version is not called worse than its card.
FEWEST_JUDGED = 10


class PeriodForm(forms.Form):
    """Which radiographs are counted. What cannot be understood is said beside its field."""

    begin = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    unit = forms.ChoiceField(label=_("By"), choices=[("month", _("month")), ("quarter", _("quarter"))], required=False)
    group = forms.ChoiceField(label=_("Group"), required=False)
    blinded = forms.BooleanField(label=_("Blinded verdicts only"), required=False)
    all = forms.BooleanField(label=_("Of all users"), required=False)

    def __init__(self, user: Any, data: QueryDict) -> None:
        super().__init__(data, auto_id="period-%s")
        self.groups = {str(group.pk): group for group in ReadingGroup.objects.supervised_by(user)}
        names = [(pk, group.name) for pk, group in self.groups.items()]
        self.fields["group"].choices = [("", _("Own ones and all groups")), *names]  # type: ignore[attr-defined]
        if not self.groups:
            del self.fields["group"]
        if not user.is_staff:
            del self.fields["all"]

    @property
    def shown_group(self) -> ReadingGroup | None:
        """The group whose statistics are asked for. One that the user does not supervise has none: Http404."""
        asked = str(self.data.get("group", ""))
        if asked and asked not in self.groups:
            raise Http404(_("This group is not there, or you do not supervise it."))
        return self.groups.get(asked)

    def cut(self, radiographs: RadiographQuerySet) -> RadiographQuerySet:
        """Return those of the period; both days count whole."""
        begin, end = self.cleaned_data["begin"], self.cleaned_data["end"]
        if begin:
            radiographs = radiographs.filter(created__gte=starts_of(begin)[0])
        return radiographs.filter(created__lt=starts_of(end)[1]) if end else radiographs


def supervised(request: HttpRequest, form: PeriodForm, everything: bool) -> RadiographQuerySet:
    """Return the radiographs whose statistics are asked for; all of the platform's for staff alone."""
    if group := form.shown_group:
        return Radiograph.objects.in_group(group)
    if everything and request.user.is_staff:
        return Radiograph.objects.all()
    return Radiograph.objects.supervised_by(request.user, form.groups.values())


@members_only
@never_cache
@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    form = PeriodForm(request.user, request.GET)
    group, blinded = form.shown_group, is_blinded(request.user)
    context: dict[str, Any] = {
        "form": form,
        "group": group,
        "is_blinded": blinded,
        "drift": drift_of_active() if request.user.is_staff else None,
    }
    if not form.is_valid():
        return render(request, "diagnosis/reviewing/statistics.html", context, status=400)
    asked = form.cleaned_data
    radiographs = form.cut(supervised(request, form, asked.get("all", False)))
    if blinded:
        radiographs = read_already(request.user, radiographs)
    counts = count_reviews(radiographs, asked["unit"] or "month", asked["blinded"])
    context |= {"counts": counts, **_shown(counts, asked["unit"] or "month")}
    return render(request, "diagnosis/reviewing/statistics.html", context)


def _shown(counts: Counts, unit: str) -> dict[str, Any]:
    cards = dict(ModelVersion.objects.values_list("version", "card"))
    reviewed = counts.reviewed.get("succeeded", 0)
    return {
        "versions": [_facts(row, cards.get(row.version, {})) for row in counts.by_version],
        "periods": [{**_facts(row, {}), "period": _period(row.begin, unit)} for row in counts.by_period if row.begin],
        "readers": counts.readers,
        "among_readers": kappa_among_readers(counts.patterns),
        "read_by_several": sum(counts.patterns.values()),
        "picture": _picture(counts.by_version),
        "reviewed": reviewed,
        "are_more": counts.answered >= MOST_COUNTED,
        "is_part": reviewed < FEW * counts.answered,
        "refused": counts.reviewed.get("refused", 0),
        "failed": counts.reviewed.get("failed", 0),
    }


def _facts(row: Row, card: dict[str, Any]) -> dict[str, Any]:
    names = ("sensitivity", "specificity", "kappa")
    figures = {name: getattr(row.agreement, name) for name in names}
    of_card = card.get("metrics", {}).get("validation", {})
    judged = {"sensitivity": row.agreement.sick, "specificity": row.agreement.healthy}
    below = [
        name
        for name, count in judged.items()
        if count >= FEWEST_JUDGED and _is_below(figures[name], of_card.get(name))
    ]
    return {"row": row, **figures, "card": of_card, "below": below}


def _is_below(figure: Figure, of_card: dict[str, float] | None) -> bool:
    """Whether the whole interval lies below that of the card."""
    low = (of_card or {}).get("low")
    return bool(low is not None and isfinite(figure.high) and figure.high < low)


def _period(begin: date | None, unit: str) -> str:
    if begin is None:
        return ""
    if unit == "quarter":
        return f"{begin.year} Q{(begin.month + 2) // 3}"
    return date_format(begin, "YEAR_MONTH_FORMAT")


def _picture(rows: list[Row]) -> Any:
    most = sorted((row for row in rows if row.agreement.count), key=lambda row: row.agreement.count)[-MOST_DRAWN:]
    if not most:
        return None
    names = {"sensitivity": _("sensitivity"), "specificity": _("specificity"), "kappa": _("kappa")}
    groups = [
        (row.version, [(str(words), getattr(row.agreement, name)) for name, words in names.items()])
        for row in reversed(most)
    ]
    return draw_agreement(groups)


@members_only
@never_cache
@require_safe
def training_set(request: HttpRequest) -> HttpResponseBase:
    """The reviewed radiographs as a zip to train with; for staff alone, since images leave the platform with it."""
    if not request.user.is_staff:
        raise PermissionDenied
    form = PeriodForm(request.user, request.GET)
    everything = form.is_valid() and form.cleaned_data.get("all", False)
    radiographs = supervised(request, form, everything)
    radiographs = form.cut(radiographs) if form.is_valid() else radiographs
    try:
        chosen = sets.choose(radiographs, most=sets.MOST_ZIPPED)
    except sets.NothingToExport as error:
        messages.error(request, str(error))
        return redirect("diagnosis:statistics")
    record_each(Verb.EXPORTED, Kind.RADIOGRAPH, [each.radiograph.pk for each in chosen], details="training set")
    name = f"PneumoDetect training set {timezone.localdate()}.zip"
    return StreamingHttpResponse(
        sets.zip_of(chosen),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
