"""Routes of reports, under `/pm`."""

from django.urls import path

from core import openapi
from reports.api import views

openapi.load()

urlpatterns = [
    path("v1/reports", views.ReportsView.as_view(), name="reports"),
    path("v1/reports/<uuid:report_id>", views.ReportView.as_view(), name="report"),
    path("v1/reports/<uuid:report_id>/download", views.DownloadView.as_view(), name="report-download"),
    path("v1/report/columns", views.ColumnsView.as_view(), name="report-columns"),
    path("v1/report/assets", views.AssetsReportView.as_view(), name="report-assets"),
    path("v1/report/missingpatches", views.MissingPatchesReportView.as_view(), name="report-missing-patches"),
    path(
        "v1/report/deploymentjobprogress/<str:job_id>",
        views.JobProgressReportView.as_view(),
        name="report-job-progress",
    ),
    # As clients of this API family spell it.
    path(
        "v1/report/deplymentjobprogress/<str:job_id>",
        views.JobProgressReportAgainView.as_view(),
        name="report-job-progress-again",
    ),
]
