"""What the tests of the pages share."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from diagnosis.models import Prediction, Radiograph
from tests.factories import PASSWORD

HTMX = {"HX-Request": "true"}


def browser_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    assert client.login(username=user.username, password=PASSWORD)
    return client


def words(response: Any) -> str:
    """Return the page with each run of white space, no-break spaces included, as one space."""
    return " ".join(response.content.decode().split())


def text_of(response: Any) -> str:
    """Return what is written on a page, without its tags, each space as a plain one."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def files_under(folder: Any) -> list[Path]:
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def page_of(radiograph: Radiograph, part: str = "radiograph") -> str:
    return reverse(f"diagnosis:{part}", args=[radiograph.pk])


def assert_nothing_is_stored(settings: Settings) -> None:
    assert not Radiograph.objects.exists()
    assert not Prediction.objects.exists()
    assert not files_under(settings.MEDIA_ROOT)
    assert not files_under(str(settings.FILE_UPLOAD_TEMP_DIR))
