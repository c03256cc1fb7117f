"""The calls of the REST API."""

from __future__ import annotations

import io
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from pneumodetect_client.errors import ClientError, ProblemError, ServerAway, error_of
from pneumodetect_client.records import Prediction, Problem, Radiograph, Result
from pneumodetect_client.retrying import Patience

#: The longest that a server holds an answer: more is waited for by asking again.
LONGEST_HOLD = 30
PAGE_SIZE = 200


class Client:
    """One server, for one user. To be used as a context, which closes its connections; threads may share it."""

    def __init__(self, url: str, token: str, *, tries: int = 6, timeout: float = 60.0, parallel: int = 4) -> None:
        self.patience, self.parallel = Patience(tries), parallel
        limits = httpx.Limits(max_connections=parallel + 2, max_keepalive_connections=parallel + 2)
        headers = {"Authorization": f"Token {token}", "Accept": "*/*"}
        address = f"{url.rstrip('/')}/api/v1/"
        try:
            self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout, limits=limits)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ClientError(f"{url} or the token cannot be used: {error}") from error

    @classmethod
    def log_in(cls, url: str, username: str, password: str, **options: Any) -> Self:
        """Return a client with a new token; ``token`` is it."""
        with cls(url, "", **options) as stranger:
            body = {"username": username, "password": password}
            answer = stranger._call("POST", "auth/token/", json=body, headers={"Authorization": ""})
        return cls(url, answer.json()["token"], **options)

    @property
    def token(self) -> str:
        return self._http.headers["Authorization"].removeprefix("Token ")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def upload(self, file: str | Path | bytes, *, name: str | None = None, wait: float = 0) -> Radiograph:
        """Send one image, and wait so many seconds at most for its prediction to be final."""
        (result,) = self.send(file, name=name, wait=wait)
        if result.radiograph is None:
            raise ProblemError(result.problem or Problem(400, "Bad Request", "It was not taken."))
        return result.radiograph

    def send(self, file: str | Path | bytes, *, name: str | None = None, wait: float = 0) -> list[Result]:
        """Send one image, or a zip of images, and return what became of each."""
        name = name or ("image" if isinstance(file, bytes) else Path(file).name)
        headers = {"Idempotency-Key": str(uuid.uuid4()), **_preference(wait)}
        until = time.monotonic() + wait
        # httpx reads it piece by piece, from its start each time that it is sent.
        with io.BytesIO(file) if isinstance(file, bytes) else Path(file).open("rb") as content:
            part = (name.encode(errors="replace").decode(), content)
            answer = self._call("POST", "radiographs/", files={"file": part}, headers=headers).json()
        results = [Result.of(each) for each in answer["results"]] if "results" in answer else None
        results = results or [Result(name, Radiograph.of(answer))]
        return [self._waited_for(result, until) for result in results] if wait else results

    def upload_all(self, files: Iterable[str | Path], *, wait: float = 0) -> Iterator[Result]:
        """Send many, several at once, and return what became of each, in their order, as soon as it is known."""
        with ThreadPoolExecutor(self.parallel) as senders:
            waiting: deque[Future[list[Result]]] = deque()
            try:
                for file in files:
                    waiting.append(senders.submit(self._send_or_say_why, Path(file), wait))
                    if len(waiting) >= 2 * self.parallel:  # no more in memory than are soon sent
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                for each in waiting:
                    each.cancel()

    def radiographs(self, **filters: Any) -> Iterator[Radiograph]:
        """Return all that the filters leave, page by page: status, label, search, ordering and others."""
        for data in self._pages("radiographs/", filters):
            yield Radiograph.of(data)

    def radiograph(self, pk: str) -> Radiograph:
        return Radiograph.of(self._call("GET", _place(pk)).json())

    def delete(self, pk: str) -> None:
        """Delete a radiograph with its files."""
        self._call("DELETE", _place(pk))

    def predictions(self, pk: str) -> Iterator[Prediction]:
        """Return all predictions on a radiograph, the newest first."""
        for data in self._pages(_place(pk, "predictions/"), {}):
            yield Prediction.of(data)

    def classify_again(self, pk: str) -> Prediction:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return Prediction.of(self._call("POST", _place(pk, "predictions/"), json={}, headers=headers).json())

    def models(self) -> Iterator[Mapping[str, Any]]:
        """Return the versions of the network with their cards, the newest first."""
        yield from self._pages("models/", {})

    def image(self, pk: str) -> bytes:
        """Return the picture as a PNG."""
        return self._call("GET", _place(pk, "image/")).content

    def heatmap(self, pk: str) -> bytes:
        """Return the heat map as a PNG."""
        return self._call("GET", _place(pk, "heatmap/")).content

    def report(self, pk: str) -> bytes:
        """Return the report as a PDF."""
        return self._call("GET", _place(pk, "report/")).content

    def wait_for(self, pk: str, seconds: float) -> Radiograph:
        """Return a radiograph once its prediction is final, or as it is when the time is over."""
        return self._ask_until_final(self.radiograph(pk), time.monotonic() + seconds)

    def _ask_until_final(self, radiograph: Radiograph, until: float) -> Radiograph:
        pause = 0.1
        while not radiograph.prediction.is_final and time.monotonic() < until:
            time.sleep(min(pause, max(until - time.monotonic(), 0)))
            pause = min(pause * 1.5, 2.0)
            radiograph = self.radiograph(radiograph.id)
        return radiograph

    def _waited_for(self, result: Result, until: float) -> Result:
        if result.radiograph is None or result.radiograph.prediction.is_final:
            return result
        return Result(result.name, self._ask_until_final(result.radiograph, until))

    def _send_or_say_why(self, file: Path, wait: float) -> list[Result]:
        try:
            return self.send(file, wait=wait)
        except ProblemError as error:
            if error.status in (401, 403):
                raise  # the others would fare no better
            return [Result(file.name, problem=error.problem)]
        except OSError as error:
            return [Result(file.name, problem=Problem(0, "Unreadable", f"{file}: {error.strerror}."))]

    def _pages(self, address: str, filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        page = self._call("GET", address, params={"page_size": PAGE_SIZE, **filters}).json()
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self._call("GET", self._here(page["next"])).json()

    def _here(self, address: str) -> str:
        """Return the place and query of an address that the server gave: a token goes nowhere else."""
        return str(self._http.base_url.join(httpx.URL(address).raw_path.decode()))

    def _call(self, method: str, address: str, **content: Any) -> httpx.Response:
        is_repeatable = method != "POST" or "Idempotency-Key" in content.get("headers", {})
        send = lambda: self._http.request(method, address, **content)  # noqa: E731
        try:
            response = self.patience.call(send, is_repeatable)
        except httpx.HTTPError as error:
            raise ServerAway(f"{self._http.base_url.host} answers as PneumoDetect does not: {error}") from error
        if not response.is_success:
            raise error_of(response)
        return response


def _place(pk: str, part: str = "") -> str:
    return f"radiographs/{quote(pk, safe='')}/{part}"


def _preference(wait: float) -> dict[str, str]:
    return {"Prefer": f"wait={min(round(wait), LONGEST_HOLD)}"} if wait >= 1 else {}
