"""One radiograph all the way: over HTTP, through Redis, to a worker process and back."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from diagnosis.engine.classifier import Classifier
from tests.calls import Caller
from tests.conftest import BUNDLED_MODEL
from tests.drawings import damaged_png_bytes, jpeg_bytes
from tests.live import LivePlatform


@pytest.fixture
def caller(live_platform: LivePlatform) -> Caller:
    return Caller(live_platform.url, live_platform.username, live_platform.password)


def real_or_drawn() -> bytes:
    if folder := os.environ.get("CHEST_XRAY_DIR"):
        return min((Path(folder) / "train" / "PNEUMONIA").iterdir()).read_bytes()
    return jpeg_bytes(1400, 1100)


def test_an_uploaded_radiograph_is_answered_as_the_classifier_itself_answers(caller: Caller) -> None:
    data = real_or_drawn()
    status, radiograph = caller.upload(data, wait=20)
    expected = Classifier.load(BUNDLED_MODEL).classify(data)
    assert (status, radiograph["status"]) == (201, "succeeded")
    prediction = radiograph["prediction"]
    assert prediction["probability"] == pytest.approx(expected.probability)
    assert (prediction["label"], prediction["band"]) == (expected.label, expected.band)
    assert caller.radiographs()[0] == radiograph


def test_an_image_that_only_the_worker_finds_unreadable_fails_and_the_worker_lives(
    caller: Caller, live_platform: LivePlatform
) -> None:
    workers = live_platform.worker_pids()
    _, radiograph = caller.upload(damaged_png_bytes(), "damaged.png", wait=20)
    assert radiograph["status"] == "failed"
    assert radiograph["prediction"]["error"]["code"] == "unreadable"
    assert caller.upload(jpeg_bytes(seed=9), wait=20)[1]["status"] == "succeeded"
    assert live_platform.worker_pids() == workers


def test_an_upload_while_redis_is_away_is_accepted_and_done_when_it_is_back(
    caller: Caller, live_platform: LivePlatform
) -> None:
    redis = psutil.Process(live_platform.redis_pid())
    redis.send_signal(signal.SIGSTOP)  # there, and silent: worse than gone, since connections hang
    try:
        started = time.monotonic()
        status, radiograph = caller.upload(jpeg_bytes(seed=10))
        assert (status, radiograph["status"]) == (201, "pending")
        assert time.monotonic() - started < 20
    finally:
        redis.send_signal(signal.SIGCONT)
    end = time.monotonic() + 60
    while caller.radiographs()[0]["status"] == "pending" and time.monotonic() < end:
        time.sleep(0.2)
    assert caller.radiographs()[0]["status"] == "succeeded"


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(caller: Caller, live_platform: LivePlatform) -> None:
    before = len(caller.radiographs())
    data = jpeg_bytes(1400, 1100)
    head = (
        "POST /api/v1/radiographs/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=XXX\r\n"
        f"Authorization: {caller.headers['Authorization']}\r\nContent-Length: {len(data) + 200}\r\n\r\n"
        '--XXX\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", live_platform.port), timeout=30) as client:
        client.sendall(head.encode() + data[: len(data) // 2])
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 400"), answer
    assert "cut off" in answer
    assert len(caller.radiographs()) == before
    assert list((live_platform.data_dir / "incoming").iterdir()) == []


def test_two_hundred_megabytes_are_refused_while_they_come(caller: Caller) -> None:
    status, problem = caller.upload(bytes(200 * 1024**2), "huge.jpg")
    assert status == 413
    assert "MB that are taken" in problem["detail"]
