"""What is asked for and was removed: 410, with the sentence that says when and why."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404

from diagnosis.models import Radiograph
from diagnosis.retention.words import image_removed


class Removed(Http404):
    """Its text is for the user. Whoever does not tell it apart answers that there is nothing."""


def refuse_removed(radiograph: Radiograph) -> None:
    """Raise Removed where the image is gone."""
    if words := image_removed(radiograph):
        raise Removed(words)


def status_of(reason: Http404) -> int:
    return HTTPStatus.GONE if isinstance(reason, Removed) else HTTPStatus.NOT_FOUND
