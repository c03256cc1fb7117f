"""One prediction from claim to answer."""

from __future__ import annotations

import logging
import uuid
from typing import NamedTuple

from billiard.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from diagnosis import tracing, worker
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError, RadiographError
from diagnosis.engine.sentences import sentence
from diagnosis.metrics import tally
from diagnosis.models import ModelVersion, Prediction, ShadowPrediction
from diagnosis.previews import SHOWN_INLINE, make_preview

logger = logging.getLogger(__name__)

_TOO_SLOW = (
    "too_slow",
    sentence("Reading this image took too long. Save it as a plain JPEG or PNG, and try again."),
)
#: Its reason code is known to the template of the result, which then doesn't speak of the file.
_UNUSABLE = (
    "version_unusable",
    sentence(
        "The model version that was asked for cannot be used: its files are missing or damaged. "
        "Have the X-ray classified again by another version, and tell your administrator."
    ),
)


class Left(NamedTuple):
    """What an answer leaves to be done, once all who wait have theirs."""

    silent_answer: bool = False
    preview_of: uuid.UUID | None = None


def classify_next(prediction_id: int | None) -> Left:
    """Claim one prediction, ask the classifier, store what it says, and return what that leaves to be done.

    Silent answers are found only where nobody waits for another one. Without a usable classifier nothing is claimed:
    the jobs wait, and nobody's attempts are used up.
    """
    try:
        active = worker.current_classifier()
    except ArtifactError as error:
        logger.error("No prediction can be made: %s", error)
        return Left()
    worker.report_alive()
    name = worker.process_name()
    claimed = Prediction.objects.claim(prediction_id, name) or ShadowPrediction.objects.claim(None, name)
    if claimed is None:
        return Left()
    if isinstance(claimed, ShadowPrediction):
        tracing.forget()
    elif claimed.pk != prediction_id:
        tracing.go_on_for(claimed.pk)  # it was another request that uploaded this one
    preview_of = _answer(claimed, *active)
    logger.info(
        "%s %s has ended, at attempt %s.",
        type(claimed).__name__,
        claimed.pk,
        claimed.attempts,
        extra={"prediction": claimed.pk, "radiograph": claimed.radiograph_id},
    )
    if isinstance(claimed, Prediction):
        tally.count_final(claimed)
    return Left(claimed.is_shadowed, preview_of)


def _answer(
    prediction: Prediction | ShadowPrediction, classifier: Classifier, version: ModelVersion
) -> uuid.UUID | None:
    """Give the answer, and return the radiograph whose preview is still to be made, if any."""
    radiograph = prediction.radiograph
    try:
        if prediction.asks_for not in (None, version.pk):
            classifier, version = worker.classifier_of(prediction.asks_for)
        data = radiograph.read()
        result = classifier.classify(data)
    except ArtifactError as error:
        # Of a version that somebody asked for: those who want the active one are answered all the same.
        logger.error("Prediction %s cannot be made: %s", prediction.pk, error)
        prediction.fail(*_UNUSABLE)
    except RadiographError as error:
        # The time limit strikes anywhere: within a decoder the engine, which knows nothing of it, calls it damage.
        is_too_slow = isinstance(error.__cause__, SoftTimeLimitExceeded)
        prediction.fail(*(_TOO_SLOW if is_too_slow else (error.code, error.detail)))
    except FileNotFoundError:
        prediction.fail("file_missing", sentence("The file of this radiograph is no longer there. Upload it anew."))
    except SoftTimeLimitExceeded:
        prediction.fail(*_TOO_SLOW)
    except MemoryError:
        # Never raised on: Celery hands a task's error to the main process, and a MemoryError ends that too.
        prediction.fail("too_demanding", sentence("Reading this image takes more memory than a radiograph may."))
    except Exception:
        # Not the image's fault as far as anyone knows: another attempt, perhaps of another worker, may succeed.
        prediction.give_back()
        raise
    else:
        # Where browsers show the file itself, the answer comes first; else there is nothing to see without a preview.
        if radiograph.format not in SHOWN_INLINE:
            make_preview(radiograph, data)
        prediction.finish(version, result)
        if radiograph.format in SHOWN_INLINE:
            # It takes longer than the answer did, so those who wait for theirs come first.
            is_missing = not (radiograph.preview and radiograph.thumbnail)
            if is_missing and Prediction.objects.claimable(timezone.now()).exists():
                return radiograph.pk
            make_preview(radiograph, data)
    return None
