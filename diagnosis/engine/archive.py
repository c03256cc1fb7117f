"""A zip archive of images. Its directory is judged before anything is unpacked, and no name becomes a path."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from diagnosis.engine.errors import RadiographError, TooLarge, UnreadableImage, UnsupportedFormat
from diagnosis.engine.sentences import sentence

#: How an archive begins; the second is that of an empty one.
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
#: What systems put beside one's files unasked, in lower case. Hidden files are left out as well.
SYSTEM_FILES = ("__macosx", "thumbs.db", "desktop.ini")
#: What makes a zip an Office document, an e-book or a Java program.
DOCUMENT_MARKS = {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"}
#: Entries of any kind, folders and hidden files among them, for each file that is taken.
ENTRIES_A_FILE = 4
#: Bytes that the directory takes for an entry, long names included.
DIRECTORY_BYTES_AN_ENTRY = 512
CHUNK = 256 * 1024
_ENCRYPTED = 0x41


class ArchiveError(RadiographError):
    """The archive as a whole is not taken."""

    code = "bad_archive"


@dataclass(frozen=True)
class Limits:
    """Files that are taken at once, bytes of all of them unpacked, and bytes of one."""

    files: int
    total_bytes: int
    file_bytes: int

    @property
    def entries(self) -> int:
        return ENTRIES_A_FILE * self.files


@dataclass(frozen=True)
class Entry:
    """One file of an archive; ``problem`` says why this one is not taken."""

    name: str
    info: zipfile.ZipInfo
    problem: RadiographError | None


def is_archive(stream: IO[bytes]) -> bool:
    stream.seek(0)
    start = stream.read(4)
    stream.seek(0)
    return start in MAGIC


class Archive:
    """``entries`` are the files that count, in the archive's order; ``skipped`` is how many others there are.

    Raises ArchiveError where the archive must not be unpacked at all: damaged, built as no honest program builds
    one, encrypted, or over the limits.
    """

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self._limits = limits
        self._zip = _directory_of(stream, limits)
        infos = self._zip.infolist()
        files = [info for info in infos if not info.is_dir()]
        wanted = [info for info in files if not _is_system_file(info.filename)]
        self.skipped = len(files) - len(wanted)
        self._refuse_whole(infos, wanted)
        self.entries = list(self._entries_of(wanted))

    def read(self, entry: Entry) -> Iterator[bytes]:
        """Yield the content piece by piece, never more than its declared size. Raises RadiographError."""
        if entry.problem:
            raise entry.problem
        try:
            with self._zip.open(entry.info) as content:
                chunk = content.read(CHUNK)
                if chunk.startswith(MAGIC):
                    raise _nested()
                while chunk:
                    yield chunk
                    chunk = content.read(CHUNK)
        except (RadiographError, MemoryError, GeneratorExit):
            raise
        except Exception as error:  # zipfile and zlib raise whatever damaged bytes make them trip over
            raise UnreadableImage(
                sentence("It is damaged in the archive: its content is not what the archive says. Make the zip again.")
            ) from error

    def _refuse_whole(self, infos: list[zipfile.ZipInfo], wanted: list[zipfile.ZipInfo]) -> None:
        if DOCUMENT_MARKS & {info.filename for info in infos}:
            raise ArchiveError(
                sentence("The file is a document or a program, not an archive of images. Send the images alone.")
            )
        if any(_leads_elsewhere(info.orig_filename) for info in infos):
            raise ArchiveError(
                sentence(
                    "The archive names files outside of itself ('..' or an absolute path), as no honest program does, "
                    "so nothing was taken. Make a new zip of the images."
                )
            )
        if not wanted:
            raise ArchiveError(sentence("The archive holds no files. Send a zip of chest X-rays."))
        if any(info.flag_bits & _ENCRYPTED for info in wanted):
            raise ArchiveError(
                sentence("The archive is protected by a password, so nothing was taken. Send it without one.")
            )
        if _overlaps(infos, self._zip.start_dir):
            raise _damaged()
        if len(wanted) > self._limits.files or len(infos) > self._limits.entries:
            raise _too_many(len(wanted) + self.skipped, self._limits)
        if sum(info.file_size for info in wanted) > self._limits.total_bytes:
            raise TooLarge(
                sentence(
                    "Unpacked, the archive would be larger than the {megabytes} MB that are taken at once, so nothing "
                    "was. Split it.",
                    megabytes=self._limits.total_bytes // 1024**2,
                )
            )

    def _entries_of(self, infos: Iterable[zipfile.ZipInfo]) -> Iterator[Entry]:
        seen: set[str] = set()
        for info in infos:
            yield Entry(info.filename, info, self._problem_of(info, seen))
            seen.add(info.filename)

    def _problem_of(self, info: zipfile.ZipInfo, seen: set[str]) -> RadiographError | None:
        if info.filename in seen:
            return UnsupportedFormat(
                sentence("Another file of the archive has the same name, and was taken. Rename this one.")
            )
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            return UnsupportedFormat(
                sentence("It is a link or a device, not a file. Put the image itself into the zip.")
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return UnsupportedFormat(
                sentence("It is compressed in a way that is not read here. Make the zip with the usual 'Deflate'.")
            )
        if info.file_size > self._limits.file_bytes:
            most = self._limits.file_bytes // 1024**2
            return TooLarge(sentence("It is larger than the {megabytes} MB that are taken.", megabytes=most))
        return None


class _Tail:
    """The stream, for zipfile, which must not ask for a directory larger than one that is taken can be."""

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, length: int = -1) -> bytes:
        place = self._stream.tell()
        if length < 0:
            length = self._stream.seek(0, os.SEEK_END) - place
            self._stream.seek(place)
        if length > max(CHUNK, self._limits.entries * DIRECTORY_BYTES_AN_ENTRY):
            raise _too_many(None, self._limits)
        return self._stream.read(length)


def _directory_of(stream: IO[bytes], limits: Limits) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(_Tail(stream, limits))
    except (RadiographError, MemoryError):
        raise
    except Exception as error:  # zipfile raises whatever a damaged directory makes it trip over
        raise _damaged() from error


def _is_system_file(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") or part.lower() in SYSTEM_FILES for part in parts)


def _leads_elsewhere(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or bool(re.match(r"[A-Za-z]:", plain))


def _overlaps(infos: list[zipfile.ZipInfo], end: int) -> bool:
    """Whether any two entries share bytes, which makes few of them unpack to many, or reach beyond the end."""
    spans = sorted((info.header_offset, info.header_offset + 30 + info.compress_size) for info in infos)
    starts = [start for start, _ in spans[1:]] + [end]
    return any(stop > following for (_, stop), following in zip(spans, starts, strict=True))


def _nested() -> UnsupportedFormat:
    return UnsupportedFormat(
        sentence("It is an archive within the archive, which is not opened. Put the images themselves into one zip.")
    )


def _damaged() -> ArchiveError:
    return ArchiveError(sentence("The archive is cut off or damaged, so nothing was taken. Make or copy it again."))


def _too_many(count: int | None, limits: Limits) -> ArchiveError:
    if count is None:
        detail = sentence(
            "The archive holds too many files; at most {most} are taken at once. Split it.", most=limits.files
        )
    else:
        detail = sentence(
            "The archive holds {count} files; at most {most} are taken at once. Split it.",
            count=count,
            most=limits.files,
        )
    return ArchiveError(detail)
