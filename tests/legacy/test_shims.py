"""The old methods' own ways: what they raised, what they told apart, and what they did beside sending GraphQL."""

from __future__ import annotations

import json
import stat
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tests.legacy.servers import Recorder, Served
from tests.legacy.worlds import World, world

from penstock import (
    AuthenticationError,
    Client,
    ClientError,
    GraphQLError,
    HTTPStatusError,
    NotFound,
    TransportError,
)
from penstock.legacy import (
    AuthorizationError,
    EnumValue,
    FlowRunInfoResult,
    GraphQLResult,
    TaskRunInfoResult,
    parse_graphql,
    parse_graphql_arguments,
    with_args,
)
from penstock.settings import profiles_path, read_profiles
from penstock.states import Pending, Queued, Running, Scheduled, State, Success

pytestmark = pytest.mark.filterwarnings("ignore:client.*is deprecated:DeprecationWarning")


@pytest.fixture
def here(open_server: Served) -> Iterator[World]:
    with world(open_server) as made:
        yield made


# ---------------------------------------------------------------------------------------------------- projects and flows


def test_a_project_of_a_taken_name_is_found(here: World) -> None:
    first = here.client.create_project("p", "d")
    assert isinstance(first, str) and uuid.UUID(first)
    assert here.client.create_project("p") == first


def test_other_errors_of_creating_a_project_stay(open_server: Served) -> None:
    with Client(open_server.url, tenant_id=uuid.uuid4()) as client, pytest.raises(GraphQLError):
        client.create_project("p")


def test_an_unknown_project_is_a_value_error(here: World) -> None:
    with pytest.raises(ValueError, match=r"Project nowhere not found\. Make it with client\.project\.create"):
        here.client.register(here.flow, "nowhere")
    with pytest.raises(ValueError, match="no project 'nowhere'"):
        here.client.delete_project("nowhere")
    with pytest.raises(TypeError, match="'project_name' is a required field"):
        here.client.register(here.flow)
    assert here.client.delete_project(here.project_name) is True


def test_a_flow_registered_compressed_is_the_flow(here: World) -> None:
    flow_id = here.client.register(here.flow, here.project_name)
    plain_id = here.client.deploy(here.flow, here.project_name, compressed=False)
    first, second = (here.client.flow(id=item) for item in (flow_id, plain_id))
    assert (first.name, first.parameters, first.version) == (second.name, second.parameters, 1)
    assert second.version == 2


# -------------------------------------------------------------------------------------------------------------- flow runs


def test_the_order_of_0_8_is_told_apart(here: World) -> None:
    start = datetime(2030, 1, 10)
    run_id = here.client.create_flow_run(here.flow_id, {"a": 1}, {"x": 1}, start, "key", "nightly")
    run = here.client.flow_run(id=run_id)
    assert (run.name, run.context, run.parameters, run.idempotency_key) == (
        "nightly",
        {"a": 1},
        {"x": 1},
        "key",
    )
    assert run.scheduled_start_time == start.replace(tzinfo=UTC)
    keyed = here.client.create_flow_run(here.flow_id, None, None, None, "key")
    assert keyed == run_id


def test_the_order_of_1_4(here: World) -> None:
    class UniversalRun:
        def serialize(self) -> dict[str, Any]:
            return {"type": "UniversalRun", "labels": ["a"]}

    run_id = here.client.create_flow_run(
        here.flow_id,
        None,
        {"x": 1},
        UniversalRun(),
        ["l"],
        datetime(2030, 1, 10, tzinfo=UTC),
        "key",
        "nightly",
    )
    run = here.client.flow_run(id=run_id)
    assert (run.labels, run.run_config) == (["l"], {"type": "UniversalRun", "labels": ["a"]})
    assert (run.name, run.idempotency_key) == ("nightly", "key")


