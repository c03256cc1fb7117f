"""Every page says when a part of the platform is away, and what was uploaded meanwhile is read afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from diagnosis import notices
from tests.browser.test_portal import FINAL, choose, open_result
from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.live import LivePlatform


@contextmanager
def halted(*pids: int | None) -> Iterator[None]:
    """Let processes neither run nor end: to others it is as if they hung."""
    there = [pid for pid in pids if pid]
    for pid in there:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in there:
            os.kill(pid, signal.SIGCONT)


def wait_for_notice(page: Page, sentence: str, is_there: bool = True) -> None:
    for _ in range(60):
        page.goto("/help/")
        said = page.locator(".notices p").all_inner_texts()
        if (sentence in said) == is_there:
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{said} instead of {sentence if is_there else 'nothing'}")


def test_a_redis_that_hangs_is_said_on_every_page_until_it_is_back(page: Page, live_platform: LivePlatform) -> None:
    wait_for_notice(page, notices.REDIS_AWAY, is_there=False)
    with halted(live_platform.redis_pid()):
        wait_for_notice(page, notices.REDIS_AWAY)
    wait_for_notice(page, notices.REDIS_AWAY, is_there=False)


def test_what_is_uploaded_while_no_worker_answers_is_kept_and_read_later(
    page: Page, live_platform: LivePlatform
) -> None:
    with halted(*live_platform.worker_pids()):
        wait_for_notice(page, notices.WORKER_AWAY)
        page.goto("/")
        assert page.locator(".notices").inner_text() == notices.WORKER_AWAY
        choose(page, "kept.jpg", jpeg_bytes())
        open_result(page)
        page.wait_for_url("**/radiographs/*/")
        page.get_by_role("heading", name="Nobody is reading at the moment").wait_for()
        result = page.url
        page.goto("/radiographs/")
        page.locator(".badge-waiting").filter(has_text="nobody is reading").first.wait_for()
    page.goto(result)
    page.locator(FINAL).wait_for(timeout=60_000)
