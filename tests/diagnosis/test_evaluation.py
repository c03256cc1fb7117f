"""evaluate: several folders side by side, subgroups, and predictive values where pneumonia is as common as stated."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.drawings import jpeg_bytes, uniform_png_bytes

pytestmark = pytest.mark.usefixtures("version")

KEYS = {
    "n", "accuracy", "auroc", "sensitivity", "specificity", "ece", "brier", "refused", "unreadable", "threshold",
    "model_version", "intervals", "ppv", "npv", "prevalence", "subgroups",
}  # fmt: skip


def output_of(*command: Any) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def draw(folder: Path, normal: int, pneumonia: int) -> Path:
    for label, seeds in (("NORMAL", range(normal)), ("PNEUMONIA", range(10, 10 + pneumonia))):
        (folder / label).mkdir(parents=True)
        for seed in seeds:
            kind = "bacteria" if seed % 2 else "virus"
            name = f"person{seed}_{kind}_1.jpeg" if label == "PNEUMONIA" else f"IM-{seed:04}-0001.jpeg"
            (folder / label / name).write_bytes(jpeg_bytes(seed=seed))
    return folder


def test_one_folder_is_one_object_with_the_keys_that_others_rely_on(tmp_path: Path) -> None:
    report = json.loads(output_of("evaluate", "--data", draw(tmp_path / "one", 2, 3), "--json"))
    assert report.keys() == KEYS
    assert set(report["intervals"]) == {
        "accuracy", "auroc", "sensitivity", "specificity", "ece", "brier", "ppv", "npv",
    }  # fmt: skip
    assert report["subgroups"]["subtype"]["virus"]["n"] == 2
    assert report["subgroups"]["subtype"]["bacteria"]["negatives"] == 2


@pytest.mark.parametrize("twice", [True, False])
def test_several_folders_stand_side_by_side_and_are_never_pooled(tmp_path: Path, twice: bool) -> None:
    one, two = draw(tmp_path / "one", 2, 3), draw(tmp_path / "two", 3, 2)
    alone = [json.loads(output_of("evaluate", "--data", folder, "--json")) for folder in (one, two)]
    given = ("--data", one, "--data", two) if twice else ("--data", one, two)
    together = json.loads(output_of("evaluate", *given, "--json"))
    assert together == [{"data": str(one), **alone[0]}, {"data": str(two), **alone[1]}]


def test_people_get_a_table_with_a_column_for_each_folder(tmp_path: Path) -> None:
    one, two = draw(tmp_path / "one", 2, 3), draw(tmp_path / "two", 3, 1)
    lines = output_of("evaluate", "--data", one, two).splitlines()
    assert lines[1].split() == [str(one), str(two)]
    assert next(line for line in lines if line.startswith("n ")).split() == ["n", "5", "4"]
    (bacteria,) = [line for line in lines if line.startswith("subtype bacteria: n")]
    assert bacteria.split()[-2:] == ["1", "–"]
    assert any("specificity" in line and " to " in line for line in lines)


def test_predictive_values_follow_the_stated_prevalence(tmp_path: Path) -> None:
    data = draw(tmp_path / "one", 2, 3)
    rare, common = (
        json.loads(output_of("evaluate", "--data", data, "--json", "--prevalence", p)) for p in ("0.01", "0.5")
    )
    assert (rare["prevalence"], common["prevalence"]) == (0.01, 0.5)
    for report, sick in ((rare, 0.01), (common, 0.5)):
        hit, right = report["sensitivity"], report["specificity"]
        called_sick, called_healthy = sick * hit + (1 - sick) * (1 - right), sick * (1 - hit) + (1 - sick) * right
        assert report["ppv"] == (pytest.approx(sick * hit / called_sick) if called_sick else None)
        assert report["npv"] == (pytest.approx((1 - sick) * right / called_healthy) if called_healthy else None)


@pytest.mark.parametrize("share", ["0", "1", "-0.2", "nan"])
def test_a_prevalence_that_is_no_share_is_one_sentence(tmp_path: Path, share: str) -> None:
    with pytest.raises(CommandError, match="more than 0 and less than 1"):
        call_command("evaluate", "--data", tmp_path, f"--prevalence={share}")


def test_what_cannot_be_computed_is_null_since_json_has_no_nan(tmp_path: Path) -> None:
    data = draw(tmp_path / "one", 1, 2)
    for path in (data / "NORMAL").iterdir():
        path.with_suffix(".png").write_bytes(uniform_png_bytes())
        path.unlink()
    report = json.loads(output_of("evaluate", "--data", data, "--json"), parse_constant=lambda name: math.nan)
    assert (report["refused"], report["auroc"], report["intervals"]["specificity"]) == (1, None, [None, None])
    assert "–" in output_of("evaluate", "--data", data)


def test_a_folder_of_refused_images_is_one_sentence(tmp_path: Path) -> None:
    for label in ("NORMAL", "PNEUMONIA"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "grey.png").write_bytes(uniform_png_bytes())
    with pytest.raises(CommandError, match=r"^None of the 2 images was answered, so there is nothing to measure\.$"):
        call_command("evaluate", "--data", tmp_path)


def test_one_bad_folder_among_several_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere is no folder"):
        call_command("evaluate", "--data", draw(tmp_path / "one", 1, 1), tmp_path / "nowhere")


def test_pictures_are_drawn_of_each_folder_by_itself(tmp_path: Path) -> None:
    one, two = draw(tmp_path / "one" / "test", 2, 3), draw(tmp_path / "two" / "test", 3, 1)
    plain = output_of("evaluate", "--data", one, two)
    assert output_of("evaluate", "--data", one, two, "--pictures", tmp_path / "new" / "pictures") == plain
    drawn = {path.relative_to(tmp_path / "new" / "pictures").as_posix() for path in tmp_path.glob("new/pictures/*/*")}
    names = ("confusion", "reliability", "roc")
    assert drawn == {f"{folder}-test/{name}.svg" for folder in ("one", "two") for name in names}
    counts = [
        (tmp_path / "new" / "pictures" / f"{name}-test" / "reliability.svg").read_text() for name in ("one", "two")
    ]
    assert counts[0] != counts[1]
    output_of("evaluate", "--data", one, "--pictures", tmp_path / "alone")
    assert (tmp_path / "alone" / "test" / "roc.svg").is_file()


def test_pictures_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = draw(tmp_path / "one", 1, 1)
    with pytest.raises(CommandError, match="file is no folder"):
        call_command("evaluate", "--data", tmp_path / "nowhere", "--pictures", tmp_path / "file")
    with pytest.raises(CommandError, match=r"The pictures cannot be written: .*Not a directory"):
        output_of("evaluate", "--data", data, "--pictures", tmp_path / "file" / "below")


def test_two_spellings_of_one_folder_do_not_overwrite_one_another(tmp_path: Path) -> None:
    data = draw(tmp_path / "one", 1, 1)
    output_of("evaluate", "--data", data, data / ".." / "one", "--pictures", tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"1", "2"}
