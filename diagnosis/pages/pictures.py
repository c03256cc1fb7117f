"""The pictures of a radiograph, as browsers show them."""

from __future__ import annotations

import uuid
from typing import Literal

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from diagnosis.models import Radiograph
from diagnosis.pages.access import members_only, own_radiograph
from diagnosis.picture import SHOWN_INLINE, is_preview_coming

Picture = Literal["file", "preview", "thumbnail"]
#: The endings and content types of the pictures that workers make.
MADE = {"preview": (".png", "image/png"), "thumbnail": (".jpg", "image/jpeg")}


@members_only
@require_safe
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A picture that browsers show. They may keep it, but ask each time whether it may still be shown."""
    own = own_radiograph(request, pk)
    return picture_response(request, own, _shown(own))


@members_only
@require_safe
def thumbnail(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The picture for lists. Until a worker has made the small one, the large one, whose place is the same."""
    return thumbnail_response(request, own_radiograph(request, pk))


def thumbnail_response(request: HttpRequest, own: Radiograph) -> HttpResponseBase:
    """Answer whoever was found to be allowed to see it."""
    if own.thumbnail:
        return picture_response(request, own, "thumbnail")
    is_preview_coming(own)
    return picture_response(request, own, _shown(own))


def _shown(own: Radiograph) -> Picture:
    """Say which file of it browsers can show; Http404 where there is none yet."""
    if own.preview and own.format not in ("JPEG", "WEBP"):
        return "preview"
    if own.format not in SHOWN_INLINE:
        is_preview_coming(own)
        raise Http404(_("There is no picture of this radiograph, or not yet."))
    return "file"


def picture_response(request: HttpRequest, own: Radiograph, picture: Picture) -> HttpResponseBase:
    """Send one of its files, with an ETag."""
    etag = quote_etag(own.sha256 if picture == "file" else f"{own.sha256}-{picture}")
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _file_response(own, picture)
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _file_response(own: Radiograph, picture: Picture) -> FileResponse:
    try:
        file = getattr(own, picture).open("rb")
    except FileNotFoundError as error:
        raise Http404(_("The file of this radiograph is no longer there.")) from error
    suffix, content_type = MADE[picture] if picture in MADE else ("", SHOWN_INLINE[own.format])
    return FileResponse(file, content_type=content_type, filename=f"{own.filename}{suffix}")
