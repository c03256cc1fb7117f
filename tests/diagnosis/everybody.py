"""Everybody who may ask for something, the radiograph that it is about, and what they are answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from diagnosis.history.saved_filters import SavedFilter
from diagnosis.models import ModelVersion, Prediction, Radiograph, ReadingGroup, Reclassification, Webhook
from diagnosis.people.groups import Role
from diagnosis.people.tokens import make_token
from tests.conftest import BUNDLED_MODEL
from tests.drawings import png_bytes
from tests.factories import make_radiograph, make_user, succeeded, upload
from tests.second_factor import as_if_just_shown

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: The columns of the tables. The uploader shares a radiograph with a group that the lead owns.
ROLES = ("anonymous", "stranger", "member", "supervisor", "lead", "uploader", "staff", "administrator")
#: What fits the addresses that are patterns: links of mails, which nobody was sent.
LINKS = {"confirm-email": "/accounts/confirm-email/nonsense/", "password": "/accounts/password/reset/key/1-nonsense/"}
#: The name of the radiograph's file, which nobody may read who may not see it.
SECRET = "name-of-the-secret-file"
MAY_SEE = {"member", "supervisor", "lead", "uploader"}


#: What forms and calls hold, by the end of the address; forms ``pk`` as well, the radiograph's.
BODIES: dict[str, dict[str, Any]] = {
    "rename/": {"name": "Ward 4"},
    "groups/": {"name": "Ward 5"},
    "role/": {"role": "supervisor"},
    "invite/": {"addressee": "nobody", "role": "member"},
    "filters/": {"name": "mine"},
    "tag/": {"name": "x"},
    "share/": {"group": ""},
    "reviews/": {"label": "NORMAL"},
    "accounts/delete/": {"username": "uploader"},
}


@dataclass
class World:
    clients: dict[str, Client]
    radiograph: Radiograph
    #: What to put into an address in place of <int:pk> and the like, by how the address begins.
    values: dict[str, dict[str, Any]]

    def address(self, area: str, route: str) -> str:
        if pattern := re.search(r"\^([\w-]+)/", route):
            return LINKS[pattern[1]]
        facts = next(facts for start, facts in self.values.items() if route.startswith(start))
        return f"/{area}" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(facts[match[1]]), route)


def make_world(monkeypatch: pytest.MonkeyPatch) -> World:
    """One radiograph that a group shares, and everybody's browser."""
    monkeypatch.setattr("diagnosis.report.report_pdf", lambda _: f"%PDF {SECRET}".encode())
    monkeypatch.setattr("diagnosis.report.zip_of_reports", lambda _: iter([SECRET.encode()]))
    users = {role: make_user(role) for role in ROLES[1:-2]}
    users["staff"] = make_user("staff", is_staff=True)
    users["administrator"] = make_user("administrator", is_staff=True, is_superuser=True)
    ward = _ward_of(users)
    radiograph = _radiograph_of(users["uploader"], ward)
    invitation = ward.invite("stranger", Role.MEMBER, by=users["lead"])
    saved = SavedFilter.objects.create(owner=users["uploader"], name="f", query="label=NORMAL")
    member = ward.memberships.get(user=users["member"])
    webhook = Webhook.objects.create(owner=users["uploader"], url="https://archive.example.org/hook")
    delivery = webhook.deliveries.create(event="ping", state="sent", due=None)
    token, _text = make_token(users["uploader"], "the scanner")
    job = Reclassification.objects.create(
        owner=users["uploader"], model_version=ModelVersion.objects.get(), ended=timezone.now()
    )
    elsewhere = _session_of(users["uploader"])
    values: dict[str, dict[str, Any]] = {
        "radiographs/filters/": {"pk": saved.pk},
        "radiographs/classify-all/": {"pk": job.pk},
        "groups/invitations/": {"pk": invitation.pk},
        "groups/": {"pk": ward.pk, "member": member.pk, "invitation": invitation.pk},
        "models/": {"version": radiograph.prediction.model_version},
        "accounts/webhooks/": {"pk": webhook.pk, "delivery": delivery.pk},
        "webhooks/": {"pk": webhook.pk, "delivery": delivery.pk},
        "accounts/tokens/": {"pk": token.pk},
        "auth/tokens/": {"pk": token.pk},
        "accounts/sessions/": {"pk": elsewhere.pk},
        "": {"pk": radiograph.pk, "group": ward.pk},
    }
    return World({role: _browser_of(users.get(role)) for role in ROLES}, radiograph, values)


