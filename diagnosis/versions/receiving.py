"""An artifact that comes through the browser, as a zip or as its two files, and is judged as by ``publish_model``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from diagnosis import publishing
from diagnosis.engine.archive import Archive, Entry, Limits, is_archive
from diagnosis.engine.artifact import CARD, NETWORK
from diagnosis.engine.errors import ArtifactError, RadiographError
from diagnosis.translation import translated

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from diagnosis.models import ModelVersion

NAMES = (NETWORK, CARD)
#: Bytes of a card; the bundled one has 30 thousand. A network may be as large as any upload.
LARGEST_CARD = 1024**2


def publish_upload(files: Iterable[UploadedFile]) -> tuple[ModelVersion, bool]:
    """Publish what the files hold, and return the version, and whether it is new.

    Raises ArtifactError, with nothing left behind, where they are not an artifact that may be published.
    """
    with tempfile.TemporaryDirectory(prefix="artifact-", dir=settings.FILE_UPLOAD_TEMP_DIR) as name:
        folder = Path(name)
        for file in files:
            _unpack(file, folder) if _is_zip(file) else _write(folder, file.name or "", file.chunks())
        try:
            return publishing.publish(folder)
        except ArtifactError as error:  # which speaks of a folder that nobody knows
            said = str(error).replace(f"{folder}/", "").replace(str(folder), _("The upload"))
            raise ArtifactError(said) from error
        except RecursionError as error:
            raise ArtifactError(_("{name} is no card: it is nested too deeply.").format(name=CARD)) from error


def _is_zip(file: UploadedFile) -> bool:
    return bool(file.size and file.file) and is_archive(file.file)  # type: ignore[arg-type]  # it was read already


def _unpack(file: UploadedFile, folder: Path) -> None:
    stream: Any = file.file
    most = settings.MAX_UPLOAD_BYTES
    try:
        archive = Archive(stream, Limits(len(NAMES), most + LARGEST_CARD, most))
        for entry in archive.entries:
            _write(folder, _name_in_folder(entry), archive.read(entry))
    except RadiographError as error:
        reason = _("The zip cannot be used: {reason} An artifact is {network} and {card}, and nothing else.")
        facts = {"network": NETWORK, "card": CARD}
        raise ArtifactError(reason.format(reason=translated(error.detail), **facts)) from error


def _name_in_folder(entry: Entry) -> str:
    """Both files may lie in one folder, as they do where a folder is packed."""
    return entry.name.replace("\\", "/").rpartition("/")[2]


def _write(folder: Path, name: str, chunks: Iterable[bytes]) -> None:
    if name not in NAMES:
        raise ArtifactError(
            _("“{name}” is no part of an artifact. Send {network} and {card}, or a zip of both.").format(
                name=name[:80], network=NETWORK, card=CARD
            )
        )
    target = folder / name
    if target.exists():
        raise ArtifactError(_("{name} came twice. Send one artifact at a time.").format(name=name))
    with target.open("wb") as copy:
        for chunk in _bounded(chunks, name):
            copy.write(chunk)


def _bounded(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    most = LARGEST_CARD if name == CARD else settings.MAX_UPLOAD_BYTES
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            sentence = _("{name} is larger than the {megabytes} MB that it may have.")
            raise ArtifactError(sentence.format(name=name, megabytes=most // 1024**2))
        yield chunk
