"""A further prediction on the same radiograph, by the API; the earlier ones stay as they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from diagnosis import tasks
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


def predictions_of(radiograph: Radiograph) -> str:
    return f"{RADIOGRAPHS}{radiograph.pk}/predictions/"


@pytest.mark.parametrize("body", ["none", "empty", "version"])
def test_the_active_model_is_asked_anew_and_the_earlier_answer_stays(
    alice: User, version: ModelVersion, body: str
) -> None:
    radiograph = submit(alice, upload("a.jpg"))
    tasks.classify(radiograph.prediction.pk)
    [earlier] = Prediction.objects.values()
    client, facts = api_of(alice), {"version": {"model_version": version.version}}.get(body, {})
    options: Any = {} if body == "none" else {"data": facts, "content_type": "application/json"}
    answer = client.post(predictions_of(radiograph), **options)
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["model_version"]) == ("pending", None)
    listed = client.get(f"{RADIOGRAPHS}{radiograph.pk}/").json()
    assert (listed["status"], listed["prediction"]["id"]) == ("pending", answer.json()["id"])
    tasks.classify(answer.json()["id"])
    assert Prediction.objects.values().get(pk=earlier["id"]) == earlier
    newest, oldest = client.get(predictions_of(radiograph)).json()["results"]
    assert (newest["id"], oldest["id"]) == (answer.json()["id"], earlier["id"])
    assert newest["status"] == oldest["status"] == earlier["status"]
    assert newest["model_version"] == version.version
    assert f"?prediction={earlier['id']}" in oldest["report_url"]


def test_while_one_is_unfinished_there_is_no_further_one(alice: User) -> None:
    radiograph = make_radiograph(alice)
    assert_problem(api_of(alice).post(predictions_of(radiograph)), 409, "not final yet")
    assert Prediction.objects.count() == 1


def test_the_predictions_of_others_do_not_exist(alice: User, bob: User, version: ModelVersion) -> None:
    of_bob = make_radiograph(bob, **succeeded(version))
    assert_problem(api_of(alice).get(predictions_of(of_bob)), 404, "nothing at this address")
    assert_problem(api_of(alice).post(predictions_of(of_bob)), 404, "nothing at this address")
    assert Prediction.objects.count() == 1


def test_many_predictions_take_as_many_queries_as_one(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    for _ in range(9):
        Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    client = api_of(alice)
    with django_assert_max_num_queries(9):
        assert len(client.get(predictions_of(radiograph)).json()["results"]) == 10
