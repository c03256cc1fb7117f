"""classify and evaluate: the classifier without web server or queue."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from diagnosis.models import ModelVersion
from tests.drawings import jpeg_bytes, png_bytes, uniform_png_bytes

pytestmark = pytest.mark.usefixtures("version")


def output_of(*command: Any) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label, seeds in (("NORMAL", (1, 2)), ("PNEUMONIA", (3, 4, 5))):
        (tmp_path / "data" / label).mkdir(parents=True)
        for seed in seeds:
            (tmp_path / "data" / label / f"person{seed}_virus_1.jpeg").write_bytes(jpeg_bytes(seed=seed))
    return tmp_path / "data"


def test_each_file_of_a_folder_is_one_line_of_json(data: Path, version: ModelVersion) -> None:
    (data / "notes.txt").write_text("not an image, and not one of the files that are looked for")
    lines = [json.loads(line) for line in output_of("classify", data, "--json").splitlines()]
    assert len(lines) == 5
    assert set(lines[0]) >= {
        "path", "status", "label", "probability", "threshold", "band", "refusal", "model_version", "seconds",
    }  # fmt: skip
    assert {line["status"] for line in lines} == {"succeeded"}
    assert {line["model_version"] for line in lines} == {version.version}
    assert all(
        line["label"] == ("PNEUMONIA" if line["probability"] >= line["threshold"] else "NORMAL") for line in lines
    )


def test_the_same_picture_is_answered_as_through_a_worker(data: Path, version: ModelVersion) -> None:
    from diagnosis.engine.classifier import Classifier

    path = data / "NORMAL" / "person1_virus_1.jpeg"
    (line,) = output_of("classify", path, "--json").splitlines()
    assert json.loads(line)["probability"] == Classifier.load(version.folder).classify(path.read_bytes()).probability


def test_people_get_a_sentence(data: Path) -> None:
    assert "pneumonia" in output_of("classify", data / "NORMAL" / "person1_virus_1.jpeg")


def test_a_refusal_is_an_answer_and_an_unreadable_file_is_not(data: Path) -> None:
    (data / "NORMAL" / "empty.png").write_bytes(b"")
    (data / "NORMAL" / "grey.png").write_bytes(uniform_png_bytes())
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 7 files could not be read"):
        call_command("classify", data, "--json", stdout=out)
    by_name = {Path(line["path"]).name: line for line in map(json.loads, out.getvalue().splitlines())}
    assert by_name["grey.png"]["refusal"]["code"] == "uniform"
    assert by_name["empty.png"]["status"] == "failed"
    assert by_name["empty.png"]["error"]["code"] == "empty"


@pytest.mark.parametrize("command", [("classify", "/nowhere"), ("evaluate", "--data", "/nowhere")])
def test_a_folder_that_is_not_there_is_one_sentence(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"/nowhere (does not exist|is no folder)\."):
        call_command(*command)


def test_a_folder_without_images_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no image"):
        call_command("classify", tmp_path)


def test_without_an_active_version_the_command_says_what_to_do(data: Path) -> None:
    ModelVersion.objects.update(active=False)
    with pytest.raises(CommandError, match="publish_model"):
        call_command("classify", data)


def test_evaluate_measures_what_classify_answers(data: Path, version: ModelVersion) -> None:
    answers = [json.loads(line) for line in output_of("classify", data, "--json").splitlines()]
    report = json.loads(output_of("evaluate", "--data", data, "--json"))
    right = [answer["label"] == Path(answer["path"]).parent.name for answer in answers]
    sick = [answer["label"] == "PNEUMONIA" for answer in answers if "/PNEUMONIA/" in answer["path"]]
    healthy = [answer["label"] == "NORMAL" for answer in answers if "/NORMAL/" in answer["path"]]
    assert report["n"] == 5
    assert report["accuracy"] == pytest.approx(sum(right) / 5)
    assert report["sensitivity"] == pytest.approx(sum(sick) / 3)
    assert report["specificity"] == pytest.approx(sum(healthy) / 2)
    assert (report["threshold"], report["model_version"]) == (version.card["threshold"], version.version)
    low, high = report["intervals"]["accuracy"]
    assert low <= report["accuracy"] <= high


def test_evaluate_counts_the_refused_and_names_the_unreadable(data: Path) -> None:
    (data / "NORMAL" / "grey.png").write_bytes(uniform_png_bytes())
    (data / "NORMAL" / "cut.png").write_bytes(png_bytes()[:500])
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate", "--data", data, "--json", stdout=out, stderr=err)
    report = json.loads(out.getvalue())
    assert (report["n"], report["refused"], report["unreadable"]) == (7, 1, 1)
    assert "cut.png is left out" in err.getvalue()


def test_evaluate_needs_both_classes(data: Path) -> None:
    for path in (data / "NORMAL").iterdir():
        path.unlink()
    with pytest.raises(CommandError, match="no images of the class NORMAL"):
        call_command("evaluate", "--data", data)
