"""Several files at once, zips among them: each gets its own answer, and the rest goes on when one is bad."""

from __future__ import annotations

import errno
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import Client
from django.utils.html import escape
from knox.models import get_token_model
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import submit, submit_all
from tests.archives import BAD_ARCHIVES, BAD_ENTRIES, zip_bytes, zip_of_one
from tests.diagnosis.pages import HTMX, assert_nothing_is_stored, browser_of, files_under, page_of, words
from tests.drawings import jpeg_bytes, png_bytes
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")
RADIOGRAPHS = "/api/v1/radiographs/"


def api_of(user: User) -> Client:
    _, token = get_token_model().objects.create(user)
    return Client(headers={"Authorization": f"Token {token}"})


def assert_whole(settings: Settings, count: int) -> None:
    """Each row has its prediction and its file, and there is no other file."""
    assert Radiograph.objects.count() == Prediction.objects.count() == count
    stems = {path.stem for path in files_under(settings.MEDIA_ROOT)}
    assert stems == {str(pk) for pk in Radiograph.objects.values_list("pk", flat=True)}
    assert not files_under(settings.FILE_UPLOAD_TEMP_DIR)


def test_many_files_without_javascript_are_listed_with_what_became_of_each(alice: User, settings: Settings) -> None:
    files = [upload("a.jpg"), upload("b.txt", b"hello"), upload("c.png", png_bytes(seed=3)), upload("d.jpg", b"")]
    answer = browser_of(alice).post("/", {"file": files})
    page = words(answer)
    assert answer.status_code == 200
    names = [f"<bdi>{name}</bdi>" for name in ("a.jpg", "b.txt", "c.png", "d.jpg")]
    places = [page.index(name) for name in names]
    assert places == sorted(places)
    assert "The file is no image that can be read here." in page
    assert "The file is empty." in page
    for radiograph in Radiograph.objects.all():
        assert f'href="{page_of(radiograph)}"' in page
    assert_whole(settings, 2)


def test_files_of_which_none_is_taken_are_listed_too(alice: User, settings: Settings) -> None:
    answer = browser_of(alice).post("/", {"file": [upload("a.txt", b"hello"), upload("b.jpg", b"")]})
    assert answer.status_code == 400
    assert words(answer).count('badge-failed">Not taken<') == 2
    assert_nothing_is_stored(settings)


