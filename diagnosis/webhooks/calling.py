"""One call over the network: to the address that was judged, without a proxy or a redirect, within its time."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from diagnosis.engine.sentences import Sentence, sentence
from diagnosis.webhooks.addresses import AddressRefused, Target, resolve

CONNECT_SECONDS, TOTAL_SECONDS = 3.0, 10.0
#: So much of an answer is kept.
ANSWER_BYTES = 200


@dataclass(frozen=True)
class Answer:
    """What the receiver said; ``problem`` is None where that was a success."""

    problem: Sentence | None = None
    status_code: int | None = None
    text: str = ""
    seconds: float = 0.0


def call(url: str, headers: dict[str, str], body: bytes) -> Answer:
    """POST it. Whatever goes wrong is in the answer."""
    begun = time.monotonic()
    status: int | None = None
    problem: Sentence | None
    text = ""
    try:
        connection = _Connection(resolve(url))
        try:
            status, text = connection.post(headers, body)
        finally:
            connection.end()
    except AddressRefused as refused:
        problem = refused.sentence
    except (OSError, http.client.HTTPException, ValueError) as error:
        problem = _why(error, time.monotonic() - begun >= TOTAL_SECONDS)
    else:
        problem = _problem_of(status)
    return Answer(problem, status, text, time.monotonic() - begun)


def _problem_of(status: int) -> Sentence | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return sentence(
            "It answered with a redirection, which is not followed. Register the address that it leads to."
        )
    return sentence("It answered with {status}; a status from 200 to 299 means success.", status=status)


def _why(error: Exception, is_late: bool) -> Sentence:
    if is_late or isinstance(error, TimeoutError):
        return sentence(
            "It did not answer in time: {connect} s to connect, {total} s in all.",
            connect=f"{CONNECT_SECONDS:g}",
            total=f"{TOTAL_SECONDS:g}",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return sentence("Its certificate is not to be trusted: {reason}.", reason=error.verify_message)
    if isinstance(error, ssl.SSLError):
        return sentence("No encrypted connection came about (TLS).")
    if isinstance(error, ConnectionRefusedError):
        return sentence("Nothing listens at that address.")
    return sentence("The connection failed, or what came back is no answer of a web server.")


class _Connection(http.client.HTTPConnection):
    """Connects to the target's address, while certificate and Host header go by its name."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self._target = target
        self._wire: socket.socket | None = None
        # Time limits of a socket begin anew with each byte; this one does not.
        self._watch = threading.Timer(TOTAL_SECONDS, self._cut_off)
        self._watch.daemon = True
        self._watch.start()

    def connect(self) -> None:
        self.sock = self._wire = socket.create_connection((self._target.address, self._target.port), CONNECT_SECONDS)
        self._wire.settimeout(TOTAL_SECONDS)
        if self._target.scheme == "https":
            context, name = ssl.create_default_context(), self._target.host
            secure = context.wrap_socket(self._wire, server_hostname=name, do_handshake_on_connect=False)
            self.sock = self._wire = secure
            secure.do_handshake()

    def post(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        self.putrequest("POST", self._target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": self._target.host_header} | headers).items():
            self.putheader(name, value)
        self.putheader("Content-Length", str(len(body)))
        self.endheaders(body)
        with self.getresponse() as response:
            return response.status, _start_of(response)

    def end(self) -> None:
        """Not in ``close``, which http.client calls as soon as it has the head of the answer."""
        self._watch.cancel()
        self.close()

    def _cut_off(self) -> None:
        with suppress(OSError):  # closed already
            if self._wire:
                # Not an encrypted socket's own way, which would let the reader go on without encryption.
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)


def _start_of(response: http.client.HTTPResponse) -> str:
    """Return the first words of the answer, whose status counts however the rest comes."""
    try:
        text = response.read(ANSWER_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return "".join(each if each.isprintable() else " " for each in text)
