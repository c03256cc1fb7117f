"""The circle closed: images are uploaded, read by people, exported, and a network is trained on what they said."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from diagnosis.engine.classifier import Classifier
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.reviewing.recording import record
from diagnosis.submission import submit
from tests.factories import succeeded, upload
from tests.training.conftest import draw_chest, png
from training import trainer
from training.config import TrainingConfig


@pytest.mark.usefixtures("rung")
def test_what_readers_said_becomes_a_network(
    alice: User, version: ModelVersion, tiny: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "fit_gate", lambda *_: None)  # takes long, and knows nothing of who read the images
    for label, name in enumerate(("NORMAL", "PNEUMONIA")):
        for number in range(4):
            radiograph = submit(alice, upload(f"{name}-{number}.png", png(draw_chest(label, number))))
            radiograph.predictions.update(**succeeded(version))
            Radiograph.objects.filter(pk=radiograph.pk).follow_newest()
            record(radiograph, alice, name)
    call_command("export_training_set", tmp_path / "set")
    trainer.train(tiny, tmp_path / "set", tmp_path / "artifact", accelerator="cpu", source="reviewed here")
    card = Classifier.load(tmp_path / "artifact").card
    parts = [card.data[part] for part in ("training", "validation")]
    assert [sum(part[name] for part in parts) for name in ("NORMAL", "PNEUMONIA")] == [4, 4]
    assert sum(part["patients"] for part in parts) == 8
