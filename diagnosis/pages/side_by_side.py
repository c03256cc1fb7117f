"""Two predictions on one radiograph, with both heat maps."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis import heatmap as heatmaps
from diagnosis.models import Prediction
from diagnosis.pages.access import members_only, visible_radiograph
from diagnosis.pages.errors import error_page
from diagnosis.picture import picture_url
from diagnosis.retention.words import image_removed
from diagnosis.reviewing.blinding import refuse_while_hidden
from diagnosis.versions.changes import changes_between


@members_only
@never_cache
@require_safe
def side_by_side(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Those that ``?a=`` and ``?b=`` name; else the newest, and the newest one before it by another version."""
    radiograph = visible_radiograph(request, pk)
    try:
        refuse_while_hidden(request.user, radiograph)
    except Http404 as reason:
        return error_page(request, 404, _("Not there"), str(reason))
    final = [each for each in radiograph.predictions.select_related("model_version") if each.is_final]
    if len(final) < 2:
        sentence = _("There are no two predictions on this X-ray to compare yet. Have it classified again first.")
        return error_page(request, 404, _("Nothing to compare"), sentence)
    if not (pair := _pair(request, final)):
        sentence = _("Choose two different predictions of this X-ray.")
        return error_page(request, 404, _("Nothing to compare"), sentence)
    context = {
        "radiograph": radiograph,
        "sides": [_side(prediction) for prediction in pair],
        "predictions": final,
        "changes": changes_between(*pair),
        "picture_url": picture_url(radiograph),
        "image_removed": image_removed(radiograph),
        "is_tall": 3 * radiograph.width < 2 * radiograph.height,
        "legend": heatmaps.legend(),
    }
    return render(request, "diagnosis/versions/side_by_side.html", context)


def _pair(request: HttpRequest, final: list[Prediction]) -> list[Prediction]:
    """Return two in the order in which they were made; empty where what is asked for are no two of these."""
    asked = {text for name in ("a", "b") if (text := request.GET.get(name))}
    if asked:
        found = [each for each in final if str(each.pk) in asked]
        return found[::-1] if len(found) == 2 else []
    newest, *earlier = final
    others = [each for each in earlier if each.model_version_id not in (newest.model_version_id, None)]
    return [(others or earlier)[0], newest]


def _side(prediction: Prediction) -> dict[str, Any]:
    return {
        "prediction": prediction,
        "card": prediction.model_version.card if prediction.model_version else {},
        "has_heatmap": heatmaps.has_heatmap(prediction),
        "why_no_heatmap": heatmaps.why_no_heatmap(prediction),
    }