def test_without_a_key_a_random_one_is_sent(here: World) -> None:
    runs = [here.client.create_flow_run(here.flow_id) for _ in range(2)]
    assert runs[0] != runs[1]
    keys = [here.client.flow_run(id=item).idempotency_key for item in runs]
    assert all(keys) and keys[0] != keys[1]


def test_a_run_of_a_group_and_a_run_of_nothing(here: World) -> None:
    run_id = here.client.create_flow_run(version_group_id=here.group_id)
    assert str(here.client.flow_run(id=run_id).flow_id) == here.flow_id
    with pytest.raises(ValueError, match="One of flow_id or version_group_id"):
        here.client.create_flow_run()


def test_what_is_known_of_a_flow_run(here: World) -> None:
    info = here.client.get_flow_run_info(here.flow_run_id)
    assert isinstance(info, FlowRunInfoResult)
    assert (info.id, info.name, info.flow_id) == (here.flow_run_id, "rn", here.flow_id)
    assert (info.context, info.version) == ({"a": 1}, 2)
    assert info.scheduled_start_time == datetime(2020, 1, 10, tzinfo=UTC)
    assert isinstance(info.state, Running) and info.state.message == "r"
    assert info.project.name == "p"
    (task_run,) = info.task_runs
    assert isinstance(task_run, TaskRunInfoResult)
    assert (task_run.task_id, task_run.task_slug) == (here.task_id, "add-1")
    assert isinstance(task_run.state, Pending)


def test_an_unknown_run_is_a_client_error(here: World) -> None:
    with pytest.raises(ClientError, match="There is no flow_run"):
        here.client.get_flow_run_info(str(uuid.uuid4()))
    with pytest.raises(ClientError):
        here.client.get_flow_run_state(str(uuid.uuid4()))


@pytest.mark.parametrize("order", ["0.8", "1.4", "keywords"])
def test_states_in_either_order(order: str, here: World) -> None:
    state = Success(message="done", result=42)
    match order:
        case "0.8":
            back = here.client.set_flow_run_state(here.flow_run_id, 2, state)
        case "1.4":
            back = here.client.set_flow_run_state(here.flow_run_id, state, 2)
        case _:
            back = here.client.set_flow_run_state(version=2, state=state, flow_run_id=here.flow_run_id)
    assert back is state
    found = here.client.get_flow_run_state(here.flow_run_id)
    assert isinstance(found, Success) and found.result == 42
    with pytest.raises(TypeError, match="The state is missing"):
        here.client.set_flow_run_state(here.flow_run_id)


def test_where_a_tag_leaves_no_room_the_state_is_queued(here: World) -> None:
    serialized = here.flow.serialize()
    serialized["tasks"][0]["tags"] = ["db"]
    here.client.task_tag_limit.set(tag="db", limit=0)
    flow_id = here.client.flow.create(serialized, here.client.project(name=here.project_name).id).id
    run = here.client.flow(id=flow_id).run()
    run.set_state(Running())
    (task,) = here.client.flow(id=flow_id).tasks(where={"slug": {"_eq": "add-1"}})
    task_run = here.client.get_task_run_info(str(run.id), str(task.id))
    back = here.client.set_task_run_state(task_run.id, Running())
    assert isinstance(back, Queued) and back.start_time is not None
    assert back.start_time > datetime.now(UTC)
    assert here.client.update_task_tag_limit("db", 1) is None
    running = Running()
    assert here.client.set_task_run_state(task_run.id, running) is running


def test_heartbeats_never_raise(here: World) -> None:
    unknown = str(uuid.uuid4())
    here.client.update_flow_run_heartbeat(unknown)
    here.client.update_task_run_heartbeat(unknown)
    with pytest.raises(ClientError):
        here.client.flow_run(id=unknown).heartbeat()


# -------------------------------------------------------------------------------------------------------------- task runs


