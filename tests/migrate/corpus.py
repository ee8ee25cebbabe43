"""Scripts of the old flat client, as they are found: each with how many calls are rewritten and how many are left to a person.

They run against a server, before and after; what they print has no ids in it, so that it can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """A script. `rewritten` and `left` are numbers of calls; `untouched` says that not a character changes."""

    source: str
    rewritten: int
    left: int = 0
    untouched: bool = False


_FLOW = """\
from penstock import Client, flow

@flow
def add(x: int = 1, y: int = 2) -> int:
    return x + y
"""

CORPUS: dict[str, Script] = {
    "plain": Script(
        _FLOW
        + """
client = Client()
project_id = client.create_project("p", project_description="d")
flow_id = client.register(add, project_name="p")
run_id = client.create_flow_run(flow_id, parameters={"x": 1}, run_name="nightly")
print(type(project_id).__name__, type(flow_id).__name__, type(run_id).__name__)
print(client.flow_run(id=run_id).name)
""",
        3,
    ),
    "statements": Script(
        """\
from penstock import Client
client = Client()
client.create_project("p")  # kept
client.set_secret(name="a", value="b")
client.update_task_tag_limit("t", 3)
print(client.task_tag_limit(tag="t").limit)
""",
        3,
    ),
    "notebook": Script(
        """\
# %% [markdown]
# A notebook, exported
# %%
from penstock import Client
client = Client()
# %%
client.create_project("cell")
# %%
[tenant["name"] for tenant in client.get_available_tenants()]
# %%
print(len(client.get_available_tenants()))
""",
        3,
    ),
    "attribute_of_self": Script(
        """\
from penstock import Client

class Deployer:
    def __init__(self) -> None:
        self.client = Client()
        self._name = "p"

    def deploy(self) -> str:
        return self.client.create_project(self._name)

print(len(Deployer().deploy()))
print(Deployer().client.create_project("again") != "")
""",
        2,
    ),
    "wrapper_function": Script(
        """\
from penstock import Client

def get_client() -> Client:
    return Client()

def make():
    return Client()

get_client().create_project("a")
make().create_project("b")
print(sorted(project.name for project in Client().project.list()))
""",
        2,
    ),
    "parameter": Script(
        """\
from __future__ import annotations
from typing import Optional
from penstock import Client

def first(client: Client, name: str) -> str:
    return client.create_project(name)

def second(client: "Client | None" = None) -> str:
    client = client or Client()
    return client.create_project("second")

def third(api: Optional[Client]) -> None:
    if api is not None:
        api.create_project("third")

first(Client(), "first"); second(); third(Client())
print(sorted(project.name for project in Client().project.list()))
""",
        3,
    ),
    "with_block": Script(
        """\
from penstock import Client
with Client() as c:
    c.create_project("p")
    with c.with_options(timeout=5) as quick:
        quick.create_project("q")
    print(c.project.count())
""",
        2,
    ),
    "aliases": Script(
        """\
import penstock
from penstock import Client as C

one = C()
two = one
three = penstock.Client()
two.create_project("two")
three.create_project("three")
(four := three).create_project("four")
print(one.project.count())
""",
        3,
    ),
    "from_prefect": Script(
        """\
from prefect import Client
client = Client()
client.create_project("p")
print(client.get_available_tenants()[0]["name"])
""",
        2,
    ),
    "module_prefect": Script(
        """\
# A comment at the top.
import prefect

client = prefect.Client()
client.create_project("p")
print("done")
""",
        1,
    ),
    "prefect_helpers": Script(
        """\
from prefect import Client
from prefect.utilities.graphql import with_args, EnumValue
from prefect.utilities.exceptions import ClientError

client = Client()
client.create_project("p")
query = {"query": {with_args("project", {"order_by": {"name": EnumValue("asc")}}): {"name"}}}
result = client.graphql(query)
print(result.data.project[0].name)
try:
    client.graphql("{ nope }")
except ClientError:
    print("refused")
""",
        2,
        1,
    ),
    "false_friend": Script(
        """\
from penstock import Client

class Boto:
    def create_project(self, name: str) -> str:
        return f"boto {name}"

    def get(self, path: str) -> str:
        return path

client = Boto()
print(client.create_project("x"), client.get("/a"))

def inner(client: Boto) -> str:
    return client.create_project("y")

print(inner(client))
""",
        0,
        untouched=True,
    ),
    "false_friend_beside_a_real_one": Script(
        """\
from penstock import Client

class Registry:
    def register(self, name: str) -> str:
        return name

def other() -> str:
    client = Registry()
    return client.register("x")

