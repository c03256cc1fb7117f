"""Whether what comes in, and what the active version says of it, is still what it was.

A card holds figures, and not the distribution of scores that a drift could be measured against. So two things are
done: where the card does say something that holds for any set of patients, recent answers are held against it; all
else is compared to the version's own first answers on this platform, which are counted once and kept. The sweep does
it, once an hour, over some hundred rows: no page ever waits for it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from diagnosis.reviewing.agreement import share
from diagnosis.reviewing.models import Drift
from diagnosis.reviewing.shift import (
    LARGE,
    NOTICEABLE,
    by_chance,
    counted,
    kolmogorov_smirnov,
    stability_index,
    tenths,
)

if TYPE_CHECKING:
    from diagnosis.models import ModelVersion, Prediction

#: So many first answers are the baseline, and so many recent ones are held against it; fewer than FEWEST say nothing.
WINDOW, FEWEST = 500, 100
CHECK_EVERY = timedelta(hours=1)
#: Seconds for which a process does not ask the database whether it is time.
LOOK_EVERY = 60.0
#: More refusals than the card's data had count as large from so much more of all on.
MORE_REFUSED = 0.05

_next_look = 0.0


def _size(radiograph: Any) -> str:
    megapixels = radiograph.width * radiograph.height / 1e6
    return next((f"under {limit}" for limit in (0.25, 1, 4, 10) if megapixels < limit), "10 or more")


def _proportion(radiograph: Any) -> str:
    ratio = radiograph.width / max(1, radiograph.height)
    return "tall" if ratio < 0.9 else "broad" if ratio > 1.1 else "square"


def _age(radiograph: Any) -> str:
    age = radiograph.acquisition.get("age")
    if not isinstance(age, int | float):
        return "unknown"
    return next((f"under {limit}" for limit in (1, 6, 18, 65) if age < limit), "65 or more")


#: What is known of an image without decoding it.
INPUTS: dict[str, Callable[[Any], str]] = {
    "format": lambda radiograph: radiograph.format,
    "size": _size,
    "proportion": _proportion,
    "age": _age,
    "view": lambda radiograph: str(radiograph.acquisition.get("view") or "unknown"),
    "sex": lambda radiograph: str(radiograph.acquisition.get("sex") or "unknown"),
    "manufacturer": lambda radiograph: str(radiograph.acquisition.get("manufacturer") or "unknown")[:60],
    "source": lambda radiograph: radiograph.source or "unknown",
}


#: What the network was shown, as mean and standard deviation of its grey values.
PIXELS = ("brightness", "contrast")


def words_of(what: str) -> str:
    """Name what has moved."""
    names = {
        "format": _("file formats"),
        "size": _("sizes of the images"),
        "proportion": _("proportions of the images"),
        "age": _("ages"),
        "view": _("views"),
        "sex": _("sexes"),
        "manufacturer": _("makers of the devices"),
        "source": _("ways of sending"),
        "refusals": _("share of refused images"),
        "scores": _("probabilities"),
        "brightness": _("brightness of the images"),
        "contrast": _("contrast of the images"),
        "refusals, card": _("share of refused images, against the card"),
        "positives, card": _("share of pneumonia, against the card"),
    }
    return names.get(what, what)


@dataclass(frozen=True)
class Answers:
    """What is kept of some answers: counts of each fact, and the probabilities.

    And the grey values' mean and spread, of those answers that came since these are stored.
    """

    facts: dict[str, dict[str, int]]
    scores: list[float]
    pixels: dict[str, list[float]]

    @classmethod
    def of(cls, predictions: Iterable[Prediction]) -> Answers:
        counts: dict[str, Counter[str]] = {name: Counter() for name in (*INPUTS, "refusals")}
        pixels: dict[str, list[float]] = {name: [] for name in PIXELS}
        scores = []
        for prediction in predictions:
            for name, kind_of in INPUTS.items():
                counts[name][kind_of(prediction.radiograph)] += 1
            counts["refusals"][prediction.reason_code or "answered"] += 1
            if prediction.probability is not None:
                scores.append(round(prediction.probability, 4))
            for name in PIXELS:
                if (value := getattr(prediction, name)) is not None:
                    pixels[name].append(value)
        return cls({name: dict(kinds) for name, kinds in counts.items()}, scores, pixels)

    @property
    def measures(self) -> dict[str, list[float]]:
        """What is a number, and not a kind."""
        return {"scores": self.scores, **self.pixels}

    @property
    def count(self) -> int:
        return sum(self.facts["refusals"].values())

    @property
    def refused(self) -> int:
        return self.count - self.facts["refusals"].get("answered", 0)


def check_if_due() -> bool:
    """Check the active version where an hour has passed since; of many processes one does it."""
    from diagnosis.models import ModelVersion

    global _next_look
    if time.monotonic() < _next_look:
        return False
    _next_look = time.monotonic() + LOOK_EVERY
    version = ModelVersion.objects.filter(active=True).first()
    if not version:
        return False
    Drift.objects.get_or_create(model_version=version)
    now = timezone.now()
    due = Q(checked__isnull=True) | Q(checked__lt=now - CHECK_EVERY)
    if not Drift.objects.filter(due, model_version=version).update(checked=now):
        return False
    check(version)
    return True


def check(version: ModelVersion) -> Drift:
    """Hold the version's recent answers against its card and its first ones, and write down what was found."""
    drift, _made = Drift.objects.get_or_create(model_version=version)
    if drift.baseline is None:
        _keep_first_answers(drift)
    after = drift.baseline["last"] if drift.baseline else 0
    recent_rows = list(_answers(version).filter(pk__gt=after).order_by("-pk")[:WINDOW])
    recent = Answers.of(recent_rows)
    findings: list[dict[str, Any]] = []
    if recent.count >= FEWEST:
        findings = _against_card(version.card, recent, [row.label for row in recent_rows if row.label])
        if drift.baseline:
            kept = drift.baseline
            findings += _against_first(Answers(kept["facts"], kept["scores"], kept.get("pixels", {})), recent)
    drift.answers, drift.findings, drift.checked = recent.count, findings, timezone.now()
    drift.is_large = any(finding["is_large"] for finding in findings)
    drift.save()
    return drift


