"""Reviewed radiographs as a training set: which, under which names, and as folder and zip."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from diagnosis.engine.examples import find_examples
from diagnosis.engine.sample import sample_png, sample_sha256
from diagnosis.history import tagging
from diagnosis.models import ModelVersion, Radiograph, Review
from diagnosis.reviewing import training_set
from diagnosis.reviewing.training_set import NothingToExport, choose
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.reviews import reviewed
from tests.drawings import jpeg_bytes

pytestmark = pytest.mark.usefixtures("rung")


def agreed(owner: User, version: Any, label: str, seed: int, *readers: str, **facts: Any) -> Radiograph:
    """Store an image of its own with verdicts; one reader says ``label`` where none are named."""
    data = jpeg_bytes(seed=seed)
    radiograph = reviewed(owner, version, label, *(readers or (label,)), data=data, **facts)
    Radiograph.objects.filter(pk=radiograph.pk).update(sha256=hashlib.sha256(data).hexdigest())
    return Radiograph.objects.get(pk=radiograph.pk)


def patients(**options: Any) -> dict[Any, str]:
    return {each.radiograph.pk: each.patient for each in choose(Radiograph.objects.all(), **options)}


def test_only_what_was_answered_and_all_readers_agree_on_is_taken(alice: User, version: ModelVersion) -> None:
    taken = [
        agreed(alice, version, "NORMAL", 1, "NORMAL", "NORMAL"),
        agreed(alice, version, "NORMAL", 2, "PNEUMONIA"),
    ]
    agreed(alice, version, "NORMAL", 3, "NORMAL", "PNEUMONIA", "NORMAL")
    agreed(alice, version, "NORMAL", 4, "NORMAL", "UNCLEAR")
    agreed(alice, version, "NORMAL", 5, "UNCLEAR")
    refused = agreed(alice, version, "NORMAL", 6)
    Radiograph.objects.filter(pk=refused.pk).update(outcome="refused")
    chosen = choose(Radiograph.objects.all())
    assert [each.radiograph for each in chosen] == taken
    assert [each.label for each in chosen] == ["NORMAL", "PNEUMONIA"]
    assert patients(fewest_readers=2).keys() == {taken[0].pk}
    Review.objects.filter(radiograph=taken[1]).update(blinded=True)
    Review.objects.filter(radiograph=taken[0]).update(blinded=False)
    assert patients(only_blinded=True).keys() == {taken[1].pk}


def test_images_of_one_patient_bear_one_name_as_far_as_that_is_known(
    alice: User, bob: User, version: ModelVersion
) -> None:
    first, second, third = (agreed(alice, version, "NORMAL", seed) for seed in (1, 2, 3))
    named = [agreed(alice, version, "PNEUMONIA", seed, filename=f"person7_virus_{seed}.jpeg") for seed in (4, 5)]
    tagging.tag(alice, [first, second], "Patient: 12")
    of_bob = agreed(bob, version, "NORMAL", 6)
    tagging.tag(bob, [of_bob], "patient: 12")
    told = patients()
    assert told[first.pk] == told[second.pk]
    assert told[named[0].pk] == told[named[1].pk]
    assert len({told[each.pk] for each in (first, third, named[0], of_bob)}) == 4
    assert patients() == told


def test_a_file_is_taken_once_and_test_images_and_the_drawn_sample_never(alice: User, version: ModelVersion) -> None:
    once = agreed(alice, version, "NORMAL", 1)
    agreed(alice, version, "NORMAL", 1)
    tested = agreed(alice, version, "NORMAL", 2)
    sample = reviewed(alice, version, "NORMAL", "NORMAL", data=sample_png())
    Radiograph.objects.filter(pk=sample.pk).update(sha256=sample_sha256())
    assert patients(without={tested.sha256}).keys() == {once.pk}


def test_the_command_writes_a_folder_that_can_be_read_as_examples(
    alice: User, version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agreed(alice, version, "NORMAL", 1)
    twin = [agreed(alice, version, "PNEUMONIA", seed) for seed in (2, 3)]
    tagging.tag(alice, twin, "patient:x")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "known.jpg").write_bytes(agreed(alice, version, "NORMAL", 4).read())
    call_command("export_training_set", tmp_path / "set", "--without", tmp_path / "test")
    assert "3 images of 2 patients" in capsys.readouterr().out
    examples = find_examples(tmp_path / "set")
    assert [example.label for example in examples] == [0, 1, 1]
    assert examples[1].patient == examples[2].patient != examples[0].patient
    assert examples[1].path.read_bytes() == twin[0].read()
    rows = list(csv.DictReader((tmp_path / "set" / "reviews.csv").open()))
    assert {row["file"] for row in rows} == {str(each.path.relative_to(tmp_path / "set")) for each in examples}
    assert "alice" not in (tmp_path / "set" / "reviews.csv").read_text()
    assert [path.name for path in tmp_path.glob("*.partial")] == []
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_training_set", tmp_path / "set")
    with pytest.raises(CommandError, match="is no folder"):
        call_command("export_training_set", tmp_path / "more", "--without", tmp_path / "nowhere")


def test_with_nothing_to_export_that_is_said(
    alice: User, charlie: User, version: ModelVersion, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="no X-ray on whose label"):
        call_command("export_training_set", tmp_path / "set")
    assert not (tmp_path / "set").exists()
    page = words(browser_of(charlie).get("/statistics/training-set.zip", {"all": "on"}, follow=True))
    assert "no X-ray on whose label" in page


def test_staff_gets_a_zip_and_nobody_else(
    alice: User, charlie: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    radiographs = [agreed(alice, version, "NORMAL", seed) for seed in (1, 2)]
    Path(radiographs[0].file.path).unlink()
    assert browser_of(alice).get("/statistics/training-set.zip").status_code == 403
    answer: Any = browser_of(charlie).get("/statistics/training-set.zip", {"all": "on"})
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        [image] = [name for name in archive.namelist() if name.startswith("NORMAL/")]
        assert archive.read(image) == radiographs[1].read()
        assert "pseudonym" in archive.read("README.txt").decode()
        assert len(archive.read("reviews.csv").decode().splitlines()) == 2
    monkeypatch.setattr(training_set, "MOST_ZIPPED", 1)
    with pytest.raises(NothingToExport, match="More than 1"):
        choose(Radiograph.objects.all(), most=1)
    page = words(browser_of(charlie).get("/statistics/training-set.zip", {"all": "on"}, follow=True))
    assert "too many for one zip" in page
