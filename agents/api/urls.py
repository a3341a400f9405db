"""The agents' own URL tree."""

from django.urls import path

from agents.api.views import CheckInView, EnrolView, OutputView, ReportsView, ScanView

urlpatterns = [
    path("enrol", EnrolView.as_view(), name="agent-enrol"),
    path("check-in", CheckInView.as_view(), name="agent-check-in"),
    path("reports", ReportsView.as_view(), name="agent-reports"),
    path("output", OutputView.as_view(), name="agent-output"),
    path("scan", ScanView.as_view(), name="agent-scan"),
]
