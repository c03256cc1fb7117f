"""How the bytes of an upload reach the disk: streamed, bounded and durable."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.engine import archive
from diagnosis.engine.archive import Limits
from diagnosis.engine.dicom.clean_copy import write_clean_copy
from diagnosis.engine.header import Header

CUT_OFF = gettext_lazy("The upload was cut off before its end, so nothing was stored. Send it again.")
FOR_MEMBERS = gettext_lazy(
    "You are not logged in, and the upload holds more than one file. Log in first, and send it again."
)
DROPPED = gettext_lazy(
    "A file came without a name, or with one that is not in UTF-8, so nothing was stored. "
    "Give it another name, and send it again."
)
TOO_MUCH_TEXT = gettext_lazy(
    "The request holds more text than any form here has, so nothing was stored. "
    "Send each file, with its name, as the field 'file' of multipart/form-data."
)
#: For so long a refused body is still read, since most clients hear no answer before they have sent all of it.
DRAIN_SECONDS = 10.0


def megabytes(size: int) -> str:
    return f"{size // 1024**2} MB"


def too_large_sentence() -> str:
    most = megabytes(settings.MAX_UPLOAD_BYTES)
    return _("The upload is larger than the {most} that are taken.").format(most=most)


def batch_too_large_sentence() -> str:
    return _("That is more than the {most} that are taken at once, so nothing was stored. Send fewer files.").format(
        most=megabytes(settings.MAX_BATCH_BYTES)
    )


def too_many_sentence() -> str:
    most = settings.MAX_BATCH_FILES
    return _("At most {most} files are taken at once, so nothing was stored. Send fewer.").format(most=most)


def batch_limits() -> Limits:
    """Return what a zip may hold: the same as a form, and each of its files as much as one that comes by itself."""
    return Limits(settings.MAX_BATCH_FILES, settings.MAX_BATCH_BYTES, settings.MAX_UPLOAD_BYTES)


def parse_error_sentence(error: Exception) -> str:
    """Return what to tell the user of a body that could not be parsed; Django's own words are for programmers."""
    for sentence in map(str, (CUT_OFF, FOR_MEMBERS, DROPPED, too_many_sentence())):
        if sentence in str(error):
            return sentence
    return _(
        "The upload could not be read. Send each file, with its name, as the field 'file' of multipart/form-data."
    )


def size_error_sentence(error: Exception) -> str:
    """Return what to tell the user of a body that is too large: our own sentence, or one in place of Django's."""
    return str(TOO_MUCH_TEXT) if "settings." in str(error) else str(error)


class RadiographUploadHandler(TemporaryFileUploadHandler):
    """Write each file to ``incoming/``, on the file system where it will stay.

    Raises RequestDataTooBig at the first byte over the limit, and before anything is written where the length
    that the request announces says so already. Raises MultiPartParserError where the body ends within a file, holds
    too many, or one whose name is none: Django by itself drops a file that is cut off or badly named in silence. A
    stranger may send one file, and no archive.
    """

    #: What a multipart body may hold beside the files themselves.
    OVERHEAD = 1024**2

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: Any, encoding: str | None = None
    ) -> tuple[Any, Any] | None:
        if isinstance(input_data, _CountedBody):
            return None  # to be parsed as usual
        self._input = input_data
        self._unfinished = False
        self._files = 0
        user = getattr(self.request, "user", None)
        self._is_member = bool(user and user.is_authenticated)
        most = settings.MAX_BATCH_BYTES if self._is_member else settings.MAX_UPLOAD_BYTES
        if content_length > most + self.OVERHEAD:
            self._refuse(
                RequestDataTooBig(batch_too_large_sentence() if self._is_member else too_large_sentence()),
            )
        body = _CountedBody(input_data, boundary)
        post, files = MultiPartParser(META, body, [self], encoding).parse()  # type: ignore[arg-type]  # it needs read() alone
        # What comes with an empty name is a text to Django.
        if any(post.getlist("file")) or body.parts > sum(len(each) for _, each in [*post.lists(), *files.lists()]):
            for file in (each for _, several in files.lists() for each in several):
                file.close()
            raise MultiPartParserError(DROPPED)
        return post, files

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._files += 1
        if self._files > (settings.MAX_BATCH_FILES if self._is_member else 1):
            self._refuse(MultiPartParserError(too_many_sentence() if self._is_member else FOR_MEMBERS))
        # Not Django's own way to name the file on disk, in which a long ending of the user's name is too long.
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = TemporaryUploadedFile("upload", self.content_type or "", 0, self.charset, self.content_type_extra)
        self.file.name = self.file_name
        self._bytes = 0
        self._start = b""
        self._unfinished = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._bytes += len(raw_data)
        self._start = (self._start + raw_data[:4])[:4]
        if self._bytes > settings.MAX_UPLOAD_BYTES and not (self._is_member and self._start in archive.MAGIC):
            self._refuse(RequestDataTooBig(too_large_sentence()))
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        self._unfinished = False
        return super().file_complete(file_size)

    def upload_complete(self) -> None:
        if self._unfinished:
            self._refuse(MultiPartParserError(CUT_OFF))

    def _refuse(self, error: Exception) -> NoReturn:
        if self._unfinished:
            self.upload_interrupted()  # removes what was written
        _drain(self._input)
        raise error


class _CountedBody:
    """A body that counts the parts it holds while it is read."""

    def __init__(self, stream: Any, boundary: bytes) -> None:
        self.parts = 0
        self._stream = stream
        self._mark = b"--" + boundary + b"\r\n"
        self._end = b""

    def read(self, length: int | None = None, /) -> bytes:
        data: bytes = self._stream.read(length)
        window = self._end + data
        self.parts += window.count(self._mark)
        self._end = window[1 - len(self._mark) :]
        return data


def _drain(stream: Any) -> None:
    """Read and drop what a client is still sending."""
    until = time.monotonic() + DRAIN_SECONDS
    # Little at a time: a read returns once it has all of it, however slowly that comes.
    while stream.read(64 * 1024) and time.monotonic() < until:
        pass


@contextmanager
def as_stored(header: Header, file: UploadedFile) -> Iterator[File]:
    """Give what of an upload may be stored: of a DICOM file a copy that names nobody, else the file itself."""
    if header.format != "DICOM" or file.file is None:
        yield file
        return
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        write_clean_copy(file.file, copy)
        copy.seek(0)
        yield File(copy)


class DurableStorage(FileSystemStorage):
    """Files that survive a power cut once ``save`` has returned: the content and the folder's entry are on disk."""

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        name = super().save(name, content, max_length)
        path = Path(self.path(name))
        try:
            _fsync(path)
            for folder in path.relative_to(self.location).parents:  # the first file of a day makes its folders
                _fsync(Path(self.location) / folder)
        except BaseException:
            self.delete(name)
            raise
        return name


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
