"""The clients: settings, options for one call, closing, raw documents, many threads, and servers that answer oddly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.runtime.misbehaving import Misbehaving, Reply, misbehaving_server, unused_port

from penstock import (
    ActionFailed,
    AsyncClient,
    Client,
    ClientError,
    GraphQLError,
    HTTPStatusError,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from tests.sdk.recording import Requests
    from tests.sdk.server_process import ServerProcess

    from penstock import Flow, Project


@pytest.fixture(scope="module")
def odd_server() -> Iterator[Misbehaving]:
    with misbehaving_server() as running:
        yield running


@pytest.fixture
def odd(odd_server: Misbehaving) -> Iterator[Client]:
    """A client of a server that answers as it is told; nothing is tried again."""
    with Client(odd_server.url, retries=0, tenant_id=UUID(int=1)) as made:
        yield made


# ------------------------------------------------------------------------------------------------------------- settings


def test_a_url_without_a_path_means_its_graphql() -> None:
    for given, expected in (
        ("http://127.0.0.1:4200", "http://127.0.0.1:4200/graphql"),
        ("http://127.0.0.1:4200/", "http://127.0.0.1:4200/graphql"),
        ("https://api.example/v2", "https://api.example/v2"),
    ):
        with Client(given) as client:
            assert client.url == expected
            assert repr(client) == f"Client(url={expected!r})"


def test_the_local_server_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_URL", raising=False)
    with Client() as client:
        assert client.url == "http://127.0.0.1:4200/graphql"


@pytest.mark.parametrize("url", ["localhost:4200", "ftp://x", "http://"])
def test_a_url_that_is_none_is_refused_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_URL", url)
    with pytest.raises(ValueError, match=r"it should look like http://127\.0\.0\.1:4200.*PENSTOCK_URL"):
        Client()
    with pytest.raises(ValueError, match="it should look like"):
        AsyncClient(url)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    for made in (Client, AsyncClient):
        with pytest.raises(ValueError, match="Authorization cannot be sent") as caught:
            made(api_key="s3cr3t\nvalue")
        assert "s3cr3t" not in str(caught.value)


def test_headers_of_the_callers_own_win(server: ServerProcess, requests: Requests) -> None:
    from tests.sdk.recording import RecordingTransport

    with httpx.Client(transport=RecordingTransport(requests)) as http:
        client = Client(
            server.url, api_key="k", headers={"user-agent": "mine/1", "X-Trace": "7"}, http_client=http
        )
        client.hello()
        sent = requests.only().headers
        assert (sent["user-agent"], sent["x-trace"], sent["authorization"]) == ("mine/1", "7", "Bearer k")
        client.with_options(headers={"x-trace": "8"}).hello()
        assert requests.only().headers["x-trace"] == "8"


# -------------------------------------------------------------------------------------------------------------- sending


def test_execute_sends_a_document_as_it_is(client: Client, project: Project, requests: Requests) -> None:
    document = "query ($name: String!) { project(where: {name: {_eq: $name}}) { id  n: name } }"
    found = client.execute(document, {"name": project.name})
    assert found == {"project": [{"id": str(project.id), "n": project.name}]}
    assert requests.only().document == document
    with pytest.raises(GraphQLError, match=r"execute: .*nmae"):
        client.execute("{ project { nmae } }")


def test_a_client_is_shared_by_threads(client: Client, registered: Flow, project: Project) -> None:
    def work(number: int) -> tuple[str, str, UUID]:
        handle = client.flow(id=registered.id)
        run = handle.run(parameters={"x": number})
        return handle.name, handle.project.name, run.id

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(24)))
    assert {(name, project_name) for name, project_name, _ in results} == {("add", project.name)}
    assert len({run for _, _, run in results}) == 24


def test_one_handle_read_by_threads(client: Client, registered: Flow) -> None:
    handle = client.flow(id=registered.id)
    barrier = threading.Barrier(8)

    def read(_: int) -> tuple[str, Any]:
        barrier.wait(timeout=10)
        return handle.name, handle.serialized_flow

    with ThreadPoolExecutor(8) as pool:
        for name, serialized in pool.map(read, range(8)):
            assert name == "add"
            assert serialized["name"] == "add"


def test_closing(server: ServerProcess) -> None:
    client = Client(server.url)
    assert client.hello()
    client.with_options(timeout=1).close()
    assert client.hello()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.hello()
    with httpx.Client() as mine:
        with Client(server.url, http_client=mine) as client:
            assert client.hello()
        assert not mine.is_closed


def test_nothing_listens() -> None:
    port = unused_port()
    with Client(f"http://127.0.0.1:{port}", retries=0) as client:
        with pytest.raises(
            TransportError, match=f"flow_get: http://127.0.0.1:{port}/graphql cannot be reached"
        ):
            client.flow(id=uuid4()).refresh()
        # The tenant cannot be found out either: the reason is told, not that it is missing.
        with pytest.raises(TransportError, match="auth_info"):
            client.project.create("etl")


# ------------------------------------------------------------------------------------------------------- odd answers

KNOWN = UUID(int=7)
MOMENT = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(b"<html>Log in</html>"), InvalidResponse, "flow_get is no JSON .it is HTML"),
        (Reply(b"<html>Bad gateway</html>", status=502), HTTPStatusError, "HTTP 502.*it is HTML"),
        (Reply(b""), InvalidResponse, "it is empty"),
        (Reply({"data": None}), InvalidResponse, "neither data nor errors"),
        (Reply({"data": {"flow_by_pk": None}}), NotFound, "There is no flow with id"),
        (
            Reply({"data": {"flow_by_pk": {"id": str(KNOWN)}}}),
            InvalidResponse,
            r"at data\.flow_by_pk\.\w+: field required",
        ),
        (Reply(b"", status=429, headers={"Retry-After": "7"}), RateLimited, "try again in 7 seconds"),
        (Reply(b"", status=403), PermissionDenied, "403"),
        (
            Reply({"errors": [{"message": "broken", "path": ["flow_by_pk"]}]}, status=500),
            GraphQLError,
            "^flow_get: broken$",
        ),
        (Reply(cut=True), TransportError, "cannot be reached"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_odd_answers(
    odd: Client, odd_server: Misbehaving, reply: Reply, error: type[ClientError], message: str
) -> None:
    odd_server.script(reply)
    flow = odd.flow(id=KNOWN)
    with pytest.raises(error, match=message) as caught:
        flow.refresh()
    assert isinstance(caught.value, ClientError)
    assert len(odd_server.received) == 1
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 7.0


def test_a_slow_answer(odd: Client, odd_server: Misbehaving) -> None:
    odd_server.script(Reply(delay=0.5))
    with pytest.raises(RequestTimeout, match=r"did not answer within 0\.1 seconds"):
        odd.with_options(timeout=0.1).hello()


def test_an_action_that_failed_says_why(odd: Client, odd_server: Misbehaving) -> None:
    odd_server.script(Reply({"data": {"archive_flow": {"success": False, "error": "It has runs."}}}))
    with pytest.raises(ActionFailed, match=r"^flow_archive failed: It has runs\.$") as caught:
        odd.flow(id=KNOWN).archive()
    assert (caught.value.action, caught.value.reasons) == ("flow_archive", ("It has runs.",))


def test_a_mutation_is_sent_once_and_one_with_a_key_again(
    odd_server: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("penstock_api._runtime.transport.time.sleep", slept.append)
    with Client(odd_server.url, tenant_id=UUID(int=1)) as client:
        created = Reply({"data": {"create_flow_run": {"id": str(KNOWN)}}})
        odd_server.script(Reply(reset=True), created)
        with pytest.raises(TransportError):
            client.flow(id=KNOWN).run()
        odd_server.script(Reply(reset=True), created)
        assert client.flow(id=KNOWN).run(idempotency_key="once").id == KNOWN
        assert len(odd_server.received) == 2
        assert len(slept) == 1


def test_what_a_newer_server_adds_never_fails_an_answer(odd: Client, odd_server: Misbehaving) -> None:
    entry = {
        "id": str(KNOWN),
        "tenant_id": None,
        "flow_run_id": str(KNOWN),
        "task_run_id": None,
        "timestamp": MOMENT,
        "level": "TRACE",
        "name": None,
        "message": "fine",
        "is_loaded_from_archive": False,
        "created": MOMENT,
        "updated": MOMENT,
        "new_field": {"deep": True},
    }
    odd_server.script(Reply({"data": {"log": [entry]}, "extensions": {"cost": 1}}))
    (read,) = odd.log.list(limit=1)
    assert read.level == "TRACE"
    assert read.message == "fine"
    shown = json.loads(str(read))
    assert shown["level"] == "TRACE"
    assert "new_field" not in shown


def test_errors_hold_no_value_of_an_answer(odd: Client, odd_server: Misbehaving) -> None:
    odd_server.script(Reply({"data": {"flow_by_pk": {"id": "s3cr3t-value"}}}))
    with pytest.raises(InvalidResponse) as caught:
        odd.flow(id=KNOWN).refresh()
    assert "s3cr3t" not in str(caught.value)
    assert "data.flow_by_pk" in caught.value.path
