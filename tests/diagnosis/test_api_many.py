"""Several files in one call of the API: one result each, in their order, as for the files of a zip."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils.html import escape
from knox.models import get_token_model
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from diagnosis import submission
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.uploads import batch_too_large_sentence, too_many_sentence
from tests.archives import zip_bytes, zip_of_one
from tests.diagnosis.pages import assert_nothing_is_stored, browser_of, words
from tests.drawings import jpeg_bytes, png_bytes
from tests.factories import succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")
RADIOGRAPHS = "/api/v1/radiographs/"
MULTIPART = "multipart/form-data; boundary=XXX"


def api_of(user: User) -> Client:
    _, token = get_token_model().objects.create(user)
    return Client(headers={"Authorization": f"Token {token}"})


def images(count: int) -> list[Any]:
    return [upload(f"{seed}.jpg", jpeg_bytes(64, 64, seed=seed)) for seed in range(count)]


def zip_of(count: int, size: int = 0) -> Any:
    files = [(f"{seed}.jpg", jpeg_bytes(64, 64, seed=seed).ljust(size, b"\0")) for seed in range(count)]
    return upload("scans.zip", zip_bytes(files))


def body_of(*parts: tuple[bytes, bytes]) -> bytes:
    head = b'--XXX\r\nContent-Disposition: form-data; name="file"%s\r\n\r\n%s\r\n'
    return b"".join(head % part for part in parts) + b"--XXX--\r\n"


def test_each_of_several_files_gets_its_result_and_the_rest_goes_on(alice: User) -> None:
    archive = zip_bytes([("in/b.jpg", jpeg_bytes(seed=2)), (".hidden", b""), ("c.txt", b"hello")])
    files = [
        upload("a.jpg"),
        upload("scans.zip", archive),
        upload("d.jpg", b""),
        upload("e.zip", zip_of_one("../e.jpg")),
    ]
    answer = api_of(alice).post(RADIOGRAPHS, {"file": [*files, upload("f.png", png_bytes(seed=3))]})
    assert answer.status_code == 201
    assert answer.json()["skipped"] == 1
    results = answer.json()["results"]
    assert [each["name"] for each in results] == ["a.jpg", "b.jpg", "c.txt", "d.jpg", "e.zip", "f.png"]
    stored = {str(each.pk): each.filename for each in Radiograph.objects.all()}
    assert {each["radiograph"]["id"]: each["name"] for each in results if each["radiograph"]} == stored
    assert sorted(stored.values()) == ["a.jpg", "b.jpg", "f.png"]
    problems = {each["name"]: each["problem"] for each in results if each["problem"]}
    assert {name: problem["status"] for name, problem in problems.items()} == {
        "c.txt": 415,
        "d.jpg": 400,
        "e.zip": 400,
    }
    assert "names files outside of itself" in problems["e.zip"]["detail"]


def test_several_files_of_which_none_is_taken_are_one_problem_with_each_reason(
    alice: User, settings: Settings
) -> None:
    answer = api_of(alice).post(RADIOGRAPHS, {"file": [upload("a.txt", b"hello"), upload("b.jpg", b"")]})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "None of the files could be taken."
    assert [reason.split(":")[0] for reason in answer.json()["errors"]["file"]] == ["a.txt", "b.jpg"]
    assert_nothing_is_stored(settings)


def test_the_same_image_twice_is_stored_twice_since_a_program_means_what_it_sends(alice: User) -> None:
    answer = api_of(alice).post(RADIOGRAPHS, {"file": [upload("a.jpg"), upload("b.jpg")]})
    assert len({each["radiograph"]["id"] for each in answer.json()["results"]}) == 2


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize("make", [lambda: images(4), lambda: [zip_of(2), zip_of(2)]], ids=["images", "zips"])
def test_more_files_than_are_taken_at_once_are_refused_whole_also_spread_over_zips(
    alice: User, settings: Settings, door: str, make: Any
) -> None:
    settings.MAX_BATCH_FILES = 3
    assert_refused_whole(alice, settings, door, make(), 400, too_many_sentence())


@pytest.mark.parametrize("door", ["page", "api"])
def test_more_bytes_than_are_taken_at_once_are_refused_whole_also_packed_in_zips(
    alice: User, settings: Settings, door: str
) -> None:
    settings.MAX_UPLOAD_BYTES = settings.MAX_BATCH_BYTES = 3 * 1024**2
    zips = [zip_of(1, 2 * 1024**2), zip_of(1, 2 * 1024**2)]
    assert sum(each.size for each in zips) < 1024**2
    assert_refused_whole(alice, settings, door, zips, 413, batch_too_large_sentence())


def assert_refused_whole(
    user: User, settings: Settings, door: str, files: list[Any], status: int, sentence: str
) -> None:
    if door == "api":
        answer = api_of(user).post(RADIOGRAPHS, {"file": files})
        assert answer.json()["detail"] == sentence
    else:
        answer = browser_of(user).post("/", {"file": files})
        assert escape(sentence) in words(answer)
    assert answer.status_code == status
    assert_nothing_is_stored(settings)


def test_a_file_in_another_field_is_not_dropped_in_silence(alice: User, settings: Settings) -> None:
    answer = api_of(alice).post(RADIOGRAPHS, {"file": upload("a.jpg"), "second": upload("b.jpg")})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Every file must come as the field 'file'")
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("name", [b"..", b"", b"M\xfcller.jpg", b"\x01"])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("door", ["page", "api"])
def test_one_of_several_files_whose_name_is_none_is_not_dropped_in_silence(
    alice: User, settings: Settings, door: str, place: int, name: bytes
) -> None:
    parts = [(b'; filename="chest.jpg"', jpeg_bytes())]
    parts.insert(place, (b'; filename="%s"' % name, jpeg_bytes(seed=2)))
    client, address = (api_of(alice), RADIOGRAPHS) if door == "api" else (browser_of(alice), "/")
    answer = client.generic("POST", address, body_of(*parts), content_type=MULTIPART)
    assert answer.status_code == 400
    assert "A file came without a name, or with one that is not in UTF-8" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize(("data", "count", "status"), [(b"x" * 3_000_000, 1, 413), (b"x", 2000, 400)])
def test_more_text_than_any_form_has_gets_a_sentence_for_people(
    alice: User, settings: Settings, door: str, data: bytes, count: int, status: int
) -> None:
    client, address = (api_of(alice), RADIOGRAPHS) if door == "api" else (browser_of(alice), "/")
    body = body_of(*[(b"", data)] * count, (b'; filename="chest.jpg"', jpeg_bytes()))
    answer = client.generic("POST", address, body, content_type=MULTIPART)
    assert answer.status_code == status
    assert "more text than any form here has, so nothing was stored" in words(answer)
    assert_nothing_is_stored(settings)


def test_an_empty_field_beside_a_file_as_browsers_send_it_does_not_count(alice: User) -> None:
    body = body_of((b'; filename="chest.jpg"', jpeg_bytes()), (b'; filename=""', b""))
    assert api_of(alice).generic("POST", RADIOGRAPHS, body, content_type=MULTIPART).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("make", [lambda: images(3), lambda: [zip_of(3)]], ids=["images", "zip"])
def test_prefer_wait_holds_the_answer_until_the_last_prediction_is_final(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    def finish_one_after_the_other() -> None:
        for prediction in Prediction.objects.order_by("pk"):
            Prediction.objects.filter(pk=prediction.pk).update(**succeeded(version))
            pause.wait(0.1)
        connection.close()

    pause, reader = threading.Event(), threading.Thread(target=finish_one_after_the_other)
    monkeypatch.setattr(submission, "ring_each", lambda predictions: reader.start())
    answer = api_of(alice).post(RADIOGRAPHS, {"file": make()}, headers={"Prefer": "wait=20"})
    reader.join()
    assert answer["Preference-Applied"] == "wait=20"
    assert [each["radiograph"]["status"] for each in answer.json()["results"]] == ["succeeded"] * 3


def test_several_files_cost_few_queries_however_many_they_are(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, files = api_of(alice), images(20)
    with django_assert_max_num_queries(12):
        assert client.post(RADIOGRAPHS, {"file": files}).status_code == 201
