"""The site itself: its name, and its first page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy


class PlatformSite(AdminSite):
    site_header = "PneumoDetect"
    site_title = "PneumoDetect"
    index_title = gettext_lazy("Administration")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from diagnosis.administration.examining import examine_view  # only here: models are not loaded before

        examine = path("examine/", self.admin_view(examine_view), name="examine")
        return [examine, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from diagnosis.administration.dashboard import dashboard_for

        context = {"dashboard": dashboard_for(request.user), **(extra_context or {})}
        return super().index(request, context)
