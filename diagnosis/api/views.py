"""The REST calls. They write through the same functions as the pages do."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, generics, status
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.idempotency import stored_once
from diagnosis.api.openapi import calls
from diagnosis.api.pagination import FoundPagination
from diagnosis.api.parsers import BoundedJSONParser
from diagnosis.api.problems import problem_response
from diagnosis.api.receipts import FileOutcome, Outcome, ids_of
from diagnosis.api.serializers import CredentialsSerializer, RadiographSerializer, SharingSerializer, UploadSerializer
from diagnosis.engine.archive import is_archive
from diagnosis.history.listed import Source
from diagnosis.history.tagging import drop_unused
from diagnosis.models import Prediction, Radiograph, ReadingGroup
from diagnosis.pages.pictures import picture_response
from diagnosis.people.codes import TOO_MANY, confirm_by_code
from diagnosis.people.tokens import make_token
from diagnosis.people.two_factor import has_second_factor
from diagnosis.picture import is_preview_coming
from diagnosis.querysets import RadiographQuerySet
from diagnosis.retention.gone import refuse_removed
from diagnosis.submission import Receipt, Received, submit, submit_all, submit_archive

MAX_WAIT = 30.0
TOO_MANY_LOGINS = gettext_lazy("Too many failed logins. Wait a few minutes, and try again.")
OTHER_FIELDS = gettext_lazy("Every file must come as the field 'file', and one did not, so nothing was stored.")
#: Requests that may be held at once by ``Prefer: wait``: half of the threads that ``run.py`` gives the web server, so
#: that there are always some left to answer others. One more is answered at once, with the prediction still pending.
_waiting_room = threading.BoundedSemaphore(12)


@calls.token_view
class TokenView(APIView):
    """POST username and password, and the code of the second factor where there is one; get a token.

    Failures are counted together with those of the login page.
    """

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (BoundedJSONParser, MultiPartParser)
    throttle_scopes = {"POST": "token"}

    def post(self, request: Request) -> Response:
        wanted = CredentialsSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        facts = wanted.validated_data
        user = self._authenticate(request, facts["username"], facts["password"])
        if has_second_factor(user):
            self._confirm(user, facts["otp"])
        instance, token = make_token(user, facts["name"], facts["scope"])
        return Response({"token": token, "expiry": instance.expiry})

    def _authenticate(self, request: Request, username: str, password: str) -> Any:
        try:
            user = get_adapter().authenticate(request._request, username=username, password=password)
        except ValidationError as error:
            raise exceptions.Throttled(detail=TOO_MANY_LOGINS) from error
        if user is None:
            raise exceptions.ValidationError({"non_field_errors": [_("Username and password do not fit together.")]})
        return user

    def _confirm(self, user: Any, code: str) -> None:
        try:
            confirm_by_code(user, code)
        except ValidationError as error:
            if error.code == TOO_MANY:
                raise exceptions.Throttled(detail=TOO_MANY_LOGINS) from error
            raise exceptions.ValidationError({"otp": error.messages}) from error


@calls.radiographs_view
class RadiographsView(GivesAnswers, generics.ListAPIView[Radiograph]):
    """GET a page of one's radiographs; POST one image, or several, or zips of images."""

    serializer_class = RadiographSerializer
    pagination_class = FoundPagination
    parser_classes = (MultiPartParser,)
    throttle_scopes = {"POST": "upload"}

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.owned_by(self.request.user).listed()

    def post(self, request: Request) -> HttpResponseBase:
        UploadSerializer(data=request.data).is_valid(raise_exception=True)
        if len(request.FILES) > 1:
            raise exceptions.ParseError(OTHER_FIELDS)
        group = group_of(self, {"group": request.POST.get("group") or None})  # a form has no null
        files = request.FILES.getlist("file")
        is_zip = len(files) == 1 and is_archive(files[0])
        if len(files) == 1 and not is_zip:
            return stored_once(request, lambda: _submit_one(request.user, files[0], group), self._answer_one)
        store = partial(submit_archive, file=files[0]) if is_zip else partial(submit_all, files=files)
        if_none = (
            _("None of the files in the archive could be taken.") if is_zip else _("None of the files could be taken.")
        )
        return stored_once(
            request,
            lambda: store(request.user, source=Source.API, group=group),
            lambda outcome: self._answer_each(outcome, if_none),
        )

    def _answer_one(self, outcome: Outcome) -> Response:
        wanted = ids_of(outcome)
        headers = self._wait_for(wanted)
        answer = self.get_serializer(generics.get_object_or_404(self.get_queryset(), pk__in=wanted)).data
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"], **headers})

    def _answer_each(self, outcome: Outcome, if_none: str) -> Response | HttpResponse:
        """201 with what became of each file, where any was taken; else 400 with each one's reason."""
        wanted = ids_of(outcome)
        if not wanted:
            reasons = [f"{file['name']}: {file['problem']['detail']}" for file in outcome["files"] if file["problem"]]
            return problem_response(400, if_none, {"file": reasons})
        headers = self._wait_for(wanted)
        stored = {str(pk): radiograph for pk, radiograph in self.get_queryset().in_bulk(wanted).items()}
        results = [self._result(file, stored) for file in outcome["files"]]
        answer = {"results": results, "skipped": outcome["skipped"]}
        return Response(answer, status=status.HTTP_201_CREATED, headers=headers)

    def _wait_for(self, radiographs: list[str]) -> dict[str, str]:
        """Wait as the caller prefers, and return the header that says so."""
        wait = _preferred_wait(self.request)
        if wait and _wait_until_final(radiographs, wait):
            return {"Preference-Applied": f"wait={wait:g}"}
        return {}

    def _result(self, file: FileOutcome, stored: dict[str, Radiograph]) -> dict[str, Any]:
        radiograph = stored.get(file["radiograph"] or "")
        return {**file, "radiograph": self.get_serializer(radiograph).data if radiograph else None}


