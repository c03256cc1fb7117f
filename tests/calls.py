"""Calls to a live platform's API, by the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


class Caller:
    """Holds the token of one user of the platform at ``url``."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = f"{url}/api/v1/"
        self.headers: dict[str, str] = {}
        body = json.dumps({"username": username, "password": password}).encode()
        status, answer = self._call("auth/token/", "POST", body, {"Content-Type": "application/json"})
        assert status == 200, answer
        self.headers["Authorization"] = f"Token {answer['token']}"

    def upload(self, data: bytes, name: str = "chest.jpg", wait: int = 0) -> tuple[int, Any]:
        """Return status and answer of POST radiographs/."""
        head = f'--XXX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=XXX"}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        return self._call("radiographs/", "POST", head.encode() + data + b"\r\n--XXX--\r\n", headers)

    def radiographs(self) -> list[dict[str, Any]]:
        """Return all of the user's radiographs, page by page."""
        found: list[dict[str, Any]] = []
        address: str | None = f"{self.url}radiographs/?page_size=200"
        while address:
            _, page = self._call(address)
            found += page["results"]
            address = page["next"]
        return found

    def _call(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        address = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(address, body, self.headers | (headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
