"""Which room answers for which address."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from diagnosis import health
from diagnosis.metrics.views import MetricsView

# The admin pages' own login form counts no failures; the account's does.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("diagnosis.urls")),
    path("api/v1/", include("diagnosis.api.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("language/", set_language, name="set_language"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    # Where browsers look for it on pages that name none: those of the admin, and what is no page.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}favicon.svg"), name="favicon"),
]
handler400 = "diagnosis.pages.errors.bad_request"
handler403 = "diagnosis.pages.errors.forbidden"
handler404 = "diagnosis.pages.errors.not_found"
handler500 = "diagnosis.pages.errors.server_error"