def test_a_task_run_is_made_once(here: World) -> None:
    first = here.client.get_task_run_info(here.flow_run_id, here.task_id, map_index=0)
    again = here.client.get_task_run_info(here.flow_run_id, here.task_id, map_index=0)
    assert first == again and first.task_slug == "add-1" and isinstance(first.state, Pending)
    other = here.client.get_task_run_info(here.flow_run_id, here.task_id)
    assert other.id == here.task_run_id != first.id
    assert here.client.get_task_run_state(other.id).is_pending()


def test_cached_states_newest_first(here: World) -> None:
    since = here.cached_since
    (state,) = here.client.get_latest_cached_states(here.task_id, None, since)
    assert state.is_cached() and state.result == 5
    assert here.client.get_latest_cached_states(here.task_id, "other", since) == []
    assert here.client.get_latest_cached_states(here.task_id, None, datetime(2100, 1, 1)) == []


# ------------------------------------------------------------------------------------------------- limits, secrets, logs


def test_limits(here: World) -> None:
    assert here.client.get_task_tag_limit("tag") is None
    here.client.update_task_tag_limit("tag", 3)
    assert here.client.get_task_tag_limit("tag") == 3
    with pytest.raises(ValueError, match="must be >= 0"):
        here.client.update_task_tag_limit("tag", -1)
    here.client.delete_task_tag_limit(here.client.task_tag_limit(tag="tag").id)
    assert here.client.get_task_tag_limit("tag") is None


def test_logs_in_both_spellings(here: World) -> None:
    moment = datetime(2020, 1, 10)
    here.client.write_run_logs(
        [
            {
                "flowRunId": here.flow_run_id,
                "taskRunId": here.task_run_id,
                "message": "a",
                "timestamp": moment,
            },
            {
                "flow_run_id": here.flow_run_id,
                "message": "b",
                "level": "INFO",
                "name": "s",
                "timestamp": moment,
            },
        ]
    )
    here.client.write_run_log(here.flow_run_id, message="c", level="ERROR", info={"n": 1})
    logs = here.client.flow_run(id=here.flow_run_id).logs(order_by=[{"message": "asc"}]).all()
    assert [(log.message, log.level) for log in logs][1:] == [("b", "INFO"), ("c", "ERROR")]
    assert str(logs[0].task_run_id) == here.task_run_id
    assert logs[0].timestamp == moment.replace(tzinfo=UTC)
    assert logs[2].get("info") == {"n": 1}


# ---------------------------------------------------------------------------------------------------------------- tenants


def test_tenants(here: World) -> None:
    with pytest.raises(ValueError, match="At least one of"):
        here.client.login_to_tenant()
    with pytest.raises(ValueError, match="must be a valid UUID"):
        here.client.login_to_tenant(tenant_id="etl")
    with pytest.raises(ValueError, match="No matching tenant found: nowhere"):
        here.client.login_to_tenant(tenant_slug="nowhere")
    with pytest.raises(ValueError, match="No matching tenant found"):
        here.client.login_to_tenant(tenant_slug=here.slug, tenant_id=str(uuid.uuid4()))
    own = str(here.client.tenant_id)
    assert here.client.login_to_tenant(tenant_slug=here.slug, tenant_id=own) is True
    assert here.client.switch_tenant(tenant_id=own) == own
    assert here.client.get_default_tenant_slug() == here.slug
    assert here.client.get_available_tenants() == [{"id": own, "slug": here.slug, "name": "w"}]
    assert here.client.get_auth_token().startswith("ps_")
    here.client.logout_from_tenant()
    assert here.client.get_auth_token() == ""


def test_a_slug_is_made_of_the_name(here: World) -> None:
    name = f"My Team: {here.slug}!"
    tenant_id = here.client.create_tenant(name)
    with Client(here.client.url) as anyone:
        assert anyone.tenant(id=tenant_id).slug == f"my-team-{here.slug}"


