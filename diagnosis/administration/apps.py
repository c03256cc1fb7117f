"""Django's admin, with this platform's site in the place of its own."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    default_site = "diagnosis.administration.site.PlatformSite"
