"""Routes of jobs and runs, under `/pm`."""

from django.urls import path

from core import openapi
from deployments.api.views import (
    approvals,
    feeds,
    jobs,
    lists,
    occurrences,
    previews,
    reference,
    results,
    runs,
    scripts,
)

# Not where it is first asked for: what the document says must not depend on who asks.
openapi.load()

urlpatterns = [
    path("v1/deploymentjobs", jobs.JobsView.as_view(), name="jobs"),
    path("v1/deploymentjobs/summary", lists.SummaryView.as_view(), name="jobs-summary"),
    path("v1/deploymentjobs/count", lists.JobCountView.as_view(), name="jobs-count"),
    path("v1/deploymentjobs/update/status/<str:status>", jobs.StatusView.as_view(), name="jobs-status"),
    path(
        "v1/deploymentjobs/<str:job_id>/deprecated/patches",
        jobs.DeprecatedPatchesView.as_view(),
        name="job-deprecated-patches",
    ),
    path("v1/deploymentjobs/<str:job_id>", jobs.DeleteView.as_view(), name="jobs-delete"),
    path("v1/deploymentjob", jobs.CreateView.as_view(), name="job-create"),
    path("v1/deploymentjob/validate", jobs.ValidateView.as_view(), name="job-validate"),
    path("v1/deploymentjob/preview", previews.PreviewOfBodyView.as_view(), name="job-preview"),
    path("v1/deploymentjob/byname/<path:name>", jobs.ByNameView.as_view(), name="job-by-name"),
    path("v1/deploymentjob/update/<str:job_id>", jobs.ChangeView.as_view(), name="job-update"),
    path("v1/deploymentjob/<str:job_id>/clone", jobs.CloneView.as_view(), name="job-clone"),
    path("v1/deploymentjob/<str:job_id>/preview", previews.PreviewOfJobView.as_view(), name="job-preview-stored"),
    path("v1/deploymentjob/<str:job_id>", jobs.DetailView.as_view(), name="job"),
    path("v1/deploymentjob/<str:job_id>/run", runs.RunNowView.as_view(), name="job-run"),
    path("v1/deploymentjob/<str:job_id>/approve", approvals.ApproveView.as_view(), name="job-approve"),
    path("v1/deploymentjob/<str:job_id>/history", lists.HistoryView.as_view(), name="job-history"),
    path("v1/deploymentjob/<str:job_id>/occurrences", occurrences.OccurrencesView.as_view(), name="job-occurrences"),
    path("v1/deploymentjob/<str:job_id>/runs", runs.RunsView.as_view(), name="runs"),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>", runs.RunView.as_view(), name="run"),
    *(
        path(f"v1/deploymentjob/<str:job_id>/runs/<int:number>/{name}", view.as_view(), name=f"run-{name}")
        for name, view in runs.CONTROLS.items()
    ),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>/assets", runs.RunAssetsView.as_view(), name="run-assets"),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/assets/<uuid:asset_id>",
        runs.RunAssetView.as_view(),
        name="run-asset",
    ),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/patches", results.RunPatchesView.as_view(), name="run-patches"
    ),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/actions", results.RunActionsView.as_view(), name="run-actions"
    ),
    path(
        "v1/deploymentjob/<str:job_id>/runs/<int:number>/failures",
        results.RunFailuresView.as_view(),
        name="run-failures",
    ),
    path("v1/deploymentjob/<str:job_id>/runs/<int:number>/explain", results.ExplainView.as_view(), name="run-explain"),
    path(
        "v1/deploymentjob/<str:job_id>/deploymentjobresult/summary",
        results.ResultSummaryView.as_view(),
        name="job-result",
    ),
    path("v1/scripts/<uuid:customer_id>/<uuid:action_id>/Script", scripts.ScriptView.as_view(), name="script"),
    path(
        "v1/scripts/<uuid:customer_id>/<uuid:action_id>/DetectionScript",
        scripts.DetectionScriptView.as_view(),
        name="detection-script",
    ),
    path("v1/scripts/default/MakeCache/makecache", scripts.BuiltInScriptView.as_view(), name="built-in-script"),
    path("v1/feeds", feeds.FeedsView.as_view(), name="feeds"),
    path("v1/feeds/<uuid:feed_id>", feeds.FeedView.as_view(), name="feed"),
    path("v1/timezones", reference.TimezonesView.as_view(), name="timezones"),
    path("v1/enumerations", reference.EnumerationsView.as_view(), name="enumerations"),
    path("v1/fields", reference.FieldsView.as_view(), name="fields"),
]
