"""What a worker does with one prediction, and what it does when things go wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User

from diagnosis import classification, publishing, worker
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.models import ModelVersion, Prediction
from tests.conftest import BUNDLED_MODEL
from tests.drawings import damaged_png_bytes, jpeg_bytes, uniform_png_bytes
from tests.factories import artifact_named, make_radiograph


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_held", {})


def classified(owner: User, data: bytes | None = None) -> Prediction:
    prediction = make_radiograph(owner, data).prediction
    classification.classify_next(prediction.pk)
    prediction.refresh_from_db()
    return prediction


def test_the_answer_is_the_classifiers_own_with_threshold_and_version(alice: User, version: ModelVersion) -> None:
    prediction = classified(alice, jpeg_bytes(seed=3))
    expected = Classifier.load(BUNDLED_MODEL).classify(jpeg_bytes(seed=3))
    assert prediction.status == "succeeded"
    assert prediction.probability == pytest.approx(expected.probability)
    assert (prediction.label, prediction.band) == (expected.label, expected.band)
    assert prediction.activation_map == expected.activation_map
    assert np.mean(prediction.activation_map or []) == pytest.approx(
        Classifier.load(BUNDLED_MODEL).logit(read_radiograph(jpeg_bytes(seed=3))), abs=0.01
    )
    assert prediction.threshold == version.card["threshold"]
    assert prediction.model_version == version
    assert prediction.queued_at <= prediction.started_at <= prediction.finished_at  # type: ignore[operator]


def test_a_refusal_is_final_and_carries_its_reason(alice: User, version: ModelVersion) -> None:
    prediction = classified(alice, uniform_png_bytes())
    assert (prediction.status, prediction.reason_code, prediction.probability) == ("refused", "uniform", None)


def test_what_only_the_decoder_finds_unreadable_fails_with_a_sentence(alice: User, version: ModelVersion) -> None:
    prediction = classified(alice, damaged_png_bytes())
    assert (prediction.status, prediction.reason_code) == ("failed", "unreadable")
    assert "damaged" in prediction.reason


def test_a_file_that_is_gone_fails_with_a_sentence(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice)
    Path(radiograph.file.path).unlink()
    classification.classify_next(radiograph.prediction.pk)
    assert radiograph.prediction.reason_code == "file_missing"


@pytest.mark.parametrize(("fault", "code"), [(SoftTimeLimitExceeded(), "too_slow"), (MemoryError(), "too_demanding")])
def test_an_image_that_asks_too_much_fails_and_the_worker_lives(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    monkeypatch.setattr(Classifier, "classify", raiser(fault))
    assert classified(alice).reason_code == code


@pytest.mark.parametrize(("fault", "code"), [(SoftTimeLimitExceeded(), "too_slow"), (MemoryError(), "too_demanding")])
def test_an_image_that_asks_too_much_of_the_decoder_fails_with_the_same_reason(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    monkeypatch.setattr("diagnosis.engine.preprocessing._grey", raiser(fault))
    prediction = classified(alice)
    assert (prediction.status, prediction.reason_code) == ("failed", code)
    assert "damaged" not in prediction.reason


def test_a_fault_that_is_not_the_images_gives_the_claim_back(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classifier, "classify", raiser(OSError("stale file handle")))
    prediction = make_radiograph(alice).prediction
    with pytest.raises(OSError, match="stale"):
        classification.classify_next(prediction.pk)
    prediction.refresh_from_db()
    assert (prediction.status, prediction.attempts, prediction.token) == ("running", 1, None)


def test_without_an_active_version_jobs_wait_and_no_attempt_is_used_up(alice: User) -> None:
    prediction = classified(alice)
    assert (prediction.status, prediction.attempts) == ("pending", 0)
    assert not worker.is_any_alive()


def test_with_a_damaged_artifact_jobs_wait(alice: User, version: ModelVersion) -> None:
    (version.folder / "network.tflite").write_bytes(b"rubbish")
    prediction = classified(alice)
    assert (prediction.status, prediction.attempts) == ("pending", 0)
    shutil.copy(BUNDLED_MODEL / "network.tflite", version.folder)
    classification.classify_next(None)
    prediction.refresh_from_db()
    assert prediction.status == "succeeded"


def test_looking_for_work_says_that_a_worker_is_alive(db: Any, version: ModelVersion) -> None:
    assert not worker.is_any_alive()
    classification.classify_next(None)
    assert worker.is_any_alive()


def test_a_newly_activated_version_is_taken_up_and_older_predictions_keep_theirs(
    alice: User, version: ModelVersion, tmp_path: Path
) -> None:
    first = classified(alice)
    newer, _ = publishing.publish(artifact_named("newer", tmp_path))
    newer.activate()
    second = classified(alice)
    first.refresh_from_db()
    assert (first.model_version, second.model_version) == (version, newer)


def raiser(fault: Exception) -> Any:
    def raise_it(*_: Any) -> None:
        raise fault

    return raise_it
