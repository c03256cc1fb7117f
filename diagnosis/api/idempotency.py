"""``Idempotency-Key``: a POST that is sent again, since its answer was lost, is carried out once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponseBase
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.keyed_calls import KeyedCall
from diagnosis.api.problems import Conflict, Gone, Unprocessable
from diagnosis.api.receipts import Outcome, ids_of, outcome_of
from diagnosis.submission import Receipt, witness

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
LONGEST_KEY = 255
BAD_KEY = f"An {HEADER} is 1 to {LONGEST_KEY} visible ASCII characters, such as a UUID."
OTHER_REQUEST = f"This {HEADER} was used for another request. Take a new key for each new request."
IN_PROGRESS = f"A request with this {HEADER} is being carried out. Send it again in a moment to get its answer."
DELETED = f"What was stored under this {HEADER} has been deleted since."

View = Callable[..., HttpResponseBase]


def idempotent(*, radiograph: str | None = None) -> Callable[[View], View]:
    """Carry out a short POST once for each key. What it writes and its answer are one transaction.

    ``radiograph`` names the part of the address that says which one the answer is about, and goes with.
    """

    def decorate(post: View) -> View:
        @wraps(post)
        def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if (call := begin(request)) is None:
                return post(view, request, *args, **kwargs)
            if call.outcome is not None:
                return replay(call)
            with held(call), transaction.atomic():
                response = post(view, request, *args, **kwargs)
                if isinstance(response, Response) and response.status_code < 300:
                    require(call.note({}, [kwargs[radiograph]] if radiograph else []))
                    remember(call, response)
            return response

        return once

    return decorate


def stored_once(
    request: Request, store: Callable[[], Receipt], answer: Callable[[Outcome], HttpResponseBase]
) -> HttpResponseBase:
    """Carry out an upload once for each key. It is too long for one transaction: only what is written is one.

    Where its process died after that, or is still waiting for a prediction, a repeat is answered from what is stored.
    """
    if (call := begin(request)) is None:
        return answer(outcome_of(store()))
    if call.answer:
        return replay(call)
    is_repeat = call.outcome is not None
    outcome: Outcome = call.outcome or _stored_under(call, store)
    response = answer(outcome)
    if isinstance(response, Response):
        remember(call, response)
        if is_repeat:
            response.headers[REPLAYED] = "true"
    return response


def _stored_under(call: KeyedCall, store: Callable[[], Receipt]) -> Outcome:
    def note(receipt: Receipt) -> None:
        if receipt.stored:
            outcome = outcome_of(receipt)
            require(call.note(outcome, ids_of(outcome)))

    with held(call):
        token = witness.set(note)
        try:
            return outcome_of(store())
        finally:
            witness.reset(token)


def begin(request: Request) -> KeyedCall | None:
    """Return the call under the request's key: one to carry out, or with its ``outcome``; None without a key.

    Raises Unprocessable for another request under the same key, and Conflict while the first one is at work.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= LONGEST_KEY):
        raise exceptions.ParseError(BAD_KEY)
    sent = request_hash(request)
    call, is_held = KeyedCall.objects.all().begin(request.user, key, sent)
    if call.request_hash != sent:
        raise Unprocessable(OTHER_REQUEST)
    if call.is_gone:
        raise Gone(DELETED)
    if not is_held and call.outcome is None:
        raise Conflict(IN_PROGRESS, wait=1)
    return call


@contextmanager
def held(call: KeyedCall) -> Iterator[None]:
    """Free the key again where nothing comes to be stored: the request may then be sent anew, or put right."""
    try:
        yield
    finally:
        call.forget()


def require(is_mine: bool) -> None:
    if not is_mine:
        raise Conflict(IN_PROGRESS, wait=1)


def remember(call: KeyedCall, response: Response) -> None:
    body = JSONRenderer().render(response.data).decode() or "null"
    call.remember(response.status_code, dict(response.headers), body)


def replay(call: KeyedCall) -> Response:
    """Give the first answer again."""
    if not call.answer:
        raise Conflict(IN_PROGRESS, wait=1)
    answer = call.answer
    return Response(answer["body"], answer["status"], headers={**answer["headers"], REPLAYED: "true"})


def request_hash(request: Request) -> str:
    """Return a hash of what a request asks for. Not of its bytes: a repeat has another multipart boundary."""
    asked = {"method": request.method, "address": request.get_full_path(), "data": _content_of(request.data)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _content_of(data: Any) -> Any:
    if hasattr(data, "lists"):
        return {name: [_content_of(each) for each in several] for name, several in data.lists()}
    if isinstance(data, UploadedFile):
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        data.seek(0)
        return [data.name, digest]
    return data
