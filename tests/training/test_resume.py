"""Killed at any moment and started again, a run goes on where it was; and what it refuses to go on with."""

import errno
import fcntl
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from diagnosis.engine.artifact import Artifact
from tests.training.small_network import build_small_network
from training import trainer
from training.checkpoints import Checkpoint, partial_of, require_space, values_of, working_folder, write_aside
from training.config import TrainingConfig
from training.errors import ExportError, TrainingError

ROOT = Path(__file__).parent.parent.parent
CHECKPOINT = Checkpoint([np.ones(2)], [np.zeros(3)], [np.ones(2)], {"history": []})

#: Train until the second checkpoint is half written, and be killed then.
DIE = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from tests.training.small_network import build_small_network
from training import trainer
from training.config import TrainingConfig

trainer.build_network = build_small_network
whole, calls = np.savez, []

def savez(file, **arrays):
    calls.append(1)
    if len(calls) == 2:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    whole(file, **arrays)

np.savez = savez
trainer.train(TrainingConfig(**json.loads(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), accelerator="cpu")
"""


def weights_of(config: TrainingConfig, data: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Train and return the weights of which the artifact is made."""
    found: list[Any] = []
    finish = trainer.finish

    def keep(network: keras.Model, *more: Any) -> Artifact:
        found.extend(values_of(network.weights))
        return finish(network, *more)

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "finish", keep)
        trainer.train(config, data, output, accelerator="cpu", report=lambda line: None)
    return found


def test_a_run_that_was_killed_ends_with_the_same_weights(
    draw_folder: Callable[..., Path], tiny: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, output = draw_folder(4, 4), tmp_path / "killed"
    config = replace(tiny, epochs=3, patience=9, batch_size=2, dropout=0.5, learning_rate=1e-2, ema_momentum=0.5)
    words = [sys.executable, "-c", DIE, json.dumps(asdict(config)), str(data), str(output)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    partial = tmp_path / "killed.partial"
    assert (partial / "checkpoint.npz.new").read_bytes() == b"half"
    left = Checkpoint.read(partial)
    assert left is not None
    assert [row["epoch"] for row in left.facts["history"]] == [1]
    state = json.loads((partial / "progress.json").read_text())
    assert (state["epoch"], state["epochs"], state["steps"]) == (2, 3, 2)
    assert not output.exists()

    monkeypatch.setattr(trainer, "build_network", build_small_network)
    monkeypatch.setattr(trainer, "fit_gate", lambda *_: None)  # it looks into MobileNet's depths
    resumed = weights_of(config, data, output, monkeypatch)
    assert not partial.exists()
    assert {"card.json", "network.tflite", "history.json", "curves.png", "mistakes.png"} <= {
        path.name for path in output.iterdir()
    }
    uninterrupted = weights_of(config, data, tmp_path / "whole", monkeypatch)
    assert any(not np.array_equal(a, b) for a, b in zip(resumed, left.network, strict=False)), "it learned more"
    assert all(np.array_equal(a, b) for a, b in zip(resumed, uninterrupted, strict=True))
    rows = [json.loads((tmp_path / name / "history.json").read_text()) for name in ("killed", "whole")]
    killed, whole = ([{**row, "seconds": 0} for row in each] for each in rows)
    assert killed == whole
    assert [row["epoch"] for row in killed] == [1, 2, 3]


def test_a_run_goes_on_in_the_folder_that_it_left(tmp_path: Path) -> None:
    leave(tmp_path / "out", {"epochs": 3})
    with working_folder(tmp_path / "out", {"epochs": 3}) as folder:
        assert folder == tmp_path / "out.partial"
        kept = Checkpoint.read(folder)
        assert kept is not None
        assert [array.tolist() for array in (*kept.network, *kept.optimizer)] == [[1, 1], [0, 0, 0]]
    assert not folder.exists()


def leave(output: Path, identity: dict[str, Any]) -> Path:
    """Leave an unfinished run behind."""
    with pytest.raises(ExportError):
        work(output, identity)
    return partial_of(output)


def work(output: Path, identity: dict[str, Any]) -> None:
    with working_folder(output, identity) as folder:
        CHECKPOINT.write(folder)
        raise ExportError("It does not answer as it was trained.")


def test_an_unfinished_run_of_another_kind_is_refused_with_what_differs(tmp_path: Path) -> None:
    folder = leave(tmp_path / "out", {"epochs": 3, "seed": 1, "fingerprint of the images": "ab"})
    other = {"epochs": 4, "seed": 1, "fingerprint of the images": "cd"}
    with pytest.raises(TrainingError) as error, working_folder(tmp_path / "out", other):
        pass
    assert "epochs was 3 and is now 4; fingerprint of the images was ab and is now cd." in str(error.value)
    assert "start anew with --afresh" in str(error.value)
    assert json.loads((folder / "run.json").read_text())["epochs"] == 3
    assert (folder / "checkpoint.npz").exists()


def test_afresh_deletes_what_was_left(tmp_path: Path) -> None:
    folder = leave(tmp_path / "out", {"epochs": 3})
    (folder / "pictures").mkdir()
    with working_folder(tmp_path / "out", {"epochs": 4}, afresh=True):
        assert {path.name for path in folder.iterdir()} == {"lock", "run.json"}


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    with (tmp_path / "out.partial" / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with (
            pytest.raises(TrainingError, match="Another process is training"),
            working_folder(tmp_path / "out", {}, afresh=True),
        ):
            pass


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(b"half")
    with pytest.raises(TrainingError, match="is damaged: start anew with --afresh"):
        Checkpoint.read(tmp_path)


def test_a_full_disk_stops_a_run_with_one_sentence_and_keeps_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(file: io.BufferedWriter, **_: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = leave(tmp_path / "out", {})
    monkeypatch.setattr(np, "savez", fill)
    with pytest.raises(TrainingError) as error:
        work(tmp_path / "out", {})
    assert str(error.value) == (
        f"{folder} could not be written (No space left on device): make room and give the same command again; "
        "it goes on after its last checkpoint."
    )
    assert Checkpoint.read(folder) is not None
    assert not (folder / "checkpoint.npz.new").exists()


def test_a_file_that_could_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    def fail(file: Any) -> None:
        file.write(b"half")
        raise ValueError

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    with pytest.raises(ValueError):  # noqa: PT011
        write_aside(folder / "file", fail)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"file": b"old"}


def test_too_little_space_is_said_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 3_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(TrainingError, match="needs about 250 MB, and 3 MB are free"):
        trainer.train(TrainingConfig(), tmp_path / "nowhere", tmp_path / "deep" / "out")
    monkeypatch.undo()
    require_space(tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


def test_a_loss_that_is_no_number_stops_a_run_with_advice(
    draw_folder: Callable[..., Path], tiny: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "build_network", build_small_network)
    config = replace(tiny, learning_rate=1e30, warm_up=0.0, epochs=2)
    with pytest.raises(TrainingError) as error:
        trainer.train(config, draw_folder(4, 4), tmp_path / "out", accelerator="cpu", report=lambda line: None)
    assert "The loss became no number (NaN) in epoch" in str(error.value)
    assert "--afresh --set learning_rate=3.3e+29" in str(error.value)
    assert not (tmp_path / "out").exists()
