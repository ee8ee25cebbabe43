"""What checkers must refuse of actions and their arguments: the lines marked E."""

from uuid import UUID

from penstock import UNSET, Client, flow

client = Client()
one = client.flow(id=UUID(int=1))
run = client.flow_run(id=UUID(int=1))
project = client.project(name="etl")


@flow
def add(x: int, y: int = 2) -> int:
    return x + y


one.run(paramters={})  # E
one.run(parameters=3)  # E
one.run({"x": 1})  # E
one.run(labels=[1])  # E
one.run(scheduled_start_time=3)  # E
one.archive(1)  # E
one.update_project()  # E
one.update_project(3)  # E
one.update_project(flow_id=UUID(int=1), project_id=UUID(int=1))  # E
one.set_scheduel_active()  # E
run.cancel(force=True)  # E
run.set_name()  # E
run.set_name(None)  # E
run.set_name(UNSET)  # E
run.set_labels("gpu", "cpu")  # E
run.state.nope  # E
client.project.create()  # E
client.project.create(nam="etl")  # E
client.project.create("etl", "nightly")  # E
client.project.create(None)  # E
client.flow.create()  # E
client.flow.register(len, project=project)  # E
client.flow.register(add)  # E
client.flow.register(add, project=3)  # E
client.log.write([{"mesage": "x"}])  # E
client.log.write([{"level": "LOUD"}])  # E
client.send_feedback()  # E
client.with_options(retry=3)  # E
client.url = "http://elsewhere"  # E
Client(url=3)  # E
Client(apikey="x")  # E
add("1")  # E
add(1, z=2)  # E
text: str = add(1)  # E
project.archive()  # E
UNSET.nope  # E
await one.run()  # E

one.run(parameters={"x": 1})
