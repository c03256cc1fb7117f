"""A web server that receives what webhooks send, and answers as a test wants it to."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    text: bytes = b"thank you"
    headers: dict[str, str] = field(default_factory=dict)
    #: Seconds between the bytes of its answer.
    drip: float = 0.0
    calls: list[Call] = field(default_factory=list)


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """Listen on this machine; with a certificate, on TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(Call(self.path, dict(self.headers), body))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for byte in receiver.text if receiver.drip else ():
                time.sleep(receiver.drip)
                self.wfile.write(bytes([byte]))
            if not receiver.drip:
                self.wfile.write(receiver.text)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def make_certificate(folder: Path, name: str) -> Path:
    """Return a file with a certificate for ``name``, signed by itself, and its key."""
    path = folder / f"{name}.pem"
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    options += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", str(path), "-keyout", "-"]
    key = subprocess.run(["openssl", "req", *options], capture_output=True, check=True).stdout
    path.write_bytes(path.read_bytes() + key)
    return path
