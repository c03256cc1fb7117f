"""Two published versions on the same images, and what the result forbids."""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from diagnosis import publishing
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.models import Comparison, ModelVersion
from tests.conftest import BUNDLED_MODEL
from tests.drawings import jpeg_bytes, uniform_png_bytes
from tests.factories import make_user

pytestmark = pytest.mark.django_db
EACH = 12


@pytest.fixture(scope="module")
def drawn() -> list[tuple[float, bytes]]:
    """Radiographs with the logits that the bundled network gives them, rising."""
    classifier = Classifier.load(BUNDLED_MODEL)
    pictures = [jpeg_bytes(seed=seed) for seed in range(2 * EACH)]
    return sorted((classifier.logit(read_radiograph(picture)), picture) for picture in pictures)


@pytest.fixture
def data(drawn: list[tuple[float, bytes]], tmp_path: Path) -> Path:
    """Label the radiographs by the network itself, so that a version can be as right or as wrong as a test wants."""
    for number, (_, picture) in enumerate(drawn):
        folder = tmp_path / "ward" / ("NORMAL" if number < EACH else "PNEUMONIA")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"person{number}_virus_1.jpeg").write_bytes(picture)
    return tmp_path / "ward"


def published(name: str, drawn: list[tuple[float, bytes]], tmp_path: Path, missed: int = 0, sign: int = 1) -> str:
    """Publish a version that misses so many of the sick and is right of all else, or with ``sign`` -1 the reverse."""
    low, high = drawn[EACH + missed - 1][0], drawn[EACH + missed][0]
    slope = sign * 20 / (drawn[-1][0] - drawn[0][0])
    facts = {"version": name, "slope": slope, "intercept": -slope * (low + high) / 2}
    folder = Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "artifacts" / name))
    card = json.loads((folder / "card.json").read_text()) | facts
    (folder / "card.json").write_text(json.dumps(card | {"threshold": 0.5, "band_low": 0.4, "band_high": 0.6}))
    return publishing.publish(folder)[0].version


@pytest.fixture
def good(drawn: list[tuple[float, bytes]], tmp_path: Path) -> str:
    return publishing.activate(published("good", drawn, tmp_path)).version


@pytest.fixture
def poor(drawn: list[tuple[float, bytes]], tmp_path: Path) -> str:
    return published("poor", drawn, tmp_path, missed=8)