# --------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("method", ["save_api_token", "save_auth_to_disk"])
def test_what_is_saved_is_the_next_clients(method: str, here: World, open_server: Served) -> None:
    tenant = here.client.tenant_id
    with Client(open_server.url, api_key="pk_kept", tenant_id=tenant) as client:
        getattr(client, method)()
        assert client.load_auth_from_disk() == {"api_key": "pk_kept", "tenant_id": str(tenant)}
    assert stat.S_IMODE(profiles_path().stat().st_mode) == 0o600
    assert read_profiles(profiles_path()).profiles["default"].url == f"{open_server.url}/graphql"
    with Client() as again:
        assert again.get_auth_token() == "pk_kept" and again.tenant_id == tenant


def test_nothing_saved_is_nothing_loaded(here: World) -> None:
    assert here.client.load_auth_from_disk() == {}


def test_headers_that_are_attached_stay(here: World) -> None:
    here.client.attach_headers({"X-One": "1"})
    here.client.attach_headers({"X-Two": "2"})
    here.client.hello()
    assert {"x-one": "1", "x-two": "2"}.items() <= here.carrier.sent[-1].headers.items()


def test_addresses_of_pages(here: World, open_server: Served) -> None:
    assert here.client.get_cloud_url("flow-run", "abc") == f"{open_server.url}/{here.slug}/flow-run/abc"


def test_the_constructors_old_arguments(open_server: Served) -> None:
    with pytest.warns(DeprecationWarning, match=r"write Client\(url=…, api_key=…\)") as caught:
        by_name = Client(api_server=open_server.url, api_token="k")
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="api_server"):
        by_position = Client(open_server.url, "k", str(uuid.UUID(int=1)))
    for client in (by_name, by_position):
        with client:
            assert client.url == f"{open_server.url}/graphql"
            assert client.get_auth_token() == "k"
    assert by_position.tenant_id == uuid.UUID(int=1)
    with pytest.raises(TypeError, match="not 4 values"):
        Client(open_server.url, "k", None, "more")  # type: ignore[call-overload]


# ---------------------------------------------------------------------------------------------------------------- graphql


def test_documents_as_text_and_as_dicts(here: World) -> None:
    here.client.create_project("q")
    text = here.client.graphql('{ project(where: {name: {_eq: "q"}}) { id name tenant { slug } } }')
    assert isinstance(text, GraphQLResult)
    assert text.data.project[0].name == "q" == text["data"]["project"][0]["name"]
    assert text.data.project[0].tenant.slug == here.slug
    nested = here.client.graphql(
        {
            "query": {
                with_args(
                    "project", {"where": {"name": {"_eq": "q"}}, "order_by": {"name": EnumValue("asc")}}
                ): {
                    "id": True,
                    "name": True,
                    "description": False,
                    "tenant": {"slug"},
                }
            }
        }
    )
    assert nested == text
    found = here.client.graphql(
        "query ($name: String!) { project(where: {name: {_eq: $name}}) { name } }", variables={"name": "q"}
    )
    assert found.data.project == [{"name": "q"}]


def test_errors_are_raised_or_handed_over(here: World) -> None:
    with pytest.raises(ClientError, match="nope"):
        here.client.graphql("{ nope }")
    result = here.client.graphql("{ nope }", raise_on_error=False)
    assert result.data is None and "nope" in result.errors[0].message
    assert AuthorizationError is AuthenticationError


def test_headers_and_token_of_one_call(here: World) -> None:
    here.client.graphql("{ hello }", headers={"X-One": "1"}, token="other", retry_on_api_error=False)
    sent = here.carrier.sent[-1].headers
    assert (sent["x-one"], sent["authorization"]) == ("1", "Bearer other")
    here.client.graphql("{ hello }")
    assert "x-one" not in here.carrier.sent[-1].headers


