"""The one door through which radiographs come in, from the browser and from the API alike."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction

from diagnosis import tasks, tracing
from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.engine.archive import Archive, Entry, is_archive
from diagnosis.engine.errors import RadiographError, TooLarge, TooMany
from diagnosis.engine.header import FORMATS
from diagnosis.history.listed import Source
from diagnosis.models import Batch, Prediction, Radiograph, ReadingGroup
from diagnosis.people.models import Together
from diagnosis.uploads import as_stored, batch_limits, batch_too_large_sentence, too_many_sentence
from diagnosis.validators import clean_filename, validate_upload

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.core.files.uploadedfile import UploadedFile

    Owner = User | AnonymousUser

#: A file that comes by itself.
ALONE = Together()

logger = logging.getLogger(__name__)


@dataclass
class Received:
    """What became of one file: a radiograph, which ``is_known`` where its owner had sent it before; or a problem."""

    name: str
    radiograph: Radiograph | None = None
    is_known: bool = False
    problem: RadiographError | None = None


@dataclass
class Receipt:
    """What became of the files of an upload, in their order; ``skipped`` counts hidden and system files in a zip."""

    files: list[Received] = field(default_factory=list)
    skipped: int = 0

    @property
    def stored(self) -> list[Radiograph]:
        return [file.radiograph for file in self.files if file.radiograph and not file.is_known]


#: Called with what is stored, within the transaction that stores it; what it raises undoes all of it.
witness: ContextVar[Callable[[Receipt], None] | None] = ContextVar("witness", default=None)


def submit(
    owner: Owner, file: UploadedFile, source: Source = Source.BROWSER, group: ReadingGroup | None = None
) -> Radiograph:
    """Store the file and the job of classifying it; once this returns, neither can be lost.

    The file is safe on disk before the rows are written, and the workers' doorbell rings after they are. It is shared
    with the group, as long as its owner is in it when the rows are written.
    Raises RadiographError where the file is not one that is taken; nothing is stored then.
    """
    with _no_file_without_row() as kept:
        radiograph = _store(owner, file)
        kept.append(radiograph)
        _write(owner, [radiograph], source, Receipt([Received(radiograph.filename, radiograph)]), group=group)
    return radiograph


def submit_archive(
    owner: Owner, file: UploadedFile, source: Source = Source.BROWSER, group: ReadingGroup | None = None
) -> Receipt:
    """Store each image of a zip. Raises ArchiveError or TooLarge where nothing of it is taken."""
    receipt = Receipt()
    with _no_file_without_row() as kept:
        _unpack(owner, file, receipt, kept)
        _write(owner, kept, source, receipt, group=group)
    return receipt


def submit_all(
    owner: Owner, files: Iterable[UploadedFile], source: Source = Source.BROWSER, group: ReadingGroup | None = None
) -> Receipt:
    """Store images and what zips hold, all or, where the disk or the database fails, nothing.

    A bad file, or a bad zip as a whole, is one problem in the receipt, and the rest goes on. Raises TooMany or
    TooLarge where together they are more than is taken at once.
    """
    receipt = Receipt()
    with _no_file_without_row() as kept:
        _take(owner, list(files), receipt, kept)
        _write(owner, kept, source, receipt, group=group)
    return receipt


def submit_unless_known(
    owner: Owner, files: Iterable[UploadedFile], together: Together = ALONE, group: ReadingGroup | None = None
) -> Receipt:
    """The same, but what its owner has sent before is recognised by its content, and not stored again.

    It is shared with the group as well, unless it is shared already.
    """
    receipt = Receipt()
    with _no_file_without_row() as kept:
        _take(owner, list(files), receipt, kept)
        with transaction.atomic():
            superfluous = _recognise(owner, receipt)
            _write(owner, receipt.stored, Source.BROWSER, receipt, together, group)
            _share_known(receipt, group, owner)
    for radiograph in superfluous:
        radiograph.file.delete(save=False)
    return receipt


def _take(owner: Owner, files: list[UploadedFile], receipt: Receipt, kept: list[Radiograph]) -> None:
    if len(files) > 1:
        _refuse_more_than_a_batch(files)
    for file in files:
        try:
            if _is_archive(file):
                _unpack(owner, file, receipt, kept)
            else:
                radiograph = _store(owner, file)
                kept.append(radiograph)
                receipt.files.append(Received(radiograph.filename, radiograph))
        except RadiographError as problem:
            receipt.files.append(Received(clean_filename(file.name or ""), problem=problem))


def _refuse_more_than_a_batch(files: list[UploadedFile]) -> None:
    """Count a zip as what it holds, or many small ones would fill the disk."""
    limits, count, size = batch_limits(), 0, 0
    for file in files:
        count, size = (sum(both) for both in zip((count, size), _count_and_bytes(file), strict=True))
        if count > limits.files:
            raise TooMany(too_many_sentence())
        if size > limits.total_bytes:
            raise TooLarge(batch_too_large_sentence())


def _count_and_bytes(file: UploadedFile) -> tuple[int, int]:
    if not _is_archive(file):
        return 1, file.size or 0
    try:
        entries = Archive(file.file, batch_limits()).entries  # type: ignore[arg-type]  # it was read, so it is there
    except RadiographError:
        return 1, 0  # nothing of it will be taken
    return len(entries), sum(entry.info.file_size for entry in entries)


def _is_archive(file: UploadedFile) -> bool:
    return bool(file.size and file.file) and is_archive(file.file)  # type: ignore[arg-type]


def _unpack(owner: Owner, file: UploadedFile, receipt: Receipt, kept: list[Radiograph]) -> None:
    archive = Archive(file.file, batch_limits())  # type: ignore[arg-type]  # it was read already, so it is there
    receipt.skipped += archive.skipped
    for entry in archive.entries:
        name = clean_filename(entry.name)
        try:
            radiograph = _store_entry(owner, archive, entry)
        except RadiographError as problem:
            receipt.files.append(Received(name, problem=problem))
        else:
            kept.append(radiograph)
            receipt.files.append(Received(name, radiograph))


def _store_entry(owner: Owner, archive: Archive, entry: Entry) -> Radiograph:
    """Unpack one entry to a file without a name of its own, and take it as any other upload."""
    with TemporaryUploadedFile("entry", None, 0, None) as file:
        file.name = clean_filename(entry.name)
        for chunk in archive.read(entry):
            file.write(chunk)
        file.size = file.tell()
        file.seek(0)
        return _store(owner, file)


def _store(owner: Owner, file: UploadedFile) -> Radiograph:
    """Put the file where it stays; its rows are still to be written."""
    header = validate_upload(file)
    file.seek(0)
    radiograph = Radiograph(
        owner=cast("User", owner),  # the views let nobody in who is not logged in
        filename=clean_filename(file.name or ""),
        format=header.format,
        width=header.width,
        height=header.height,
        sha256=hashlib.file_digest(file, "sha256").hexdigest(),
        acquisition=header.acquisition,
    )
    with as_stored(header, file) as content:
        radiograph.size = content.size
        radiograph.file.save(f"upload{FORMATS[header.format]}", content, save=False)
    return radiograph


def _recognise(owner: Owner, receipt: Receipt) -> list[Radiograph]:
    """Put the earlier radiograph of the same content in the place of a later one; return those that are not needed.

    Within the transaction that writes the rows, so that the same file sent twice at once is recognised as well.
    """
    sent = {radiograph.sha256 for radiograph in receipt.stored}
    earlier = Radiograph.objects.owned_by(owner).filter(sha256__in=sent).exclude(file="")
    # One that failed has no result to offer, and its reason may ask for the file once more.
    earlier = earlier.order_by("created").with_predictions()
    known = {each.sha256: each for each in earlier if each.prediction.status != Prediction.Status.FAILED}
    superfluous = []
    for file in receipt.files:
        if radiograph := file.radiograph:
            file.radiograph = known.setdefault(radiograph.sha256, radiograph)
            file.is_known = file.radiograph is not radiograph
            superfluous += [radiograph] if file.is_known else []
    return superfluous


def _share_known(receipt: Receipt, group: ReadingGroup | None, owner: Owner) -> None:
    known = [file.radiograph.pk for file in receipt.files if file.radiograph and file.is_known]
    if group and known:
        group.share(Radiograph.objects.filter(pk__in=known, group=None), by=owner)


def _write(
    owner: Owner,
    radiographs: list[Radiograph],
    source: Source,
    receipt: Receipt,
    together: Together = ALONE,
    group: ReadingGroup | None = None,
) -> None:
    predictions = [Prediction(radiograph=radiograph) for radiograph in radiographs]
    with transaction.atomic():
        is_batch = len(radiographs) > 1 or together != ALONE
        batch = Batch.objects.take(owner, together) if is_batch else None
        shared_with = group if group and radiographs and group.holds(radiographs[0].owner) else None
        for radiograph in radiographs:
            radiograph.source, radiograph.batch, radiograph.group = source, batch, shared_with
        Radiograph.objects.bulk_create(radiographs)
        Prediction.objects.bulk_create(predictions)
        record_each(Verb.UPLOADED, Kind.RADIOGRAPH, [each.pk for each in radiographs], details=_to(shared_with))
        if tell := witness.get():
            tell(receipt)
        transaction.on_commit(lambda: ring_each(predictions), robust=True)


def _to(group: ReadingGroup | None) -> str:
    return f"shared with group {group.pk}" if group else ""


def ring_each(predictions: list[Prediction]) -> None:
    """Ring for each; where Redis is away, only once: no user should wait for it hundreds of times."""
    tracing.remember(each.pk for each in predictions)
    for each in predictions:
        facts = {"prediction": each.pk, "radiograph": each.radiograph_id}
        logger.info("Prediction %s of radiograph %s waits for a worker.", *facts.values(), extra=facts)
    for prediction in predictions:
        if not tasks.ring(prediction.pk):
            break


@contextmanager
def _no_file_without_row() -> Iterator[list[Radiograph]]:
    """Collect what is put on disk, and take it away again where its rows are not written."""
    kept: list[Radiograph] = []
    try:
        yield kept
    except BaseException:
        for radiograph in kept:
            radiograph.file.delete(save=False)
        raise