def _ward_of(users: dict[str, User]) -> ReadingGroup:
    ward = ReadingGroup.found("Ward 3", users["lead"])
    for role, rank in (("member", Role.MEMBER), ("supervisor", Role.SUPERVISOR), ("uploader", Role.MEMBER)):
        ward.memberships.create(user=users[role], role=rank)
    return ward


def _radiograph_of(user: User, ward: ReadingGroup) -> Radiograph:
    card = json.loads((BUNDLED_MODEL / "card.json").read_text())
    version = ModelVersion.objects.create(version="v1", network_sha256="0" * 64, card=card, active=True)
    facts = {**succeeded(version), "activation_map": [[0.0] * 7] * 7}
    radiograph = make_radiograph(user, filename=f"{SECRET}.jpg", **facts)
    radiograph.preview.save("preview.png", ContentFile(png_bytes()), save=False)
    radiograph.group = ward
    radiograph.save()
    Prediction.objects.create(radiograph=radiograph, **facts)
    return radiograph


def _session_of(user: User) -> UserSession:
    key = _browser_of(user).cookies["sessionid"].value
    return UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1")


def _browser_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
        as_if_just_shown(client, user)
    return client


def routes_below(patterns: Any, prefix: str = "") -> Iterator[str]:
    for each in patterns:
        route = f"{prefix}{each.pattern}"
        if hasattr(each, "url_patterns"):
            yield from routes_below(each.url_patterns, route)
        else:
            yield route


def all_routes() -> dict[str, list[str]]:
    """Return the addresses of each area, without the prefix of the area."""
    areas: dict[str, list[str]] = {}
    for each in get_resolver().url_patterns:
        area = {"diagnosis": "", "api": "api/v1/", "admin": "admin/"}.get(getattr(each, "namespace", None) or "-")
        if area is not None:
            areas[area] = list(routes_below(getattr(each, "url_patterns", [])))
    return areas


def other_routes() -> list[str]:
    """Return what belongs to no area: the account pages of allauth, and what machines ask for."""
    patterns = get_resolver().url_patterns
    return list(routes_below(each for each in patterns if not getattr(each, "namespace", None)))


def outcome(answer: Any) -> str:
    if answer.status_code == 302 and "/login/" in answer["Location"]:
        return "login"
    return "login" if answer.status_code == 401 else str(answer.status_code)


def said_by(answer: Any) -> str:
    body: bytes = answer.getvalue() if answer.streaming else answer.content
    return f"{body.decode(errors='replace')} {answer.headers}"


def ask(world: World, role: str, method: str, address: str) -> Any:
    """Ask, and undo in the database and in the browser what was done."""
    client = world.clients[role]
    if method in ("GET", "HEAD"):
        path, _, query = address.partition("?")
        return getattr(client, method.lower())(path, {"pk": str(world.radiograph.pk), **QueryDict(query).dict()})
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        answer = _send(world, role, method, address)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def _send(world: World, role: str, method: str, address: str) -> Any:
    client, is_call = world.clients[role], address.startswith("/api/")
    if method != "POST":
        return client.generic(method, address, json.dumps({"group": None}), "application/json")
    if address in ("/", "/api/v1/radiographs/"):
        return client.post(address, {"file": upload("new.jpg")})
    facts = next((facts for end, facts in BODIES.items() if address.endswith(end)), {})
    if is_call:
        return client.post(address, facts, content_type="application/json")
    return client.post(address, {"pk": str(world.radiograph.pk), **facts})
