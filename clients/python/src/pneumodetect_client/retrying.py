"""Calls that did not get through are made again, later each time, or when the server says."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import httpx

from pneumodetect_client.errors import ServerAway

#: The server, or what stands before it, is away for a moment.
AWAY = (502, 503, 504)
LONGEST_PAUSE = 120.0


class Patience:
    """Makes a call up to ``tries`` times. What is no use to repeat is returned at once."""

    def __init__(self, tries: int, first_pause: float = 0.25, sleep: Callable[[float], None] = time.sleep) -> None:
        self.tries, self.first_pause, self.sleep = tries, first_pause, sleep

    def call(self, send: Callable[[], httpx.Response], is_repeatable: bool) -> httpx.Response:
        """Return the answer. Raises ServerAway where there is none; only a repeatable call is then made again."""
        for attempt in range(1, self.tries + 1):
            is_last = attempt == self.tries
            try:
                response = send()
            except httpx.UnsupportedProtocol as error:
                raise ServerAway("A server's address begins with http:// or https://.") from error
            except httpx.TransportError as error:
                if is_last or not (is_repeatable or isinstance(error, httpx.ConnectError)):
                    raise ServerAway(_sentence(error)) from error
                self.sleep(self._pause(attempt))
                continue
            if is_last or not _is_worth_repeating(response, is_repeatable):
                return response
            self.sleep(self._asked_for(response) or self._pause(attempt))
        raise AssertionError("a call is made at least once")

    def _pause(self, attempt: int) -> float:
        """Twice as long each time; not for all callers the same, or they would all come again at once."""
        return self.first_pause * float(2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311

    def _asked_for(self, response: httpx.Response) -> float | None:
        text = response.headers.get("Retry-After", "")
        return min(float(text), LONGEST_PAUSE) if text.isdecimal() else None


def _is_worth_repeating(response: httpx.Response, is_repeatable: bool) -> bool:
    if response.status_code in (409, 429):  # where it is not said when, waiting is no use
        return "Retry-After" in response.headers
    return is_repeatable and response.status_code in AWAY


def _sentence(error: httpx.TransportError) -> str:
    where = error.request.url.copy_with(path="/", query=None)
    how = "in time" if isinstance(error, httpx.TimeoutException) else f"({error})" if str(error) else "any more"
    return f"{where} does not answer {how}."
