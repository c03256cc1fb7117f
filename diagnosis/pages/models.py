"""The pages that say what the network is: its versions, and the card of each."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis.engine.curves import charts
from diagnosis.model_facts import data_sets, data_sets_elsewhere, headline, meanings
from diagnosis.models import Comparison, ModelVersion


@login_required
@never_cache
@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Every published version, and which one is active."""
    versions = ModelVersion.objects.order_by("-active", "-published")
    rows = [
        {
            "version": version,
            "headline": headline(version.card),
            "elsewhere": data_sets_elsewhere(version.version),
        }
        for version in versions
    ]
    return render(request, "diagnosis/models.html", {"rows": rows})


@login_required
@never_cache
@require_safe
def model(request: HttpRequest, version: str) -> HttpResponse:
    """The card of one version, in words and figures."""
    found = get_object_or_404(ModelVersion, version=version)
    context = {
        "version": found,
        "card": found.card,
        "created": parse_datetime(found.card.get("created", "")),
        "parts": _parts(found.card),
        "data_sets": data_sets(found.card),
        "meanings": meanings(),
        "elsewhere": data_sets_elsewhere(found.version),
        "comparisons": Comparison.objects.involving(found).select_related("a", "b"),
        "intercept": abs(found.card["intercept"]),
        "curves": charts(found.card.get("training", {}).get("epochs", [])),
    }
    return render(request, "diagnosis/model.html", context)


def _parts(card: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows of the table of images: each part with its counts by label."""
    data = card.get("data", {})
    return {
        name: {**data[key], "labels": [data[key].get(label, 0) for label in card["labels"]]}
        for key, name in (("training", _("Training")), ("validation", _("Validation")))
        if isinstance(data.get(key), dict)
    }
