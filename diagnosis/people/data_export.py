"""All that is stored of a user, as a zip that is sent while it is made: some rows, or a piece of a file, at a time.

Nothing of it is written to disk here, and what is held in memory is the zip's table of contents.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import PurePath
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone

from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found, page_of
from diagnosis.models import Prediction, Radiograph
from diagnosis.parcel import Parcel

#: Rows that are read at once, and bytes that are held before they are sent.
CHUNK, PIECE = 200, 256 * 1024

#: What else is stored of a user, as ``file: (model, the field that names the user, fields that tell it)``. A model
#: that another part of the platform may lack is left out. Secrets and hashes are no data of the user's.
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "saved_filters.json": ("diagnosis.SavedFilter", "owner", ("name", "query")),
    "tags.json": ("diagnosis.Tag", "owner", ("name",)),
    "uploads.json": ("diagnosis.Batch", "owner", ("id", "created", "ended", "by_mail")),
    "mail_settings.json": ("diagnosis.MailSettings", "user", ("batches",)),
    "mails.json": ("diagnosis.Letter", "user", ("created", "sent_at", "subject", "body")),
    "webhooks.json": (
        "diagnosis.Webhook",
        "owner",
        ("id", "url", "on_predictions", "on_batches", "created", "paused", "failing_since"),
    ),
    "webhook_calls.json": (
        "diagnosis.Delivery",
        "webhook__owner",
        (
            "id",
            "webhook",
            "event",
            "created",
            "state",
            "sent_at",
            "attempts",
            "status_code",
            "answer",
            "problem",
            "body",
        ),
    ),
    "email_addresses.json": ("account.EmailAddress", "user", ("email", "verified", "primary")),
    "profile.json": ("diagnosis.Profile", "user", ("display_name", "language")),
    "tokens.json": ("diagnosis.ApiToken", "user", ("name", "scope", "created", "last_used", "expiry")),
    "browsers.json": ("usersessions.UserSession", "user", ("created_at", "last_seen_at", "ip", "user_agent")),
    "groups.json": ("diagnosis.Membership", "user", ("group", "role", "since")),
    "invitations.json": ("diagnosis.Invitation", "user", ("group", "role", "created")),
    "reviews.json": (
        "diagnosis.Review",
        "reader",
        ("radiograph", "label", "comment", "created", "current", "blinded"),
    ),
    "reading.json": ("diagnosis.Reader", "user", ("blinded", "blinded_since", "all_shown")),
    "answers_seen.json": ("diagnosis.Disclosure", "user", ("radiograph", "shown")),
}
#: What refers to a user and is in the zip elsewhere, or is about others: a test holds the two lists complete.
ELSEWHERE = {
    "diagnosis.Radiograph": "radiographs.json",
    "diagnosis.Disagreement": "it repeats what two predictions in radiographs.json say",
    "diagnosis.ComparisonSeen": "who answers for an activation is a matter of the installation",
    "diagnosis.KeyedCall": "for a day, what was answered to a call of the API: the rows are in the other files",
    "mfa.Authenticator": "a secret",
    "admin.LogEntry": "what an administrator did to others' data is theirs",
    "training.TrainingRun": "a training run belongs to the installation",
    "diagnosis.Leaving": "an account that is being deleted cannot log in",
}


def zip_of_all(user: Any) -> Iterator[bytes]:
    """Yield the zip in pieces of some hundred kilobytes."""
    parcel = Parcel()
    missing: list[str] = []
    with zipfile.ZipFile(parcel, "w", zipfile.ZIP_DEFLATED) as archive:
        yield from _text(archive, parcel, "README.txt", [_readme(user)])
        yield from _text(archive, parcel, "account.json", [_json(_account(user))])
        for name, table in TABLES.items():
            yield from _text(archive, parcel, name, _array(_rows_of(user, *table)))
        yield from _text(archive, parcel, "radiographs.json", _array(map(_radiograph, _all_radiographs(user))))
        for radiograph in _all_radiographs(user):
            yield from _files(archive, parcel, radiograph, missing)
        yield from _text(archive, parcel, "missing_files.json", [_json(missing)])
    yield parcel.take()


def _readme(user: Any) -> str:
    facts = {"user": user, "now": timezone.now(), "platform": settings.PUBLIC_URL}
    return render_to_string("diagnosis/account/my_data_readme.txt", facts)


def _account(user: Any) -> dict[str, Any]:
    fields = ("username", "first_name", "last_name", "email", "date_joined", "last_login", "is_staff", "is_superuser")
    return {name: getattr(user, name) for name in fields}


def _text(archive: zipfile.ZipFile, parcel: Parcel, name: str, parts: Iterable[str]) -> Iterator[bytes]:
    with archive.open(_entry(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as file:
        for part in parts:
            file.write(part.encode())
            if parcel.size >= PIECE:
                yield parcel.take()
    yield parcel.take()


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, timezone.localtime().timetuple()[:6])
    entry.compress_type = compression
    return entry


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _array(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Write an array, a row a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, default=_plain, ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _rows_of(user: Any, label: str, owner: str, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with suppress(LookupError):
        rows = apps.get_model(label)._default_manager.filter(**{owner: user}).order_by("pk").values(*fields)
        yield from _by_pk(rows)


def _by_pk(rows: models.QuerySet[Any, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Read some at a time: a database may give a cursor all rows at once, and a page is no transaction."""
    rows, last = rows.annotate(_pk=models.F("pk")), None
    while found := list(islice(rows.filter(pk__gt=last) if last is not None else rows, CHUNK)):
        for row in found:
            last = row.pop("_pk")
            yield row


