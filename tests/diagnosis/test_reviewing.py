"""The second reader: verdicts, corrections, and reading before one sees what the network says."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from diagnosis.models import Disclosure, ModelVersion, Prediction, Radiograph, Reader, ReadingGroup, Review
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing import blinding, recording
from diagnosis.reviewing.recording import record
from diagnosis.reviewing.second_reading import unread_by
from tests.diagnosis.pages import HTMX, browser_of, page_of, words
from tests.diagnosis.reviews import long_ago, reader, reviewed, verdict_of
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.diagnosis.test_exporting import text_of
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")

#: What no page says to a blinded reader: the answer of 94 %, and where to get more of it.
ANSWER = ("94 %", "0.94", "badge-likely", "Pneumonia likely,", "/heatmap/", "/report/")


def found(user: User, reviewed: str) -> set[str]:
    answer = api_of(user).get(RADIOGRAPHS, {"reviewed": reviewed})
    assert answer.status_code == 200
    return {row["filename"] for row in answer.json()["results"]}


@pytest.fixture
def everybody_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let users see what others have uploaded, as members of a group do."""
    monkeypatch.setattr(RadiographQuerySet, "visible_to", lambda self, user: self)


def test_a_verdict_with_a_comment_is_kept_and_shown(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    answer = client.post(page_of(radiograph, "review"), {"label": "NORMAL", "comment": " An <old> scar.\n"})
    assert answer["Location"] == page_of(radiograph)
    page = words(client.get(page_of(radiograph)))
    assert "Your verdict is saved." in page
    assert "An &lt;old&gt; scar." in page
    review = Review.objects.get()
    assert (review.reader, review.label, review.comment) == (alice, "NORMAL", "An <old> scar.")
    assert review.prediction == radiograph.prediction


def test_a_correction_counts_and_the_earlier_verdict_stays(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    for label in ("NORMAL", "PNEUMONIA", "PNEUMONIA"):
        client.post(page_of(radiograph, "review"), {"label": label}, headers=HTMX)
    assert [(each.label, each.current) for each in Review.objects.all()] == [("PNEUMONIA", True), ("NORMAL", False)]
    assert "Earlier verdicts, since corrected" in words(client.get(page_of(radiograph)))
    assert Radiograph.objects.get().reading == "agrees"


def test_the_button_says_whether_it_agrees_or_corrects(alice: User, version: ModelVersion) -> None:
    page = words(browser_of(alice).get(page_of(make_radiograph(alice, **succeeded(version)))))
    order = [page.index(f'value="{label}"') for label in ("NORMAL", "PNEUMONIA", "UNCLEAR")]
    assert order == sorted(order)
    normal, pneumonia = page[order[0] : order[1]], page[order[1] : order[2]]
    assert "correct" in normal
    assert "agree" in pneumonia


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ({}, "Choose one of these labels"),
        ({"label": "ILL"}, "Choose one of these labels"),
        ({"label": "NORMAL", "comment": "x" * 1001}, "at most 1000 characters"),
        ({"label": "NORMAL", "comment": "a\0b"}, "Null characters"),
    ],
)
def test_what_is_no_verdict_is_said_by_page_and_api(
    alice: User, version: ModelVersion, verdict: dict[str, str], sentence: str
) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    answer = browser_of(alice).post(page_of(radiograph, "review"), verdict, headers=HTMX)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert_problem(api_of(alice).post(f"{RADIOGRAPHS}{radiograph.pk}/reviews/", verdict), 400, sentence)
    assert not Review.objects.exists()


