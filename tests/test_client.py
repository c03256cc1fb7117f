"""The Python client and its command line, against the whole platform."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from pneumodetect_client import Client, ProblemError, ServerAway
from tests.archives import zip_bytes
from tests.drawings import jpeg_bytes
from tests.live import ROOT, LivePlatform, free_port


@pytest.fixture(scope="module")
def token(live_platform: LivePlatform) -> str:
    with Client.log_in(live_platform.url, live_platform.username, live_platform.password) as client:
        return client.token


@pytest.fixture
def client(live_platform: LivePlatform, token: str) -> Iterator[Client]:
    with Client(live_platform.url, token) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, one of them in a folder within, a file that is none, and a hidden one."""
    images = tmp_path / "scans"
    (images / "more").mkdir(parents=True)
    (images / "a.jpg").write_bytes(jpeg_bytes(seed=101))
    (images / "more" / "b.jpg").write_bytes(jpeg_bytes(seed=102))
    (images / "notes.txt").write_bytes(b"hello")
    (images / ".hidden").write_bytes(b"")
    return images


def run(*words: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "clients" / "python" / "src"), "HOME": "/nowhere"}
    command = [sys.executable, "-m", "pneumodetect_client.command_line", *words]
    return subprocess.run(
        command, env={**home, **environment}, input=said, capture_output=True, text=True, timeout=120
    )


def test_an_upload_is_answered_and_listed_and_deleted(client: Client, tmp_path: Path) -> None:
    (tmp_path / "thorax ü.jpg").write_bytes(jpeg_bytes(1400, 1100, seed=100))
    radiograph = client.upload(tmp_path / "thorax ü.jpg", wait=20)
    assert (radiograph.filename, radiograph.status) == ("thorax ü.jpg", "succeeded")
    assert radiograph.prediction.probability is not None
    assert client.radiograph(radiograph.id) == radiograph == next(client.radiographs(search="thorax ü"))
    assert client.image(radiograph.id).startswith(b"\x89PNG")
    assert client.heatmap(radiograph.id).startswith(b"\x89PNG")
    assert client.report(radiograph.id).startswith(b"%PDF")
    assert [each.id for each in client.predictions(radiograph.id)] == [radiograph.prediction.id]
    again = client.classify_again(radiograph.id)
    assert client.wait_for(radiograph.id, 20).prediction.id == again.id
    client.delete(radiograph.id)
    with pytest.raises(ProblemError, match="not yours to see") as refused:
        client.radiograph(radiograph.id)
    assert refused.value.status == 404


def test_many_files_are_sent_at_once_and_come_back_in_their_order(client: Client, tmp_path: Path) -> None:
    names = [f"{number:02}.jpg" for number in range(12)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"no image" if number == 5 else jpeg_bytes(224, 224, seed=number))
    results = list(client.upload_all([*(tmp_path / name for name in names), tmp_path / "missing.jpg"], wait=30))
    assert [result.name for result in results] == [*names, "missing.jpg"]
    problems = {result.name: result.problem.detail for result in results if result.problem}
    assert problems.keys() == {"05.jpg", "missing.jpg"}
    assert "No such file" in problems["missing.jpg"]
    assert {result.radiograph.status for result in results if result.radiograph} <= {"succeeded", "refused"}


def test_a_zip_gives_a_result_for_each_of_its_files(client: Client) -> None:
    archive = zip_bytes([("a.jpg", jpeg_bytes(seed=1)), ("b.txt", b"hello")])
    first, second = client.send(archive, name="scans.zip", wait=20)
    assert first.radiograph
    assert first.radiograph.prediction.is_final
    assert second.problem
    assert second.problem.status == 415


def test_lists_are_read_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pneumodetect_client.client.PAGE_SIZE", 3)
    sent = {client.upload(jpeg_bytes(64, 64, seed=seed), name=f"page-{seed}.jpg").id for seed in range(7)}
    assert {radiograph.id for radiograph in client.radiographs(search="page-")} == sent
    assert [model["active"] for model in client.models()].count(True) == 1


def test_one_key_sent_many_times_at_once_stores_one_radiograph(live_platform: LivePlatform, token: str) -> None:
    key, data = str(uuid.uuid4()), jpeg_bytes(seed=300)

    def send(_: int) -> httpx.Response:
        headers = {"Authorization": f"Token {token}", "Idempotency-Key": key}
        files = {"file": ("once.jpg", data)}
        return httpx.post(f"{live_platform.url}/api/v1/radiographs/", headers=headers, files=files, timeout=60)

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(send, range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    ids = {answer.json()["id"] for answer in [*answers, send(0)] if answer.status_code == 201}
    with Client(live_platform.url, token) as client:
        assert [radiograph.id for radiograph in client.radiographs(search="once.jpg")] == list(ids)


def test_a_wrong_token_and_a_server_that_is_away_are_told_apart(live_platform: LivePlatform) -> None:
    with Client(live_platform.url, "wrong") as stranger, pytest.raises(ProblemError) as refused:
        stranger.upload(jpeg_bytes())
    assert refused.value.status == 401
    with (
        Client(f"http://127.0.0.1:{free_port()}", "x", tries=2) as lost,
        pytest.raises(ServerAway, match="not answer"),
    ):
        next(lost.radiographs())


def test_the_command_line_from_login_to_report(live_platform: LivePlatform, folder: Path, tmp_path: Path) -> None:
    place = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    refused = run("list", **place)
    assert (refused.returncode, "You are not logged in" in refused.stderr) == (3, True)
    words = ["login", "--url", live_platform.url, "--username", live_platform.username, "--password-stdin"]
    assert run(*words, said="wrong\n", **place).returncode == 3
    done = run(*words, said=f"{live_platform.password}\n", **place)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "config" / "pneumodetect" / "client.json").stat().st_mode) == 0o600

    uploaded = run("upload", str(folder), "--wait", "--csv", **place)
    rows = list(csv.DictReader(io.StringIO(uploaded.stdout)))
    assert [row["name"] for row in rows] == ["a.jpg", "notes.txt", "b.jpg"], uploaded.stderr
    assert [bool(row["problem"]) for row in rows] == [False, True, False]
    assert uploaded.returncode == 1

    well = run("upload", str(folder / "*.jpg"), "--wait", "30", "--json", **place)
    assert well.returncode == 0, well.stderr
    sent = json.loads(well.stdout)
    assert sent["status"] in ("succeeded", "refused")
    assert json.loads(run("show", sent["id"], **place).stdout)["filename"] == "a.jpg"
    assert run("report", sent["id"], "-o", str(tmp_path / "r.pdf"), **place).returncode == 0
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    listed = run("list", "--search", "a.jpg", "--limit", "1", "--json", **place)
    assert json.loads(listed.stdout)["id"] == sent["id"]
    assert run("delete", sent["id"], **place).returncode == 0
    gone = run("show", sent["id"], **place)
    assert (gone.returncode, "not yours to see" in gone.stderr) == (1, True)


def test_a_token_in_the_environment_goes_before_a_saved_one(live_platform: LivePlatform, token: str) -> None:
    place = {"PNEUMODETECT_URL": live_platform.url}
    assert run("list", "--limit", "1", PNEUMODETECT_TOKEN=token, **place).returncode == 0
    assert run("list", PNEUMODETECT_TOKEN="wrong", **place).returncode == 3


def test_a_wrong_call_is_status_2_and_says_how_it_is_made() -> None:
    done = run("upload")
    assert done.returncode == 2
    assert "usage: pneumodetect-client upload" in done.stderr
