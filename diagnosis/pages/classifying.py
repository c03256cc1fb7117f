"""Having one radiograph classified again, by the active version or another one."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.asking_again import classify_again
from diagnosis.pages.access import members_only, own_radiograph
from diagnosis.pages.result import find_prediction
from diagnosis.retention.words import image_removed
from diagnosis.versions.choosing import NotOffered, version_asked_for


@members_only
@never_cache
@require_POST
def classify(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, however often the button is pressed: the form names the prediction that the page showed."""
    own = own_radiograph(request, pk)
    if words := image_removed(own):
        messages.error(request, f"{words} {_('So it cannot be read again.')}")
        return redirect(own)
    shown = find_prediction(own, request.POST.get("seen", ""))
    try:
        begun = classify_again([own], version_asked_for(request), shown.pk if shown else None)
    except NotOffered as error:
        messages.error(request, str(error))
        return redirect(own)
    if not begun:
        messages.info(request, _("This X-ray is read again already. What you see here is its newest result."))
    return redirect(own)