def test_a_result_is_a_dict_with_attributes() -> None:
    from penstock.legacy.results import graphql_result

    result = graphql_result({"data": {"items": [1], "flow": [{"name": "a", "tags": ["x"]}]}})
    assert result.data.flow[0].tags == ["x"]
    assert result.data["items"] == [1]
    with pytest.raises(AttributeError, match="has no 'nope'; it has 'items', 'flow'"):
        result.data.nope  # noqa: B018
    result.more = 1
    assert result["more"] == 1 and "more" in dir(result)
    del result.more
    with pytest.raises(AttributeError):
        del result.more
    assert json.loads(str(result)) == result
    assert not hasattr(result, "__html__")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("query { a }", "query { a }"),
        ({"query": {"a": {"b", "c"}}}, "query {\n    a {\n        b\n        c\n    }\n}"),
        ({"query": ["a", "b"]}, "query {\n    a\n    b\n}"),
        ({"query": "a"}, "query {\n    a\n}"),
        ({"query": {"a": {"b": True, "c": None}}}, "query {\n    a {\n        b\n    }\n}"),
        ({EnumValue("query"): ("a",)}, "query {\n    a\n}"),
    ],
)
def test_documents_become_text(document: Any, text: str) -> None:
    assert parse_graphql(document) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        ([1, "a"], '[1, "a"]'),
        ({"a": {"b": []}}, "{ a: { b: [] } }"),
        ({}, "{}"),
        ({"b", "a"}, '["a", "b"]'),
        (EnumValue("asc"), "asc"),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (datetime(2020, 1, 10, tzinfo=UTC), '"2020-01-10T00:00:00+00:00"'),
    ],
)
def test_arguments_become_literals(value: Any, text: str) -> None:
    assert parse_graphql_arguments({"x": value}) == f"x: {text}"


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="int is none of them"):
        parse_graphql({"query": {"a": 3}})
    with pytest.raises(TypeError, match="object has no form"):
        with_args("a", {"x": object()})
    with pytest.raises(TypeError, match="a dict by name, not list"):
        with_args("a", [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no name"):
        EnumValue("asc) { id } #")
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(ValueError, match="does it hold itself"):
        parse_graphql(endless)
    with pytest.raises(ValueError, match="do they hold themselves"):
        with_args("a", endless)


# -------------------------------------------------------------------------------------------------------------- raw HTTP


@pytest.fixture
def rest() -> Iterator[str]:
    """A server with a REST side: it tells what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = int(self.path.rpartition("/")[2]) if self.path.startswith("/status/") else 200
            size = int(self.headers.get("Content-Length") or 0)
            body = {
                "method": self.command,
                "path": self.path,
                "sent": json.loads(self.rfile.read(size)) if size else None,
                "key": self.headers.get("Authorization"),
            }
            content = b"<html>" if self.path == "/html" else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_raw_requests(rest: str) -> None:
    with Client(rest, api_key="k") as client:
        assert client.get("/a/b", params={"x": 1}) == {
            "method": "GET",
            "path": "/a/b?x=1",
            "sent": None,
            "key": "Bearer k",
        }
        posted = client.post("a", params={"x": 1}, token="t")
        assert (posted["method"], posted["path"], posted["sent"]) == ("POST", "/a", {"x": 1})
        assert posted["key"] == "Bearer t"
        with pytest.raises(AuthenticationError, match="wants another token"):
            client.get("/status/401")
        with pytest.raises(HTTPStatusError, match="HTTP 404") as raised:
            client.get("/status/404")
        assert raised.value.status_code == 404
        with pytest.raises(ClientError, match="no JSON"):
            client.get("/html")
    with Client("http://127.0.0.1:9", api_key="k") as client:
        # Another server has no business with this one's key.
        assert client.get("/a", server=rest)["key"] is None
        with pytest.raises(TransportError, match="cannot be reached"):
            client.get("/a")


def test_the_shims_share_the_clients_carrier(open_server: Served) -> None:
    with Recorder() as carrier:
        with Client(open_server.url, http_client=carrier) as client:
            client.graphql("{ hello }")
        assert len(carrier.sent) == 1


def test_not_found_is_not_hidden(here: World) -> None:
    with pytest.raises(NotFound):
        here.client.get_agent_config(str(uuid.uuid4()))
    assert isinstance(State.deserialize(Scheduled().serialize()), Scheduled)
