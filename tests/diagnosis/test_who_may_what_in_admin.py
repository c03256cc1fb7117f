"""Who may do what in the admin: every address that it has, with every method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from knox.models import get_token_model

from diagnosis.models import (
    Batch,
    Comparison,
    ComparisonSeen,
    Disagreement,
    ModelVersion,
    Radiograph,
    Removal,
    RetentionRule,
    RetentionRun,
    Review,
)
from diagnosis.people.models import Together
from tests.diagnosis.everybody import METHODS, SECRET, World, all_routes, ask, make_world, outcome, said_by
from tests.second_factor import with_second_factor

pytestmark = pytest.mark.usefixtures("rung")

#: Pages of the admin by their address: what staff without a permission is answered, and an administrator, where the
#: method is taken at all. The first that fits counts; the last one is for all that is not here. Everybody else is led
#: to the login page.
ADMIN = [
    (r"", "200", "200"),
    (r"(password_change/(done/)?|jsi18n/)", "200", "200"),
    (r"autocomplete/", "403 200", "403"),
    (r"r/.*", "302", "302"),
    (r"diagnosis/modelversion/publish/", "403", "200 400"),
    (r".*/<path:object_id>/", "302", "302"),
    (r".*<app_label>.*", "404", "200"),
    (r".*<url>.*", "404", "404"),
    (r".*", "403", "200 302 403 404"),
]
#: They are open to everybody, and whoever is logged in ends that there.
ENTRANCES = {"login/", "logout/"}


@pytest.fixture
def world(db: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("diagnosis.administration.examining.examine", lambda **_: {})
    return make_world(monkeypatch)


def address_in_admin(route: str, radiograph: Radiograph) -> str:
    """Fill in what is asked for: of each model, one row."""
    app, model, *_ = [*route.split("/"), "", ""]
    known = apps.all_models.get(app, {}).get(model)
    row = known._default_manager.first() if known else None
    assert row or known is None, f"The world of these tests needs a row of {known}"
    of_radiograph = str(ContentType.objects.get_for_model(Radiograph).pk)
    facts = {"content_type_id": of_radiograph, "object_id": radiograph.pk, "name": "curves.png"}
    facts |= {name: row.pk for name in ("object_id", "pk", "id") if row}
    if "(?P<" in route:
        return "/admin/diagnosis/" if "<app_label>" in route else "/admin/nowhere"
    facts["uuid:pk"] = radiograph.pk  # whichever model the page is about
    return "/admin/" + re.sub(r"<(?:(uuid:pk)|(?:\w+:)?(\w+))>", lambda match: str(facts[match[1] or match[2]]), route)


def mistakes_in_admin(world: World, route: str) -> Iterator[str]:
    """Ask with all methods; an administrator only with those two that the admin tells apart."""
    of_staff, of_administrator = next(rule[1:] for rule in ADMIN if re.fullmatch(rule[0], route))
    address = address_in_admin(route, world.radiograph)
    for method in METHODS:
        expected = {"anonymous": "login", "staff": f"{of_staff} 405"}
        if method in ("GET", "POST"):
            expected |= {"lead": "login", "uploader": "login", "administrator": f"{of_administrator} 405"}
        for role, wanted in expected.items():
            answer = ask(world, role, method, address)
            if (got := outcome(answer)) not in wanted.split():
                yield f"{method} {address} as {role}: {got}, not {wanted}"
            if role != "administrator" and SECRET in said_by(answer):
                yield f"{method} {address} tells {role} the name of the file"


def test_in_the_admin_staff_sees_what_it_has_permissions_for_and_nobody_else_anything(world: World) -> None:
    make_one_of_each(world.radiograph)
    routes = [route for route in all_routes()["admin/"] if route not in ENTRANCES]
    assert [mistake for route in routes for mistake in mistakes_in_admin(world, route)] == []


def make_one_of_each(radiograph: Radiograph) -> None:
    """Make a row of each model that the admin shows and the world lacks."""
    version, owner = ModelVersion.objects.get(), radiograph.owner
    Group.objects.create(name="readers")
    EmailAddress.objects.create(user=owner, email="uploader@example.net")
    get_token_model().objects.create(owner)
    with_second_factor(owner)
    Comparison.objects.create(a=version, b=version, figures={"images": 1})
    ComparisonSeen.objects.create(
        username="administrator", version=version, active=version, radiographs=1, differing=0
    )
    Review.objects.create(radiograph=radiograph, reader=owner, label="NORMAL")
    Batch.objects.take(owner, Together())
    answers = {"by_older": radiograph.prediction, "by_newer": radiograph.prediction}
    versions = {"older": version, "newer": version}
    facts = {"radiograph": radiograph, "owner": owner, "created": radiograph.created, "kind": "label"}
    Disagreement.objects.create(**facts, **answers, **versions)
    rule = RetentionRule.objects.create(name="ninety days", days=90)
    run_of_it = RetentionRun.objects.begin(rule)
    Removal.objects.create(run=run_of_it, rule=rule.name, radiograph=radiograph.pk, what=rule.removes)
    for run in ("TrainingRun",) if apps.is_installed("training") else ():
        apps.get_model("training", run).objects.create(data="chest_xray")
