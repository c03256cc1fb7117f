"""All my data: one zip with everything, made while it is sent."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.models import Webhook
from diagnosis.people import data_export
from diagnosis.people.data_export import ELSEWHERE, TABLES, zip_of_all
from tests.diagnosis.pages import browser_of, files_under, words
from tests.diagnosis.test_leaving import confirmed, make_everything
from tests.factories import make_radiograph

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]


def opened(user: User) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(zip_of_all(user))))


def test_everything_is_in_it_and_nothing_of_others(alice: User, bob: User, settings: Settings) -> None:
    make_everything(bob)
    of_bob = set(files_under(settings.MEDIA_ROOT))
    make_everything(alice)
    make_radiograph(alice, filename="=cmd.jpg", status="failed", reason_code="damaged", reason="It is damaged.")
    answer = confirmed(alice).get("/accounts/my-data.zip")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        stored = {archive.read(name) for name in names if name.startswith("files/")}
        texts = {name: json.loads(archive.read(name)) for name in names if name.endswith(".json")}
        readme = archive.read("README.txt").decode()
    assert stored == {path.read_bytes() for path in set(files_under(settings.MEDIA_ROOT)) - of_bob}
    assert texts["account.json"]["email"] == "alice@example.org"
    radiographs = {each["filename"]: each for each in texts["radiographs.json"]}
    assert len(radiographs) == 4
    assert radiographs["=cmd.jpg"]["predictions"][0]["reason"] == "It is damaged."
    assert radiographs["a.jpg"]["tags"] == ["to teach"]
    assert set(radiographs["a.jpg"]["files"]) <= set(names)
    assert texts["saved_filters.json"] == [{"name": "failed", "query": "status=failed"}]
    assert [each["url"] for each in texts["webhooks.json"]] == ["https://hook.example/"]
    assert len(texts["tokens.json"]) == len(texts["mails.json"]) == len(texts["uploads.json"]) == 1
    assert texts["missing_files.json"] == []
    assert all(name in readme for name in texts)
    everything = json.dumps(texts)
    assert "bob" not in everything
    assert Webhook.objects.get(owner=alice).secret not in everything
    assert alice.password not in everything


def test_every_table_that_knows_a_user_is_in_it_or_named_as_an_exception() -> None:
    known = {relation.related_model for relation in User._meta.related_objects}
    labels = {model._meta.label for model in known if isinstance(model, type)}
    told = {label for label, *_ in TABLES.values()} | ELSEWHERE.keys()
    assert labels - told == set(), "add it to TABLES, or say in ELSEWHERE why not"
    for label, _, fields in TABLES.values():
        names = {field.name for field in apps.get_model(label)._meta.get_fields()}
        assert set(fields) <= names


def test_the_password_is_asked_for_before_anything_is_sent(alice: User) -> None:
    assert Client().get("/accounts/my-data.zip")["Location"].startswith("/accounts/login/")
    client = browser_of(alice)
    assert client.get("/accounts/my-data.zip")["Location"].startswith("/accounts/reauthenticate/")
    page = words(client.get("/accounts/my-data/"))
    assert "/accounts/my-data.zip" in page
    assert "/accounts/delete/" in page


def test_a_file_that_is_gone_is_named_and_the_rest_comes(alice: User) -> None:
    kept, gone = make_radiograph(alice), make_radiograph(alice)
    gone.file.delete(save=False)
    with opened(alice) as archive:
        files = [name for name in archive.namelist() if name.startswith("files/")]
        missing = json.loads(archive.read("missing_files.json"))
    assert [str(kept.pk) in name for name in files] == [True]
    assert [str(gone.pk) in name for name in missing] == [True]


def test_a_user_without_anything_gets_a_zip_too(alice: User) -> None:
    with opened(alice) as archive:
        assert json.loads(archive.read("radiographs.json")) == []


def test_what_is_sent_is_not_held(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(data_export, "CHUNK", 5)
    for _ in range(16):
        make_radiograph(alice, data=b"x")
    make_radiograph(alice, data=bytes(20_000_000))
    sent = 0
    tracemalloc.start()
    with django_assert_max_num_queries(50):
        for piece in zip_of_all(alice):
            assert len(piece) < 2_000_000
            sent += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 20_000_000
    assert peak < 12_000_000
