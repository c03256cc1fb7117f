"""Classifying again by a version that the user chose, in the browser and by the API; the active one stays active."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from diagnosis import publishing, tasks, worker
from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.diagnosis.pages import browser_of, page_of, words
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.factories import artifact_named, make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_held", {})


@pytest.fixture
def newer(version: ModelVersion, tmp_path: Path) -> ModelVersion:
    """A second version, published and not active."""
    return publishing.publish(artifact_named("newer", tmp_path))[0]


@pytest.fixture
def radiograph(alice: User, version: ModelVersion) -> Radiograph:
    return make_radiograph(alice, **succeeded(version))


def ask(user: User, radiograph: Radiograph, **data: object) -> Prediction:
    """Press the button, and let a worker answer."""
    browser_of(user).post(page_of(radiograph, "classify"), data)
    tasks.classify(radiograph.prediction.pk)
    return Radiograph.objects.get(pk=radiograph.pk).prediction


def test_the_version_that_was_asked_for_answers_and_the_active_one_stays(
    alice: User, radiograph: Radiograph, version: ModelVersion, newer: ModelVersion
) -> None:
    earlier = Prediction.objects.values().get()
    answer = ask(alice, radiograph, model_version=newer.version)
    assert (answer.status, answer.model_version) == ("succeeded", newer)
    assert Prediction.objects.values().get(pk=earlier["id"]) == earlier
    assert ask(alice, radiograph).model_version == version
    assert ModelVersion.objects.get(active=True) == version


def test_the_same_by_the_api(alice: User, radiograph: Radiograph, newer: ModelVersion) -> None:
    address, body = f"{RADIOGRAPHS}{radiograph.pk}/predictions/", {"model_version": newer.version}
    begun = api_of(alice).post(address, body, content_type="application/json")
    assert begun.status_code == 201
    tasks.classify(begun.json()["id"])
    assert api_of(alice).get(address).json()["results"][0]["model_version"] == newer.version


def test_a_version_asked_for_by_name_answers_although_another_was_activated_in_between(
    alice: User, radiograph: Radiograph, version: ModelVersion, newer: ModelVersion
) -> None:
    browser_of(alice).post(page_of(radiograph, "classify"), {"model_version": version.version})
    newer.activate()
    tasks.classify(radiograph.prediction.pk)
    assert radiograph.prediction.model_version == version


def test_an_unknown_version_and_a_silent_one_are_refused_with_the_names_of_the_others(
    alice: User, radiograph: Radiograph, version: ModelVersion, newer: ModelVersion
) -> None:
    newer.answer_silently()
    for name in ("1", newer.version):
        body = {"model_version": name}
        answer = api_of(alice).post(
            f"{RADIOGRAPHS}{radiograph.pk}/predictions/", body, content_type="application/json"
        )
        problem = assert_problem(answer, 400, f"There is no model version “{name}” to ask. There are: {version}.")
        assert "model_version" in problem["errors"]
        page = browser_of(alice).post(page_of(radiograph, "classify"), body, follow=True)
        assert f"There is no model version “{name}” to ask." in words(page)
    assert Prediction.objects.count() == 1


def test_a_second_click_asks_nobody_even_after_the_first_was_answered(alice: User, radiograph: Radiograph) -> None:
    shown = radiograph.prediction.pk
    ask(alice, radiograph, seen=shown)
    again = browser_of(alice).post(page_of(radiograph, "classify"), {"seen": shown}, follow=True)
    assert "is read again already" in words(again)
    assert Prediction.objects.count() == 2


def test_the_choice_is_shown_where_there_is_one(alice: User, radiograph: Radiograph, version: ModelVersion) -> None:
    def shown() -> list[str]:
        addresses = {"classify-version": page_of(radiograph), "chosen-version": "/radiographs/"}
        pages = {name: words(browser_of(alice).get(address)) for name, address in addresses.items()}
        assert all("Classify again" in page for page in pages.values())
        return [name for name, page in pages.items() if f'<select id="{name}"' in page]

    assert shown() == []
    other = ModelVersion.objects.create(version="other", network_sha256="1" * 64, card=version.card)
    assert shown() == ["classify-version", "chosen-version"]
    other.answer_silently()
    assert shown() == []


def test_many_are_classified_again_by_the_version_that_was_chosen(
    alice: User, radiograph: Radiograph, version: ModelVersion, newer: ModelVersion
) -> None:
    data = {"pk": [radiograph.pk], "model_version": newer.version}
    page = browser_of(alice).post("/radiographs/chosen/classify/", data, follow=True)
    assert f"1 X-ray is read again, by version {newer}." in words(page)
    assert Prediction.objects.latest("pk").wanted_version == newer
    page = browser_of(alice).post("/radiographs/chosen/classify/", data | {"model_version": "1"}, follow=True)
    assert "There is no model version “1” to ask." in words(page)


def test_a_version_whose_files_are_gone_fails_with_a_sentence_and_disturbs_nobody(
    alice: User, radiograph: Radiograph, version: ModelVersion, newer: ModelVersion
) -> None:
    shutil.rmtree(newer.folder)
    failed = ask(alice, radiograph, model_version=newer.version)
    assert (failed.status, failed.reason_code) == ("failed", "version_unusable")
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert "cannot be used: its files are missing or damaged" in page
    assert "Open the file in an image viewer" not in page
    assert ask(alice, radiograph).model_version == version


def test_strangers_cannot_have_it_classified(bob: User, radiograph: Radiograph) -> None:
    assert browser_of(bob).post(page_of(radiograph, "classify")).status_code == 404
    assert Prediction.objects.count() == 1


def test_a_worker_holds_a_few_classifiers_and_drops_the_one_that_was_not_used_for_the_longest(
    version: ModelVersion, tmp_path: Path
) -> None:
    others = [publishing.publish(artifact_named(name, tmp_path))[0] for name in ("b", "c", "d")]
    worker.current_classifier()
    for other in others:
        worker.classifier_of(other.pk)
        classifier, _ = worker.current_classifier()
    assert list(worker._held) == [others[1].pk, others[2].pk, version.pk]
    assert worker.current_classifier()[0] is classifier
