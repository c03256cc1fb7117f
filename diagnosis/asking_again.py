"""What was answered is asked for once more, and the earlier answers stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import ring_each

if TYPE_CHECKING:
    from diagnosis.submission import Owner


def classify_again(
    radiographs: Iterable[Radiograph],
    version: ModelVersion | None = None,
    seen: int | None = None,
    actor: Owner | None = None,
    newest_is: Collection[str] = Prediction.FINAL,
) -> list[Prediction]:
    """Ask a version, or whichever is active when its turn comes, about those whose newest prediction is final.

    ``newest_is`` narrows that down to some of the final statuses. Nobody is asked about those whose image was removed.
    The earlier answers stay as they are. Where the newest must be the one that was ``seen``, a second click asks
    nobody. ``actor`` is who wants it, where no request tells.
    """
    wanted = [radiograph.pk for radiograph in radiographs]
    with transaction.atomic():
        locked = Radiograph.objects.filter(pk__in=wanted).exclude(file="").select_for_update()
        ended = [each for each in locked.with_predictions() if each.prediction.status in newest_is]
        ended = [each for each in ended if seen in (None, each.prediction.pk)]
        predictions = Prediction.objects.bulk_create(
            Prediction(radiograph=each, wanted_version=version) for each in ended
        )
        Radiograph.objects.filter(pk__in=[each.pk for each in ended]).follow_newest()
        by = f"version {version}" if version else "the active version"
        record_each(Verb.CLASSIFIED_AGAIN, Kind.RADIOGRAPH, [each.pk for each in ended], details=by, actor=actor)
        transaction.on_commit(lambda: ring_each(predictions), robust=True)
    return predictions