def test_a_zip_and_images_go_in_one_form(
    alice: User, settings: Settings, rung: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    archive = zip_bytes([("in/a.jpg", jpeg_bytes(seed=1)), (".DS_Store", b""), ("in/b.jpg", jpeg_bytes(seed=2))])
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser_of(alice).post(
            "/", {"file": [upload("scans.zip", archive), upload("c.jpg", jpeg_bytes(seed=3))]}
        )
    assert [r.filename for r in Radiograph.objects.order_by("created")] == ["a.jpg", "b.jpg", "c.jpg"]
    assert "1 hidden or system file in the zip was left out" in words(answer)
    assert rung == list(Prediction.objects.order_by("queued_at").values_list("pk", flat=True))
    assert_whole(settings, 3)


def test_a_ring_that_nobody_hears_is_not_repeated_for_every_file(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    tried: list[int] = []

    def away(pk: int) -> bool:
        tried.append(pk)
        return False

    monkeypatch.setattr("diagnosis.tasks.ring", away)
    with django_capture_on_commit_callbacks(execute=True):
        submit_all(alice, [upload("a.jpg", jpeg_bytes(seed=1)), upload("b.jpg", jpeg_bytes(seed=2))])
    assert len(tried) == 1
    assert Radiograph.objects.count() == 2


def test_the_same_image_again_is_recognised_and_leads_to_its_earlier_result(
    alice: User, bob: User, settings: Settings, version: ModelVersion
) -> None:
    client = browser_of(alice)
    client.post("/", {"file": upload("first.jpg")})
    Prediction.objects.update(**succeeded(version))
    earlier = Radiograph.objects.get()
    answer = client.post("/", {"file": upload("copy.jpg")}, headers=HTMX)
    assert 'data-stage="known"' in words(answer)
    assert "You sent this very image" in words(answer)
    assert "as <bdi>first.jpg</bdi>" in words(answer)
    assert "Pneumonia likely, 94 %" in words(answer)
    assert f'href="{page_of(earlier)}"' in words(answer)
    assert_whole(settings, 1)

    browser_of(bob).post("/", {"file": upload("bobs.jpg")})
    assert_whole(settings, 2)


def test_the_same_image_twice_in_one_upload_is_stored_once(alice: User, settings: Settings) -> None:
    archive = zip_bytes([("a.jpg", jpeg_bytes()), ("b.jpg", jpeg_bytes())])
    answer = browser_of(alice).post("/", {"file": [upload("scans.zip", archive), upload("c.jpg")]})
    assert words(answer).count("You sent this very image") == 2
    assert_whole(settings, 1)


def test_what_was_recognised_can_be_uploaded_anyway_without_sending_it(
    alice: User, bob: User, settings: Settings
) -> None:
    client = browser_of(alice)
    client.post("/", {"file": upload("first.jpg")})
    earlier = Radiograph.objects.get()
    answer = client.post(page_of(earlier, "again"))
    later = Radiograph.objects.exclude(pk=earlier.pk).get()
    assert answer["Location"] == page_of(later)
    assert (later.filename, later.sha256, later.read()) == ("first.jpg", earlier.sha256, earlier.read())
    assert later.prediction.pk != earlier.prediction.pk
    assert 'data-stage="open"' in words(client.post(page_of(earlier, "again"), headers=HTMX))
    assert browser_of(bob).post(page_of(earlier, "again")).status_code == 404
    assert_whole(settings, 3)


def test_uploading_anyway_what_is_no_longer_on_disk_says_so(alice: User) -> None:
    radiograph = make_radiograph(alice)
    radiograph.file.storage.delete(radiograph.file.name or "")
    answer = browser_of(alice).post(page_of(radiograph, "again"))
    assert answer.status_code == 404
    assert Radiograph.objects.count() == 1


@pytest.mark.parametrize("door", ["page", "htmx", "api"])
@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_a_bad_archive_is_one_sentence_and_nothing_is_stored(
    alice: User, settings: Settings, case: str, door: str
) -> None:
    make, sentence = BAD_ARCHIVES[case]
    status = 413 if case == "10 GB in 10 kB" else 400
    if door == "api":
        answer = api_of(alice).post(RADIOGRAPHS, {"file": upload("scans.zip", make())})
        assert answer["Content-Type"] == "application/problem+json"
        assert sentence in answer.json()["detail"]
    else:
        answer = browser_of(alice).post(
            "/", {"file": upload("scans.zip", make())}, headers=HTMX if door == "htmx" else {}
        )
        assert escape(sentence) in words(answer)
        assert ("<html" in words(answer)) is (door == "page")
        status = 200 if door == "htmx" else status  # which answers with a row that says it
    assert answer.status_code == status
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_a_bad_entry_is_refused_alone_through_the_page(alice: User, settings: Settings, case: str) -> None:
    make, name, _, sentence = BAD_ENTRIES[case]
    page = words(browser_of(alice).post("/", {"file": upload("scans.zip", make())}, headers=HTMX))
    assert re.findall(r'data-stage="(\w+)"', page) == ["open", "rejected"]
    assert f"<bdi>{name}</bdi>" in page.split('data-stage="rejected"')[1]
    assert escape(sentence) in page
    assert_whole(settings, 1)


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_a_bad_entry_is_refused_alone_through_the_api(alice: User, settings: Settings, case: str) -> None:
    make, name, status, sentence = BAD_ENTRIES[case]
    answer = api_of(alice).post(RADIOGRAPHS, {"file": upload("scans.zip", make())})
    assert answer.status_code == 201
    good, bad = answer.json()["results"]
    assert (good["name"], good["problem"], good["radiograph"]["status"]) == ("chest.jpg", None, "pending")
    assert good["radiograph"]["id"] == str(Radiograph.objects.get().pk)
    assert (bad["name"], bad["radiograph"], bad["problem"]["status"]) == (name, None, status)
    assert sentence in bad["problem"]["detail"]
    assert_whole(settings, 1)


def test_an_archive_of_which_nothing_can_be_taken_is_a_problem_with_each_reason(
    alice: User, settings: Settings
) -> None:
    archive = zip_bytes([("a.txt", b"hello"), ("b.jpg", b"")])
    answer = api_of(alice).post(RADIOGRAPHS, {"file": upload("scans.zip", archive)})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "None of the files in the archive could be taken."
    assert [reason.split(":")[0] for reason in answer.json()["errors"]["file"]] == ["a.txt", "b.jpg"]
    assert_nothing_is_stored(settings)


def test_a_bad_archive_beside_good_files_is_one_row(alice: User, settings: Settings) -> None:
    files = [upload("bad.zip", zip_of_one("../chest.jpg")), upload("good.jpg")]
    page = words(browser_of(alice).post("/", {"file": files}, headers=HTMX))
    assert re.findall(r'data-stage="(\w+)"', page) == ["rejected", "open"]
    assert_whole(settings, 1)


@pytest.mark.parametrize("failing_after", [0, 2])
def test_a_disk_that_fills_up_within_a_zip_leaves_nothing(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, failing_after: int
) -> None:
    from diagnosis import uploads

    original, calls = uploads._fsync, []

    def fill(path: Any) -> None:
        calls.append(path)
        if len(calls) > failing_after:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path)

    monkeypatch.setattr("diagnosis.uploads._fsync", fill)
    client = browser_of(alice)
    client.raise_request_exception = False
    archive = zip_bytes([(f"{seed}.jpg", jpeg_bytes(seed=seed)) for seed in range(3)])
    answer = client.post("/", {"file": upload("scans.zip", archive)}, headers=HTMX)
    assert answer.status_code == 507
    assert "disk is full, so nothing was stored" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_more_files_than_the_limit_are_refused_whole(alice: User, settings: Settings, headers: Any) -> None:
    settings.MAX_BATCH_FILES = 2
    answer = browser_of(alice).post("/", {"file": [upload(f"{i}.jpg") for i in range(3)]}, headers=headers)
    assert answer.status_code == 400
    assert "At most 2 files are taken at once" in words(answer)
    assert_nothing_is_stored(settings)


def test_what_came_before_the_file_too_many_is_removed_at_once(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []

    def make(*facts: Any) -> Any:
        held.append(TemporaryUploadedFile(*facts))  # so that it does not vanish by itself
        return held[-1]

    monkeypatch.setattr("diagnosis.uploads.TemporaryUploadedFile", make)
    settings.MAX_BATCH_FILES = 2
    browser_of(alice).post("/", {"file": [upload(f"{i}.jpg") for i in range(3)]})
    assert len(held) == 2
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_more_bytes_than_the_limit_are_refused_whole(alice: User, settings: Settings, headers: Any) -> None:
    settings.MAX_BATCH_BYTES = settings.MAX_UPLOAD_BYTES = 1024**2
    files = [upload(f"{i}.jpg", jpeg_bytes().ljust(900_000, b"x")) for i in range(3)]
    answer = browser_of(alice).post("/", {"file": files}, headers=headers)
    assert answer.status_code == 413
    assert "more than the 1 MB that are taken at once" in words(answer)
    assert_nothing_is_stored(settings)


def test_a_zip_may_be_larger_than_one_image(alice: User, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 20_000
    archive = zip_bytes([(f"{seed}.jpg", jpeg_bytes(seed=seed)) for seed in range(6)])
    assert len(archive) > settings.MAX_UPLOAD_BYTES > len(jpeg_bytes())
    assert api_of(alice).post(RADIOGRAPHS, {"file": upload("scans.zip", archive)}).status_code == 201
    assert_whole(settings, 6)


def test_a_stranger_may_send_neither_a_large_zip_nor_many_files(db: Any, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 20_000
    stranger = Client(enforce_csrf_checks=True)
    stranger.get("/accounts/login/")  # without the cookie that it gives, no upload is read at all
    archive = zip_bytes([(f"{seed}.jpg", jpeg_bytes(seed=seed)) for seed in range(6)])
    assert stranger.post("/", {"file": upload("a.zip", archive)}).status_code == 413
    answer = stranger.post("/", {"file": [upload("a.jpg"), upload("b.jpg")]})
    assert answer.status_code == 400
    assert "more than one file" in words(answer)
    assert "Log in first" in words(answer)
    assert_nothing_is_stored(settings)


def test_a_name_with_an_endless_ending_is_no_fault_of_the_server(alice: User, settings: Settings) -> None:
    name = "chest." + "x" * 240
    archive = zip_bytes([(name, jpeg_bytes())])
    assert browser_of(alice).post("/", {"file": upload("a.zip", archive)}).status_code == 302
    assert browser_of(alice).post("/", {"file": upload(name, jpeg_bytes(seed=2))}).status_code == 302
    assert_whole(settings, 2)


def states(client: Client, *asked: Any) -> Any:
    return client.post("/uploads/states/", {"pk": [str(each) for each in asked]}).json()


def test_the_states_of_all_open_rows_come_in_one_answer(
    alice: User, bob: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.notices.worker_answers", lambda: True)
    other = make_radiograph(bob)
    first, second, running = (make_radiograph(alice, status=status) for status in ("pending", "pending", "running"))
    done = make_radiograph(alice, **succeeded(version))
    refused = make_radiograph(alice, status="refused", reason_code="uniform", reason="Nearly uniform.")
    client = browser_of(alice)
    answer = states(client, first.pk, second.pk, running.pk, done.pk, refused.pk, other.pk, "nonsense")
    assert answer["open"] == {
        str(first.pk): "Waiting, 1 ahead",
        str(second.pk): "Waiting, 2 ahead",
        str(running.pk): "Being read",
    }
    assert set(answer["final"]) == {str(done.pk), str(refused.pk), str(other.pk)}
    assert answer["final"][str(done.pk)]["stage"] == "succeeded"
    assert "Pneumonia likely" in answer["final"][str(done.pk)]["outcome"]
    assert answer["final"][str(refused.pk)]["reason"] == "Nearly uniform."
    assert "deleted" in answer["final"][str(other.pk)]["reason"], "a stranger's is as good as gone"


def test_the_end_of_a_row_brings_its_picture_its_warnings_and_what_its_button_leads_to(
    alice: User, version: ModelVersion
) -> None:
    done, refused = make_radiograph(alice, **succeeded(version)), make_radiograph(alice, status="refused")
    Radiograph.objects.filter(pk=done.pk).update(acquisition={"age": 45})
    Radiograph.objects.filter(pk=refused.pk).update(format="DICOM")
    final = states(browser_of(alice), done.pk, refused.pk)["final"]
    assert final[str(done.pk)]["picture"] == f"/radiographs/{done.pk}/image/"
    assert "picture" not in final[str(refused.pk)], "a DICOM file has one once a worker has drawn it"
    assert "Read with care: an adult" in final[str(done.pk)]["outcome"]
    assert [final[str(row.pk)]["action"] for row in (done, refused)] == ["See result", "See why"]


def test_open_rows_say_when_nobody_reads(alice: User, redis_is_away: None) -> None:
    radiograph = make_radiograph(alice)
    answer = states(browser_of(alice), radiograph.pk)
    assert answer["open"] == {str(radiograph.pk): "Waiting, nobody is reading at the moment"}


def test_a_long_queue_says_at_least_how_many_are_ahead(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnosis.notices.worker_answers", lambda: True)
    monkeypatch.setattr("diagnosis.waiting.PLACES", 2)
    radiographs = [make_radiograph(alice) for _ in range(4)]
    answer = states(browser_of(alice), *(radiograph.pk for radiograph in radiographs))
    assert answer["open"][str(radiographs[0].pk)] == "Waiting, next in turn"
    assert answer["open"][str(radiographs[3].pk)] == "Waiting, more than 2 ahead"


def test_pages_and_states_cost_few_queries_however_many_rows(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.notices.worker_answers", lambda: True)
    client = browser_of(alice)
    client.get("/help/")  # the first page of a session writes down that there is one
    archive = zip_bytes([(f"{seed}.jpg", jpeg_bytes(64, 64, seed=seed)) for seed in range(20)])
    with django_assert_max_num_queries(6):  # one of them for what will be removed
        client.get("/")
    with django_assert_max_num_queries(14):  # four of them savepoints
        client.post("/", {"file": upload("scans.zip", archive)}, headers=HTMX)
    assert Radiograph.objects.count() == 20
    asked = list(Radiograph.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(7):
        states(client, *asked)


def test_states_are_for_members_only(db: Any) -> None:
    assert Client().post("/uploads/states/", headers=HTMX).status_code == 401
    assert Client().post("/uploads/states/").status_code == 302


def test_who_submits_the_same_image_twice_through_the_api_gets_two(alice: User) -> None:
    submit(alice, upload("a.jpg"))
    submit(alice, upload("b.jpg"))
    assert Radiograph.objects.count() == 2, "the API stores what it is told to store"