def _submit_one(owner: Any, file: Any, group: ReadingGroup | None) -> Receipt:
    radiograph = submit(owner, file, Source.API, group)
    return Receipt([Received(radiograph.filename, radiograph)])


def group_of(view: generics.GenericAPIView[Any], data: Any) -> ReadingGroup | None:
    """Return which of the user's groups is named; 400 where it is none of them."""
    sharing = SharingSerializer(data=data, context=view.get_serializer_context())
    sharing.is_valid(raise_exception=True)
    group: ReadingGroup | None = sharing.validated_data["group"]
    return group


@calls.radiograph_view
class RadiographView(GivesAnswers, generics.RetrieveDestroyAPIView[Radiograph]):
    """GET one; PATCH its group, to share it or not; DELETE it with its file."""

    serializer_class = RadiographSerializer
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get_queryset(self) -> RadiographQuerySet:
        rows = Radiograph.objects.all()
        owned = self.request.method == "DELETE"
        return (rows.owned_by(self.request.user) if owned else rows.visible_to(self.request.user)).listed()

    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Share one's own with another group or with nobody; a group's owner may only do the latter with others'."""
        radiograph, group = self.get_object(), group_of(self, request.data)
        this = Radiograph.objects.filter(pk=pk)
        changed = group.share(this, by=request.user) if group else this.unshare(by=request.user)
        if not changed and radiograph.owner_id != request.user.pk:
            raise Http404
        return Response(self.get_serializer(generics.get_object_or_404(this.listed())).data)

    def perform_destroy(self, radiograph: Radiograph) -> None:
        radiograph.delete()
        drop_unused(self.request.user)


class PngRenderer(BaseRenderer):
    """Only there so that a program may ask for image/png; the view answers with the file itself."""

    media_type = "image/png"
    format = "png"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return json.dumps(data).encode()


@calls.image_view
class ImageView(generics.GenericAPIView[Radiograph]):
    """GET the picture of one as a PNG: what is read, in 8 bits of grey, at most 2048 pixels on a side."""

    renderer_classes = (JSONRenderer, PngRenderer)

    def get_queryset(self) -> RadiographQuerySet:
        return Radiograph.objects.visible_to(self.request.user).listed()

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        radiograph = self.get_object()
        refuse_removed(radiograph)
        if radiograph.preview:
            return picture_response(request._request, radiograph, "preview")
        if is_preview_coming(radiograph):
            detail = _("The picture is not made yet; a worker makes it when it reads the file. Ask again in a moment.")
            return problem_response(409, detail, headers={"Retry-After": "1"})
        return problem_response(404, _("There is no picture of this radiograph, since its file could not be read."))


def _preferred_wait(request: Request) -> float:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most MAX_WAIT; 0 without, or where it is no number."""
    match = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\b", request.headers.get("Prefer", ""), re.IGNORECASE)
    return min(float(match[1]), MAX_WAIT) if match else 0.0


def _wait_until_final(radiographs: list[str], seconds: float) -> bool:
    """Return when all predictions are final or the time is over; False at once where too many wait already."""
    if not _waiting_room.acquire(blocking=False):
        return False
    try:
        pause, until = 0.01, time.monotonic() + seconds
        predictions = Prediction.objects.filter(radiograph_id__in=radiographs)
        unfinished: Any = predictions.exclude(status__in=Prediction.FINAL)
        while unfinished.exists() and time.monotonic() < until:
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
            pause = min(pause * 1.3, 0.25)
    finally:
        _waiting_room.release()
    return True