def compared(*command: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("compare_models", *command, "--json", stdout=out, stderr=io.StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_both_are_measured_on_the_same_images_at_their_own_thresholds(good: str, poor: str, data: Path) -> None:
    found = compared(good, poor, "--data", data)
    assert (found["a"], found["b"], found["n"], found["images"], found["patients"]) == ("good", "poor", 24, 24, 24)
    assert found["sensitivity"]["a"] == 1
    assert found["sensitivity"]["b"] == pytest.approx(4 / 12)
    assert found["sensitivity"]["difference"] == pytest.approx(-8 / 12)
    low, high = found["sensitivity"]["interval"]
    assert -1 <= low < -8 / 12 < high < 0
    assert found["specificity"]["difference"] == 0
    assert found["auroc"]["difference"] == 0
    test = found["mcnemar"]
    assert (test["both_right"], test["only_a_right"], test["only_b_right"], test["neither_right"]) == (16, 8, 0, 0)
    assert test["p"] == pytest.approx(2 / 2**8)
    assert found["worse"] == ["sensitivity", "correctness"]
    assert "Version poor is significantly worse than version good on 24 images of ward" in found["sentence"]
    assert "sensitivity 0.3333 instead of 1.0000" in found["sentence"]


def test_people_read_a_table_and_a_sentence(good: str, poor: str, data: Path) -> None:
    out = io.StringIO()
    call_command("compare_models", good, poor, "--data", data, stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("24 images of 24 patients were answered by both")
    assert next(line for line in lines if line.startswith("sensitivity")).split()[1:4] == [
        "1.0000",
        "0.3333",
        "-0.6667",
    ]
    assert "p = 0.0078" in lines[-2]
    assert lines[-1].startswith("Version poor is significantly worse than version good")


def test_what_either_refuses_is_counted_and_left_out(good: str, poor: str, data: Path) -> None:
    (data / "NORMAL" / "grey.png").write_bytes(uniform_png_bytes())
    (data / "NORMAL" / "empty.png").write_bytes(b"")
    found = compared(good, poor, "--data", data)
    assert (found["n"], found["refused"], found["unreadable"], found["images"]) == (26, 1, 1, 24)
    assert (found["refused_by_a"], found["refused_by_b"]) == (1, 1)


def test_a_version_found_worse_than_the_active_one_is_not_activated(good: str, poor: str, data: Path) -> None:
    compared(good, poor, "--data", data)
    with pytest.raises(
        CommandError, match=r"poor is significantly worse than version good .* sensitivity 0\.3333 .*--force"
    ):
        call_command("activate_model", poor)
    assert ModelVersion.objects.get(active=True).version == good
    call_command("activate_model", poor, "--force")
    assert ModelVersion.objects.get(active=True).version == poor


def test_it_does_not_matter_which_of_the_two_was_called_a(good: str, poor: str, data: Path) -> None:
    found = compared(poor, good, "--data", data)
    assert "Version good is significantly better than version poor" in found["sentence"]
    with pytest.raises(ArtifactError, match="Version poor is significantly worse than version good"):
        publishing.activate(poor)


def test_a_comparison_with_a_version_that_is_not_active_forbids_nothing(
    good: str, poor: str, data: Path, drawn: list[tuple[float, bytes]], tmp_path: Path
) -> None:
    compared(good, poor, "--data", data)
    publishing.activate(published("third", drawn, tmp_path, missed=3))
    assert publishing.activate(poor).active


def test_the_better_version_follows_and_the_active_one_may_be_activated_again(
    good: str, poor: str, data: Path
) -> None:
    publishing.activate(poor)
    compared(poor, good, "--data", data)
    publishing.activate(poor)
    publishing.activate(good)
    assert ModelVersion.objects.get(active=True).version == good


def test_a_small_difference_forbids_nothing(
    good: str, data: Path, drawn: list[tuple[float, bytes]], tmp_path: Path
) -> None:
    nearly = published("nearly", drawn, tmp_path, missed=2)
    found = compared(good, nearly, "--data", data)
    assert "Version nearly is not significantly worse than version good" in found["sentence"]
    assert publishing.activate(nearly).active


def test_the_ranking_counts_as_well_as_the_threshold(
    good: str, data: Path, drawn: list[tuple[float, bytes]], tmp_path: Path
) -> None:
    reverse = published("reverse", drawn, tmp_path, sign=-1)
    found = compared(good, reverse, "--data", data)
    assert found["auroc"]["difference"] == -1
    assert found["worse"] == ["auroc", "sensitivity", "specificity", "correctness"]


def test_comparing_again_on_the_same_images_replaces_the_result(good: str, poor: str, data: Path) -> None:
    compared(good, poor, "--data", data)
    compared(poor, good, "--data", data)
    row = Comparison.objects.get()
    assert (row.a.version, row.b.version, row.data) == (poor, good, "ward")
    (data / "NORMAL" / "person0_virus_1.jpeg").unlink()
    compared(good, poor, "--data", data)
    assert Comparison.objects.count() == 2
    told = sorted(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.parent.name}" for path in data.rglob("*.jpeg")
    )
    assert Comparison.objects.latest("created").fingerprint == hashlib.sha256("\n".join(told).encode()).hexdigest()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("good", "good"), "Both versions are good: name two different ones."),
        (("good", "nonsense"), "No version 'nonsense' is published. Published: poor, good."),
        (("nonsense", "good"), "No version 'nonsense' is published. Published: poor, good."),
    ],
)
def test_versions_that_cannot_be_compared_are_one_sentence(
    good: str, poor: str, data: Path, given: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(CommandError) as error:
        call_command("compare_models", *given, "--data", data)
    assert str(error.value) == sentence
    assert not Comparison.objects.exists()


def test_a_folder_without_images_is_one_sentence(good: str, poor: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match=r"holds no images: they are looked for in NORMAL/ and PNEUMONIA/\.$"):
        call_command("compare_models", good, poor, "--data", tmp_path / "empty")


def test_a_class_of_refused_images_is_one_sentence_and_stores_nothing(good: str, poor: str, data: Path) -> None:
    for path in (data / "NORMAL").iterdir():
        path.unlink()
    (data / "NORMAL" / "grey.png").write_bytes(uniform_png_bytes())
    with pytest.raises(CommandError, match="No image of the class NORMAL was answered by both"):
        call_command("compare_models", good, poor, "--data", data)
    assert not Comparison.objects.exists()


def test_a_damaged_version_is_not_compared(good: str, poor: str, data: Path) -> None:
    (ModelVersion.objects.get(version=poor).folder / "network.tflite").write_bytes(b"rubbish")
    with pytest.raises(CommandError, match="hash differs"):
        call_command("compare_models", good, poor, "--data", data)
    assert not Comparison.objects.exists()


def test_rolling_back_to_a_version_that_was_found_worse_needs_force(good: str, poor: str, data: Path) -> None:
    compared(good, poor, "--data", data)
    call_command("activate_model", poor, "--force")
    call_command("activate_model", good)
    with pytest.raises(CommandError, match="significantly worse"):
        call_command("activate_model", "--previous")
    assert ModelVersion.objects.get(active=True).version == good
    call_command("activate_model", "--previous", "--force")
    assert ModelVersion.objects.get(active=True).version == poor


def test_the_administrator_reads_comparisons_and_activates_a_worse_version_only_by_force(
    good: str, poor: str, data: Path
) -> None:
    compared(good, poor, "--data", data)
    client = Client()
    client.force_login(make_user("charlie", is_staff=True, is_superuser=True))
    row = Comparison.objects.get()
    for address in ("", f"{row.pk}/change/"):
        page = client.get(f"/admin/diagnosis/comparison/{address}")
        assert "significantly worse" in page.content.decode()
    assert b'name="_save"' not in page.content
    assert client.get("/admin/diagnosis/comparison/add/").status_code == 403
    assert client.post(f"/admin/diagnosis/comparison/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    address = f"/admin/diagnosis/modelversion/{ModelVersion.objects.get(version=poor).pk}/activate/"
    asked = client.get(address).content.decode()
    assert "significantly worse" in asked
    assert 'name="force"' in asked
    for confirmed, active in (({}, good), ({"force": "yes"}, poor)):
        page = client.post(address, confirmed, follow=True)
        assert ("significantly worse" in page.content.decode()) == (active == good)
        assert ModelVersion.objects.get(active=True).version == active


def test_the_figures_are_those_of_evaluate(good: str, poor: str, data: Path) -> None:
    found, out = compared(good, poor, "--data", data), io.StringIO()
    call_command("evaluate", "--data", data, "--model", poor, "--json", stdout=out)
    alone = json.loads(out.getvalue())
    assert all(math.isclose(found[name]["b"], alone[name]) for name in ("auroc", "sensitivity", "specificity"))
