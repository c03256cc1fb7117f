"""Writing down what was done. Whatever is done within a request is done by whoever asked.

A change and its entry are one transaction where the change has one: neither is there without the other.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from diagnosis import tracing
from diagnosis.audit.models import (
    LONGEST_DETAILS,
    LONGEST_LABEL,
    LONGEST_NAME,
    AuditEntry,
    Door,
    Kind,
    Verb,
)

#: Entries that are written in one statement.
CHUNK = 500

_source: ContextVar[HttpRequest | Door] = ContextVar("audit_source", default=Door.COMMAND)


@contextmanager
def during(source: HttpRequest | Door) -> Iterator[None]:
    """What is recorded within is recorded as done for this request, or, of Door.BACKGROUND, for nobody's."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def record(verb: Verb, kind: Kind, pk: object = "", *, label: str = "", details: str = "", actor: Any = None) -> None:
    """Write one entry; ``actor`` is who did it where that is not who asked."""
    facts = _circumstances(actor)
    AuditEntry(verb=verb, kind=kind, **_said(pk, label, details), **facts).save()


def record_each(verb: Verb, kind: Kind, pks: Iterable[object], *, details: str = "", actor: Any = None) -> None:
    """Write an entry for each of them, in one statement for some hundred."""
    facts = _circumstances(actor)
    AuditEntry.objects.bulk_create(
        [AuditEntry(verb=verb, kind=kind, **_said(pk, "", details), **facts) for pk in pks], batch_size=CHUNK
    )


def _said(pk: object, label: str, details: str) -> dict[str, str]:
    return {"object_id": str(pk), "label": label[:LONGEST_LABEL], "details": details[:LONGEST_DETAILS]}


def _circumstances(actor: Any) -> dict[str, Any]:
    """Return who did it, through which door and from where."""
    source = _source.get()
    if isinstance(source, Door):
        name = actor.get_username() if actor else _account_of_the_machine() if source == Door.COMMAND else ""
        return _who(actor, name) | {"door": source, "request_id": tracing.current()}
    user = actor or getattr(source, "user", None)
    known = user if user and user.is_authenticated else None
    door = {"api": Door.API, "admin": Door.ADMIN}.get(_room_of(source), Door.PAGE)
    who = _who(known, known.get_username() if known else "")
    return who | {"door": door, "request_id": tracing.current(), "address": _address_of(source)}


def _who(user: Any, name: str) -> dict[str, Any]:
    return {"actor_id": user.pk if user else None, "actor_name": name[:LONGEST_NAME]}


def _room_of(request: HttpRequest) -> str:
    return request.resolver_match.app_name if request.resolver_match else ""


def _address_of(request: HttpRequest) -> str | None:
    """Return what the web server or, behind a proxy, that one says; None where neither says anything."""
    try:
        address: str = get_adapter().get_client_ip(request)
    except PermissionDenied:
        return None
    return address


def _account_of_the_machine() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
