"""How the bytes of an upload reach the disk: streamed, bounded and durable."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParserError

CUT_OFF = "The upload was cut off before its end, so nothing was stored. Send it again."
ONE_FILE = "The upload holds more than one file, so nothing was stored. Send one file a request."
#: For so long a refused body is still read, since most clients hear no answer before they have sent all of it.
DRAIN_SECONDS = 10.0


def too_large_sentence() -> str:
    return f"The upload is larger than the {settings.MAX_UPLOAD_BYTES // 1024**2} MB that are taken."


def parse_error_sentence(error: Exception) -> str:
    """Return what to tell the user of a body that could not be parsed; Django's own words are for programmers."""
    for sentence in (CUT_OFF, ONE_FILE):
        if sentence in str(error):
            return sentence
    return "The upload could not be read. Send one file, with its name, as the field 'file' of multipart/form-data."


class RadiographUploadHandler(TemporaryFileUploadHandler):
    """Write each file to ``incoming/``, on the file system where it will stay.

    Raises RequestDataTooBig at the first byte over the limit, and before anything is written where the length
    that the request announces says so already. Raises MultiPartParserError where the body ends within a file or
    holds a second one: Django by itself drops the one and overlooks the other in silence.
    """

    #: What a multipart body may hold beside the file itself.
    OVERHEAD = 64 * 1024

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        self._unfinished = False
        self._files = 0
        if content_length > settings.MAX_UPLOAD_BYTES + self.OVERHEAD:
            _drain(input_data)
            raise RequestDataTooBig(too_large_sentence())

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._files += 1
        if self._files > 1:
            self._refuse(MultiPartParserError(ONE_FILE))
        super().new_file(*args, **kwargs)
        self._bytes = 0
        self._unfinished = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._bytes += len(raw_data)
        if self._bytes > settings.MAX_UPLOAD_BYTES:
            self._refuse(RequestDataTooBig(too_large_sentence()))
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        self._unfinished = False
        return super().file_complete(file_size)

    def upload_complete(self) -> None:
        if self._unfinished:
            self._refuse(MultiPartParserError(CUT_OFF))

    def _refuse(self, error: Exception) -> NoReturn:
        self.upload_interrupted()  # removes what was written
        raise error


def _drain(stream: Any) -> None:
    """Read and drop what a client is still sending."""
    until = time.monotonic() + DRAIN_SECONDS
    # Little at a time: a read returns once it has all of it, however slowly that comes.
    while stream.read(64 * 1024) and time.monotonic() < until:
        pass


class DurableStorage(FileSystemStorage):
    """Files that survive a power cut once ``save`` has returned: the content and the folder's entry are on disk."""

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        name = super().save(name, content, max_length)
        path = Path(self.path(name))
        try:
            _fsync(path)
            _fsync(path.parent)
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
