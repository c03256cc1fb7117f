"""Who may do what on the pages and through the API: every address with every method, asked by everybody.

A new address needs a row here: what each method that it takes answers to whom. ``login`` is the way to the login page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.diagnosis.everybody import (
    MAY_SEE,
    METHODS,
    ROLES,
    SECRET,
    World,
    all_routes,
    ask,
    make_world,
    outcome,
    said_by,
)

pytestmark = pytest.mark.usefixtures("rung")

#: Whom methods are tried with that an address does not take: it is their view that refuses them, whoever asks.
ASKED_THE_REST = {"anonymous", "stranger", "uploader", "administrator"}

Row = dict[str, str]


@pytest.fixture
def world(db: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(monkeypatch)


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

#: Methods that an address does not take.
REST = {"pages": logged_in(405), "api": logged_in(405), "api OPTIONS": logged_in(200)}


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    routes = all_routes()
    for area, table in (("", PAGES), ("api/v1/", API)):
        missing = [f"{route!r}: {{'GET': who_sees_it(200)}}," for route in routes[area] if route not in table]
        assert not missing, f"Say who may do what there: add to {'API' if area else 'PAGES'} rows like {missing}"
        assert not table.keys() - set(routes[area]), "There are no such addresses any more"


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
