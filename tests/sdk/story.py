"""The first steps with the generated Python client; what happened is printed as JSON. Knows nothing of this project."""

import base64
import json
import sys

import patch_deployment as client


def story(url, username, password):
    api = client.ApiClient(client.Configuration(host=url))
    who = client.SignInBodyRequest(username=username, password=password)
    api.configuration.access_token = client.AuthApi(api).sign_in(who)
    jobs = client.DeploymentJobsApi(api)

    created = jobs.create_job_with_http_info(definition())
    job = created.data
    told = {
        "id": str(job.id),
        "created": created.status_code,
        "location": created.headers["Location"],
        "name": job.name,
        "platform": job.platform.value,
        "status": job.status.value,
        "startDateTime": job.start_date_time,
        "patchTuesdayPlusXDays": job.patch_tuesday_plus_x_days,
        "recipientEmails": job.notification.notification_configs.recipient_emails,
        "action": job.post_deploy_actions[0].actual_instance.params.action_item,
        "deferment": job.pre_deployment.deferment.count,
        "notification": job.notification.notification_events.on_job_complete,
    }
    etag = created.headers["ETag"]
    change = client.PatchedJobDefinitionRequest(name="monthly browsers, renamed")
    told["renamed"] = jobs.change_job(str(job.id), if_match=etag, patched_job_definition_request=change).name
    told["listed"] = [one.name for one in jobs.list_jobs(name="browsers", page_size=5)]
    told["refused"] = refused(jobs)
    told["deleted"] = jobs.delete_job(str(job.id)).deleted == job.id
    try:
        jobs.read_job(str(job.id))
    except client.ApiException as gone:
        told["gone"] = gone.status
    return told


def definition():
    return client.JobDefinitionRequest(
        name="monthly browsers",
        type=client.JobType.INSTALL,
        platform=client.Platform.LINUX,
        dynamic_patches_qql="vendorSeverity:Critical",
        schedule_type=client.ScheduleType.MONTHLY,
        start_date_time="2030-01-08 21:30",
        monthly_recurring_type=1,
        patch_tuesday_plus_x_days=3,
        timezone="Europe/Berlin",
        post_deploy_actions=[
            client.ActionRequest(
                action=client.ActionKind.RUN_SCRIPT,
                params=client.ActionParamsRequest(action_item="Stop the service"),
                script=base64.b64encode(b"echo done").decode(),
                script_type=client.ScriptType.SH,
            )
        ],
        notification=client.NotificationRequest(
            notification_types=client.NotificationTypesRequest(email=True),
            notification_configs=client.NotificationConfigsRequest(recipient_emails=["ops@example.com"]),
            notification_events=client.NotificationEventsRequest(on_job_complete=True),
        ),
    )


def refused(jobs):
    """What a client makes of a refusal: an enabled job needs a machine."""
    try:
        jobs.create_job(definition().model_copy(update={"status": client.JobStatus.ENABLED}))
    except client.ApiException as refusal:
        problem = refusal.data.errors[0]
        return {"status": refusal.status, "errorCode": refusal.data.error_code, "field": problem.var_field}


print(json.dumps(story(*sys.argv[1:])))
