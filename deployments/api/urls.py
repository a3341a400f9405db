"""Routes of jobs and runs, under `/pm`."""

from django.urls import path

from deployments.api import views

urlpatterns = [
    path("v1/deploymentjobs", views.JobsView.as_view(), name="jobs"),
    path("v1/deploymentjobs/update/status/<str:status>", views.StatusView.as_view(), name="jobs-status"),
    path("v1/deploymentjobs/<str:job_id>", views.DeleteView.as_view(), name="jobs-delete"),
    path("v1/deploymentjob", views.CreateView.as_view(), name="job-create"),
    path("v1/deploymentjob/<str:job_id>", views.DetailView.as_view(), name="job"),
    path("v1/deploymentjob/<str:job_id>/run", views.RunNowView.as_view(), name="job-run"),
    path("v1/deploymentjob/<str:job_id>/runs", views.RunsView.as_view(), name="runs"),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>", views.RunView.as_view(), name="run"),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>/assets", views.RunAssetsView.as_view(), name="run-assets"),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/assets/<uuid:asset_id>",
        views.RunAssetView.as_view(),
        name="run-asset",
    ),
    path("v1/scripts/<uuid:customer_id>/<uuid:action_id>/Script", views.ScriptView.as_view(), name="script"),
]
