"""An artifact is published from the browser: judged as the command judges it, whole or not at all."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from diagnosis.models import ModelVersion
from diagnosis.versions import receiving
from tests.conftest import BUNDLED_MODEL

ADDRESS = "/admin/diagnosis/modelversion/publish/"
NETWORK = (BUNDLED_MODEL / "network.tflite").read_bytes()
CARD = json.loads((BUNDLED_MODEL / "card.json").read_text())
Files = list[SimpleUploadedFile]


def card(**facts: Any) -> bytes:
    return json.dumps(CARD | {"version": "sent"} | facts).encode()


def zipped(**entries: bytes) -> Files:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return [SimpleUploadedFile("artifact.zip", stream.getvalue())]


def files(**entries: bytes) -> Files:
    return [SimpleUploadedFile(name, data) for name, data in entries.items()]


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def said_to(client: Client, sent: Files) -> str:
    return client.post(ADDRESS, {"file": sent}, follow=True).content.decode()


def remains() -> list[str]:
    """Return what lies where uploads come in and where versions are kept."""
    places = (Path(settings.FILE_UPLOAD_TEMP_DIR), Path(settings.MODELS_DIR))
    return [path.name for place in places if place.exists() for path in place.iterdir()]


@pytest.mark.parametrize(
    "send",
    [
        lambda: zipped(**{"network.tflite": NETWORK, "card.json": card()}),
        lambda: zipped(**{"run-7/card.json": card(), "run-7/network.tflite": NETWORK, "__MACOSX/x": b""}),
        lambda: files(**{"network.tflite": NETWORK, "card.json": card()}),
    ],
    ids=["zip", "zip of a folder", "both files"],
)
def test_an_artifact_is_published_and_its_card_is_shown(send: Callable[[], Files], admin: Client) -> None:
    page = said_to(admin, send())
    assert "Version sent is published" in page
    assert CARD["architecture"] in page
    assert "Sensitivity" in page
    version = ModelVersion.objects.get(version="sent")
    assert not version.active
    assert remains() == ["sent"]
    assert "was published already" in said_to(admin, send())


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (list, "Choose network.tflite and card.json"),
        (lambda: files(**{"card.json": card()}), "The upload is no artifact: it lacks network.tflite"),
        (lambda: zipped(**{"network.tflite": NETWORK}), "it lacks card.json"),
        (lambda: files(**{"network.tflite": b"rubbish", "card.json": card()}), "the hash differs"),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": card(preprocessing_version=99)}), "version 99"),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": card(slope="steep")}), "must be numbers"),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": card(threshold="low")}), "The card holds a fact of"),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": card(metrics="good")}), "must be objects"),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": card(version="x" * 65)}), "more than 64 characters"),
        (
            lambda: files(**{"network.tflite": NETWORK, "card.json": card(probes=[{"seed": 1, "logit": 50.0}])}),
            "probe",
        ),
        (lambda: files(**{"network.tflite": NETWORK, "card.json": b"[" * 100_000}), "nested too deeply"),
        (lambda: files(**{"card.json": b" " * (receiving.LARGEST_CARD + 1)}), "larger than the 1 MB"),
        (lambda: files(**{"notes.json": card()}), "“notes.json” is no part of an artifact"),
        (lambda: zipped(**{"a/card.json": card(), "b/card.json": card()}), "card.json came twice"),
        (lambda: zipped(**{"../card.json": card(), "network.tflite": NETWORK}), "The zip cannot be used"),
        (lambda: zipped(**{"network.tflite": NETWORK, "card.json": card(), "more": b""}), "The zip cannot be used"),
    ],
)
def test_what_is_no_artifact_is_refused_with_a_sentence_and_leaves_nothing(
    send: Callable[[], Files], reason: str, admin: Client
) -> None:
    page = said_to(admin, send())
    assert reason in page
    assert "Nothing was published" in page
    assert not ModelVersion.objects.exists()
    assert remains() == []


def test_who_may_only_look_publishes_nothing(alice: User) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client = Client()
    client.force_login(alice)
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"file": zipped(**{"card.json": card()})}).status_code == 403
    assert "Publish an artifact" not in client.get("/admin/diagnosis/modelversion/").content.decode()
