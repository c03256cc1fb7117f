"""Which versions a user may ask."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from diagnosis.models import ModelVersion


class NotOffered(Exception):
    """No version of this name may be asked; the text says which may."""


def find_offered(version: str) -> ModelVersion:
    """Raise NotOffered where the version is unknown, or answers to the administrator alone."""
    offered = {each.version: each for each in ModelVersion.objects.offered().order_by("-active", "-published")}
    if version not in offered:
        raise NotOffered(
            _("There is no model version “%(version)s” to ask. There are: %(known)s.")
            % {"version": version[:64], "known": ", ".join(offered) or _("none")}
        )
    return offered[version]


def version_asked_for(request: HttpRequest) -> ModelVersion | None:
    """Return the version that a form names; None for the active one, whichever it is. Raises NotOffered."""
    version = request.POST.get("model_version", "")
    return find_offered(version) if version else None
