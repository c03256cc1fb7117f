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
from diagnosis.pages.access import members_only, visible_radiograph
from diagnosis.pages.errors import reason_page
from diagnosis.picture import SHOWN_INLINE, is_preview_coming
from diagnosis.retention.gone import Removed, refuse_removed

Picture = Literal["file", "preview", "thumbnail"]
#: The endings and content types of the pictures that workers make.
MADE = {"preview": (".png", "image/png"), "thumbnail": (".jpg", "image/jpeg")}


@members_only
@require_safe
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A picture that browsers show. They may keep it, but ask each time whether it may still be shown."""
    radiograph = visible_radiograph(request, pk)
    try:
        return picture_response(request, radiograph, _shown(radiograph))
    except Removed as reason:
        return reason_page(request, reason)


@members_only
@require_safe
def thumbnail(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The picture for lists. Until a worker has made the small one, the large one, whose place is the same."""
    radiograph = visible_radiograph(request, pk)
    try:
        return thumbnail_response(request, radiograph)
    except Removed as reason:
        return reason_page(request, reason)


def thumbnail_response(request: HttpRequest, radiograph: Radiograph) -> HttpResponseBase:
    """Answer whoever was found to be allowed to see it."""
    if radiograph.thumbnail:
        return picture_response(request, radiograph, "thumbnail")
    is_preview_coming(radiograph)
    return picture_response(request, radiograph, _shown(radiograph))


def _shown(radiograph: Radiograph) -> Picture:
    """Say which file of it browsers can show; Http404 where there is none yet, or not any more."""
    refuse_removed(radiograph)
    if radiograph.preview and radiograph.format not in ("JPEG", "WEBP"):
        return "preview"
    if radiograph.format not in SHOWN_INLINE:
        is_preview_coming(radiograph)
        raise Http404(_("There is no picture of this radiograph, or not yet."))
    return "file"


def picture_response(request: HttpRequest, radiograph: Radiograph, picture: Picture) -> HttpResponseBase:
    """Send one of its files, with an ETag."""
    etag = quote_etag(radiograph.sha256 if picture == "file" else f"{radiograph.sha256}-{picture}")
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _file_response(radiograph, picture)
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _file_response(radiograph: Radiograph, picture: Picture) -> FileResponse:
    try:
        file = getattr(radiograph, picture).open("rb")
    except FileNotFoundError as error:
        raise Http404(_("The file of this radiograph is no longer there.")) from error
    suffix, content_type = MADE[picture] if picture in MADE else ("", SHOWN_INLINE[radiograph.format])
    return FileResponse(file, content_type=content_type, filename=f"{radiograph.filename}{suffix}")
