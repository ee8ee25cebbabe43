"""What checkers must refuse of names, paths and attributes: the lines marked E."""

from uuid import UUID

from penstock import Client, Flow, FlowRun, Project

client = Client()
flow = client.flow(id=UUID(int=1))
run = client.flow_run(id=UUID(int=1))

flow.get("nmae")  # E
flow.get(Flow.nmae)  # E
flow.get(Flow.project.nmae)  # E
flow.get(Flow.project.tenant.nmae)  # E
flow.get(Flow.project)  # E
flow.get(FlowRun.name)  # E
flow.get(Flow.name, FlowRun.name)  # E
flow.get(Project.name)  # E
flow.get(Flow.name, "version")  # E
flow.get()  # E
run.get(FlowRun.flow.project.nmae)  # E
number: int = flow.get("name")  # E
name: str = flow.get("version")  # E
certain: str = run.get(FlowRun.agent.name)  # E
pair: tuple[str, int] = flow.get(Flow.name, Flow.version)  # E
three: tuple[str, str, str] = flow.get(Flow.name, Flow.project.name)  # E

flow.nmae  # E
flow.project.nmae  # E
run.agent.name  # E
flow.name = "x"  # E
flow.project = client.project(id=UUID(int=1))  # E
flow.id = UUID(int=2)  # E
flow.name.nope  # E
flow.query(3)  # E
flow.query("name", ["x"])  # E

client.flow()  # E
client.flow(UUID(int=1))  # E
client.flow(id=3)  # E
client.flow(name="etl")  # E
client.project()  # E
client.project(id=UUID(int=1), name="etl")  # E
client.flwo(id=UUID(int=1))  # E

fine: tuple[str, str] = flow.get(Flow.name, Flow.project.name)
also: Project = client.project(name="etl")
