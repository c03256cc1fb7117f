"""What the tests of the second readers share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis.models import Radiograph, Review
from diagnosis.reviewing.recording import record
from tests.factories import make_radiograph, make_user, succeeded


def reviewed(owner: User, version: Any, network: str, *labels: str, **facts: Any) -> Radiograph:
    """Store a radiograph that the network calls ``network``, with a verdict of a reader of its own for each label."""
    probability = 0.94 if network == "PNEUMONIA" else 0.03
    radiograph = make_radiograph(owner, **{**succeeded(version, probability), **facts})
    for number, label in enumerate(labels):
        record(radiograph, reader(number), label)
    return Radiograph.objects.get(pk=radiograph.pk)


def reader(number: int) -> User:
    name = f"reader{number}"
    return User.objects.filter(username=name).first() or make_user(name)


def verdict_of(reader: User, radiograph: Radiograph) -> Review:
    return Review.objects.by(reader).current().get(radiograph=radiograph)


def long_ago(days: int = 1) -> Any:
    return timezone.now() - timedelta(days=days)
