"""On a running platform: what is due is done by a process of its own, also after it was killed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import time
from typing import Any

import psutil

from tests.archives import zip_bytes
from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import LivePlatform
from tests.receiver import Receiver, receiving


def errand_pids(platform: LivePlatform) -> list[int]:
    found = []
    for child in psutil.Process(platform.process.pid).children(recursive=True):
        try:
            if "run_errands" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for(found: Any, seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return answer


def test_calls_are_made_by_a_process_that_comes_when_it_is_needed_and_after_it_was_killed(
    live_platform: LivePlatform,
) -> None:
    caller = Caller(live_platform.url, live_platform.username, live_platform.password)
    with receiving() as receiver:
        webhook = add_webhook(caller, receiver.url)
        wait_for(lambda: said(receiver, "ping"))
        (pid,) = errand_pids(live_platform)
        os.kill(pid, signal.SIGKILL)
        images = ((f"{number}.jpg", jpeg_bytes(seed=number)) for number in range(3))
        status, answer = caller.upload(zip_bytes(images), "many.zip", wait=30)
        assert status == 201, answer
        wait_for(lambda: said(receiver, "batch.final") and len(said(receiver, "prediction.final")) == 3)
        assert errand_pids(live_platform) != [pid]
        caller._call(f"webhooks/{webhook['id']}/", "DELETE")
    told = {each["radiograph"]["id"] for each in said(receiver, "prediction.final")}
    assert told == {each["radiograph"]["id"] for each in answer["results"]}
    (end,) = said(receiver, "batch.final")
    assert end["batch"]["radiographs"] == 3
    call = receiver.calls[-1]
    moment, signed = (part.partition("=")[2] for part in call.headers["PneumoDetect-Signature"].split(","))
    expected = hmac.new(webhook["secret"].encode(), f"{moment}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert signed == expected


def add_webhook(caller: Caller, url: str) -> Any:
    asked = json.dumps({"url": url, "events": ["prediction.final", "batch.final"]}).encode()
    status, webhook = caller._call("webhooks/", "POST", asked, {"Content-Type": "application/json"})
    assert status == 201, webhook
    return webhook


def said(receiver: Receiver, event: str) -> list[Any]:
    calls = [json.loads(call.body) for call in receiver.calls]
    return [call for call in calls if call["event"] == event]
