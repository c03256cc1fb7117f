"""The composition root: puts the rooms together and is imported by none of them."""

from pneumodetect.celery import app

__all__ = ["app"]
