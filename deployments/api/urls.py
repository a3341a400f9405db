"""Routes of jobs and runs, under `/pm`."""

from django.urls import path

from core import openapi
from deployments.api.views import jobs, runs

# Not where it is first asked for: what the document says must not depend on who asks.
openapi.load()

urlpatterns = [
    path("v1/deploymentjobs", jobs.JobsView.as_view(), name="jobs"),
    path("v1/deploymentjobs/update/status/<str:status>", jobs.StatusView.as_view(), name="jobs-status"),
    path("v1/deploymentjobs/<str:job_id>", jobs.DeleteView.as_view(), name="jobs-delete"),
    path("v1/deploymentjob", jobs.CreateView.as_view(), name="job-create"),
    path("v1/deploymentjob/validate", jobs.ValidateView.as_view(), name="job-validate"),
    path("v1/deploymentjob/byname/<path:name>", jobs.ByNameView.as_view(), name="job-by-name"),
    path("v1/deploymentjob/update/<str:job_id>", jobs.ChangeView.as_view(), name="job-update"),
    path("v1/deploymentjob/<str:job_id>/clone", jobs.CloneView.as_view(), name="job-clone"),
    path("v1/deploymentjob/<str:job_id>", jobs.DetailView.as_view(), name="job"),
    path("v1/deploymentjob/<str:job_id>/run", runs.RunNowView.as_view(), name="job-run"),
    path("v1/deploymentjob/<str:job_id>/runs", runs.RunsView.as_view(), name="runs"),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>", runs.RunView.as_view(), name="run"),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>/assets", runs.RunAssetsView.as_view(), name="run-assets"),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/assets/<uuid:asset_id>",
        runs.RunAssetView.as_view(),
        name="run-asset",
    ),
    path("v1/scripts/<uuid:customer_id>/<uuid:action_id>/Script", jobs.ScriptView.as_view(), name="script"),
]
