"""Everything that the filters of the history find is classified again, in the background."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis.errands_process import is_anything_due
from diagnosis.history import reclassifying
from diagnosis.history.reclassifying import go_on, take_turns
from diagnosis.models import Letter, ModelVersion, Prediction, Radiograph, Reclassification, Tag
from tests.diagnosis.pages import HTMX, browser_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

ALL = "/radiographs/classify-all/"


@pytest.fixture
def old(db: Any) -> ModelVersion:
    return ModelVersion.objects.create(version="old", network_sha256="0" * 64, card={"threshold": 0.41})


@pytest.fixture
def new(db: Any) -> ModelVersion:
    return ModelVersion.objects.create(version="new", network_sha256="1" * 64, card={"threshold": 0.41}, active=True)


@pytest.fixture
def three(alice: User, old: ModelVersion, new: ModelVersion) -> list[Radiograph]:
    return [make_radiograph(alice, filename=f"{number}.jpg", **succeeded(old)) for number in range(3)]


def job_of(user: User, query: str = "") -> Reclassification:
    version = ModelVersion.objects.get(active=True)
    job = Reclassification.objects.begin(user, version, query, 3)
    assert job
    return job


def asked(version: ModelVersion) -> list[str]:
    """Return the names of the files that the version was asked for, in that order."""
    rows = Prediction.objects.filter(wanted_version=version).order_by("pk")
    return list(rows.values_list("radiograph__filename", flat=True))


def answer_all(version: ModelVersion) -> None:
    Prediction.objects.all().unfinished().update(**succeeded(version))
    Radiograph.objects.all().follow_newest()


def test_the_page_says_how_many_and_begins_once(alice: User, three: list[Radiograph], new: ModelVersion) -> None:
    make_radiograph(alice, status="failed", finished_at=timezone.now())
    client = browser_of(alice)
    assert f'href="{ALL}?status=succeeded"' in words(client.get("/radiographs/?status=succeeded"))
    page = words(client.get(f"{ALL}?status=succeeded"))
    assert "Classify 3 X-rays again?" in page
    assert "Status: <strong><bdi>Answered" in page
    assert not is_anything_due()
    begun = client.post(f"{ALL}?status=succeeded&ordering=filename", {"model_version": ""})
    job = Reclassification.objects.get()
    assert begun["Location"] == job.get_absolute_url()
    assert (job.query, job.expected, job.model_version) == ("status=succeeded", 3, new)
    assert is_anything_due()
    assert client.post(ALL)["Location"] == job.get_absolute_url()
    assert Reclassification.objects.count() == 1
    assert job.get_absolute_url() in words(client.get("/radiographs/"))


def test_many_are_not_counted_to_the_end(
    alice: User, three: list[Radiograph], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.pages.reclassifying.MOST_COUNTED", 2)
    client = browser_of(alice)
    assert "Classify more than 2 X-rays again?" in words(client.get(ALL))
    client.post(ALL)
    assert Reclassification.objects.get().expected is None


@pytest.mark.parametrize(
    ("query", "facts", "sentence"),
    [
        ("?label=NORMAL", {}, "nothing to classify again"),
        ("?label=nonsense", {}, "There is no “nonsense”"),
        ("", {"model_version": "nonsense"}, "There is no model version “nonsense” to ask"),
    ],
)
def test_what_cannot_be_begun_is_said(
    alice: User, three: list[Radiograph], query: str, facts: dict[str, str], sentence: str
) -> None:
    answer = browser_of(alice).post(f"{ALL}{query}", facts, follow=True)
    assert sentence in words(answer)
    assert not Reclassification.objects.exists()


def test_what_is_answered_or_waiting_already_is_skipped_and_what_came_later_is_not_looked_at(
    alice: User, bob: User, three: list[Radiograph], new: ModelVersion
) -> None:
    make_radiograph(alice, filename="answered.jpg", **succeeded(new))
    make_radiograph(alice, filename="waiting.jpg")
    make_radiograph(bob, filename="of bob.jpg", **succeeded(three[0].model_version))
    job = job_of(alice)
    make_radiograph(alice, filename="later.jpg", **succeeded(three[0].model_version))
    assert go_on(job)
    assert asked(new) == ["2.jpg", "1.jpg", "0.jpg"]
    job.refresh_from_db()
    assert (job.made, job.skipped, job.outcome) == (3, 2, "")
    assert not go_on(job), "the answers are still to come"
    answer_all(new)
    assert go_on(job)
    assert (job.outcome, is_anything_due()) == ("done", False)


def test_only_a_few_wait_at_a_time_and_none_where_others_fill_the_queue(
    alice: User, three: list[Radiograph], new: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "WAITING_EACH", 2)
    job, upload = job_of(alice), make_radiograph(alice)
    go_on(job)
    assert asked(new) == ["2.jpg"]
    assert not go_on(job)
    Prediction.objects.filter(radiograph=upload).update(**succeeded(new))
    go_on(job)
    assert asked(new) == ["2.jpg", "1.jpg"]


def test_killed_in_the_middle_it_goes_on_where_it_was_and_asks_for_none_twice(
    alice: User, three: list[Radiograph], new: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "CHUNK", 2)
    job = job_of(alice)

    def die(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(Reclassification, "advance", die)
        with pytest.raises(KeyboardInterrupt):
            go_on(job)
    assert asked(new) == [], "neither is there without the other"
    other_process = Reclassification.objects.get(pk=job.pk)
    go_on(Reclassification.objects.get(pk=job.pk))
    answer_all(new)
    monkeypatch.setattr(reclassifying, "is_answered", lambda *_: False)  # nothing but the cursor keeps it from that
    go_on(other_process)
    assert asked(new) == ["2.jpg", "1.jpg"], "another process has gone on meanwhile"
    go_on(Reclassification.objects.get(pk=job.pk))
    assert asked(new) == ["2.jpg", "1.jpg", "0.jpg"]


def test_a_cancelled_one_asks_for_no_more(alice: User, three: list[Radiograph], new: ModelVersion) -> None:
    job, client = job_of(alice), browser_of(alice)
    answer = client.post(f"{job.get_absolute_url()}cancel/", follow=True)
    assert "It is cancelled" in words(answer)
    go_on(job)  # as a process would that had read it before
    take_turns()
    assert asked(new) == []
    assert Reclassification.objects.get().outcome == "cancelled"


def test_it_stops_where_its_tag_or_its_owner_is_gone(alice: User, three: list[Radiograph], new: ModelVersion) -> None:
    tag = Tag.objects.create(owner=alice, name="follow up")
    job = job_of(alice, "tag=follow+up")
    tag.delete()
    take_turns()
    assert Reclassification.objects.get().outcome == "stopped"
    assert "It was stopped: a tag or a group" in words(browser_of(alice).get(job.get_absolute_url()))
    job_of(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    take_turns()
    assert asked(new) == []


def test_the_page_shows_how_far_it_is_and_asks_until_it_has_ended(alice: User, three: list[Radiograph]) -> None:
    job, client = job_of(alice, "label=PNEUMONIA"), browser_of(alice)
    go_on(job)
    page = words(client.get(job.get_absolute_url()))
    assert "3 of 3" in page
    assert "Label: <strong><bdi>PNEUMONIA" in page
    fragment = words(client.get(job.get_absolute_url(), headers=HTMX))
    assert "hx-trigger" in fragment
    assert '<button id="cancel-reclassification"' in fragment, "by its id it keeps the focus"
    job.end("cancelled")
    assert "hx-trigger" not in words(client.get(job.get_absolute_url(), headers=HTMX))


@pytest.mark.parametrize(("minutes", "letters"), [(0, 0), (5, 1)])
def test_who_has_waited_for_long_gets_a_mail(
    alice: User, three: list[Radiograph], new: ModelVersion, minutes: int, letters: int
) -> None:
    job = job_of(alice)
    go_on(job)
    answer_all(new)
    job.created -= timedelta(minutes=minutes)
    assert go_on(job)
    assert Letter.objects.count() == letters
    for letter in Letter.objects.all():
        assert letter.subject == "Your 3 X-rays are read again"
        assert job.get_absolute_url() in letter.body


def test_two_jobs_share_the_room_and_neither_is_always_the_first(
    alice: User, bob: User, three: list[Radiograph], new: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "WAITING_EACH", 2)
    monkeypatch.setattr(reclassifying, "TURN_SECONDS", 0.2)
    for number in range(2):
        make_radiograph(bob, filename=f"bob {number}.jpg", **succeeded(three[0].model_version))
    job_of(alice), job_of(bob)
    take_turns()
    assert sorted(asked(new)) == ["2.jpg", "bob 1.jpg"]
    gone_on: list[User] = []

    def go_on_with(job: Reclassification, among: int) -> bool:
        gone_on.append(job.owner)
        return True

    monkeypatch.setattr(reclassifying, "go_on", go_on_with)
    take_turns()
    assert set(gone_on[::2]) == {alice, bob}


def test_it_ends_while_others_fill_the_queue(
    alice: User, bob: User, three: list[Radiograph], new: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "WAITING_EACH", 3)
    job = job_of(alice)
    go_on(job)
    answer_all(new)
    for _ in range(3):
        make_radiograph(bob)
    assert go_on(job)
    assert job.outcome == "done"


def test_a_long_search_fits(alice: User, new: ModelVersion) -> None:
    job_of(alice, urlencode({"search": "胸" * 200})).full_clean(exclude=["ended"])


def test_it_stops_where_its_version_turns_out_unusable(
    alice: User, three: list[Radiograph], new: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "WAITING_EACH", 1)
    unusable: dict[str, Any] = {"status": "failed", "reason_code": "version_unusable", "finished_at": timezone.now()}
    make_radiograph(alice, wanted_version=new, **unusable)  # an earlier one, repaired since
    job = job_of(alice, "status=succeeded")
    assert go_on(job)
    Prediction.objects.all().unfinished().update(**unusable | {"finished_at": timezone.now()})
    assert go_on(job)
    assert (job.outcome, asked(new)[1:]) == ("stopped", ["2.jpg"])


def test_removed_images_are_neither_counted_nor_left_out(alice: User, three: list[Radiograph]) -> None:
    Radiograph.objects.filter(filename="1.jpg").update(file="")
    assert "Classify 2 X-rays again?" in words(browser_of(alice).get(ALL))
    job = job_of(alice)
    go_on(job)
    assert (job.made, job.skipped) == (2, 0)


def test_nobody_gets_a_mail_where_nothing_was_asked(alice: User, new: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(new))
    job = job_of(alice)
    go_on(job)
    job.created -= timedelta(minutes=5)
    assert go_on(job)
    assert (job.outcome, Letter.objects.count()) == ("done", 0)