def _all_radiographs(user: Any) -> Iterator[Radiograph]:
    found, mark = Found((Radiograph.objects.owned_by(user),), ORDERS[NEWEST_FIRST]), None
    while True:
        page = page_of(found, mark, CHUNK)
        yield from page.radiographs
        if not (mark := page.after):
            return


def _radiograph(radiograph: Radiograph) -> dict[str, Any]:
    fields = ("id", "created", "filename", "format", "width", "height", "sha256", "source", "acquisition")
    facts = {name: getattr(radiograph, name) for name in fields}
    facts["files"] = [_name_in_zip(radiograph, name) for name in _stored(radiograph)]
    facts["image_removed_at"] = radiograph.image_removed_at
    facts["tags"] = [tag.name for tag in radiograph.tags.all()]
    facts["predictions"] = [_prediction(each) for each in radiograph.predictions.all()]
    return facts


def _prediction(prediction: Prediction) -> dict[str, Any]:
    fields = ("id", "status", "label", "probability", "threshold", "band", "activation_map", "reason_code", "reason")
    moments = ("queued_at", "started_at", "finished_at")
    version = prediction.model_version.version if prediction.model_version else None
    return {name: getattr(prediction, name) for name in fields + moments} | {"model_version": version}


def _stored(radiograph: Radiograph) -> list[str]:
    names = (radiograph.file.name, radiograph.preview.name, radiograph.thumbnail.name)
    return [name for name in names if name]


def _name_in_zip(radiograph: Radiograph, name: str) -> str:
    """Return the name after the row, as it is on the disk: those of users need not be unique."""
    return f"files/{radiograph.created:%Y-%m}/{PurePath(name).name}"


def _files(archive: zipfile.ZipFile, parcel: Parcel, radiograph: Radiograph, missing: list[str]) -> Iterator[bytes]:
    storage = radiograph.file.storage
    for name in _stored(radiograph):
        try:
            file = storage.open(name)
        except FileNotFoundError:
            missing.append(_name_in_zip(radiograph, name))
            continue
        # Images are compressed already.
        entry = _entry(_name_in_zip(radiograph, name), zipfile.ZIP_STORED)
        with file, archive.open(entry, "w", force_zip64=True) as copy:
            for piece in iter(partial(file.read, PIECE), b""):
                copy.write(piece)
                yield parcel.take()
    yield parcel.take()
