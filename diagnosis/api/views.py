"""The REST calls. They write through the same functions as the pages do."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpResponse, HttpResponseBase
from knox.models import get_token_model
from rest_framework import exceptions, generics, status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.pagination import FoundPagination
from diagnosis.api.problems import problem_of, problem_response, status_of
from diagnosis.api.serializers import CredentialsSerializer, RadiographSerializer, UploadSerializer
from diagnosis.engine.archive import is_archive
from diagnosis.history.listed import Source
from diagnosis.history.tagging import drop_unused
from diagnosis.models import Prediction, Radiograph
from diagnosis.pages.pictures import picture_response
from diagnosis.picture import is_preview_coming
from diagnosis.querysets import RadiographQuerySet
from diagnosis.submission import Receipt, Received, submit, submit_all, submit_archive

MAX_WAIT = 30.0
OTHER_FIELDS = "Every file must come as the field 'file', and one did not, so nothing was stored."
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


class RadiographsView(GivesAnswers, generics.ListAPIView[Radiograph]):
    """GET a page of one's radiographs; POST one image, or several, or zips of images."""

    serializer_class = RadiographSerializer
    pagination_class = FoundPagination
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).listed()

    def post(self, request: Request) -> Response | HttpResponse:
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        if len(request.FILES) > 1:
            raise exceptions.ParseError(OTHER_FIELDS)
        files = request.FILES.getlist("file")
        if len(files) > 1:
            return self._answer_each(submit_all(request.user, files, Source.API), "None of the files could be taken.")
        if is_archive(files[0]):
            receipt = submit_archive(request.user, files[0], Source.API)
            return self._answer_each(receipt, "None of the files in the archive could be taken.")
        radiograph = submit(request.user, files[0], Source.API)
        headers = self._wait_for([radiograph])
        answer = self.get_serializer(generics.get_object_or_404(self.get_queryset(), pk=radiograph.pk)).data
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"], **headers})

    def _answer_each(self, receipt: Receipt, if_none: str) -> Response | HttpResponse:
        """201 with what became of each file, where any was taken; else 400 with each one's reason."""
        if not receipt.stored:
            reasons = [f"{file.name}: {file.problem.detail}" for file in receipt.files if file.problem]
            return problem_response(400, if_none, {"file": reasons})
        headers = self._wait_for(receipt.stored)
        wanted = [radiograph.pk for radiograph in receipt.stored]
        stored = self.get_queryset().filter(pk__in=wanted).in_bulk()
        answer = {"results": [self._result(file, stored) for file in receipt.files], "skipped": receipt.skipped}
        return Response(answer, status=status.HTTP_201_CREATED, headers=headers)

    def _wait_for(self, radiographs: list[Radiograph]) -> dict[str, str]:
        """Wait as the caller prefers, and return the header that says so."""
        wait = _preferred_wait(self.request)
        if wait and _wait_until_final(radiographs, wait):
            return {"Preference-Applied": f"wait={wait:g}"}
        return {}

    def _result(self, file: Received, stored: dict[Any, Radiograph]) -> dict[str, Any]:
        radiograph = stored.get(file.radiograph.pk) if file.radiograph else None
        return {
            "name": file.name,
            "radiograph": self.get_serializer(radiograph).data if radiograph else None,
            "problem": problem_of(status_of(file.problem), file.problem.detail) if file.problem else None,
        }


class RadiographView(GivesAnswers, generics.RetrieveDestroyAPIView[Radiograph]):
    """GET one; DELETE it with its file."""

    serializer_class = RadiographSerializer

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).listed()

    def perform_destroy(self, radiograph: Radiograph) -> None:
        radiograph.delete()
        drop_unused(self.request.user)


class PngRenderer(BaseRenderer):
    """Only there so that a program may ask for image/png; the view answers with the file itself."""

    media_type = "image/png"
    format = "png"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return json.dumps(data).encode()


class ImageView(generics.GenericAPIView[Radiograph]):
    """GET the picture of one as a PNG: what is read, in 8 bits of grey, at most 2048 pixels on a side."""

    renderer_classes = (JSONRenderer, PngRenderer)

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).listed()

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        radiograph = self.get_object()
        if radiograph.preview:
            return picture_response(request._request, radiograph, "preview")
        if is_preview_coming(radiograph):
            detail = "The picture is not made yet; a worker makes it when it reads the file. Ask again in a moment."
            return problem_response(409, detail, headers={"Retry-After": "1"})
        return problem_response(404, "There is no picture of this radiograph, since its file could not be read.")


def _preferred_wait(request: Request) -> float:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most MAX_WAIT; 0 without, or where it is no number."""
    match = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\b", request.headers.get("Prefer", ""), re.IGNORECASE)
    return min(float(match[1]), MAX_WAIT) if match else 0.0


def _wait_until_final(radiographs: list[Radiograph], seconds: float) -> bool:
    """Return when all predictions are final or the time is over; False at once where too many wait already."""
    if not _waiting_room.acquire(blocking=False):
        return False
    try:
        pause, until = 0.01, time.monotonic() + seconds
        predictions = Prediction.objects.filter(radiograph__in=[radiograph.pk for radiograph in radiographs])
        unfinished: Any = predictions.exclude(status__in=Prediction.FINAL)
        while unfinished.exists() and time.monotonic() < until:
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
            pause = min(pause * 1.3, 0.25)
    finally:
        _waiting_room.release()
    return True
