"""What the pages cost the web server: each by itself, and 200 that are open and ask for their answers."""

from __future__ import annotations

import http.client
import http.cookies
import os
import re
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import psutil

from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import LivePlatform

OPEN_PAGES = 200
Report = Callable[[str, float, float, str], None]


class Browser:
    """A user who is logged in, over one connection that stays open."""

    def __init__(self, platform: LivePlatform) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", platform.port)
        self._cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
        self.get("/accounts/login/")
        form = {
            "login": platform.username,
            "password": platform.password,
            "csrfmiddlewaretoken": self._cookies["csrftoken"].value,
        }
        self._ask("POST", "/accounts/login/", urlencode(form))

    def get(self, path: str, **headers: str) -> str:
        return self._ask("GET", path, None, **headers)

    def _ask(self, method: str, path: str, body: str | None, **headers: str) -> str:
        headers["Cookie"] = "; ".join(f"{each.key}={each.value}" for each in self._cookies.values())
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        if answer.status >= 400:
            raise RuntimeError(f"{path} answered {answer.status}")
        return content


@contextmanager
def nobody_reads(platform: LivePlatform) -> Iterator[None]:
    pids = platform.worker_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def bench_pages(platform: LivePlatform, reference: float, report: Report) -> None:
    """Measure each page over HTTP, with a history of more than a page."""
    caller = Caller(platform.url, platform.username, platform.password)
    for seed in range(30):
        _, radiograph = caller.upload(jpeg_bytes(seed=seed), wait=10)
    browser = Browser(platform)
    paths = {path: path for path in ("/", "/radiographs/", "/models/", "/help/", "/accounts/email/")}
    paths["result"] = f"/radiographs/{radiograph['id']}/"
    paths["card of a model"] = f"/models/{radiograph['prediction']['model_version']}/"
    for name, path in paths.items():
        report(f"page {name}", _median(browser, path), reference, "")


def _median(browser: Browser, path: str, repeats: int = 40) -> float:
    browser.get(path)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        browser.get(path)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def bench_open_pages(platform: LivePlatform, reference: float, report: Report) -> None:
    """Let 200 result pages wait, whose uploads nobody reads, and take the processor's time for their questions."""
    caller = Caller(platform.url, platform.username, platform.password)
    web = [psutil.Process(pid) for pid in platform.web_pids()]
    with nobody_reads(platform):
        waiting = [caller.upload(jpeg_bytes(seed=seed))[1]["id"] for seed in range(OPEN_PAGES)]
        browser = Browser(platform)
        states = [browser.get(f"/radiographs/{pk}/status/") for pk in waiting]
        asks = sum(1000 / int(pause) for state in states for pause in re.findall(r'hx-trigger="every (\d+)ms"', state))
        all_pages = _processor_seconds(web, lambda: [browser.get(f"/radiographs/{pk}/status/") for pk in waiting])
        each = all_pages / OPEN_PAGES
        report("one question of an open result page, processor", each, reference, "")
        rows = "&".join(f"pk={pk}" for pk in waiting[:24])
        all_rows = _processor_seconds(web, lambda: [browser.get(f"/radiographs/outcomes/?{rows}") for _ in range(40)])
        report("one question for 24 rows of a history, processor", all_rows / 40, reference, "")
        print(f"{OPEN_PAGES} open pages ask {asks:.0f} times a second at first: {100 * asks * each:.0f} % of a core")


def _processor_seconds(processes: list[psutil.Process], work: Callable[[], object]) -> float:
    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    work()
    before = used()
    work()
    return used() - before
