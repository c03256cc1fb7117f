"""The REST calls. They write through the same functions as the pages do."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db import connection
from knox.models import get_token_model
from rest_framework import exceptions, generics, status
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from diagnosis.api.serializers import CredentialsSerializer, RadiographSerializer, UploadSerializer
from diagnosis.models import Prediction, Radiograph
from diagnosis.paging import moment_of
from diagnosis.querysets import RadiographQuerySet
from diagnosis.submission import submit

MAX_WAIT = 30.0
#: Requests that may be held at once by ``Prefer: wait``: half of the threads that ``run.py`` gives the web server, so
#: that there are always some left to answer others. One more is answered at once, with the prediction still pending.
_waiting_room = threading.BoundedSemaphore(12)


class BoundedJSONParser(JSONParser):
    """Refuses, as any other text that is no JSON it takes, what is nested deeper than Python reads."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise exceptions.ParseError("JSON parse error - it is nested too deeply.") from error


class TokenView(APIView):
    """POST username and password, get a token. Failures are counted together with those of the login page."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def post(self, request: Request) -> Response:
        credentials = CredentialsSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        try:
            user = get_adapter().authenticate(request._request, **credentials.validated_data)
        except ValidationError as error:
            raise exceptions.Throttled(detail="Too many failed logins. Wait a few minutes, and try again.") from error
        if user is None:
            raise exceptions.ValidationError({"non_field_errors": ["Username and password do not fit together."]})
        instance, token = get_token_model().objects.create(user)
        return Response({"token": token, "expiry": instance.expiry})


class NewestFirst(CursorPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-created", "-id")
    invalid_cursor_message = "There is no such page. Start from the first one, without a cursor."

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read the cursor, and refuse here a mark that the database would not understand."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and moment_of(str(cursor.position)) is None:
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor


class RadiographsView(generics.ListAPIView[Radiograph]):
    """GET a page of one's radiographs; POST one file."""

    serializer_class = RadiographSerializer
    pagination_class = NewestFirst
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).with_predictions()

    def post(self, request: Request) -> Response:
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        radiograph = submit(request.user, upload.validated_data["file"])
        headers = {}
        if (wait := _preferred_wait(request)) and _wait_until_final(radiograph.prediction, wait):
            headers["Preference-Applied"] = f"wait={wait:g}"
        answer = self.get_serializer(generics.get_object_or_404(self.get_queryset(), pk=radiograph.pk)).data
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"], **headers})


class RadiographView(generics.RetrieveDestroyAPIView[Radiograph]):
    """GET one; DELETE it with its file."""

    serializer_class = RadiographSerializer

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).with_predictions()


def _preferred_wait(request: Request) -> float:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most MAX_WAIT; 0 without, or where it is no number."""
    match = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\b", request.headers.get("Prefer", ""), re.IGNORECASE)
    return min(float(match[1]), MAX_WAIT) if match else 0.0


def _wait_until_final(prediction: Prediction, seconds: float) -> bool:
    """Return when the prediction is final or the time is over; False at once where too many wait already."""
    if not _waiting_room.acquire(blocking=False):
        return False
    try:
        pause, until = 0.01, time.monotonic() + seconds
        unfinished: Any = Prediction.objects.filter(pk=prediction.pk).exclude(status__in=Prediction.FINAL)
        while unfinished.exists() and time.monotonic() < until:
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
            pause = min(pause * 1.3, 0.25)
    finally:
        _waiting_room.release()
    return True
