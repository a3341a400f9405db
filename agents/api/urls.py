"""The agents' own URL tree."""

from django.urls import path

from agents.api import views

urlpatterns = [
    path("enrol", views.EnrolView.as_view(), name="agent-enrol"),
    path("check-in", views.CheckInView.as_view(), name="agent-check-in"),
    path("reports", views.ReportsView.as_view(), name="agent-reports"),
    path("output", views.OutputView.as_view(), name="agent-output"),
    path("whoami", views.WhoAmIView.as_view(), name="agent-whoami"),
    path("leave", views.LeaveView.as_view(), name="agent-leave"),
    path("releases/<str:version>", views.ReleaseView.as_view(), name="agent-release"),
    path("scan", views.ScanView.as_view(), name="agent-scan"),
]
