"""Every code that says why an image was refused or could not be read. To ask the table for them reads all of it."""

from __future__ import annotations

from functools import cache

from diagnosis.engine import gate
from diagnosis.engine.errors import RadiographError
from diagnosis.predicting import CANCELLED

_OF_FILES = ("modality", "body_part", "several_frames", "colour", "too_small", "uniform")
_OF_JOBS = ("too_slow", "version_unusable", "file_missing", "gave_up", CANCELLED)


@cache
def reason_codes() -> list[str]:
    return sorted({*gate.SENTENCES, *_OF_FILES, *_OF_JOBS, *_codes_below(RadiographError)})


def _codes_below(kind: type[RadiographError]) -> set[str]:
    below = (_codes_below(each) for each in kind.__subclasses__())
    return {kind.code}.union(*below)
