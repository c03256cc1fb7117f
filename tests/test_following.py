"""One upload followed through a running platform, by its request id and by what Prometheus and the doctor are told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from prometheus_client.parser import text_string_to_metric_families

from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import ROOT, LivePlatform


@pytest.fixture
def caller(live_platform: LivePlatform) -> Caller:
    return Caller(live_platform.url, live_platform.username, live_platform.password)


def becomes(condition: Callable[[], object], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def is_in(words: str, path: Path) -> bool:
    return words in path.read_text()


def figures(caller: Caller) -> dict[str, float]:
    """Return each figure of /metrics, summed over its labels; the demo user of ``make run`` is staff."""
    request = urllib.request.Request(caller.url.replace("api/v1/", "metrics"), headers=caller.headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    found: dict[str, float] = {}
    for sample in (sample for family in families for sample in family.samples):
        found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_the_id_of_an_upload_is_in_the_lines_of_web_server_and_worker(
    live_platform: LivePlatform, caller: Caller
) -> None:
    caller.headers["X-Request-ID"] = "followed-upload-1"
    _, uploaded = caller.upload(jpeg_bytes(seed=41), "Erika Mustermann.jpg", wait=20)
    number = uploaded["prediction"]["id"]
    for log, words in (("web", f"Prediction {number} of radiograph"), ("worker", f"Prediction {number} has ended,")):
        path = live_platform.data_dir / "logs" / f"{log}.log"
        assert becomes(partial(is_in, words, path))  # a moment after the answer
        text = path.read_text()
        assert "Mustermann" not in text
        lines = [line for line in text.splitlines() if words in line]
        assert [line.endswith("[followed-upload-1]") for line in lines] == [True], lines


def test_what_a_worker_has_done_is_told_to_prometheus(caller: Caller) -> None:
    before = figures(caller)
    assert caller.upload(jpeg_bytes(seed=42), wait=20)[1]["status"] == "succeeded"
    assert becomes(
        lambda: figures(caller)["pneumodetect_predictions_total"] > before.get("pneumodetect_predictions_total", 0)
    )
    after = figures(caller)
    assert after["pneumodetect_inference_seconds_count"] > before["pneumodetect_inference_seconds_count"]
    assert after["pneumodetect_workers"] == 1
    assert after["pneumodetect_worker_memory_bytes"] > 3 * 50 * 1024**2
    assert after["pneumodetect_answers"] == 3


def test_messages_that_no_task_is_called_by_are_dropped_and_counted(
    live_platform: LivePlatform, caller: Caller
) -> None:
    before = figures(caller)["pneumodetect_dropped_messages_total"]
    broker: Any = Connection(live_platform.redis_url())  # type: ignore[no-untyped-call]
    with broker as connection, connection.SimpleQueue("celery") as queue:
        headers = {"task": "diagnosis.of_another_version", "id": "x", "lang": "py", "argsrepr": "", "kwargsrepr": ""}
        queue.put([[1], {}, {}], headers=headers, serializer="json")
        queue.put({"what": "is this"}, serializer="json")
    assert becomes(lambda: figures(caller)["pneumodetect_dropped_messages_total"] == before + 2)
    assert caller.upload(jpeg_bytes(seed=43), wait=20)[1]["status"] == "succeeded"


def test_the_doctor_finds_nothing_wrong_with_a_platform_as_make_run_starts_it(live_platform: LivePlatform) -> None:
    environment = {name: text for name, text in live_platform.environment.items() if name != "REDIS_URL"}
    command = [sys.executable, "manage.py", "doctor", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert [each for each in json.loads(done.stdout) if each["state"] == "problem"] == []
    assert done.returncode == 0