def real() -> int:
    client = Client()
    client.create_project("p")
    return client.project.count()

print(other(), real())
""",
        1,
    ),
    "no_client_at_all": Script(
        """\
class Client:
    def create_project(self, name):
        return name

client = Client()
print(client.create_project("x"))
""",
        0,
        untouched=True,
    ),
    "subclass_that_overrides": Script(
        """\
from penstock import Client

class Quiet(Client):
    def create_project(self, project_name: str, project_description: str | None = None) -> str:
        return "quiet"

    def twice(self) -> None:
        self.create_project("a")
        self.create_tenant("T", f"t-{self.tenant_id}")

print(Quiet().create_project("x"))
Quiet().twice()
print(Client().project.count())
""",
        1,
    ),
    "unknown_object": Script(
        """\
from penstock import Client

def make(client):
    return client.create_project("p")

print(len(make(Client())))
""",
        0,
        1,
    ),
    "rebound": Script(
        """\
import sys
from penstock import Client

class Fake:
    def create_project(self, name: str) -> str:
        return "fake" * 9

client = Client() if len(sys.argv) < 99 else Fake()
print(len(client.create_project("p")))
""",
        0,
        1,
    ),
    "starred": Script(
        """\
from penstock import Client
client = Client()
arguments = {"project_name": "p"}
client.create_project(**arguments)
print(client.project.count())
""",
        0,
        1,
    ),
    "run_info_attributes": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
flow_id = client.register(add, "p")
run_id = client.create_flow_run(flow_id=flow_id, context={"a": 1}, parameters={"x": 2})
info = client.get_flow_run_info(run_id)
print(info.id == run_id, info.flow_id == flow_id, info.parameters, info.context, info.version)
print(info.state.is_scheduled(), client.get_flow_run_info(run_id).state.type)
""",
        5,
    ),
    "run_info_whole": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
run_id = client.create_flow_run(client.register(add, "p"))
print(len(client.get_flow_run_info(run_id)))
print(len(client.get_flow_run_info(run_id).task_runs))
""",
        3,
        2,
    ),
    "states": Script(
        _FLOW
        + """
from penstock.states import Running, Success

client = Client()
client.create_project("p")
run_id = client.create_flow_run(client.register(add, "p"))
version = client.flow_run(id=run_id).version
client.set_flow_run_state(run_id, version, Running())
client.set_flow_run_state(run_id, state=Success(message="fine", result=3))
print(client.get_flow_run_state(run_id).result, client.get_flow_run_state(flow_run_id=run_id).is_successful())
print(client.set_flow_run_state(run_id, Success()).type)
""",
        7,
        1,
    ),
    "old_order": Script(
        _FLOW
        + """
import datetime

client = Client()
client.create_project("p")
flow_id = client.register(add, "p")
now = datetime.datetime.now(datetime.timezone.utc)
first = client.create_flow_run(flow_id, None, {"x": 1}, now + datetime.timedelta(days=1), "key", "nightly")
second = client.create_flow_run(flow_id, {}, {"x": 1}, None, ["label"], now)
naive = client.create_flow_run(flow_id, scheduled_start_time=datetime.datetime(2030, 1, 10))
print(client.flow_run(id=first).name, client.flow_run(id=second).labels, client.flow_run(id=naive).state)
""",
        4,
        1,
    ),
    "group": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
flow_id = client.register(add, "p", version_group_id="g")
run_id = client.create_flow_run(version_group_id="g", idempotency_key=None)
print(client.flow_run(id=run_id).flow.name)
try:
    client.create_flow_run()
except ValueError:
    print("no flow")
""",
        3,
        1,
    ),
    "task_runs": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
