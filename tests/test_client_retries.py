"""The client sends again what did not get through, and nothing that could be done twice."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from diagnosis.api.openapi.examples import PROBLEM, RADIOGRAPH
from pneumodetect_client import Client, ClientError, ProblemError, ServerAway, login, tables
from pneumodetect_client.paths import files_of
from pneumodetect_client.records import Problem, Result

Answer = tuple[int, dict[str, str], Any]
OK: Answer = (201, {}, RADIOGRAPH)


class Server:
    """Gives the answers of a list, one after the other, and keeps what it was asked."""

    def __init__(self, answers: list[Answer | None]) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        #: The seconds for which the client would have slept.
        self.pauses: list[float] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.asked.append((self.path, dict(self.headers), body))
                if (answer := answers.pop(0)) is None:
                    self.close_connection = True  # without a word
                    return
                status, headers, content = answer
                text = json.dumps(content).encode()
                self.send_response(status)
                kind = "application/problem+json" if status >= 400 else "application/json"
                for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[Server] = []

    def start(*answers: Answer | None) -> tuple[Server, Client]:
        servers.append(server := Server(list(answers)))
        client = Client(f"http://127.0.0.1:{server.http.server_port}", "secret", tries=4)
        client.patience.sleep = server.pauses.append
        return server, client

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def test_an_upload_that_does_not_get_through_is_sent_again_under_the_same_key(serve: Any) -> None:
    server, client = serve(None, (503, {}, PROBLEM), (429, {"Retry-After": "7"}, PROBLEM), OK)
    assert client.upload(b"image", name="a.jpg").id == RADIOGRAPH["id"]
    assert len({headers["Idempotency-Key"] for _, headers, _ in server.asked}) == 1
    assert all(b"image" in body for *_, body in server.asked)
    first, second, asked_for = server.pauses
    assert asked_for == 7
    assert 0 < first < 0.5 < 4 * second < 4


def test_two_uploads_have_two_keys(serve: Any) -> None:
    server, client = serve(OK, OK)
    client.upload(b"image")
    client.upload(b"image")
    assert len({headers["Idempotency-Key"] for _, headers, _ in server.asked}) == 2


def test_what_is_refused_for_good_is_not_sent_again(serve: Any) -> None:
    server, client = serve((415, {}, PROBLEM))
    with pytest.raises(ProblemError, match="This is a PDF document") as refused:
        client.upload(b"image")
    assert (refused.value.status, len(server.asked), server.pauses) == (415, 1, [])


def test_a_call_without_a_key_is_not_made_twice(serve: Any) -> None:
    server, client = serve(None)
    with pytest.raises(ServerAway):
        client._call("POST", "auth/token/", json={})
    assert len(server.asked) == 1


def test_the_client_gives_up_in_the_end(serve: Any) -> None:
    server, client = serve(*[(503, {}, PROBLEM)] * 4)
    with pytest.raises(ProblemError):
        client.radiograph("x")
    assert len(server.asked) == 4


def test_an_answer_of_something_else_is_no_problem_of_ours(serve: Any) -> None:
    _, client = serve((404, {"Content-Type": "text/html"}, "a proxy's page"))
    with pytest.raises(ServerAway, match="not as PneumoDetect does"):
        client.radiograph("x")


def test_the_token_goes_to_no_other_server_and_an_id_reaches_no_other_address(serve: Any) -> None:
    page = {"next": "http://elsewhere.example/api/v1/radiographs/?cursor=abc", "results": []}
    server, client = serve((200, {}, page), (200, {}, {"next": None, "results": []}), (404, {}, PROBLEM))
    assert list(client.radiographs()) == []
    assert server.asked[1][0] == "/api/v1/radiographs/?cursor=abc"
    with pytest.raises(ProblemError):
        client.radiograph("../../admin")
    assert server.asked[2][0] == "/api/v1/radiographs/..%2F..%2Fadmin/"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://[", "http://a b"])
def test_an_address_that_is_none_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ClientError), Client(url, "x", tries=1) as client:
        client.radiograph("x")


def test_files_folders_and_patterns_are_found_and_hidden_ones_left(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.png", "a/.hidden", ".git/d.png", "[x].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def found(*words: str) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in files_of([str(tmp_path / word) for word in words])]

    assert found("") == ["[x].png", "b.png", "a/c.png"]
    assert found("*.png") == ["[x].png", "b.png"]
    assert found("[x].png", "none.png") == ["[x].png", "none.png"]


def test_a_saved_token_is_for_its_owner_and_its_server_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    login.save(login.Login("http://one.example", "secret"))
    assert login.load(None) == login.Login("http://one.example", "secret")
    assert login.load("http://one.example/").token == "secret"
    with pytest.raises(ClientError, match=r"You are logged in to http://one\.example"):
        login.load("http://two.example")
    assert login.place().stat().st_mode & 0o077 == 0
    assert [path.name for path in login.place().parent.iterdir()] == ["client.json"]


def test_a_file_name_is_no_formula_in_a_spreadsheet(capsys: pytest.CaptureFixture[str]) -> None:
    write = tables.writer("csv", sys.stdout)
    write(tables.row_of(Result("=HYPERLINK(1)", problem=Problem(415, "", "+1"))))
    assert capsys.readouterr().out.splitlines()[1].startswith("'=HYPERLINK(1),")
