# type: ignore
"""What a user of Prefect 1.4.1 does, run by that release's own interpreter against our server.

Prints one JSON object of what it saw.
"""

import datetime
import json
import subprocess
import sys
import time

import prefect
from prefect import Flow, Parameter, task
from prefect.backend import FlowRunView, FlowView, TenantView
from prefect.engine.state import Failed, Running, Scheduled, Success
from prefect.executors import LocalExecutor
from prefect.run_configs import LocalRun
from prefect.schedules import CronSchedule

folder, slug = sys.argv[1:3]


@task(tags=["db"], max_retries=1, retry_delay=datetime.timedelta(seconds=1))
def extract(x):
    prefect.context.get("logger").info("extracting %s", x)
    return [x, x + 1]


@task
def double(x):
    return 2 * x


@task
def total(numbers):
    return sum(numbers)


with Flow("old-etl", executor=LocalExecutor(), run_config=LocalRun(labels=["here"])) as flow:
    x = Parameter("x")
    y = Parameter("y", default=1)
    total(double.map(extract(x + y)))

seen = {}
client = prefect.Client()
seen["tenant"] = client.create_tenant(name=slug, slug=slug)
project_id = client.create_project("old project", "made by an old client")
seen["same_project"] = client.create_project("old project") == project_id
flow.storage = prefect.storage.Local(directory=folder, add_default_labels=False)
flow_id = flow.register("old project", idempotency_key="k", no_url=True)
seen["same_flow"] = flow.register("old project", idempotency_key="k", no_url=True) == flow_id
view = FlowView.from_flow_id(flow_id)
seen["view"] = [view.name, view.project_name, view.archived]
seen["current_tenant"] = TenantView.from_current_tenant().slug

run_id = client.create_flow_run(flow_id=flow_id, parameters={"x": 1}, run_name="first", idempotency_key="r")
seen["same_run"] = client.create_flow_run(flow_id=flow_id, parameters={"x": 1}, idempotency_key="r") == run_id
agent = subprocess.Popen(
    ["prefect", "agent", "local", "start", "--label", "here", "--no-hostname-label", "--name", "ours"]
)
deadline = time.monotonic() + 90
while time.monotonic() < deadline:
    info = client.get_flow_run_info(run_id)
    if info.state.is_finished():
        break
    time.sleep(0.3)
agent.terminate()
agent.wait()
asked = f'{{ flow_run(where: {{id: {{_eq: "{run_id}"}}}}) {{ agent {{ name labels }} }} }}'
seen["agent"] = client.graphql(asked).data.flow_run[0].agent
seen["state"] = type(info.state).__name__
seen["message"] = info.state.message
run = FlowRunView.from_flow_run_id(run_id)
seen["task_states"] = sorted(type(t.state).__name__ for t in run.get_all_task_runs())
seen["result"] = run.get_task_run(task_slug="total-1").get_result()
seen["logs"] = [log.message for log in run.get_logs()]

other = client.create_flow_run(flow_id=flow_id, parameters={"x": 2}, labels=["elsewhere"])
client.set_flow_run_state(other, Running("by hand"))
info = client.get_flow_run_info(other)
task_run = client.get_task_run_info(other, info.task_runs[0].task_id)
client.set_task_run_state(task_run.id, Running("t"), version=task_run.version)
client.set_task_run_state(task_run.id, Success("t"), version=task_run.version + 1)
seen["task_state"] = type(client.get_task_run_state(task_run.id)).__name__
client.update_flow_run_heartbeat(other)
client.write_run_logs([{"flow_run_id": other, "message": "by hand", "level": "INFO", "name": "n"}])
client.set_flow_run_name(other, "renamed")
client.set_flow_run_state(other, Failed("by hand"))
seen["failed"] = type(client.get_flow_run_state(other)).__name__
waiting = client.create_flow_run(
    flow_id=flow_id,
    parameters={"x": 3},
    labels=["elsewhere"],
    scheduled_start_time=datetime.datetime(2040, 1, 1),
)
seen["cancelled"] = client.cancel_flow_run(waiting)
seen["cancelled_state"] = type(client.get_flow_run_state(waiting)).__name__
seen["scheduled"] = isinstance(Scheduled(), Scheduled)
artifact = client.create_task_run_artifact(task_run.id, kind="link", data={"link": "x"})
client.update_task_run_artifact(artifact, data={"link": "y"})
client.delete_task_run_artifact(artifact)
seen["cached"] = client.get_latest_cached_states(task_run.task_id, None, datetime.datetime(2020, 1, 1))
try:
    client.create_flow_run(flow_id=flow_id, parameters={})
except prefect.exceptions.ClientError as error:
    seen["error"] = str(error)

with Flow("scheduled", schedule=CronSchedule("0 9 * * *")) as nightly:
    double(1)
nightly.storage = prefect.storage.Local(directory=folder, add_default_labels=False)
nightly_id = nightly.register("old project", no_url=True)
answer = client.graphql(
    "query($id: uuid) { flow_run(where: {flow_id: {_eq: $id}, auto_scheduled: {_eq: true}}) { id } }",
    variables={"id": nightly_id},
)
seen["scheduled_runs"] = len(answer.data.flow_run)
seen["deleted"] = client.delete_project("old project")
print(json.dumps(seen))
