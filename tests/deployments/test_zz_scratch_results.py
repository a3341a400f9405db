import time
from django.db import connection
from deployments.models import HostTask, Run, Step
from core.models import Event
from inventory.models import Asset
from tests import factories
from tests.deployments.test_host_tasks import _run
from tests.factories import NOW

def test_speed(ada):
    c = ada.customer
    host = factories.asset(c)
    patches = [factories.patch(c, f"p{n}") for n in range(20)]
    for p in patches: factories.missing(p, host)
    run = _run(ada, host, approvedPatches=[str(p.public_id) for p in patches])
    assets = Asset.objects.bulk_create([Asset(customer=c, number=1000+n, name=f"h{n}", reported_name="x", platform="Linux", package_manager="apt", scanned_at=NOW) for n in range(10000)])
    states = ["Running","Succeeded","Failed","Pending"]
    tasks = HostTask.objects.bulk_create([HostTask(customer=c, run=run, asset=a, state=(s:=states[n%4]), state_changed_at=NOW, start_at=NOW, deadline=factories.later(days=30), attempt=1, lease_until=NOW if s=="Running" else None, reason={"Succeeded":"verified","Failed":"pre_action_failed"}.get(s,""), finished_at=NOW if s in("Succeeded","Failed") else None) for n,a in enumerate(assets)])
    Step.objects.bulk_create([Step(customer=c, host_task=t, attempt=1, number=i, kind="patch", title="t", patch=p, state="Succeeded", verified=True) for t in tasks if t.state!="Pending" for i,p in enumerate(patches)], batch_size=5000)
    Event.objects.bulk_create([Event(customer_id=c.pk, kind=k, run_id=run.pk, host_task_id=t.pk, occurred_at=NOW) for t in tasks for k in ("host_task.leased","host_task.running","host_task.running")], batch_size=5000)
    with connection.cursor() as cur: cur.execute("ANALYZE") if False else None
    b=f"deploymentjob/{run.job.public_id}"
    for path in ("/deploymentjobresult/summary","/deploymentjobresult/summary?pageSize=1000","/deploymentjobresult/summary?sort=status&query=status:Pending","/runs/1/patches","/runs/1/actions","/runs/1/assets",f"/runs/1/explain?assetId={assets[0].public_id}"):
        t=time.time(); a=ada.get(b+path); print(f"XX {path} {a.status_code} {time.time()-t:.3f}", len(a.content))
