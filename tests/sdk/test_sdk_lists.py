"""Lists over a real server: what is asked for when, filters and orders, the lists of an object, and counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from penstock import Flow, FlowRun, GraphQLError, Project
from penstock_api.enums import LogLevel

if TYPE_CHECKING:
    from tests.sdk.recording import Requests

    from penstock import Client
    from penstock_api.inputs import FlowRunBoolExp, WriteRunLogInput

RUNS = 7


@pytest.fixture
def runs(registered: Flow, requests: Requests) -> list[FlowRun]:
    """Seven runs of `registered`, named "run 0" to "run 6"."""
    made = [registered.run(parameters={"x": number}, flow_run_name=f"run {number}") for number in range(RUNS)]
    requests.clear()
    return made


def names(found: list[FlowRun]) -> list[str | None]:
    return [run.name for run in found]


def test_a_list_is_fetched_as_it_is_read(
    client: Client, registered: Flow, runs: list[FlowRun], requests: Requests
) -> None:
    listed = client.flow_run.list(
        where={"flow_id": {"_eq": str(registered.id)}}, order_by=[{"name": "asc"}], page_size=3
    )
    assert requests.take() == []
    seen = []
    for run in listed:
        seen.append(run.name)
        if len(seen) == 4:
            break
    assert seen == ["run 0", "run 1", "run 2", "run 3"]
    windows = [(sent.variables["offset"], sent.variables["limit"]) for sent in requests.all]
    assert windows == [(0, 3), (3, 3)]
    requests.clear()
    # Its elements are loaded: reading them asks for nothing.
    everything = listed.all()
    assert len(everything) == RUNS
    assert requests.take() == ["flow_run_list"] * 3
    assert [run.flow.name for run in everything] == ["add"] * RUNS
    assert all(run.state == "Scheduled" for run in everything)
    assert everything == runs
    assert requests.take() == []


def test_limit_offset_and_pages(
    client: Client, registered: Flow, runs: list[FlowRun], requests: Requests
) -> None:
    def listed(limit: int | None = None, offset: int = 0, page_size: int = 100) -> list[str | None]:
        return names(
            client.flow_run.list(
                where={"flow_id": {"_eq": str(registered.id)}},
                order_by=[{"name": "desc"}],
                limit=limit,
                offset=offset,
                page_size=page_size,
            ).all()
        )

    assert listed(limit=2, offset=1) == ["run 5", "run 4"]
    assert requests.take() == ["flow_run_list"]
    assert listed(offset=5) == ["run 1", "run 0"]
    assert listed(offset=RUNS) == []
    assert listed(limit=0) == []
    assert requests.take() == ["flow_run_list"] * 2
    assert len(listed(page_size=RUNS)) == RUNS
    assert requests.take() == ["flow_run_list"] * 2
    assert len(listed(limit=RUNS, page_size=RUNS)) == RUNS
    assert requests.take() == ["flow_run_list"]
    pages = registered.runs(order_by=[{"name": "asc"}], page_size=3).pages()
    assert [names(page) for page in pages] == [
        ["run 0", "run 1", "run 2"],
        ["run 3", "run 4", "run 5"],
        ["run 6"],
    ]


def test_first(client: Client, registered: Flow, runs: list[FlowRun], requests: Requests) -> None:
    newest = registered.runs(order_by=[{"name": "desc"}]).first()
    assert newest is not None
    assert newest.name == "run 6"
    assert requests.only().variables["limit"] == 1
    assert registered.runs(where={"name": {"_eq": "none such"}}).first() is None


def test_the_lists_of_an_object(
    client: Client, registered: Flow, project: Project, runs: list[FlowRun], requests: Requests
) -> None:
    assert set(registered.runs()) == set(runs)
    sent = requests.only()
    assert sent.name == "flow_runs"
    assert sent.variables == {"flow_id": str(registered.id), "limit": 100, "offset": 0}
    assert [task.name for task in registered.tasks()] == ["add"]
    assert [version.version for version in registered.versions()] == [1]
    assert registered.edges().all() == []
    assert project.flows().all() == [registered]
    run = runs[0]
    assert [task_run.state for task_run in run.task_runs()] == ["Pending"]
    assert [state.state for state in run.states()] == ["Scheduled"]
    assert len(requests.take()) == 6


def test_logs_come_in_their_order(client: Client, runs: list[FlowRun], requests: Requests) -> None:
    run = runs[0]
    lines: list[tuple[LogLevel, str]] = [
        (LogLevel.WARNING, "second"),
        (LogLevel.INFO, "first"),
        (LogLevel.ERROR, "third"),
    ]
    seconds = {"first": 1, "second": 2, "third": 3}
    entries: list[WriteRunLogInput] = [
        {
            "flow_run_id": run.id,
            "level": level,
            "message": message,
            "timestamp": datetime(2026, 1, 1, second=seconds[message], tzinfo=UTC),
        }
        for level, message in lines
    ]
    client.log.write(entries)
    found = run.logs().all()
    assert [entry.message for entry in found] == ["first", "second", "third"]
    assert [entry.level for entry in found] == [LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR]
    assert requests.take() == ["log_write", "flow_run_logs"]
    bad = run.logs(where={"level": {"_in": ["WARNING", "ERROR"]}}, order_by=[{"timestamp": "desc"}])
    assert [entry.message for entry in bad] == ["third", "second"]
    assert client.log.count(where={"flow_run_id": {"_eq": run.id}}) == 3


def test_counts(client: Client, registered: Flow, runs: list[FlowRun], requests: Requests) -> None:
    assert client.flow_run.count(where={"flow_id": {"_eq": registered.id}}) == RUNS
    runs[0].cancel()
    requests.clear()
    where: FlowRunBoolExp = {"flow_id": {"_eq": registered.id}, "state": {"_eq": "Scheduled"}}
    assert client.flow_run.count(where=where) == RUNS - 1
    assert requests.take() == ["flow_run_count"]


def test_filters_go_through_relations_and_combine(
    client: Client, registered: Flow, project: Project, runs: list[FlowRun]
) -> None:
    found = client.flow_run.list(
        where={
            "flow": {"project": {"name": {"_eq": project.name}}},
            "_or": [{"name": {"_like": "%0"}}, {"name": {"_in": ["run 3", "run 5"]}}],
            "_not": {"name": {"_eq": "run 5"}},
        },
        order_by=[{"flow": {"name": "asc"}}, {"name": "desc"}],
    )
    assert names(found.all()) == ["run 3", "run 0"]


def test_ids_and_moments_are_values_of_a_filter(
    client: Client, registered: Flow, runs: list[FlowRun]
) -> None:
    created = runs[0].created
    found = client.flow_run.list(
        where={"id": {"_in": [runs[0].id, str(runs[1].id)]}, "created": {"_gte": created}}
    )
    assert set(found) == set(runs[:2])


def test_a_filter_that_the_server_refuses(client: Client, requests: Requests) -> None:
    with pytest.raises(GraphQLError, match=r"flow_list: .*nmae") as caught:
        client.flow.list(where={"nmae": {"_eq": "x"}}).all()  # type: ignore[arg-type]
    assert caught.value.operation == "flow_list"
    assert caught.value.errors[0]["message"] in str(caught.value)
    assert requests.take() == ["flow_list"]


def test_the_list_of_an_object_that_is_not_there(client: Client) -> None:
    with pytest.raises(LookupError, match="There is no flow_run with id"):
        client.flow_run(id=uuid4()).logs().all()


def test_distinct_on_keeps_the_first(client: Client, registered: Flow, runs: list[FlowRun]) -> None:
    found = registered.runs(distinct_on=["flow_id"], order_by=[{"flow_id": "asc"}, {"name": "desc"}])
    assert names(found.all()) == ["run 6"]
