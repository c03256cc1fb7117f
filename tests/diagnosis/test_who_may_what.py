"""Who may do what: every address with every method, asked by everybody.

A new address needs a row here: what each method that it takes answers to whom. ``login`` is the way to the login page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from diagnosis.history.saved_filters import SavedFilter
from diagnosis.models import ModelVersion, Radiograph, ReadingGroup
from diagnosis.people.groups import Role
from tests.conftest import BUNDLED_MODEL
from tests.drawings import png_bytes
from tests.factories import make_radiograph, make_user, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: The columns of the tables. The uploader shares a radiograph with a group that the lead owns.
ROLES = ("anonymous", "stranger", "member", "supervisor", "lead", "uploader", "staff", "administrator")
#: Whom methods are tried with that an address does not take: it is their view that refuses them, whoever asks.
ASKED_THE_REST = {"anonymous", "stranger", "uploader", "administrator"}
#: The name of the radiograph's file, which nobody may read who may not see it.
SECRET = "name-of-the-secret-file"
MAY_SEE = {"member", "supervisor", "lead", "uploader"}

Row = dict[str, str]


def everybody(status: int) -> str:
    return " ".join([str(status)] * len(ROLES))


def logged_in(status: int) -> str:
    return f"login {everybody(status)[4:]}"


def who_sees_it(status: int) -> str:
    return f"login 404 {status} {status} {status} {status} 404 404"


def uploader(status: int, others: int = 404) -> str:
    return f"login {others} {others} {others} {others} {status} {others} {others}"


def lead(status: int) -> str:
    return f"login 404 403 403 {status} 403 404 404"


PAGES: dict[str, Row] = {
    "": {"GET": logged_in(200), "POST": logged_in(302)},
    "uploads/states/": {"POST": logged_in(200)},
    "help/": {"GET": everybody(200), "other": everybody(405)},
    "help/sample.png": {"GET": everybody(200), "other": everybody(405)},
    "help/sample/": {"POST": logged_in(302)},
    "radiographs/": {"GET": logged_in(200)},
    "radiographs/export.csv": {"GET": logged_in(200)},
    "radiographs/export.json": {"GET": logged_in(200)},
    "radiographs/filters/": {"POST": logged_in(302)},
    "radiographs/filters/<int:pk>/forget/": {"POST": uploader(302)},
    "radiographs/chosen/delete/": {"POST": uploader(200, others=302)},
    "radiographs/chosen/tag/": {"POST": logged_in(302)},
    "radiographs/chosen/untag/": {"POST": logged_in(302)},
    "radiographs/chosen/classify/": {"POST": logged_in(302)},
    "radiographs/chosen/share/": {"POST": logged_in(302)},
    "radiographs/chosen/export.csv": {"POST": uploader(200, others=302)},
    "radiographs/chosen/export.json": {"POST": uploader(200, others=302)},
    "radiographs/outcomes/": {"GET": logged_in(200)},
    "radiographs/reports/": {"POST": "login 302 200 200 200 200 302 302"},
    "radiographs/<uuid:pk>/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/status/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/heatmap/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/report/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/image/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/thumbnail/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/again/": {"POST": uploader(302)},
    "radiographs/<uuid:pk>/delete/": {"GET": uploader(200), "POST": uploader(302)},
    "radiographs/<uuid:pk>/share/": {"POST": "login 404 404 404 302 302 404 404"},
    "groups/": {"GET": logged_in(200), "POST": logged_in(302)},
    "groups/<int:pk>/": {"GET": who_sees_it(200)},
    "groups/<int:pk>/rename/": {"POST": lead(302)},
    "groups/<int:pk>/dissolve/": {"GET": lead(200), "POST": lead(302)},
    "groups/<int:pk>/leave/": {"GET": who_sees_it(200), "POST": who_sees_it(302)},
    "groups/<int:pk>/members/<int:member>/role/": {"POST": lead(302)},
    "groups/<int:pk>/members/<int:member>/remove/": {"GET": lead(200), "POST": lead(302)},
    "groups/<int:pk>/invite/": {"POST": lead(302)},
    "groups/<int:pk>/invitations/<int:invitation>/withdraw/": {"POST": lead(302)},
    "groups/invitations/<int:pk>/accept/": {"POST": "login 302 404 404 404 404 404 404"},
    "groups/invitations/<int:pk>/decline/": {"POST": "login 302 404 404 404 404 404 404"},
    "models/": {"GET": logged_in(200)},
    "models/<str:version>/": {"GET": logged_in(200)},
}

API: dict[str, Row] = {
    "auth/token/": {"POST": everybody(400), "OPTIONS": everybody(200), "other": everybody(405)},
    "radiographs/": {"GET": logged_in(200), "POST": logged_in(201)},
    "radiographs/export.csv": {"GET": logged_in(200)},
    "radiographs/export.json": {"GET": logged_in(200)},
    "radiographs/<uuid:pk>/": {
        "GET": who_sees_it(200),
        "PATCH": "login 404 404 404 200 200 404 404",
        "DELETE": uploader(204),
    },
    "radiographs/<uuid:pk>/predictions/": {"GET": who_sees_it(200), "POST": uploader(201)},
    "radiographs/<uuid:pk>/image/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/heatmap/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/report/": {"GET": who_sees_it(200)},
    "groups/": {"GET": logged_in(200)},
    "models/": {"GET": logged_in(200)},
    "models/<str:version>/": {"GET": logged_in(200)},
}

#: What forms and calls hold beside ``pk``, the radiograph's; by the end of the address.
BODIES: dict[str, dict[str, Any]] = {
    "rename/": {"name": "Ward 4"},
    "groups/": {"name": "Ward 5"},
    "role/": {"role": "supervisor"},
    "invite/": {"addressee": "nobody", "role": "member"},
    "filters/": {"name": "mine"},
    "tag/": {"name": "x"},
    "share/": {"group": ""},
}
#: Methods that an address does not take.
REST = {"pages": logged_in(405), "api": logged_in(405), "api OPTIONS": logged_in(200)}


@dataclass
class World:
    clients: dict[str, Client]
    radiograph: Radiograph
    #: What to put into an address in place of <int:pk> and the like, by how the address begins.
    values: dict[str, dict[str, Any]]

    def address(self, area: str, route: str) -> str:
        facts = next(facts for start, facts in self.values.items() if route.startswith(start))
        return f"/{area}" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(facts[match[1]]), route)


@pytest.fixture
def world(db: Any, monkeypatch: pytest.MonkeyPatch) -> World:
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
    values: dict[str, dict[str, Any]] = {
        "radiographs/filters/": {"pk": saved.pk},
        "groups/invitations/": {"pk": invitation.pk},
        "groups/": {"pk": ward.pk, "member": member.pk, "invitation": invitation.pk},
        "models/": {"version": radiograph.prediction.model_version},
        "": {"pk": radiograph.pk},
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
    return radiograph


def _browser_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
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
            areas[area] = list(routes_below(each.url_patterns))
    return areas


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    routes = all_routes()
    for area, table in (("", PAGES), ("api/v1/", API)):
        missing = [f"{route!r}: {{'GET': who_sees_it(200)}}," for route in routes[area] if route not in table]
        assert not missing, f"Say who may do what there: add to {'API' if area else 'PAGES'} rows like {missing}"
        assert not table.keys() - set(routes[area]), "There are no such addresses any more"


def outcome(answer: Any) -> str:
    if answer.status_code == 302 and "/login/" in answer["Location"]:
        return "login"
    return "login" if answer.status_code == 401 else str(answer.status_code)


def said_by(answer: Any) -> str:
    body: bytes = answer.getvalue() if answer.streaming else answer.content
    return f"{body.decode(errors='replace')} {answer.headers}"


def ask(world: World, role: str, method: str, address: str) -> Any:
    """Ask, and undo in the database what was done."""
    if method in ("GET", "HEAD"):
        return getattr(world.clients[role], method.lower())(address, {"pk": str(world.radiograph.pk)})
    with transaction.atomic():
        answer = _send(world, role, method, address)
        transaction.set_rollback(True)
    return answer


def _send(world: World, role: str, method: str, address: str) -> Any:
    client, is_call = world.clients[role], address.startswith("/api/")
    if method != "POST":
        return client.generic(method, address, json.dumps({"group": None}), "application/json")
    if address in ("/", "/api/v1/radiographs/"):
        return client.post(address, {"file": upload("new.jpg")})
    if is_call:
        return client.post(address, {}, content_type="application/json")
    facts = next((facts for end, facts in BODIES.items() if address.endswith(end)), {})
    return client.post(address, {"pk": str(world.radiograph.pk), **facts})


def mistakes(world: World, area: str, table: dict[str, Row], rest: str, rest_of_options: str) -> Iterator[str]:
    """Ask everything that the table tells, and say what is otherwise."""
    for route, row in table.items():
        address = world.address(area, route)
        for method in METHODS:
            usual = row.get("other", rest_of_options if method == "OPTIONS" else rest)
            expected = row.get("GET" if method == "HEAD" else method, usual).split()
            is_taken = method in row or (method == "HEAD" and "GET" in row)
            for role, wanted in zip(ROLES, expected, strict=True):
                if not is_taken and role not in ASKED_THE_REST:
                    continue
                answer = ask(world, role, method, address)
                if (got := outcome(answer)) != wanted:
                    yield f"{method} {address} as {role}: {got}, not {wanted}"
                if role not in MAY_SEE and SECRET in said_by(answer):
                    yield f"{method} {address} tells {role} the name of the file"


def test_on_pages_everybody_may_what_the_table_says(world: World) -> None:
    assert list(mistakes(world, "", PAGES, REST["pages"], REST["pages"])) == []


def test_through_the_api_everybody_may_what_the_table_says(world: World) -> None:
    assert list(mistakes(world, "api/v1/", API, REST["api"], REST["api OPTIONS"])) == []
