"""What a program that uses the REST API sees."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from knox.models import get_token_model
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.drawings import jpeg_bytes, png_bytes, png_that_claims
from tests.factories import PASSWORD, make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")

RADIOGRAPHS = "/api/v1/radiographs/"
TOKEN = "/api/v1/auth/token/"


def api_of(user: User) -> Client:
    _, token = get_token_model().objects.create(user)
    return Client(headers={"Authorization": f"Token {token}"})


def post(client: Client, data: bytes | None = None, name: str = "chest.jpg", **extra: Any) -> Any:
    return client.post(RADIOGRAPHS, {"file": upload(name, data)}, **extra)


def assert_problem(response: Any, status: int, words: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert response.status_code == problem["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= problem.keys()
    assert words in problem["detail"]
    return problem


def test_username_and_password_give_a_token_that_opens_the_api(alice: User) -> None:
    answer = Client().post(TOKEN, {"username": "alice", "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expiry"}
    client = Client(headers={"Authorization": f"Token {answer.json()['token']}"})
    assert client.get(RADIOGRAPHS).status_code == 200


def test_a_wrong_password_is_400_and_after_several_429(alice: User) -> None:
    def login(password: str) -> Any:
        return Client().post(TOKEN, {"username": "alice", "password": password}, content_type="application/json")

    for _ in range(5):
        assert_problem(login("wrong"), 400, "do not fit together")
    assert_problem(login(PASSWORD), 429, "Wait a few minutes")


def test_a_missing_field_is_named(db: Any) -> None:
    answer = Client().post(TOKEN, {"username": "alice"}, content_type="application/json")
    assert "password" in assert_problem(answer, 400, "password: ")["errors"]


def test_a_form_of_the_wrong_kind_is_told_what_this_address_takes(alice: User) -> None:
    kind = "application/x-www-form-urlencoded"
    login = Client().post(TOKEN, "username=alice", content_type=kind)
    assert_problem(login, 415, "Send application/json or multipart/form-data.")
    assert_problem(api_of(alice).post(RADIOGRAPHS, "file=x", content_type=kind), 415, "as the field 'file'")


def test_who_sends_no_token_is_told_how_to(db: Any) -> None:
    answer = Client(headers={"Authorization": "Bearer abc"}).get(RADIOGRAPHS)
    assert_problem(answer, 401, "Send the header 'Authorization: Token …'")


@pytest.mark.parametrize("header", [None, "Token wrong", "Token", "Bearer abc"])
def test_without_a_valid_token_nothing_is_answered_or_stored(db: Any, header: str | None) -> None:
    client = Client(headers={"Authorization": header} if header else {})
    for answer in (client.get(RADIOGRAPHS), post(client)):
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == "Token"
    assert not Radiograph.objects.exists()


def test_an_upload_is_201_with_the_radiograph_and_its_place(alice: User) -> None:
    answer = post(api_of(alice), jpeg_bytes(640, 480), "thorax 🫁.jpg")
    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == body["url"] == f"http://testserver{RADIOGRAPHS}{body['id']}/"
    assert (body["filename"], body["format"], body["width"], body["height"]) == ("thorax 🫁.jpg", "JPEG", 640, 480)
    assert (body["status"], body["prediction"]["status"]) == ("pending", "pending")
    assert Radiograph.objects.get().owner == alice


@pytest.mark.django_db(transaction=True)
def test_prefer_wait_holds_the_answer_until_the_prediction_is_final(alice: User, version: ModelVersion) -> None:
    from diagnosis import submission

    def finish() -> None:
        Prediction.objects.update(**succeeded(version))
        connection.close()

    def submit_and_finish_later(*args: Any) -> Radiograph:
        radiograph = original(*args)
        worker.start()
        return radiograph

    original, worker = submission.submit, threading.Timer(0.3, finish)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diagnosis.api.views.submit", submit_and_finish_later)
        answer = post(api_of(alice), headers={"Prefer": "respond-async, wait=20"})
    worker.join()
    assert answer["Preference-Applied"] == "wait=20"
    assert answer.json()["prediction"]["probability"] == 0.94
    assert answer.json()["prediction"]["model_version"] == version.version


@pytest.mark.django_db(transaction=True)  # it looks anew each time, as it can in no transaction
def test_prefer_wait_gives_up_when_its_time_is_over(alice: User) -> None:
    started = time.monotonic()
    answer = post(api_of(alice), headers={"Prefer": "wait=1"})
    assert answer.json()["status"] == "pending"
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("preference", ["wait=soon", "wait", "wait=-5", "handling=strict", "await=9"])
def test_a_preference_that_is_not_understood_is_ignored(alice: User, preference: str) -> None:
    answer = post(api_of(alice), headers={"Prefer": preference})
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer


def test_refusal_and_error_have_the_same_form(alice: User, version: ModelVersion) -> None:
    refused = make_radiograph(alice, status="refused", reason_code="uniform", reason="Nearly uniform.")
    failed = make_radiograph(alice, status="failed", reason_code="unreadable", reason="Damaged.")
    client = api_of(alice)
    answer = client.get(f"{RADIOGRAPHS}{refused.pk}/").json()["prediction"]
    assert (answer["refusal"], answer["error"]) == ({"code": "uniform", "detail": "Nearly uniform."}, None)
    answer = client.get(f"{RADIOGRAPHS}{failed.pk}/").json()["prediction"]
    assert (answer["refusal"], answer["error"]) == (None, {"code": "unreadable", "detail": "Damaged."})


def test_the_list_is_ones_own_newest_first_in_pages(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [str(make_radiograph(alice).pk) for _ in range(5)]
    make_radiograph(bob)
    client = api_of(alice)
    with django_assert_max_num_queries(9):
        page = client.get(f"{RADIOGRAPHS}?page_size=2").json()
    seen = page["results"]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += page["results"]
    assert [radiograph["id"] for radiograph in seen] == ids[::-1]


@pytest.mark.parametrize("position", ["abc", "2026-01-01", "0001-01-01T00:00:00+23:59", 5, None, ["a"]])
def test_a_cursor_that_no_page_gave_is_404(alice: User, position: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([position, "0" * 32, 0]).encode()).decode()
    assert_problem(api_of(alice).get(RADIOGRAPHS, {"cursor": cursor}), 404, "no such page")


@pytest.mark.parametrize("mark", ["abc", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwiMCIsMF0"])
def test_a_mark_that_no_page_of_the_history_gave_shows_the_first_page(alice: User, mark: str) -> None:
    make_radiograph(alice, filename="left.jpg")
    client = Client()
    client.force_login(alice)
    page = client.get("/radiographs/", {"cursor": mark})
    assert page.status_code == 200
    assert "left.jpg" in page.content.decode()


def test_a_body_that_is_nested_without_end_is_400(db: Any) -> None:
    answer = Client().post(TOKEN, "[" * 100_000, content_type="application/json")
    assert_problem(answer, 400, "nested too deeply")


def test_half_a_character_which_nothing_can_store_is_400(alice: User) -> None:
    reviews = f"{RADIOGRAPHS}{make_radiograph(alice).pk}/reviews/"
    body = r'{"label": "NORMAL", "comment": "\ud800"}'
    assert_problem(api_of(alice).post(reviews, body, content_type="application/json"), 400, "surrogate pair")


def test_status_and_prediction_come_from_one_read(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, radiograph = api_of(alice), make_radiograph(alice)
    # Session, user; what a reader is told is noted: reader, another's radiograph; radiograph, prediction, tags, log.
    with django_assert_max_num_queries(8) as queries:
        client.get(f"{RADIOGRAPHS}{radiograph.pk}/")
    assert sum('FROM "diagnosis_prediction"' in query["sql"] for query in queries.captured_queries) == 1


def test_delete_removes_row_and_file(alice: User, django_capture_on_commit_callbacks: Any, settings: Settings) -> None:
    radiograph = make_radiograph(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert api_of(alice).delete(f"{RADIOGRAPHS}{radiograph.pk}/").status_code == 204
    assert not Radiograph.objects.exists()
    assert not Path(radiograph.file.path).exists()


def test_a_strangers_radiograph_does_not_exist(alice: User, bob: User, charlie: User) -> None:
    radiograph = make_radiograph(alice)
    for stranger in (bob, charlie):
        for call in ("get", "delete"):
            answer = getattr(api_of(stranger), call)(f"{RADIOGRAPHS}{radiograph.pk}/")
            assert_problem(answer, 404, "not yours to see")
    assert Radiograph.objects.exists()
    assert_problem(api_of(bob).get(f"{RADIOGRAPHS}{uuid.uuid4()}/"), 404, "not yours to see")


@pytest.mark.parametrize(
    ("name", "data", "status", "words"),
    [
        ("empty.jpg", b"", 400, "empty"),
        ("text.png", b"hello", 400, "its content is no image"),
        ("notes.txt", b"hello", 415, "no image that can be read"),
        ("scan.pdf", b"%PDF-1.7", 415, "a PDF document"),
        ("cut.jpg", jpeg_bytes()[:-500], 400, "cut off"),
        ("cut.png", png_bytes()[:-20], 400, "cut off"),
        ("bomb.png", png_that_claims(30_000, 30_000), 400, "at most 40 million pixels"),
    ],
)
def test_a_bad_file_gets_a_sentence_and_leaves_nothing(
    alice: User, settings: Settings, name: str, data: bytes, status: int, words: str
) -> None:
    problem = assert_problem(post(api_of(alice), data, name), status, words)
    assert problem["errors"]["file"]
    assert_nothing_stored(settings)


def test_a_file_over_the_limit_is_413(alice: User, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    answer = post(api_of(alice), jpeg_bytes() + bytes(1024**2))
    assert_problem(answer, 413, "larger than the 1 MB")
    answer = post(api_of(alice), bytes(3 * 1024**2))
    assert_problem(answer, 413, "larger than the 1 MB")
    assert_nothing_stored(settings)


def test_a_body_that_is_cut_off_is_noticed(alice: User, settings: Settings) -> None:
    body = multipart([("file", "chest.jpg", jpeg_bytes())])
    answer = api_of(alice).generic("POST", RADIOGRAPHS, body[: len(body) // 2], content_type=MULTIPART)
    assert_problem(answer, 400, "cut off")
    assert_nothing_stored(settings)


@pytest.mark.parametrize("name", ["..", ""])
def test_a_file_whose_name_says_nothing_is_not_dropped_in_silence(alice: User, settings: Settings, name: str) -> None:
    body = multipart([("file", name, jpeg_bytes())])
    answer = api_of(alice).generic("POST", RADIOGRAPHS, body, content_type=MULTIPART)
    assert_problem(answer, 400, "A file came without a name")
    assert_nothing_stored(settings)


def test_a_request_without_a_file_says_what_to_send(alice: User) -> None:
    assert_problem(api_of(alice).post(RADIOGRAPHS, {"x": "1"}), 400, "multipart field 'file'")
    answer = api_of(alice).post(RADIOGRAPHS, {"file": "x"}, content_type="application/json")
    assert_problem(answer, 415, "multipart/form-data")


def test_a_session_needs_its_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert_problem(post(client), 403, "CSRF")
    assert not Radiograph.objects.exists()


def test_an_unknown_address_below_the_api_is_a_problem_too(alice: User) -> None:
    assert_problem(api_of(alice).get("/api/v1/nothing/"), 404, "nothing at this address")


def test_a_full_disk_is_507_with_nothing_stored(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("diagnosis.uploads._fsync", full)
    assert_problem(post(api_of(alice)), 507, "disk is full")
    assert not Radiograph.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_not_more_than_half_of_the_web_servers_threads_can_be_held(alice: User, settings: Settings) -> None:
    from diagnosis.api import views

    client, answers = api_of(alice), []

    def wait_for_an_answer() -> None:
        answers.append(post(client, headers={"Prefer": "wait=20"}))
        connection.close()

    taken = 0
    while views._waiting_room.acquire(blocking=False):
        taken += 1
    try:
        started = time.monotonic()
        waiter = threading.Thread(target=wait_for_an_answer)
        waiter.start()
        waiter.join()
    finally:
        for _ in range(taken):
            views._waiting_room.release()
    assert answers[0].status_code == 201
    assert "Preference-Applied" not in answers[0]
    assert time.monotonic() - started < 10


MULTIPART = "multipart/form-data; boundary=XXX"


def multipart(files: list[tuple[str, str, bytes]]) -> bytes:
    parts = [
        f'--XXX\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + data
        + b"\r\n"
        for field, name, data in files
    ]
    return b"".join(parts) + b"--XXX--\r\n"


def assert_nothing_stored(settings: Settings) -> None:
    assert not Radiograph.objects.exists()
    for folder in (settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR):
        assert [p for p in Path(folder).rglob("*") if p.is_file()] == []
