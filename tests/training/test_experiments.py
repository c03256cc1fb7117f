"""Runs stand side by side in a table, with what each was told and a picture of its accuracy."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from training.config import RECIPES, TrainingConfig
from training.experiment_table import BEGIN, END, read_run

FIGURE = {"value": 0.987, "low": 0.975, "high": 0.9951}


def history(*accuracies: float) -> list[dict[str, Any]]:
    return [
        {"epoch": epoch, "accuracy": value - 0.1, "clean_accuracy": value} for epoch, value in enumerate(accuracies, 1)
    ]


def finished(folder: Path, config: TrainingConfig, rows: list[dict[str, Any]], **parts: Any) -> Path:
    """Write the card that a run leaves."""
    folder.mkdir(parents=True)
    card = {
        "training": {"config": config.as_dict(), "epochs": rows, "minutes": 38.4, "accelerator": "cpu"},
        "data": {"training": {"images": 4589}, "validation": {"images": 627}},
        "metrics": {"parity": {"images": 100}, **{name: {"auroc": figure} for name, figure in parts.items()}},
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def draw(into: Path, *runs: Path) -> str:
    call_command("draw_experiments", *runs, into=into)
    return (into / "README.md").read_text()


def cells(page: str, name: str) -> list[str]:
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_run_is_a_row_with_what_it_was_told_and_what_came_of_it(tmp_path: Path) -> None:
    config = replace(RECIPES["original-20"], fraction=0.25, learning_rate=0.001)
    parts = {"validation": FIGURE, "validation_perturbed": {"value": 0.9, "low": None, "high": None}}
    run = finished(tmp_path / "quarter", config, history(0.81, 0.973, 0.96), **parts)
    assert cells(draw(tmp_path / "table", run), "quarter") == [
        "quarter",
        "`original-20`, `learning_rate=0.001`",
        "25% (4,589 + 627)",
        "3 of 20",
        "38 min, cpu",
        "81.0%, 96.0%, 97.3% in epoch 2",
        "0.987 (0.975–0.995)",
        "0.900",
        "–",
        "–",
    ]


def test_the_command_of_a_run_is_read_off_its_configuration(tmp_path: Path) -> None:
    config = replace(RECIPES["original"], epochs=12, seed=3, dropout=0.5)
    page = draw(tmp_path / "table", finished(tmp_path / "mine", config, history(0.8)))
    assert (
        "manage.py train --data DIR --recipe original --set dropout=0.5 --epochs 12 --seed 3 "
        "--accelerator cpu --output var/mine" in page
    )


def test_the_picture_shows_training_and_validation_and_says_so_in_words(tmp_path: Path) -> None:
    page = draw(tmp_path / "table", finished(tmp_path / "mine", TrainingConfig(), history(0.8, 0.9)))
    summary = "Accuracy after epoch 2: training 0.8, validation 0.9"
    assert f"![{summary}](mine.svg)" in page
    picture = (tmp_path / "table" / "mine.svg").read_text()
    root = ElementTree.fromstring(picture)
    assert root.get("aria-label") == f"mine: accuracy by epoch. {summary}"
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"training 0.800", "validation 0.900", "epoch 1", "2"} <= set(words)
    assert len(picture) < 10_000
    assert "prefers-color-scheme:dark" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", ""), "it loads nothing"


@pytest.mark.parametrize("rows", [[], [{"epoch": 1, "loss": 0.5}], [{"epoch": 1, "clean_accuracy": None}]])
def test_a_history_that_lacks_columns_leaves_gaps(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    page = draw(tmp_path / "table", finished(tmp_path / "mine", TrainingConfig(), rows))
    assert cells(page, "mine")[5:] == ["–"] * 5
    assert not (tmp_path / "table" / "mine.svg").exists()
    assert "mine.svg" not in page


def test_a_card_that_tells_little_leaves_gaps(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "card.json").write_text('{"training": {"config": {"epochs": 20, "gone": 1}}}')
    (tmp_path / "old" / "history.json").write_text(json.dumps(history(0.5)))
    told = cells(draw(tmp_path / "table", tmp_path / "old"), "old")
    assert told[2:6] == ["all", "1 of 20", "–", "50.0%, 50.0%, 50.0% in epoch 1"]


def test_an_unfinished_run_is_called_so(tmp_path: Path) -> None:
    folder = tmp_path / "mine.partial"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({**TrainingConfig().as_dict(), "accelerator": "tpu"}))
    (folder / "history.json").write_text(json.dumps(history(0.7)))
    told = cells(draw(tmp_path / "table", folder), "mine")
    assert told[3] == f"1 of {TrainingConfig().epochs}, unfinished"
    assert read_run(folder).accelerator == "tpu"


def test_a_table_keeps_its_other_runs_and_the_words_around_it_without_the_runs_folders(tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.mkdir()
    (table / "README.md").write_text(f"# Mine\n\nBefore.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    first = finished(tmp_path / "first", TrainingConfig(), history(0.8))
    draw(table, first)
    (first / "card.json").unlink()
    page = draw(table, finished(tmp_path / "second", TrainingConfig(), history(0.9)))
    assert page.startswith("# Mine\n\nBefore.\n")
    assert page.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in page
    assert [cells(page, name)[0] for name in ("first", "second")] == ["first", "second"]
    assert draw(table) == page, "drawn anew, nothing changes"


def test_what_is_no_run_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    good = finished(tmp_path / "good", TrainingConfig(), history(0.8))
    with pytest.raises(CommandError, match="holds no run of train"):
        draw(tmp_path / "table", good, tmp_path)
    assert not (tmp_path / "table").exists()
    with pytest.raises(CommandError, match="'two words' must be renamed"):
        draw(tmp_path / "table", finished(tmp_path / "two words", TrainingConfig(), []))
    (good / "card.json").write_text("{")
    with pytest.raises(CommandError, match=r"card\.json cannot be read"):
        draw(tmp_path / "table", good)


def test_a_page_without_its_marks_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "README.md").write_text("# Notes\n")
    with pytest.raises(CommandError, match="lacks the lines between which the table goes"):
        draw(tmp_path / "table", finished(tmp_path / "mine", TrainingConfig(), history(0.8)))
    assert [path.name for path in (tmp_path / "table").iterdir()] == ["README.md"]


def test_the_projects_own_table_is_drawn_from_the_facts_beside_it(tmp_path: Path) -> None:
    ours = settings.BASE_DIR / "training" / "experiments"
    shutil.copytree(ours, tmp_path / "copy")
    draw(tmp_path / "copy")
    files = {path.name: path.read_bytes() for path in ours.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()} == files
