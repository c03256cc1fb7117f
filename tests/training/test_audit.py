"""Duplicates, patients, and labels that can be told without a look at the lungs."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image, ImageFilter

from diagnosis.engine.examples import LABELS
from tests.training.conftest import draw_chest
from training import trainer
from training.audit import audit
from training.audit_report import as_object, as_text
from training.config import TrainingConfig
from training.errors import TrainingError
from training.file_facts import read_file_facts
from training.leaks import Measured

EACH = 8

Change = Callable[[Image.Image, int], Image.Image]


def fill(folder: Path, each: int = EACH, change: Change | None = None, quality: tuple[int, int] = (80, 80)) -> Path:
    """Draw a data set, JPEG, a patient an image; ``change`` takes an image and its label, ``quality`` is by label."""
    for label, name in enumerate(LABELS):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            image = Image.fromarray(draw_chest(label, number))
            image = change(image, label) if change else image
            image.save(folder / name / file_name(label, number), quality=quality[label])
    return folder


def file_name(label: int, number: int) -> str:
    return f"person{number}_virus_{number}.jpeg" if label else f"IM-{number:04}-0001.jpeg"


def measures_of(folder: Path) -> dict[str, Measured]:
    return {measured.name: measured for measured in audit(folder).measures}


def test_an_even_folder_has_no_problem(tmp_path: Path) -> None:
    found = audit(fill(tmp_path / "even"))
    assert found.problems == []
    assert as_text(found).endswith("No problem found.")


def test_counts_are_by_source_class_and_subtype(tmp_path: Path) -> None:
    folder = fill(tmp_path / "drawn", each=3)
    (folder / "PNEUMONIA" / "person0_virus_0.jpeg").rename(folder / "PNEUMONIA" / "person1_bacteria_7.jpeg")
    rows = [tuple(row.values()) for row in as_object(audit(folder))["counts"]]
    assert rows == [
        ("drawn", "NORMAL", "", 3, 3),
        ("drawn", "PNEUMONIA", "bacteria", 1, 1),
        ("drawn", "PNEUMONIA", "virus", 2, 2),
    ]


def test_another_quality_for_each_class_gives_the_label_away(tmp_path: Path) -> None:
    found = audit(fill(tmp_path / "leaky", quality=(95, 75)))
    table, size = found.problems
    assert table.what == "the label can be told from the quantisation table (AUC 1.000, 95 % interval 1.000 to 1.000)"
    assert table.advice == "save all files anew at one size with one encoder setting"
    assert "bytes a pixel" in size.what


def test_bytes_a_pixel_are_a_matter_of_the_picture_where_all_files_were_written_alike(tmp_path: Path) -> None:
    def blur(image: Image.Image, label: int) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(2)) if label else image

    found = audit(fill(tmp_path / "blurred", change=blur))
    assert found.problems == []
    told = [str(finding) for finding in found.warnings]
    assert any("bytes a pixel (AUC 0.000" in sentence for sentence in told)
    assert any("high-frequency energy (AUC 0.000" in s and s.endswith("validate under them.") for s in told)


def test_brightness_that_tells_the_label_is_a_warning(tmp_path: Path) -> None:
    found = audit(fill(tmp_path / "bright", change=lambda image, label: image.point(lambda v: v // (3 - 2 * label))))
    assert found.problems == []
    assert "told from the mean grey (AUC 1.000" in str(found.warnings)


@pytest.mark.parametrize(
    ("size", "telling"),
    [
        ((300, 224), {"width", "aspect ratio"}),
        ((224, 300), {"height", "aspect ratio"}),
        ((300, 300), {"width", "height", "shortest side"}),
    ],
)
def test_size_and_proportions_give_the_label_away(tmp_path: Path, size: tuple[int, int], telling: set[str]) -> None:
    folder = fill(tmp_path / "sized", change=lambda image, label: image.resize(size) if label else image)
    assert {
        name for name, measured in measures_of(folder).items() if measured.in_file and measured.tells_label
    } == telling


def test_the_auc_is_the_share_of_pairs_in_order(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folder = fill(tmp_path / "random", change=lambda image, label: image.resize((int(random.integers(200, 210)), 224)))
    width = measures_of(folder)["width"]
    healthy, sick = width.values[:EACH], width.values[EACH:]
    pairs = (sick[:, None] > healthy) + 0.5 * (sick[:, None] == healthy)
    assert width.auc.value == pytest.approx(pairs.mean())
    assert width.auc.low < width.auc.value < width.auc.high
    assert not width.tells_label


def test_a_handful_of_patients_proves_nothing(tmp_path: Path) -> None:
    found = audit(fill(tmp_path / "tiny", each=4, quality=(95, 75)))
    assert found.problems == []
    assert {m.name: (m.auc.value, m.auc.low, m.auc.high) for m in found.measures}["quantisation table"] == (1, 0, 1)


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 95])
def test_the_quality_is_read_off_the_quantisation_table(tmp_path: Path, quality: int) -> None:
    Image.fromarray(draw_chest(0, 0)).save(tmp_path / "a.jpeg", quality=quality)
    assert read_file_facts(tmp_path / "a.jpeg").encoding == f"JPEG quality {quality}"


def test_a_png_has_no_quantisation_table(tmp_path: Path) -> None:
    Image.fromarray(draw_chest(0, 0)).save(tmp_path / "a.png")
    facts = read_file_facts(tmp_path / "a.png")
    assert (facts.encoding, facts.table, facts.width, facts.height) == ("PNG", 0, 224, 224)
    assert facts.size == (tmp_path / "a.png").stat().st_size


def test_copies_are_named_once_and_fool_nobody(tmp_path: Path) -> None:
    folder = fill(tmp_path / "copied")
    (folder / "NORMAL" / "copy.jpeg").write_bytes((folder / "NORMAL" / file_name(0, 3)).read_bytes())
    Image.open(folder / "NORMAL" / file_name(0, 5)).point(lambda v: v * 0.9 + 8).save(folder / "NORMAL" / "again.jpeg")
    report = as_object(found := audit(folder))
    assert report["identical"] == [["NORMAL/IM-0003-0001.jpeg", "NORMAL/copy.jpeg"]]
    assert report["nearly_identical"] == [["NORMAL/IM-0005-0001.jpeg", "NORMAL/again.jpeg"]]
    assert [f.what for f in found.warnings[-2:]] == ["1 pair of identical files", "1 pair of nearly the same image"]
    assert not any("same image with the labels" in sentence for sentence in report["problems"])


@pytest.mark.parametrize("brighter", [0, 6])
def test_the_same_image_with_both_labels_is_a_problem(tmp_path: Path, brighter: int) -> None:
    folder = fill(tmp_path / "torn")
    twin = folder / "PNEUMONIA" / "person99_virus_1.jpeg"
    original = folder / "NORMAL" / file_name(0, 2)
    if brighter:
        Image.open(original).point(lambda v: v + brighter).save(twin, quality=80)
    else:
        twin.write_bytes(original.read_bytes())
    found = audit(folder)
    assert [str(problem) for problem in found.problems] == [
        "1 pair of the same image with the labels NORMAL and PNEUMONIA: "
        "find out which label is right, and remove the other file."
    ]
    assert as_object(found)["same_image_with_both_labels"] == [
        ["NORMAL/IM-0002-0001.jpeg", "PNEUMONIA/person99_virus_1.jpeg"]
    ]


def test_a_patient_in_two_parts_is_a_problem(tmp_path: Path) -> None:
    fill(tmp_path / "all" / "train")
    test = fill(tmp_path / "all" / "test", change=lambda image, label: image.rotate(30))
    for path in sorted(test.rglob("*.jpeg")):
        if path.name != file_name(1, 4):
            path.rename(path.with_name(f"other {path.name}"))
    found = audit(tmp_path / "all")
    assert found.patients_across_splits == ["person4"]
    assert [str(p) for p in found.problems] == [
        "1 patient with images in more than one part: move all images of a patient into the same part."
    ]
    assert {row["source"] for row in as_object(found)["counts"]} == {"train", "test"}


def test_an_image_in_two_parts_is_a_problem_whatever_its_name(tmp_path: Path) -> None:
    fill(tmp_path / "all" / "train")
    val = fill(tmp_path / "all" / "val", change=lambda image, label: image.rotate(30))
    for path in sorted(val.rglob("*.jpeg")):
        path.rename(path.with_name(f"other {path.name}"))
    (val / "NORMAL" / "hidden.jpeg").write_bytes((tmp_path / "all/train/NORMAL" / file_name(0, 0)).read_bytes())
    found = audit(tmp_path / "all")
    assert [problem.what for problem in found.problems] == ["1 pair of the same image in two parts"]
    assert as_object(found)["same_image_across_splits"] == [
        ["train/NORMAL/IM-0000-0001.jpeg", "val/NORMAL/hidden.jpeg"]
    ]


def test_leaks_are_looked_for_where_a_network_learns(tmp_path: Path) -> None:
    fill(tmp_path / "all" / "train", quality=(80, 80))
    fill(tmp_path / "all" / "val", quality=(95, 75))
    assert measures_of(tmp_path / "all")["quantisation table"].auc.value == 0.5
    assert measures_of(tmp_path / "all" / "val")["quantisation table"].auc.value == 1


def test_a_patient_healthy_once_and_sick_later_is_listed_and_no_problem(tmp_path: Path) -> None:
    folder = fill(tmp_path / "later")
    (folder / "NORMAL" / file_name(0, 0)).rename(folder / "NORMAL" / "person3_later.jpeg")
    found = audit(folder)
    assert as_object(found)["patients_in_both_classes"] == ["person3"]
    assert found.problems == []


def test_unreadable_and_missing_files_are_listed(tmp_path: Path) -> None:
    folder = fill(tmp_path / "holes", each=2)
    (folder / "NORMAL" / "empty.jpeg").touch()
    rows = [f"{path.relative_to(folder)},{path.parent.name},{path.stem}" for path in sorted(folder.rglob("*.jpeg"))]
    (folder / "labels.csv").write_text("\n".join(["path,binary_label,patient_id", *rows, "NORMAL/gone.jpeg,NORMAL,1"]))
    report = as_object(found := audit(folder))
    assert [each["path"] for each in report["unreadable"]] == ["NORMAL/empty.jpeg"]
    assert report["missing"] == ["NORMAL/gone.jpeg"]
    assert report["images"] == 4
    assert "The file is empty" in as_text(found)
    assert len(report["warnings"]) == 2


def test_a_patients_many_images_do_not_feign_certainty(tmp_path: Path) -> None:
    """Two files of each patient that are alike in width: the interval is as wide as with one."""
    random = np.random.default_rng(1)
    folder = fill(tmp_path / "one", change=lambda image, label: image.resize((int(random.integers(200, 230)), 224)))
    alone = measures_of(folder)["width"].auc
    for path in sorted(folder.rglob("*.jpeg")):
        path.with_name(path.stem + "_again.jpeg").write_bytes(path.read_bytes())
    doubled = measures_of(folder)["width"].auc
    assert (doubled.value, doubled.low, doubled.high) == pytest.approx((alone.value, alone.low, alone.high))


def run(*command: Any) -> str:
    stdout = io.StringIO()
    call_command(*command, stdout=stdout)
    return stdout.getvalue()


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    folder = fill(tmp_path / "even")
    assert "quantisation table       file      0.500   0.500 to 0.500" in run("audit_dataset", folder)
    assert json.loads(run("audit_dataset", folder, "--json")) == as_object(audit(folder))


def test_the_command_ends_with_status_1_and_still_prints_where_a_network_would_be_fooled(tmp_path: Path) -> None:
    folder, stdout = fill(tmp_path / "leaky", quality=(95, 75)), io.StringIO()
    with pytest.raises(CommandError, match=r"2 problems in .*leaky: a network that learns") as error:
        call_command("audit_dataset", folder, stdout=stdout)
    assert error.value.returncode == 1
    assert "The label can be told from the quantisation table" in stdout.getvalue()


def test_the_picture_is_light_and_not_empty(tmp_path: Path) -> None:
    run("audit_dataset", fill(tmp_path / "even"), "--picture", tmp_path / "audit.png")
    grey = np.asarray(Image.open(tmp_path / "audit.png").convert("L"))
    assert grey.shape[1] > 1000
    assert np.median(grey) == 255
    assert (grey < 100).mean() > 0.002


def test_a_picture_of_no_known_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Format 'xyz' is not supported"):
        run("audit_dataset", fill(tmp_path / "even", each=2), "--picture", tmp_path / "audit.xyz")


def test_a_folder_without_images_is_one_sentence_for_the_audit(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no images"):
        run("audit_dataset", tmp_path)


def test_training_refuses_a_misleading_folder_by_the_name_of_the_leak(tmp_path: Path) -> None:
    folder = fill(tmp_path / "leaky", change=lambda image, label: image.resize((300, 224)) if label else image)
    with pytest.raises(CommandError, match=r"would mislead a network.*the width .*the aspect ratio .*--despite-audit"):
        call_command("train", data=folder, output=tmp_path / "artifact", accelerator="cpu")
    assert not (tmp_path / "artifact").exists()


def test_training_refuses_an_image_with_both_labels(tiny: TrainingConfig, tmp_path: Path) -> None:
    folder = fill(tmp_path / "torn")
    (folder / "PNEUMONIA" / "twin.jpeg").write_bytes((folder / "NORMAL" / file_name(0, 0)).read_bytes())
    with pytest.raises(TrainingError, match="1 pair of the same image with the labels NORMAL and PNEUMONIA"):
        trainer.train(tiny, folder, tmp_path / "artifact", accelerator="cpu")


def test_training_goes_on_when_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*args: object) -> None:
        raise TrainingError("The network is about to be trained.")

    monkeypatch.setattr(trainer, "read_imagenet", lambda file: {})
    monkeypatch.setattr(trainer, "fit_network", fit)
    folder = fill(tmp_path / "leaky", quality=(95, 75))
    with pytest.raises(CommandError, match="about to be trained"):
        call_command("train", data=folder, output=tmp_path / "artifact", accelerator="cpu", despite_audit=True)
