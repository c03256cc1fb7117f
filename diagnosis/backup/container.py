"""The file itself: members in order, each of them hashed, and nothing in it believed before its hash fits."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from django.core.exceptions import ValidationError

FORMAT = 1
HEADER, END = "header.json", "end.json"
SUFFIXES = (".tar", ".tar.gz")
#: After so many members their hashes are written.
BATCH = 2000
_NAME = re.compile(
    r"header\.json|end\.json|sums/\d{6}\.sha256|rows/\w{1,100}/\d{6}\.jsonl|files/(secret_key|(uploads|models|training)/.+)"
)


class BackupError(Exception):
    """The sentence that says why there is no backup, or why it is not restored."""


class HashedFile:
    """Reads a file and hashes what it has read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class BackupWriter:
    """Writes the members of a backup; ``finish`` writes its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115  (finish closes it)
        self._sums: list[str] = []
        self._lists = 0
        self.members = 0

    def add_json(self, name: str, facts: Any) -> None:
        self.add_bytes(name, json.dumps(facts).encode())

    def add_bytes(self, name: str, data: bytes) -> None:
        self.add(name, io.BytesIO(data), len(data), time.time())

    def add_file(self, name: str, path: Path) -> None:
        """Raises FileNotFoundError where the file is gone."""
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            self.add(name, file, facts.st_size, facts.st_mtime)

    def add(self, name: str, file: IO[bytes], size: int, changed: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(changed), 0o600
        hashed = HashedFile(file)
        self._tar.addfile(member, hashed)
        self._sums.append(f"{hashed.hexdigest()}  {name}\n")
        self.members += 1
        if len(self._sums) >= BATCH:
            self._write_sums()

    def finish(self, **facts: Any) -> None:
        self.add_json(END, {**facts, "members": self.members})
        self._write_sums()
        self._tar.close()

    def _write_sums(self) -> None:
        data, self._lists = "".join(self._sums).encode(), self._lists + 1
        self._sums = []
        member = tarfile.TarInfo(f"sums/{self._lists:06}.sha256")
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))


class BackupReader:
    """Gives the members of a backup in their order. Raises BackupError at what is damaged, foreign or cut off."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._pending: dict[str, str] = {}
        self._members = 0
        self._end: dict[str, Any] | None = None
        self.header: dict[str, Any] = {}

    @property
    def end(self) -> dict[str, Any]:
        """What the end says; only there once all members were read."""
        if self._end is None:
            raise BackupError("The backup was cut off: its end is missing. Take another one.")
        return self._end

    def members(self) -> Iterator[tuple[str, IO[bytes]]]:
        for member in self._tar:
            file = self._open(member)
            if member.name.startswith("sums/"):
                self._compare(file.read().decode())
                continue
            hashed = HashedFile(file)
            if not self.header:
                self._take_header(member.name, hashed.read())
            elif member.name == END:
                self._end = json.loads(hashed.read())
            else:
                yield member.name, hashed  # type: ignore[misc]  # it has read() alone
                while hashed.read(1024**2):
                    pass
            self._members += 1
            self._pending[member.name] = hashed.hexdigest()
        if self._pending or self.end["members"] != self._members - 1:
            raise BackupError("The backup was cut off, or a part of it was taken out. Take another one.")

    def _open(self, member: tarfile.TarInfo) -> IO[bytes]:
        path = PurePosixPath(member.name)
        plain = str(path) == member.name and ".." not in path.parts and not set(member.name) & {"\\", "\0"}
        file = self._tar.extractfile(member) if member.isreg() and plain else None
        if file is None or not _NAME.fullmatch(member.name) or member.name in self._pending:
            raise BackupError(f"The backup holds {member.name[:100]!r}, which no backup of PneumoDetect does.")
        return file

    def _take_header(self, name: str, data: bytes) -> None:
        facts = json.loads(data) if name == HEADER else None
        if not isinstance(facts, dict) or "format" not in facts:
            raise BackupError("This is no backup of PneumoDetect.")
        if facts["format"] != FORMAT:
            raise BackupError("The backup was taken by a newer version of PneumoDetect. Restore it with that one.")
        self.header = facts

    def _compare(self, text: str) -> None:
        for line in text.splitlines():
            digest, _, name = line.partition("  ")
            if self._pending.pop(name, None) != digest:
                raise BackupError(f"{name} in the backup is not what was written: it is damaged or was changed.")


@contextmanager
def read(path: Path) -> Iterator[BackupReader]:
    """Open a backup; what goes wrong while it is read becomes a BackupError."""
    try:
        with ExitStack() as stack:
            file: Any = stack.enter_context(path.open("rb"))
            if path.name.endswith(".gz"):
                file = stack.enter_context(gzip.GzipFile(fileobj=file))
            yield BackupReader(stack.enter_context(tarfile.open(fileobj=file, mode="r|")))
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BackupError(f"{path} is damaged, cut off or no backup: {error}.") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise BackupError(f"{path} does not hold what a backup holds: {error}.") from error


class NewFile:
    """A file that has its name once it is whole, safe on disk and, where ``check`` is run, read again."""

    def __init__(self, path: Path) -> None:
        if not path.name.endswith(SUFFIXES):
            raise BackupError(f"{path} must end with {' or '.join(SUFFIXES)}.")
        if path.exists():
            raise BackupError(f"{path} exists already, and no backup takes the place of another. Name another file.")
        self.path = path
        self.partial = path.with_name(f".{os.getpid()}.partial.{path.name}")

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._raw = self._stack.enter_context(self.partial.open("xb"))
        self.file: Any = self._raw
        if self.path.name.endswith(".gz"):
            self.file = self._stack.enter_context(gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=3))
        return self

    def keep(self) -> None:
        """Give it its name."""
        self.partial.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def close(self) -> None:
        if self.file is not self._raw:
            self.file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._stack.close()

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.partial.unlink(missing_ok=True)
