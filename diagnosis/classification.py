"""One prediction from claim to answer."""

from __future__ import annotations

import logging

from billiard.exceptions import SoftTimeLimitExceeded

from diagnosis import tracing, worker
from diagnosis.engine.errors import ArtifactError, RadiographError
from diagnosis.metrics import tally
from diagnosis.models import Prediction
from diagnosis.previews import SHOWN_INLINE, make_preview

logger = logging.getLogger(__name__)

_TOO_SLOW = ("too_slow", "Reading this image took too long. Save it as a plain JPEG or PNG, and try again.")


def classify_next(prediction_id: int | None) -> None:
    """Claim one prediction, ask the classifier, store what it says.

    Without a usable classifier nothing is claimed: the jobs wait, and nobody's attempts are used up.
    """
    try:
        classifier, version = worker.current_classifier()
    except ArtifactError as error:
        logger.error("No prediction can be made: %s", error)
        return
    worker.report_alive()
    if not (prediction := Prediction.objects.claim(prediction_id, worker.process_name())):
        return
    if prediction.pk != prediction_id:
        tracing.go_on_for(prediction.pk)  # it was another request that uploaded this one
    radiograph = prediction.radiograph
    try:
        data = radiograph.read()
        result = classifier.classify(data)
    except RadiographError as error:
        # The time limit strikes anywhere: within a decoder the engine, which knows nothing of it, calls it damage.
        is_too_slow = isinstance(error.__cause__, SoftTimeLimitExceeded)
        prediction.fail(*(_TOO_SLOW if is_too_slow else (error.code, error.detail)))
    except FileNotFoundError:
        prediction.fail("file_missing", "The file of this radiograph is no longer there. Upload it anew.")
    except SoftTimeLimitExceeded:
        prediction.fail(*_TOO_SLOW)
    except MemoryError:
        # Never raised on: Celery hands a task's error to the main process, and a MemoryError ends that too.
        prediction.fail("too_demanding", "Reading this image takes more memory than a radiograph may.")
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
            make_preview(radiograph, data)
    logger.info(
        "Prediction %s has ended, at attempt %s.",
        prediction.pk,
        prediction.attempts,
        extra={"prediction": prediction.pk, "radiograph": radiograph.pk},
    )
    tally.count_final(prediction)
