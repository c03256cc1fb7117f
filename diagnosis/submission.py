"""The one door through which a radiograph comes in, from the browser and from the API alike."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from django.db import transaction

from diagnosis import tasks
from diagnosis.engine.header import FORMATS
from diagnosis.models import Prediction, Radiograph
from diagnosis.uploads import as_stored
from diagnosis.validators import clean_filename, validate_upload

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.core.files.uploadedfile import UploadedFile


def submit(owner: User | AnonymousUser, file: UploadedFile) -> Radiograph:
    """Store the file and the job of classifying it; once this returns, neither can be lost.

    The file is safe on disk before the rows are written, and the workers' doorbell rings after they are.
    Raises RadiographError where the file is not one that is taken; nothing is stored then.
    """
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
        radiograph.file.save(f"upload{FORMATS[header.format]}", content, save=False)
    try:
        with transaction.atomic():
            radiograph.save(force_insert=True)
            prediction = Prediction.objects.create(radiograph=radiograph)
            transaction.on_commit(lambda: tasks.ring(prediction.pk), robust=True)
    except BaseException:
        radiograph.file.delete(save=False)
        raise
    return radiograph
