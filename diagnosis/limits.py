"""What may be uploaded, for the pages that say so before it bites. What refuses an upload reads the same settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from diagnosis.engine.header import FORMATS_SENTENCE, MAX_JPEG_SCANS, MAX_PIXELS, MAX_SIDE
from diagnosis.translation import translated
from diagnosis.uploads import (
    batch_limits,
    batch_too_large_sentence,
    megabytes,
    too_large_sentence,
    too_many_sentence,
)


def upload_limits() -> dict[str, Any]:
    return {
        "formats": translated(FORMATS_SENTENCE),
        "file": settings.MAX_UPLOAD_BYTES,
        "file_size": megabytes(settings.MAX_UPLOAD_BYTES),
        "too_large": too_large_sentence(),
        "megapixels": MAX_PIXELS // 1_000_000,
        "side": MAX_SIDE,
        "scans": MAX_JPEG_SCANS,
        "batch": settings.MAX_BATCH_BYTES,
        "batch_size": megabytes(settings.MAX_BATCH_BYTES),
        "batch_too_large": batch_too_large_sentence(),
        "files": settings.MAX_BATCH_FILES,
        "entries": batch_limits().entries,
        "too_many": too_many_sentence(),
    }
