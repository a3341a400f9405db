// The first steps with the generated TypeScript client; what happened is printed as JSON.

import {
  ActionKind,
  AuthApi,
  Configuration,
  DeploymentJobsApi,
  type JobDefinitionRequest,
  JobStatus,
  JobType,
  type ModelError,
  Platform,
  ResponseError,
  ScheduleType,
  ScriptType,
} from "./client";

const definition: JobDefinitionRequest = {
  name: "monthly browsers",
  type: JobType.Install,
  platform: Platform.Linux,
  dynamicPatchesQQL: "vendorSeverity:Critical",
  scheduleType: ScheduleType.Monthly,
  startDateTime: "2030-01-08 21:30",
  monthlyRecurringType: 1,
  patchTuesdayPlusXDays: 3,
  timezone: "Europe/Berlin",
  postDeployActions: [
    {
      action: ActionKind.RunScript,
      params: { actionItem: "Stop the service" },
      script: btoa("echo done"),
      scriptType: ScriptType.Sh,
    },
  ],
  notification: {
    notificationTypes: { email: true },
    notificationConfigs: { recipientEmails: ["ops@example.com"] },
    notificationEvents: { onJobComplete: true },
  },
};

async function story(basePath: string, username: string, password: string): Promise<object> {
  const token = await new AuthApi(new Configuration({ basePath })).signIn({ signInBodyRequest: { username, password } });
  const jobs = new DeploymentJobsApi(new Configuration({ basePath, accessToken: token }));

  const created = await jobs.createJobRaw({ jobDefinitionRequest: definition });
  const job = await created.value();
  const ifMatch = created.raw.headers.get("ETag") ?? "none";
  const patchedJobDefinitionRequest = { name: "monthly browsers, renamed" };
  const changed = await jobs.changeJob({ jobId: job.id, ifMatch, patchedJobDefinitionRequest });
  const listed = await jobs.listJobs({ name: "browsers", pageSize: 5 });
  const refusal = await refused(jobs.createJob({ jobDefinitionRequest: { ...definition, status: JobStatus.Enabled } }));
  const told: ModelError = await refusal.json();
  const deleted = await jobs.deleteJob({ jobId: job.id });
  const gone = await refused(jobs.readJob({ jobId: job.id }));
  return {
    id: job.id,
    created: created.raw.status,
    location: created.raw.headers.get("Location"),
    name: job.name,
    platform: job.platform,
    status: job.status,
    startDateTime: job.startDateTime,
    patchTuesdayPlusXDays: job.patchTuesdayPlusXDays,
    recipientEmails: job.notification?.notificationConfigs.recipientEmails,
    action: job.postDeployActions?.[0]?.params.actionItem,
    deferment: job.preDeployment.deferment.count,
    notification: job.notification?.notificationEvents.onJobComplete,
    renamed: changed.name,
    listed: listed.map((one) => one.name),
    refused: { status: refusal.status, errorCode: told.errorCode, field: told.errors[0]?.field },
    deleted: "deleted" in deleted && deleted.deleted === job.id,
    gone: gone.status,
  };
}

/** The answer to a request that is to be refused. */
async function refused(request: Promise<unknown>): Promise<Response> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ResponseError) return error.response;
    throw error;
  }
  throw new Error("was not refused");
}

const [basePath = "", username = "", password = ""] = process.argv.slice(2);
story(basePath, username, password).then((told) => console.log(JSON.stringify(told)));