def _answers(version: ModelVersion) -> Any:
    from diagnosis.models import Prediction

    final = Prediction.objects.filter(model_version=version, finished_at__isnull=False)
    return final.select_related("radiograph")


def _keep_first_answers(drift: Drift) -> None:
    """Count the first answers once they are there; what is deleted later stays in the counts, as numbers alone."""
    first = list(_answers(drift.model_version).order_by("pk")[:WINDOW])
    if len(first) < WINDOW:
        return
    kept = Answers.of(first)
    pixels = {name: sorted(values) for name, values in kept.pixels.items()}
    drift.baseline = {"facts": kept.facts, "scores": sorted(kept.scores), "pixels": pixels, "last": first[-1].pk}
    drift.baseline_from, drift.baseline_to = first[0].finished_at, first[-1].finished_at


def _against_first(first: Answers, recent: Answers) -> list[dict[str, Any]]:
    found = [_finding(name, counts, recent.facts.get(name, {})) for name, counts in first.facts.items()]
    for name, before in first.measures.items():
        now = recent.measures.get(name, [])
        if min(len(before), len(now)) >= FEWEST:
            edges = tenths(before)
            moved = _finding(name, counted(before, edges), counted(now, edges))
            distance, chance = kolmogorov_smirnov(before, now)
            found.append({**moved, "distance": round(distance, 3), "p": chance})
    return found


def _finding(what: str, before: dict[str, int], now: dict[str, int]) -> dict[str, Any]:
    index, chance = stability_index(before, now), by_chance(before, now)
    return {
        "what": what,
        "index": round(index, 3),
        "is_noticeable": index > max(NOTICEABLE, chance),
        "is_large": index > max(LARGE, chance),
        "before": before,
        "now": now,
    }


def _against_card(card: dict[str, Any], recent: Answers, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return what recent answers say against the card, whoever the patients are."""
    found = []
    held_out = ((card.get("gate") or {}).get("figures") or {}).get("out_of_fold", {}).get("validation")
    if held_out and held_out.get("images"):
        found.append(_more_refused(held_out, recent))
    figures = card.get("metrics", {}).get("validation", {})
    highs = [(figures.get(name) or {}).get("high") for name in ("sensitivity", "specificity")]
    if None not in highs and len(labels) >= FEWEST:
        found.append(_impossible_share(figures, labels))
    return found


def _more_refused(held_out: dict[str, int], recent: Answers) -> dict[str, Any]:
    before = share(held_out["refused"], held_out["images"])
    now = share(recent.refused, recent.count)
    is_more = now.low > before.high
    return {
        "what": "refusals, card",
        "share": now.value,
        "expected": [before.low, before.high],
        "is_noticeable": is_more,
        "is_large": is_more and now.value - before.value > MORE_REFUSED,
    }


def _impossible_share(figures: dict[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """Whatever share of the patients is ill, the share of positive answers lies between 1 - specificity and
    sensitivity (W. J. Rogan, B. Gladen, American Journal of Epidemiology 1978; 107:71)."""
    now = share(labels.count("PNEUMONIA"), len(labels))
    low, high = 1 - figures["specificity"]["high"], figures["sensitivity"]["high"]
    is_outside = now.high < low or now.low > high
    return {
        "what": "positives, card",
        "share": now.value,
        "expected": [max(0.0, low), high],
        "is_noticeable": is_outside,
        "is_large": is_outside,
    }


def drift_of_active() -> Drift | None:
    """Return what was found last of the active version."""
    return Drift.objects.filter(model_version__active=True).select_related("model_version").first()


def warning_for(user: Any) -> str:
    """Return the sentence for the administrators' pages; empty where nothing has moved far. One query, for staff."""
    if not user.is_staff:
        return ""
    drift = Drift.objects.filter(model_version__active=True, is_large=True).first()
    if not drift:
        return ""
    moved = ", ".join(words_of(finding["what"]) for finding in drift.findings if finding["is_large"])
    return _(
        "What comes in, or what the network says of it, is no longer as it was: %(moved)s. Its figures may no longer "
        "hold; see the statistics."
    ) % {"moved": moved}
