"""What may be uploaded: the form and the serializer both ask here."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from diagnosis.engine.errors import EmptyFile, TooLarge, UnreadableImage, UnsupportedFormat
from diagnosis.engine.header import FORMATS_SENTENCE, SUFFIXES, Header, read_header
from diagnosis.engine.sentences import sentence
from diagnosis.uploads import too_large_sentence


def validate_upload(file: UploadedFile) -> Header:
    """Return format and size in pixels of an upload, from its header. Raises RadiographError with the reason."""
    if not file.size or file.file is None:
        raise EmptyFile(sentence("The file is empty. Choose the file of a chest X-ray."))
    if file.size > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(too_large_sentence())
    try:
        return read_header(file.file)
    except UnsupportedFormat as error:
        suffix = PurePosixPath(file.name or "").suffix.lower()
        if suffix in SUFFIXES and "no image" in error.detail:
            raise UnreadableImage(
                sentence(
                    "The file is named {suffix}, but its content is no image. Send a chest X-ray as {formats}.",
                    suffix=suffix,
                    formats=FORMATS_SENTENCE,
                )
            ) from error
        raise


def accepted_suffixes() -> str:
    """Return what a browser's file chooser should offer."""
    return ",".join([*sorted(SUFFIXES), ".zip"])


def clean_filename(name: str) -> str:
    """Return the last part of a file name, to be shown to its owner: no folders, no control characters, not empty."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return printable.strip()[-255:] or "unnamed"
