"""The page on which an administrator publishes an artifact from the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from diagnosis.engine.artifact import CARD, NETWORK
from diagnosis.engine.errors import ArtifactError
from diagnosis.versions.receiving import publish_upload

if TYPE_CHECKING:
    Base = admin.ModelAdmin
else:
    Base = object


class ReceivingArtifacts(Base):
    """For the admin of model versions. Publishing is one step, and activating what was published another."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.publish_view)
        return [path("publish/", view, name="diagnosis_modelversion_publish"), *super().get_urls()]

    def publish_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("diagnosis.add_modelversion"):
            raise PermissionDenied
        problem = ""
        if request.method == "POST":
            try:
                return self._published(request)
            except ArtifactError as error:
                problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Publish an artifact"),
            "opts": self.model._meta,
            "network": NETWORK,
            "card": CARD,
            "problem": problem,
        }
        return render(request, "admin/diagnosis/modelversion/publish.html", context, status=400 if problem else 200)

    def _published(self, request: HttpRequest) -> HttpResponse:
        files: list[Any] = request.FILES.getlist("file")
        if not files:
            sentence = _("Choose {network} and {card}, or a zip of both.")
            raise ArtifactError(sentence.format(network=NETWORK, card=CARD))
        version, is_new = publish_upload(files)
        if is_new:
            sentence = _("Version {version} is published. It makes no predictions before you activate it.")
            self.log_addition(request, version, sentence.format(version=version))
        else:
            sentence = _("Version {version} was published already, with the same network and card.")
        self.message_user(request, sentence.format(version=version), messages.SUCCESS)
        return redirect("admin:diagnosis_modelversion_change", version.pk)
