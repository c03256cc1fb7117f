"""Users, uploads and rows for the tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from diagnosis.models import Prediction, Radiograph
from tests.drawings import jpeg_bytes

PASSWORD = "correct horse battery"


def make_user(username: str, **facts: Any) -> User:
    return User.objects.create_user(username, f"{username}@example.org", PASSWORD, **facts)


def upload(name: str = "chest.jpg", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, jpeg_bytes() if data is None else data)


def make_radiograph(owner: User, data: bytes | None = None, filename: str = "chest.jpg", **facts: Any) -> Radiograph:
    """Store a radiograph with a prediction; ``facts`` are the prediction's."""
    radiograph = Radiograph(owner=owner, filename=filename, format="JPEG", width=320, height=256, sha256="0" * 64)
    radiograph.file.save("upload.jpg", upload(data=data), save=False)
    radiograph.save()
    Prediction.objects.create(radiograph=radiograph, **facts)
    Radiograph.objects.filter(pk=radiograph.pk).follow_newest()
    radiograph.refresh_from_db()
    return radiograph


def artifact_named(version: str, parent: Path, **facts: Any) -> Path:
    """Copy the bundled model to ``parent`` under another version, with ``facts`` changed in its card."""
    from tests.conftest import BUNDLED_MODEL  # which imports this module

    folder = Path(shutil.copytree(BUNDLED_MODEL, parent / version))
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"version": version} | facts))
    return folder


def succeeded(version: Any, probability: float = 0.94, threshold: float = 0.41) -> dict[str, Any]:
    """Return the facts of a prediction that ``version`` made."""
    now = timezone.now()
    return {
        "status": Prediction.Status.SUCCEEDED,
        "model_version": version,
        "probability": probability,
        "threshold": threshold,
        "label": "PNEUMONIA" if probability >= threshold else "NORMAL",
        "band": "likely" if probability >= threshold else "unlikely",
        "attempts": 1,
        "started_at": now,
        "finished_at": now,
    }
