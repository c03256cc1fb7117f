"""What is seen and taken away by an address. Whoever looks changes nothing, so the address tells all there is to tell.

A page, its picture and its heat map are one look: the same entry within a minute is written once. States that pages
and programs ask for again and again, thumbnails and lists of one's own are no sights.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.contrib.admin.utils import unquote
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import during, record

logger = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponseBase]

#: Seconds within which the same look is one.
ONE_LOOK = 60.0
SHOWN = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
#: Parts of a query that tell what was exported; of words that a user made up, only that there were some.
FILTERS = (
    "status", "label", "band", "model_version", "source", "group", "reviewed", "created_after", "created_before",
)  # fmt: skip
MADE_UP = ("search", "tag")


@dataclass(frozen=True)
class Sight:
    """``of`` is the part of the address that says what is seen, or what else :func:`_seen` knows to find."""

    verb: Verb
    kind: Kind
    details: str = ""
    of: str = "pk"


_RADIOGRAPH = Sight(Verb.SAW, Kind.RADIOGRAPH)
_EXPORT = Sight(Verb.EXPORTED, Kind.RADIOGRAPH, of="filters")
_GROUPS = Sight(Verb.LISTED, Kind.GROUP, "radiographs", of="?group")


def _taken(what: str) -> Sight:
    return Sight(Verb.DOWNLOADED, Kind.RADIOGRAPH, what)


def _shown_in_admin(model: str, kind: Kind) -> dict[str, Sight]:
    return {
        f"admin:{model}_changelist": Sight(Verb.LISTED, kind, of=""),
        f"admin:{model}_change": Sight(Verb.SAW, kind, of="object_id"),
    }


#: By the name of the address.
SIGHTS: dict[str, Sight] = {
    **dict.fromkeys(("diagnosis:radiograph", "diagnosis:image", "diagnosis:heatmap"), _RADIOGRAPH),
    "diagnosis:side_by_side": _RADIOGRAPH,
    "diagnosis:report": _taken("report"),
    "diagnosis:history": _GROUPS,
    "diagnosis:export": _EXPORT,
    "diagnosis:my_data_zip": Sight(Verb.EXPORTED, Kind.ACCOUNT, "all data", of="self"),
    **dict.fromkeys(("api:radiograph", "api:predictions", "api:reviews"), _RADIOGRAPH),
    "api:image": _taken("image"),
    "api:heatmap": _taken("heat map"),
    "api:report": _taken("report"),
    "api:radiographs": _GROUPS,
    **dict.fromkeys(("api:export-csv", "api:export-json"), _EXPORT),
    **_shown_in_admin("diagnosis_radiograph", Kind.RADIOGRAPH),
    **_shown_in_admin("diagnosis_prediction", Kind.PREDICTION),
    **_shown_in_admin("diagnosis_review", Kind.REVIEW),
    "admin:diagnosis_disagreement_changelist": Sight(Verb.LISTED, Kind.RADIOGRAPH, "disagreements", of=""),
    **_shown_in_admin("diagnosis_auditentry", Kind.AUDIT_LOG),
    **_shown_in_admin("auth_user", Kind.ACCOUNT),
    "admin:diagnosis_modelversion_silent": Sight(Verb.LISTED, Kind.RADIOGRAPH, "silent answers", of=""),
}


def note_sights(respond: Respond) -> Respond:
    """Record what an answer shows; what the answer records by itself is recorded as asked for by this request."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with during(request):
            response = respond(request)
            if request.method == "GET" and response.status_code in SHOWN and request.resolver_match:
                _note(request, SIGHTS.get(request.resolver_match.view_name))
        return response

    return middleware


def _note(request: HttpRequest, sight: Sight | None) -> None:
    """Where it cannot be written down, the answer is given all the same, and the log of the program says so."""
    facts = _seen(request, sight) if sight else None
    if not sight or facts is None:
        return
    look = f"audit:{request.user.pk}:{sight.verb}:{sight.kind}:{quote(str(sorted(facts.items())))}"
    if sight.verb != Verb.EXPORTED and not cache.add(look, True, ONE_LOOK):
        return
    try:
        record(sight.verb, sight.kind, **facts)
    except DatabaseError as error:
        cache.delete(look)
        logger.error("It could not be written down that somebody %s: %s", sight.verb, type(error).__name__)


def _seen(request: HttpRequest, sight: Sight) -> dict[str, Any] | None:
    """Return what the entry says of it; None where that is nothing of note."""
    parts = request.resolver_match.kwargs if request.resolver_match else {}
    if sight.of in parts:
        return {"pk": unquote(str(parts[sight.of])), "details": sight.details}
    if sight.of == "?group":
        group = request.GET.get("group", "").strip()
        return {"pk": group, "details": sight.details} if group else None
    if sight.of == "filters":
        kind = parts.get("kind") or request.path.rpartition(".")[2]
        return {"details": " ".join([kind, *filters_of(request)])}
    if sight.of == "self":
        return {"pk": request.user.pk, "label": request.user.get_username(), "details": sight.details}
    return {"details": sight.details}


def filters_of(request: HttpRequest) -> list[str]:
    """Return by what a list was filtered. What was searched for may be a patient's name, and is left out."""
    said = [f"{name}={text}" for name in FILTERS if (text := request.GET.get(name))]
    return said + [f"{name}=…" for name in MADE_UP if request.GET.get(name)]
