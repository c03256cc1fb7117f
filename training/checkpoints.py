"""The folder ``<output>.partial`` in which a run works, and the checkpoint from which it goes on."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

CHECKPOINT, RUN, LOCK = "checkpoint.npz", "run.json", "lock"

#: A checkpoint takes 68 MB and its successor lies beside it for a moment; the rest is artifact, logs and pictures.
MEGABYTES_NEEDED = 250

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Array = NDArray[Any]


@dataclass
class Checkpoint:
    """All that the next epoch depends on: the variables' values, in Keras' order, and what was seen so far."""

    network: list[Array]
    optimizer: list[Array]
    best: list[Array]
    facts: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        groups = {"network": self.network, "optimizer": self.optimizer, "best": self.best}
        arrays = {f"{name}_{i:04}": array for name, group in groups.items() for i, array in enumerate(group)}
        arrays["facts"] = np.array(json.dumps(self.facts))
        write_aside(folder / CHECKPOINT, lambda file: np.savez(file, allow_pickle=False, **arrays))

    @classmethod
    def read(cls, folder: Path) -> Checkpoint | None:
        """Return the checkpoint in ``folder``, or None. Raises TrainingError where it is damaged."""
        if not (folder / CHECKPOINT).exists():
            return None
        try:
            with np.load(folder / CHECKPOINT, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                groups = {g: [file[n] for n in sorted(file.files) if n.startswith(f"{g}_")] for g in _GROUPS}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise TrainingError(f"{folder / CHECKPOINT} is damaged: start anew with --afresh.") from error
        return cls(**groups, facts=facts)


_GROUPS = ("network", "optimizer", "best")


def values_of(variables: Sequence[Any]) -> list[Array]:
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Sequence[Any], values: Sequence[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def write_aside(path: Path, write: Callable[[IO[bytes]], object], durably: bool = True) -> None:
    """Let ``write`` fill the file ``path`` as a whole: whoever kills the process leaves the old one or the new one."""
    aside = path.with_name(f"{path.name}.new")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            if durably:
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if durably:
        sync_folder(path.parent)


def write_json(path: Path, found: Any, durably: bool = True) -> None:
    write_aside(path, lambda file: file.write(json.dumps(found, indent=1).encode()), durably)


def write_figure(figure: Any, path: Path, dpi: int = 100) -> None:
    """Write a matplotlib figure as a whole, in the format that the ending of ``path`` names (PNG without one)."""
    kind = path.suffix.removeprefix(".") or "png"
    write_aside(path, lambda file: figure.savefig(file, format=kind, dpi=dpi, facecolor="white"), durably=False)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def partial_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.partial")


def require_space(output: Path) -> None:
    """Raise TrainingError where the disk on which ``output`` is to lie has too little room for a run."""
    there = next(folder for folder in (output.absolute(), *output.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free // 1_000_000
    if free < MEGABYTES_NEEDED:
        raise TrainingError(
            f"Training into {output} needs about {MEGABYTES_NEEDED} MB, and {free} MB are free: make room or name "
            "another --output."
        )


@contextmanager
def working_folder(output: Path, identity: dict[str, Any], afresh: bool = False) -> Iterator[Path]:
    """Give the folder in which the run ``identity`` works, as it was left; remove it when all is done.

    After an error it stays if there is a checkpoint in it. Raises TrainingError where another process works in it,
    where it belongs to another run, unless ``afresh``, and where the disk is full.
    """
    folder = partial_of(output)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        _lock(lock, folder)
        if afresh or not (folder / CHECKPOINT).exists():
            _empty(folder)
        else:
            _refuse_another(folder, identity)
        try:
            write_json(folder / RUN, identity)
            yield folder
        except BaseException as error:
            if not (folder / CHECKPOINT).exists():
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and error.errno in _FULL:
                raise TrainingError(_full(folder, error)) from error
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _full(folder: Path, error: OSError) -> str:
    on = "it goes on after its last checkpoint" if (folder / CHECKPOINT).exists() else "it starts anew"
    return f"{folder} could not be written ({error.strerror}): make room and give the same command again; {on}."


def _lock(lock: IO[str], folder: Path) -> None:
    """Take the lock; the system gives it back when this process ends, however it does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrainingError(
            f"Another process is training in {folder}: wait for it, or name another --output."
        ) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _refuse_another(folder: Path, identity: dict[str, Any]) -> None:
    try:
        left = json.loads((folder / RUN).read_text())
    except (OSError, ValueError):
        left = {}
    if differences := [
        f"{name} was {left.get(name)} and is now {identity.get(name)}"
        for name in sorted(left.keys() | identity.keys())
        if left.get(name) != identity.get(name)
    ]:
        raise TrainingError(
            f"{folder} holds an unfinished run of another kind: {'; '.join(differences)}. Repeat that command to go "
            "on with it, name another --output, or delete it and start anew with --afresh."
        )