flow_id = client.register(add, "p")
run_id = client.create_flow_run(flow_id)
(task,) = client.flow(id=flow_id).tasks(where={"slug": {"_eq": "add-1"}})
task_run = client.get_task_run_info(run_id, str(task.id), map_index=None)
client.set_task_run_name(task_run.id, name="t")
client.update_task_run_heartbeat(task_run.id)
print(task_run.version, client.get_task_run_state(task_run.id).type)
made = client.create_task_run_artifact(task_run.id, "link", {"link": "x"})
client.update_task_run_artifact(made, {"link": "y"})
client.delete_task_run_artifact(made)
print(client.task_run_artifact.count())
""",
        10,
    ),
    "logs": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
run_id = client.create_flow_run(client.register(add, "p"))
client.write_run_logs([{"flow_run_id": run_id, "message": "a", "level": "INFO", "name": "s"}])
client.write_run_log(run_id, message="b", level="ERROR")
more = [{"flowRunId": run_id, "message": "c"}]
client.write_run_logs(more)
client.write_run_logs([{"flowRunId": run_id, "message": "d"}])
print(sorted(log.message or "" for log in client.flow_run(id=run_id).logs()))
""",
        5,
        2,
    ),
    "graphql_text": Script(
        '''\
from penstock import Client
client = Client()
client.create_project("b")
client.create_project("a")
result = client.graphql("""
query ($names: [String!]) {
  # all of them
  project(where: {name: {_in: $names}}, order_by: {name: asc}) { id label: name tenant { name } }
}
""", variables={"names": ["a", "b"]})
for project in result.data.project:
    print(project.label, project.tenant.name)
print([item.label for item in result.data.project], len(result.data.project), result.data["project"][0].label)
if not result.data.project:
    print("none")
''',
        3,
    ),
    "graphql_dict": Script(
        """\
from penstock import Client
client = Client()
client.create_project("a")
print(client.graphql({"query": {"project": {"name": True, "tenant": {"name"}}}}).data.project[0].tenant.name)
whole = client.graphql({"query": {"project": {"name"}}})
print(sorted(whole), whole.data.project[0].name)
print(client.graphql("{ project { name } }", raise_on_error=False).data.project[0]["name"])
""",
        2,
        2,
    ),
    "graphql_handed_on": Script(
        """\
from penstock import Client

def show(project):
    print(project.name)

client = Client()
client.create_project("a")
result = client.graphql("{ project { name } }")
show(result.data.project[0])
""",
        1,
        1,
    ),
    "graphql_statement": Script(
        """\
from penstock import Client
client = Client()
client.graphql('mutation { create_tenant(input: {name: "n", slug: "%s"}) { id } }' % client.tenant_id)
client.graphql("{ hello }")
print("done")
""",
        1,
        1,
    ),
    "tenants": Script(
        """\
from penstock import Client
client = Client()
slug = client.get_default_tenant_slug()
print(client.login_to_tenant(tenant_slug=slug))
print(client.switch_tenant(tenant_slug=slug) == str(client.tenant_id))
client.logout_from_tenant()
client.create_tenant("My Team")
client.login_to_tenant(slug, str(client.tenant_id))
print(client.get_available_tenants()[0]["slug"] == slug)
""",
        6,
        1,
    ),
    "limits": Script(
        """\
from penstock import Client
client = Client()
client.update_task_tag_limit(tag="t", limit=3)
limit = client.get_task_tag_limit("t")
print(limit, client.get_task_tag_limit("none"))
client.delete_task_tag_limit(client.task_tag_limit(tag="t").id)
print(client.task_tag_limit.count())
""",
        2,
        2,
    ),
    "names_and_booleans": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
run_id = client.create_flow_run(client.register(add, "p"))
client.set_flow_run_name(run_id, "new")
if client.set_flow_run_name(run_id, "newer"):
    print(client.flow_run(id=run_id).name)
if client.cancel_flow_run(run_id):
    print(client.flow_run(id=run_id).state)
client.update_flow_run_heartbeat(flow_run_id=run_id)
client.delete_project("p")
print(client.flow.count())
""",
        7,
        1,
    ),
    "agents": Script(
        """\
from penstock import Client
client = Client()
agent_id = client.register_agent("LocalAgent", "a", labels=["x"])
config = client.agent_config.create(name="c", settings={"poll": 5})
print(client.agent(id=agent_id).labels, client.get_agent_config(str(config.id)))
""",
        2,
    ),
    "settings": Script(
        """\
from penstock import Client
client = Client()
client.attach_headers({"X-A": "1"})
print(client.get_auth_token(), client.load_auth_from_disk())
""",
        0,
        3,
    ),
    "comments_and_layout": Script(
        """\
from penstock import Client
client = Client()

client.create_project(
    "p",  # the name
    # and what it is for
    project_description=(
        "a long "  # kept where it is
        "description"
    ),
)
print(client.project(name="p").description)  # ü, and what follows: it stays
print("ü", client.get_available_tenants()[0]["name"], "ü")
""",
        2,
    ),
    "nested_calls": Script(
        _FLOW
        + """
client = Client()
client.create_project("p")
print(client.get_flow_run_state(client.create_flow_run(client.register(add, "p"))).type)
""",
        4,
    ),
    "nothing_old": Script(
        """\
from penstock import Client
client = Client()
client.project.create(name="p")
print(client.project.count(), client.execute("{ hello }") != {})
""",
        0,
        untouched=True,
    ),
}