def test_corrections_have_an_end(alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_REVIEWS", 2)
    radiograph = make_radiograph(alice, **succeeded(version))
    for label in ("NORMAL", "PNEUMONIA"):
        record(radiograph, alice, label)
    answer = browser_of(alice).post(page_of(radiograph, "review"), {"label": "UNCLEAR"}, headers=HTMX)
    assert "no more is taken" in words(answer)
    answer = api_of(alice).post(f"{RADIOGRAPHS}{radiograph.pk}/reviews/", {"label": "UNCLEAR"})
    assert_problem(answer, 409, "no more is taken")
    assert verdict_of(alice, radiograph).label == "PNEUMONIA"


def test_several_readers_and_what_they_hold_together_are_shown(alice: User, version: ModelVersion) -> None:
    radiograph = reviewed(alice, version, "PNEUMONIA", "NORMAL", "NORMAL", "PNEUMONIA")
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert "2 of 3 readers say: Normal." in page
    assert all(f"<bdi>reader{number}</bdi>" in page for number in range(3))
    assert radiograph.reading == "differs"
    record(radiograph, reader(0), "PNEUMONIA")
    record(radiograph, reader(1), "UNCLEAR")
    record(radiograph, reader(2), "NORMAL")
    assert "do not agree: 1 say pneumonia, 1 normal" in words(browser_of(alice).get(page_of(radiograph)))
    assert Radiograph.objects.get().reading == "open"


def test_the_verdicts_of_a_deleted_reader_stay(alice: User, bob: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    record(radiograph, bob, "NORMAL")
    bob.delete()
    assert "a reader who is gone" in words(browser_of(alice).get(page_of(radiograph)))
    assert Review.objects.get().current


def test_a_stranger_neither_reviews_nor_sees_reviews(alice: User, bob: User, version: ModelVersion) -> None:
    radiograph = reviewed(alice, version, "NORMAL", "NORMAL")
    address = f"{RADIOGRAPHS}{radiograph.pk}/reviews/"
    assert browser_of(bob).post(page_of(radiograph, "review"), {"label": "NORMAL"}).status_code == 404
    assert browser_of(bob).post("/reading/", {"radiograph": radiograph.pk, "label": "NORMAL"}).status_code == 404
    assert_problem(api_of(bob).get(address), 404, "nothing at this address")
    assert_problem(api_of(bob).post(address, {"label": "NORMAL"}), 404, "nothing at this address")
    assert Client().post(page_of(radiograph, "review"))["Location"].startswith("/accounts/login/")
    assert Review.objects.count() == 1
    assert browser_of(alice).get(page_of(radiograph, "review")).status_code == 405


def test_the_api_lists_and_takes_verdicts(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    address, api = f"{RADIOGRAPHS}{radiograph.pk}/reviews/", api_of(alice)
    sent = json.dumps({"label": "UNCLEAR", "comment": "too dark"})
    answer = api.post(address, sent, content_type="application/json")
    assert answer.status_code == 201
    api.post(address, {"label": "NORMAL"})
    rows = api.get(address).json()["results"]
    assert [(row["label"], row["comment"], row["current"]) for row in rows] == [
        ("NORMAL", "", True),
        ("UNCLEAR", "too dark", False),
    ]
    assert rows[1] == answer.json() | {"current": False}
    assert rows[0]["reader"] == "alice"
    assert rows[0]["prediction"] == radiograph.prediction.pk
    for broken in ("[]", "{", '"NORMAL"'):
        assert api.post(address, broken, content_type="application/json").status_code == 400


def test_the_history_is_filtered_by_what_readers_said(alice: User, version: ModelVersion) -> None:
    for name, network, labels in (
        ("agreed.jpg", "NORMAL", ["NORMAL"]),
        ("differs.jpg", "NORMAL", ["PNEUMONIA"]),
        ("open.jpg", "NORMAL", ["UNCLEAR"]),
        ("unread.jpg", "NORMAL", []),
    ):
        reviewed(alice, version, network, *labels, filename=name)
    assert found(alice, "yes") == {"agreed.jpg", "differs.jpg", "open.jpg"}
    assert found(alice, "no") == {"unread.jpg"}
    assert found(alice, "differs") == {"differs.jpg"}
    page = words(browser_of(alice).get("/radiographs/", {"reviewed": "differs"}))
    assert "Second reader: <strong><bdi>Readers differ from the network" in page
    assert "agreed.jpg" not in page


def test_a_newer_answer_is_held_against_the_same_verdicts(alice: User, version: ModelVersion) -> None:
    radiograph = reviewed(alice, version, "NORMAL", "PNEUMONIA")
    Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    Radiograph.objects.all().follow_newest()
    assert Radiograph.objects.get().reading == "agrees"


def test_an_export_holds_the_verdicts(alice: User, version: ModelVersion) -> None:
    radiograph = reviewed(alice, version, "NORMAL", "PNEUMONIA", "NORMAL")
    record(radiograph, alice, "PNEUMONIA", "=left base")
    [row] = json.loads(text_of(browser_of(alice).get("/radiographs/export.json")))
    assert row["reading"] == "differs"
    assert row["reviews"] == ["reader0: PNEUMONIA", "reader1: NORMAL", "alice: PNEUMONIA (=left base)"]
    assert row["reviewed_at"]


# Blinded


@pytest.fixture
def blinded(alice: User) -> Client:
    blinding.set_blinded(alice, True)
    return browser_of(alice)


def test_no_page_tells_a_blinded_reader_what_the_network_says(
    alice: User, version: ModelVersion, blinded: Client
) -> None:
    radiograph = make_radiograph(alice, filename="a.jpg", **succeeded(version), activation_map=[[9.0] * 7] * 7)
    Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    states = blinded.post("/uploads/states/", {"pk": str(radiograph.pk)})
    for answer in (
        blinded.get(page_of(radiograph)),
        blinded.get(page_of(radiograph, "status"), headers=HTMX),
        blinded.get("/radiographs/"),
        blinded.get("/radiographs/", {"label": "NORMAL"}),
        blinded.get(f"/radiographs/outcomes/?pk={radiograph.pk}", headers=HTMX),
        blinded.get("/reading/"),
        states,
    ):
        assert answer.status_code == 200
        said = words(answer)
        assert "a.jpg" in said or answer.request["PATH_INFO"] != "/radiographs/"
        assert not [each for each in ANSWER if each in said]
    for part in ("heatmap", "report"):
        answer = blinded.get(page_of(radiograph, part))
        assert answer.status_code == 404
        assert "give your verdict first" in words(answer)
    answer = blinded.post("/radiographs/reports/", {"pk": str(radiograph.pk)})
    assert answer["Location"] == "/radiographs/"


def test_the_answer_is_there_once_the_verdict_is_given(alice: User, version: ModelVersion, blinded: Client) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    answer = blinded.post(page_of(radiograph, "review"), {"label": "NORMAL"}, headers=HTMX)
    assert answer["HX-Refresh"] == "true"
    for address in (page_of(radiograph), "/radiographs/"):
        assert "Pneumonia likely" in words(blinded.get(address))
    assert Review.objects.get().blinded


def test_a_blinded_reader_cannot_sort_or_filter_by_the_answer(
    alice: User, version: ModelVersion, blinded: Client
) -> None:
    make_radiograph(alice, filename="a.jpg", **succeeded(version))
    assert "a.jpg" in words(blinded.get("/radiographs/", {"label": "NORMAL", "band": "unlikely"}))
    assert blinded.get("/radiographs/", {"ordering": "-probability"}).status_code == 400
    assert blinded.get("/radiographs/", {"reviewed": "differs"}).status_code == 400


def test_others_verdicts_are_hidden_as_long_as_the_answer_is(
    alice: User, version: ModelVersion, blinded: Client
) -> None:
    radiograph = reviewed(alice, version, "PNEUMONIA", "NORMAL")
    assert "reader0" not in words(blinded.get(page_of(radiograph)))
    assert api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/reviews/").json()["results"] == []
    record(radiograph, alice, "UNCLEAR")
    assert "reader0" in words(blinded.get(page_of(radiograph)))


def test_what_was_answered_before_one_read_blinded_was_seen(alice: User, version: ModelVersion) -> None:
    before = make_radiograph(alice, **{**succeeded(version), "finished_at": long_ago()})
    blinding.set_blinded(alice, True)
    after = make_radiograph(alice, **succeeded(version))
    waiting = make_radiograph(alice)
    assert [record(each, alice, "NORMAL").blinded for each in (before, after, waiting)] == [False, True, True]
    assert not record(after, alice, "PNEUMONIA").blinded


def test_whoever_takes_all_answers_away_has_seen_them(alice: User, version: ModelVersion, blinded: Client) -> None:
    by_file, by_api, later = (make_radiograph(alice, **succeeded(version)) for _ in range(3))
    text_of(blinded.get("/radiographs/export.csv"))
    assert not record(by_file, alice, "NORMAL").blinded
    Reader.objects.update(all_shown=None)
    assert api_of(alice).get(RADIOGRAPHS).status_code == 200
    assert not record(by_api, alice, "NORMAL").blinded
    Prediction.objects.filter(radiograph=later).update(
        finished_at=Reader.objects.get().all_shown + (long_ago(0) - long_ago())
    )
    assert record(later, alice, "NORMAL").blinded


@pytest.mark.usefixtures("everybody_sees_all")
def test_another_users_x_ray_is_read_blind_until_its_answer_was_shown(
    alice: User, bob: User, version: ModelVersion
) -> None:
    first, second = (make_radiograph(alice, **{**succeeded(version), "finished_at": long_ago()}) for _ in range(2))
    assert record(first, bob, "NORMAL").blinded
    blinding.show_or_hide(bob, [second])
    blinding.show_or_hide(bob, [second])
    assert Disclosure.objects.count() == 1
    assert not record(second, bob, "NORMAL").blinded


# The list to read from


def test_the_list_shows_what_is_unread_and_then_what_the_network_said(alice: User, version: ModelVersion) -> None:
    for name in ("first.jpg", "second.jpg"):
        make_radiograph(alice, filename=name, **succeeded(version))
    make_radiograph(alice, filename="refused.jpg", status="refused", model_version=version)
    make_radiograph(alice, filename="waiting.jpg")
    client = browser_of(alice)
    page = words(client.get("/reading/"))
    assert "2 X-rays are waiting" in page
    assert "second.jpg" in page
    assert not [each for each in ANSWER if each in page]
    radiograph = Radiograph.objects.get(filename="second.jpg")
    answer = client.post("/reading/", {"radiograph": radiograph.pk, "label": "NORMAL"}, follow=True)
    page = words(answer)
    assert "You differ." in page
    assert "94 %" in page
    assert "first.jpg" in page
    assert "1 X-ray is waiting" in page
    client.post("/reading/", {"radiograph": Radiograph.objects.get(filename="first.jpg").pk, "label": "PNEUMONIA"})
    assert "You have read everything" in words(client.get("/reading/"))


def test_what_is_put_off_comes_again_from_the_start(alice: User, version: ModelVersion) -> None:
    for name in ("first.jpg", "second.jpg"):
        make_radiograph(alice, filename=name, **succeeded(version))
    client = browser_of(alice)
    after = client.get("/reading/").context["after"]
    assert "first.jpg" in words(client.get("/reading/", {"after": after}))
    after = client.get("/reading/", {"after": after}).context["after"]
    assert after is None
    assert "second.jpg" in words(client.get("/reading/", {"after": "nonsense"}))


def test_what_others_share_with_ones_groups_is_to_be_read_once_each(
    alice: User, bob: User, version: ModelVersion
) -> None:
    wards = [ReadingGroup.found(name, bob) for name in ("Ward 3", "Ward 4", "Ward 5")]
    for ward in wards[:2]:
        ward.memberships.create(user=alice)
    for owner, group in ((alice, wards[0]), (bob, wards[0]), (bob, wards[1]), (bob, wards[2]), (bob, None)):
        radiograph = make_radiograph(owner, **succeeded(version))
        Radiograph.objects.filter(pk=radiograph.pk).update(group=group)
    read: list[str] = []
    client = browser_of(alice)
    while shown := (page := client.get("/reading/")).context["radiograph"]:
        assert page.context["remaining"] == 3 - len(read)
        client.post("/reading/", {"radiograph": shown.pk, "label": "NORMAL"})
        read.append(shown.group.name)
    assert read == ["Ward 4", "Ward 3", "Ward 3"]


def test_a_slip_in_the_list_says_what_is_missing(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    assert "Choose one of these labels" in words(client.post("/reading/", {"radiograph": radiograph.pk}, follow=True))
    assert client.post("/reading/", {"radiograph": "x", "label": "NORMAL"}).status_code == 400
    assert client.post("/reading/", {"radiograph": uuid.uuid4(), "label": "NORMAL"}).status_code == 404
    for last in ("x", "1" * 30, "999"):
        assert client.get("/reading/", {"last": last}).status_code == 200


def test_another_readers_verdict_is_not_revealed_by_its_number(alice: User, version: ModelVersion) -> None:
    radiograph = reviewed(alice, version, "PNEUMONIA", "NORMAL")
    page = words(browser_of(alice).get("/reading/", {"last": Review.objects.get().pk}))
    assert "revealed" not in page
    (own,) = unread_by(alice)
    assert set(own) == {radiograph}


def test_reading_blinded_is_switched_on_and_off(alice: User) -> None:
    client = browser_of(alice)
    client.post("/reading/mode/", {"blinded": "on"})
    since = Reader.objects.get().blinded_since
    client.post("/reading/mode/", {"blinded": "on"})
    assert Reader.objects.get().blinded_since == since
    assert "Stop reading blinded" in words(client.get("/reading/"))
    client.post("/reading/mode/", {"blinded": "off"})
    assert not blinding.is_blinded(alice)


def test_the_report_names_the_verdicts(alice: User, version: ModelVersion) -> None:
    from tests.diagnosis.test_report import read
    from tests.diagnosis.test_report import text_of as pdf_text

    radiograph = reviewed(alice, version, "PNEUMONIA", "NORMAL", "PNEUMONIA")
    record(radiograph, alice, "NORMAL", "An old scar.")
    reading: Any = read(radiograph)
    assert len(reading.pages) == 1
    text = pdf_text(reading)
    assert "2 of 3 readers say: Normal" in text
    assert "alice: Normal" in text


def test_lists_of_reviewed_and_unread_are_read_off_an_index(alice: User, version: ModelVersion) -> None:
    own = Radiograph.objects.owned_by(alice).order_by("-created", "-pk")
    ReadingGroup.found("Ward 3", alice)
    unread, of_group = unread_by(alice)
    for rows, indexes in (
        (own.filter(reviewed__isnull=False), ["radiograph_reviewed"]),
        (own.filter(reading="differs"), ["radiograph_reading"]),
        (unread.order_by("-created", "-pk"), ["radiograph_outcome", "review_by_reader"]),
        (of_group.order_by("-created", "-pk"), ["radiograph_group_outcome", "review_by_reader"]),
    ):
        plan = rows[:25].explain()
        assert [index for index in indexes if index not in plan] == [], plan
        assert "TEMP B-TREE" not in plan
