"""The heat map of a prediction, drawn when it is asked for."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from diagnosis.engine import heatmap
from diagnosis.models import Prediction
from diagnosis.retention.words import heatmap_removed

NONE_REFUSED = _("There is no heat map: the image was not read, so the network looked nowhere.")
NONE_UNFINISHED = _("There is no heat map yet: the image has not been read so far.")
NONE_OLD = _("There is no heat map: this prediction was made before heat maps were kept. Have the X-ray read again.")


def has_heatmap(prediction: Prediction) -> bool:
    return prediction.activation_map is not None


def why_no_heatmap(prediction: Prediction) -> str:
    """Return one sentence for a prediction that has none."""
    if not prediction.is_final:
        return str(NONE_UNFINISHED)
    if prediction.status != Prediction.Status.SUCCEEDED:
        return str(NONE_REFUSED)
    return heatmap_removed(prediction.radiograph) or str(NONE_OLD)


def heatmap_png(prediction: Prediction) -> bytes | None:
    """Return the map as a PNG to be stretched over the radiograph; None where there is none."""
    if prediction.activation_map is None or prediction.model_version is None:
        return None
    card = prediction.model_version.card
    return heatmap.heatmap_png(prediction.activation_map, card["slope"], card["intercept"])


def etag_of(prediction: Prediction) -> str:
    return f'"heatmap-{heatmap.VERSION}-{prediction.pk}"'


def legend() -> list[dict[str, Any]]:
    """Return the colours of the scale, as stops of an SVG gradient."""
    last = len(heatmap.COLOURS) - 1
    return [
        {
            "offset": f"{100 * step / last:.0f}%",
            "colour": "#{:02x}{:02x}{:02x}".format(*colour),
            "opacity": f"{min(1.0, step / last / heatmap.OPAQUE_FROM):.2f}",
        }
        for step, colour in enumerate(heatmap.COLOURS)
    ]
