"""Every route of the service. No path ends in a slash."""

from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from core.details import DetailsView
from core.health import healthz, readyz
from deployments.api.views.feeds import feed_text

urlpatterns = [
    path("", RedirectView.as_view(url="/pm/v1/deploymentjobs")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("schema/swagger", SpectacularSwaggerView.as_view(url_name="schema"), name="swagger"),
    path("schema/redoc", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
    path("", include("tenants.api.urls")),
    path("pm/v1/details", DetailsView.as_view(), name="details"),
    path("feeds/<str:secret>.ics", feed_text, name="feed-text"),
    path("pm/", include("inventory.api.urls")),
    path("pm/", include("calendars.api.urls")),
    path("pm/", include("deployments.api.urls")),
    path("pm/", include("reports.api.urls")),
    path("pm/", include("agents.api.fleet_urls")),
    path("agent/v1/", include("agents.api.urls")),
]

handler400 = "core.errors.bad_request"
handler403 = "core.errors.permission_denied"
handler404 = "core.errors.page_not_found"
handler500 = "core.errors.server_error"
