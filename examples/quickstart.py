"""The client in five minutes: objects, simple reads, actions, lists.

Start a server with `penstock server start`, then run this. `PENSTOCK_URL` and `PENSTOCK_API_KEY` name another API than the local one.
"""

from __future__ import annotations

from datetime import UTC, datetime

from penstock import Client, Flow, FlowRun, NotFound, flow


@flow
def add(x: int, y: int = 2) -> int:
    """Adds two numbers."""
    return x + y


def say(code: str, result: object = "") -> None:
    """Shows a line of the program and what came of it."""
    shown = str(result).replace("\n", "\n" + " " * 6)
    print(f"  {code}" + (f"\n    → {shown}" if shown else ""))


def main() -> None:
    """Makes two projects and a flow, looks at them, runs the flow, and cleans up."""
    # Names carry the time, so that this can be run again and again.
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"

    with Client() as client:
        print(f"The API is {client.url}")

        print("\nCreating is an action of the object")
        nightly = client.project.create(name=f"nightly {now}", description="nightly jobs")
        archive = client.project.create(name=f"archive {now}")
        say("nightly = client.project.create(name=…)", repr(nightly))

        print("\nA function becomes a flow, and registers under a project")
        registered = client.flow.register(add, project=nightly)
        say("registered = client.flow.register(add, project=nightly)", repr(registered))

        print("\nCalling the object finds it; nothing is sent until something is read")
        cloud_flow = client.flow(id=registered.id)
        say("cloud_flow = client.flow(id=registered.id)", repr(cloud_flow))
        say("cloud_flow.name, cloud_flow.version", (cloud_flow.name, cloud_flow.version))
        say("cloud_flow.project.name", cloud_flow.project.name)
        say("print(cloud_flow.project)", cloud_flow.project)

        print("\nSimple queries without GraphQL send exactly what was asked for")
        say('cloud_flow.get("name")', cloud_flow.get("name"))
        say(
            "cloud_flow.get(Flow.name, Flow.project.name)",
            cloud_flow.get(Flow.name, Flow.project.name),
        )

        print("\nRaw selections are checked against the schema before they are sent")
        say('cloud_flow.query("name project { name }")', cloud_flow.query("name project { name }"))

        print("\nCalling an action is a mutation")
        cloud_flow.update_project(project_id=archive.id)
        say("cloud_flow.update_project(project_id=archive.id)", cloud_flow.project.name)
        cloud_flow.set_schedule_inactive()
        say("cloud_flow.set_schedule_inactive()", f"is_schedule_active: {cloud_flow.is_schedule_active}")

        print("\nSome actions return objects that can be used at once")
        run = cloud_flow.run(parameters={"x": 1}, flow_run_name="first")
        say('run = cloud_flow.run(parameters={"x": 1}, flow_run_name="first")', (run.name, run.state))
        say("run.get(FlowRun.flow.name, FlowRun.agent.name)", run.get(FlowRun.flow.name, FlowRun.agent.name))
        run.cancel()
        say("run.cancel()", run.state)

        print("\nLists fetch themselves page by page")
        for number in range(12):
            cloud_flow.run(parameters={"x": number}, flow_run_name=f"run {number:02}")
        runs = cloud_flow.runs(where={"state": {"_eq": "Scheduled"}}, order_by=[{"name": "asc"}], page_size=5)
        say('[run.name for run in cloud_flow.runs(where={"state": {"_eq": "Scheduled"}}, …)]')
        print("    →", ", ".join(str(run.name) for run in runs))
        say(
            "client.flow_run.count(where=…)", client.flow_run.count(where={"flow_id": {"_eq": cloud_flow.id}})
        )

        print("\nWhat belongs to no object is the client's")
        client.send_feedback(message="client.OBJECT.ACTION reads well")
        say('client.send_feedback(message="client.OBJECT.ACTION reads well")')

        print("\nWhat is gone is not found")
        cloud_flow.archive()
        cloud_flow.delete()
        try:
            cloud_flow.refresh()
        except NotFound as error:
            say("cloud_flow.refresh()", error)
        nightly.delete()
        archive.delete()


if __name__ == "__main__":
    main()
