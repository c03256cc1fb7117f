"""Who may do what on the pages and through the API: every address with every method, asked by everybody.

A new address needs a row here: what each method that it takes answers to whom. ``login`` is the way to the login page.
Everybody has shown lately who they are, so that no page asks for the password first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.diagnosis.everybody import (
    MAY_SEE,
    METHODS,
    ROLES,
    SECRET,
    World,
    all_routes,
    ask,
    make_world,
    other_routes,
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


def everybody(status: int | str) -> str:
    return " ".join([str(status)] * len(ROLES))


def logged_in(status: int) -> str:
    return f"login {everybody(status)[4:]}"


def who_sees_it(status: int) -> str:
    return f"login 404 {status} {status} {status} {status} 404 404"


def uploader(status: int, others: int = 404) -> str:
    return f"login {others} {others} {others} {others} {status} {others} {others}"


def lead(status: int) -> str:
    return f"login 404 403 403 {status} 403 404 404"


def staff(status: int) -> str:
    return f"login 403 403 403 403 403 {status} {status}"


def visitors(status: int, others: int = 302) -> str:
    return f"{status}{logged_in(others)[5:]}"


PAGES: dict[str, Row] = {
    "": {"GET": logged_in(200), "POST": logged_in(302)},
    "uploads/states/": {"POST": logged_in(200)},
    "help/": {"GET": everybody(200), "other": everybody(405)},
    "help/sample.png": {"GET": everybody(200), "other": everybody(405)},
    "help/sample/": {"POST": logged_in(302)},
    "radiographs/": {"GET": logged_in(200)},
    "radiographs/?group=<int:group>": {"GET": "login 400 200 200 200 200 400 400"},
    "radiographs/export.csv": {"GET": logged_in(200)},
    "radiographs/export.json": {"GET": logged_in(200)},
    "radiographs/export.json?group=<int:group>": {"GET": "login 400 200 200 200 200 400 400"},
    "radiographs/filters/": {"POST": logged_in(302)},
    "radiographs/filters/<int:pk>/forget/": {"POST": uploader(302)},
    "radiographs/chosen/delete/": {"POST": uploader(200, others=302)},
    "radiographs/chosen/tag/": {"POST": logged_in(302)},
    "radiographs/chosen/untag/": {"POST": logged_in(302)},
    "radiographs/chosen/classify/": {"POST": logged_in(302)},
    "radiographs/chosen/share/": {"POST": logged_in(302)},
    "radiographs/chosen/export.csv": {"POST": uploader(200, others=302)},
    "radiographs/chosen/export.json": {"POST": uploader(200, others=302)},
    "radiographs/classify-all/": {"GET": uploader(200, others=302), "POST": logged_in(302)},
    "radiographs/classify-all/<int:pk>/": {"GET": uploader(200)},
    "radiographs/classify-all/<int:pk>/cancel/": {"POST": uploader(302)},
    "radiographs/outcomes/": {"GET": logged_in(200)},
    "radiographs/reports/": {"POST": "login 302 200 200 200 200 302 302"},
    "radiographs/<uuid:pk>/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/status/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/heatmap/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/report/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/image/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/thumbnail/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/again/": {"POST": uploader(302)},
    "radiographs/<uuid:pk>/classify/": {"POST": uploader(302)},
    "radiographs/<uuid:pk>/side-by-side/": {"GET": who_sees_it(200)},
    "radiographs/<uuid:pk>/seen-by/": {"GET": uploader(200)},
    "radiographs/<uuid:pk>/reviews/": {"POST": who_sees_it(302)},
    "radiographs/disagreements/": {"GET": logged_in(200)},
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
    "groups/<int:pk>/webhooks/": {"POST": lead(302)},
    "groups/<int:pk>/invitations/<int:invitation>/withdraw/": {"POST": lead(302)},
    "groups/invitations/<int:pk>/accept/": {"POST": "login 302 404 404 404 404 404 404"},
    "groups/invitations/<int:pk>/decline/": {"POST": "login 302 404 404 404 404 404 404"},
    "reading/": {"GET": logged_in(200), "POST": logged_in(400)},
    "reading/mode/": {"POST": logged_in(302)},
    "statistics/": {"GET": logged_in(200)},
    "statistics/?all=on": {"GET": logged_in(200)},
    "statistics/?group=<int:group>": {"GET": "login 404 404 200 200 404 404 404"},
    "statistics/training-set.zip": {"GET": staff(302)},
    "statistics/training-set.zip?group=<int:group>": {"GET": "login 403 403 403 403 403 404 404"},
    "models/": {"GET": logged_in(200)},
    "models/<str:version>/": {"GET": logged_in(200)},
    "accounts/profile/": {"GET": logged_in(200), "POST": logged_in(302)},
    "accounts/tokens/": {"GET": logged_in(200), "POST": logged_in(400)},
    "accounts/tokens/<int:pk>/revoke/": {"POST": uploader(302)},
    "accounts/tokens/revoke/": {"GET": logged_in(200), "POST": logged_in(302)},
    "accounts/sessions/": {"GET": logged_in(200)},
    "accounts/sessions/<int:pk>/end/": {"POST": uploader(302)},
    "accounts/sessions/end/": {"POST": logged_in(302)},
    "accounts/notices/": {"GET": logged_in(200), "POST": logged_in(200)},
    "accounts/webhooks/": {"POST": logged_in(400)},
    "accounts/webhooks/<int:pk>/": {"GET": uploader(200)},
    "accounts/webhooks/<int:pk>/ping/": {"POST": uploader(302)},
    "accounts/webhooks/<int:pk>/pause/": {"POST": uploader(302)},
    "accounts/webhooks/<int:pk>/resume/": {"POST": uploader(302)},
    "accounts/webhooks/<int:pk>/secret/": {"POST": uploader(302)},
    "accounts/webhooks/<int:pk>/delete/": {"POST": uploader(200)},
    "accounts/webhooks/<int:pk>/deliveries/<uuid:delivery>/": {"POST": uploader(302)},
    "accounts/my-data/": {"GET": logged_in(200)},
    "accounts/my-data.zip": {"GET": logged_in(200)},
    "accounts/delete/": {"GET": logged_in(200), "POST": uploader(302, others=400)},
    "accounts/deleted/": {"GET": everybody(200), "other": everybody(405)},
}

API: dict[str, Row] = {
    "schema/": {"GET": everybody(200), "OPTIONS": everybody(200), "other": everybody(405)},
    "docs/": {"GET": everybody(200), "OPTIONS": everybody(405), "other": everybody(405)},
    "auth/token/": {"POST": everybody(400), "OPTIONS": everybody(200), "other": everybody(405)},
    "auth/tokens/": {"GET": logged_in(200)},
    "auth/tokens/<int:pk>/": {"GET": uploader(200), "DELETE": uploader(204)},
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
    "radiographs/<uuid:pk>/reviews/": {"GET": who_sees_it(200), "POST": who_sees_it(201)},
    "radiographs/export.csv?group=<int:group>": {"GET": "login 400 200 200 200 200 400 400"},
    "groups/": {"GET": logged_in(200)},
    "webhooks/": {"GET": logged_in(200), "POST": logged_in(400)},
    "webhooks/<int:pk>/": {"GET": uploader(200), "PATCH": uploader(200), "DELETE": uploader(204)},
    "webhooks/<int:pk>/ping/": {"POST": uploader(202)},
    "webhooks/<int:pk>/deliveries/": {"GET": uploader(200)},
    "webhooks/<int:pk>/deliveries/<uuid:delivery>/": {"POST": uploader(202)},
    "models/": {"GET": logged_in(200)},
    "models/<str:version>/": {"GET": logged_in(200)},
}

#: What allauth answers, and what machines ask for. Methods that are not here are none of these tests' business.
OTHERS: dict[str, Row] = {
    "accounts/login/": {"GET": visitors(200), "POST": visitors(200)},
    "accounts/logout/": {"GET": logged_in(200), "POST": everybody("login")},
    "accounts/inactive/": {"GET": everybody(200)},
    "accounts/signup/": {"GET": visitors(200), "POST": visitors(200)},
    "accounts/reauthenticate/": {"GET": logged_in(200), "POST": logged_in(200)},
    "accounts/email/": {"GET": logged_in(200), "POST": logged_in(302)},
    "accounts/confirm-email/": {"GET": everybody(200)},
    "accounts/^confirm-email/(?P<key>[-:\\w]+)/$": {"GET": everybody(200), "POST": everybody(404)},
    "accounts/password/change/": {"GET": logged_in(200), "POST": logged_in(200)},
    "accounts/password/set/": {"GET": logged_in(302), "POST": logged_in(302)},
    "accounts/password/reset/": {"GET": everybody(200), "POST": everybody(200)},
    "accounts/password/reset/done/": {"GET": everybody(200)},
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": {"GET": everybody(200)},
    "accounts/password/reset/key/done/": {"GET": everybody(200)},
    "accounts/login/code/confirm/": {"GET": logged_in(302)},
    "accounts/2fa/": {"GET": logged_in(200)},
    "accounts/2fa/authenticate/": {"GET": logged_in(302), "POST": logged_in(302)},
    "accounts/2fa/reauthenticate/": {"GET": logged_in(302), "POST": logged_in(302)},
    "accounts/2fa/totp/activate/": {"GET": logged_in(200), "POST": logged_in(200)},
    "accounts/2fa/totp/deactivate/": {"GET": logged_in(404), "POST": logged_in(404)},
    "accounts/2fa/recovery-codes/": {"GET": logged_in(404)},
    "accounts/2fa/recovery-codes/generate/": {"GET": logged_in(200), "POST": logged_in(200)},
    "accounts/2fa/recovery-codes/download/": {"GET": logged_in(404)},
    "accounts/sessions/": {"GET": logged_in(200)},
    "language/": {"GET": everybody(302), "POST": everybody(302)},
    "healthz": {"GET": everybody(200)},
    "readyz": {"GET": everybody(503)},
    "metrics": {"GET": staff(200)},
    "favicon.ico": {"GET": everybody(302)},
}

#: Methods that an address does not take.
NOT_ASKED = " ".join("-" for _ in ROLES)
REST = {"pages": logged_in(405), "api": logged_in(405), "api OPTIONS": logged_in(200)}


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    routes = all_routes() | {"others": other_routes()}
    for area, name, table in (("", "PAGES", PAGES), ("api/v1/", "API", API), ("others", "OTHERS", OTHERS)):
        without_query = {route.partition("?group")[0].partition("?all")[0] for route in table}
        missing = [f"{route!r}: {{'GET': who_sees_it(200)}}," for route in routes[area] if route not in without_query]
        assert not missing, f"Say who may do what there: add to {name} rows like {missing}"
        assert not without_query - set(routes[area]), "There are no such addresses any more"


def mistakes(world: World, area: str, table: dict[str, Row], rest: str, rest_of_options: str) -> Iterator[str]:
    """Ask everything that the table tells, and say what is otherwise."""
    for route, row in table.items():
        for method in METHODS:
            usual = row.get("other", rest_of_options if method == "OPTIONS" else rest)
            expected = row.get("GET" if method == "HEAD" else method, usual).split()
            is_taken = method in row or (method == "HEAD" and "GET" in row)
            asked = {role: wanted for role, wanted in zip(ROLES, expected, strict=True) if wanted != "-"}
            if not is_taken:
                asked = {role: wanted for role, wanted in asked.items() if role in ASKED_THE_REST}
            yield from mistakes_at(world, method, world.address(area, route), asked)


def mistakes_at(world: World, method: str, address: str, asked: dict[str, str]) -> Iterator[str]:
    cache.clear()  # nobody has asked too often
    for role, wanted in asked.items():
        answer = ask(world, role, method, address)
        if (got := outcome(answer)) != wanted:
            yield f"{method} {address} as {role}: {got}, not {wanted}"
        if role not in MAY_SEE and SECRET in said_by(answer):
            yield f"{method} {address} tells {role} the name of the file"


def test_on_pages_everybody_may_what_the_table_says(world: World) -> None:
    assert list(mistakes(world, "", PAGES, REST["pages"], REST["pages"])) == []


def test_through_the_api_everybody_may_what_the_table_says(world: World) -> None:
    assert list(mistakes(world, "api/v1/", API, REST["api"], REST["api OPTIONS"])) == []


def test_elsewhere_everybody_may_what_the_table_says(world: World) -> None:
    assert list(mistakes(world, "", OTHERS, NOT_ASKED, NOT_ASKED)) == []
