"""The notebook's cells, every one of them executed: on a CPU, with drawn images, and without the network."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from diagnosis.engine.classifier import Classifier

ROOT = Path(__file__).parents[2]
NOTEBOOK = json.loads((ROOT / "training" / "notebooks" / "train_on_a_tpu.ipynb").read_text())
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]

#: One epoch of two steps, and a small gate.
TINY = {
    "epochs": 1, "batch_size": 4, "share_from_imagenet": 0, "frozen_blocks": -1, "validation_fraction": 0.5,
    "gate_drawings": 2, "gate_radiographs": 8,
}  # fmt: skip


def execute(cells: list[dict[str, Any]], values: dict[str, Any]) -> list[Image.Image]:
    """Execute the cells in order, with ``values`` put in after the parameters; return what they display."""
    shown: list[Image.Image] = []
    names: dict[str, Any] = {"display": shown.append}
    for cell in cells:
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            assert values.keys() <= names.keys()
            names |= values
    return shown


def test_every_cell_runs_from_the_archive_to_a_published_network(
    draw_folder: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    drawn = draw_folder(8, 8)
    for part in ("train", "test"):
        shutil.copytree(drawn, tmp_path / "packed" / "chest_xray" / part)
    monkeypatch.setenv("PNEUMODETECT_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    model = tmp_path / "model"
    # On JAX, which compiles MobileNet for minutes on a CPU, tests/training/eight_devices.py trains a smaller network.
    shown = execute(
        CODE,
        {
            "PROJECT": str(ROOT),
            "PYTHON": sys.executable,
            "ARCHIVE": shutil.make_archive(str(tmp_path / "kaggle"), "zip", tmp_path / "packed"),
            "DATA": str(tmp_path / "chest_xray"),
            "MODEL": str(model),
            "BACKEND": "tensorflow",
            "ACCELERATOR": "cpu",
            "OPTIONS": "--despite-audit " + " ".join(f"--set {name}={value}" for name, value in TINY.items()),
        },
    )
    card = Classifier.load(model).card
    assert (card.training["backend"], card.training["accelerator"]) == ("tensorflow", "cpu")
    assert card.metrics["parity"]["largest_difference"] < 0.01
    assert card.gate is not None
    assert len(shown) == 6
    assert all(min(picture.size) > 250 for picture in shown)
    said = capfd.readouterr().out
    assert "16 images in more than one part" in said or "in two parts" in said, "test/ holds what train/ holds"
    assert f"Version {card.version} is active." in said
    assert f"{tmp_path / 'chest_xray' / 'test'}" in said
    shutil.unpack_archive(tmp_path / "model.zip", tmp_path / "home")
    assert Classifier.load(tmp_path / "home").card == card


def test_a_command_that_fails_stops_the_notebook() -> None:
    parameters, tools = CODE[:2]
    failing = {"source": ["run('echo said; exit 3', allowed=(0, 1))"], "id": "failing", "metadata": {}}
    with pytest.raises(RuntimeError, match="ended with status 3: echo said; exit 3"):
        execute([parameters, tools, failing], {})


def test_the_notebook_says_that_it_ran_on_no_tpu_and_holds_no_output() -> None:
    assert "**Not run on a TPU yet.**" in "".join(NOTEBOOK["cells"][0]["source"])
    assert [(cell["outputs"], cell["execution_count"]) for cell in CODE] == [([], None)] * len(CODE)
