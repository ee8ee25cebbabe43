"""What each mutation does, on both databases."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.server.api import FLOW, Api, Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def moment(text: str) -> datetime:
    """A time of the API."""
    return datetime.fromisoformat(text)


class TestProjectsAndTenants:
    def test_a_project_is_made_renamed_described_and_deleted(self, api: Api) -> None:
        key = api.do("create_project", tenant_id=api.tenant_id, name="one", description="first")
        assert api.do("set_project_name", project_id=key, name="two") == key
        assert api.do("set_project_description", project_id=key, description=None) == key
        assert api.by_id("project", key, "name description tenant { id }") == {
            "name": "two",
            "description": None,
            "tenant": {"id": api.tenant_id},
        }
        assert api.do("delete_project", "success", project_id=key) is True
        with pytest.raises(KeyError):
            api.by_id("project", key, "id")

    def test_a_project_name_is_unique_and_the_error_says_so_in_the_words_old_clients_look_for(
        self, api: Api
    ) -> None:
        api.do("create_project", tenant_id=api.tenant_id, name="one")
        with pytest.raises(Refused, match="Uniqueness violation") as refused:
            api.do("create_project", tenant_id=api.tenant_id, name="one")
        assert refused.value.status == 200
        assert refused.value.code == "ALREADY_EXISTS"
        with pytest.raises(Refused, match="not blank"):
            api.do("create_project", tenant_id=api.tenant_id, name=" ")

    def test_deleting_a_project_takes_everything_in_it_along(self, api: Api) -> None:
        project_id = api.project()
        run = api.run(api.flow(project_id=project_id))
        api.do("write_run_logs", "success", logs=[{"flow_run_id": run, "message": "m"}])
        api.do("delete_project", "success", project_id=project_id)
        for table in (
            "flow",
            "task",
            "edge",
            "flow_run",
            "flow_run_state",
            "task_run",
            "task_run_state",
            "log",
        ):
            answer = api.ask(f"{{ {table}_aggregate {{ aggregate {{ count }} }} }}")
            assert answer[f"{table}_aggregate"]["aggregate"]["count"] == 0, table

    def test_a_tenant_is_changed_and_deleted_only_on_purpose(self, api: Api) -> None:
        tenant_id, slug = api.tenant_id, f"s-{uuid4().hex}"
        assert api.do("update_tenant_name", tenant_id=tenant_id, name="new name") == tenant_id
        assert api.do("update_tenant_slug", tenant_id=tenant_id, slug=slug) == tenant_id
        api.do("update_tenant_settings", tenant_id=tenant_id, settings={"a": 1, "b": 1})
        api.do("update_tenant_settings", tenant_id=tenant_id, settings={"b": 2})
        expected = {"name": "new name", "slug": slug, "settings": {"a": 1, "b": 2}}
        assert api.by_id("tenant", tenant_id, "name slug settings") == expected
        with pytest.raises(Refused, match="is not a slug"):
            api.do("update_tenant_slug", tenant_id=tenant_id, slug="No Slug")
        with pytest.raises(Refused, match="confirm"):
            api.do("delete_tenant", "success", tenant_id=tenant_id, confirm=False)
        api.run()
        assert api.do("delete_tenant", "success", tenant_id=tenant_id, confirm=True) is True
        assert api.ask("{ tenant { id } flow_run { id } }") == {"tenant": [], "flow_run": []}

    def test_a_slug_is_taken_once(self, api: Api) -> None:
        slug = f"s-{uuid4().hex}"
        api.do("create_tenant", name="a", slug=slug)
        with pytest.raises(Refused, match="Uniqueness violation"):
            api.do("create_tenant", name="b", slug=slug)


class TestFlows:
    def test_a_flow_keeps_what_its_serialized_form_says(self, api: Api) -> None:
        flow = api.by_id(
            "flow",
            api.flow(),
            "name version archived parameters run_config core_version is_schedule_active serialized_flow "
            "tasks(order_by: {slug: asc}) { slug max_retries retry_delay tags mapped cache_key is_root_task "
            "is_terminal_task is_reference_task upstream_edges { upstream_task { slug } } } flow_group { settings }",
        )
        assert (flow["name"], flow["version"], flow["archived"], flow["core_version"]) == (
            "etl",
            1,
            False,
            "1.4.1",
        )
        assert flow["parameters"] == FLOW["parameters"]
        assert "tasks" not in flow["serialized_flow"]
        extract, load, parameter = flow["tasks"]
        assert extract["retry_delay"] == "00:01:30"
        assert extract["max_retries"] == 2
        assert [task["mapped"] for task in flow["tasks"]] == [False, True, False]
        assert [task["is_root_task"] for task in flow["tasks"]] == [False, False, True]
        assert [task["is_terminal_task"] for task in flow["tasks"]] == [False, True, False]
        assert [task["is_reference_task"] for task in flow["tasks"]] == [False, True, False]
        assert load["upstream_edges"] == [{"upstream_task": {"slug": "extract-1"}}]
        assert load["cache_key"] == "k"
        assert parameter["tags"] == []
        assert flow["flow_group"]["settings"] == {
            "heartbeat_enabled": True,
            "lazarus_enabled": True,
            "version_locking_enabled": False,
        }

    def test_versions_count_within_a_version_group(self, api: Api) -> None:
        project_id, group = api.project(), f"g-{uuid4().hex}"
        keys = [api.flow(project_id=project_id, version_group_id=group) for _ in range(3)]
        flows = [api.by_id("flow", key, "version version_group_id flow_group_id") for key in keys]
        assert [flow["version"] for flow in flows] == [1, 2, 3]
        assert {flow["version_group_id"] for flow in flows} == {group}
        assert len({flow["flow_group_id"] for flow in flows}) == 1

    def test_without_a_version_group_the_name_within_the_project_counts(self, api: Api) -> None:
        project_id = api.project()
        first, second = api.flow(project_id=project_id), api.flow(project_id=project_id)
        elsewhere = api.flow()
        versions = [api.by_id("flow", key, "version")["version"] for key in (first, second, elsewhere)]
        assert versions == [1, 2, 1]

    def test_the_last_idempotency_key_registers_nothing_again(self, api: Api) -> None:
        project_id = api.project()
        first = api.flow(project_id=project_id, idempotency_key="a")
        assert api.flow(project_id=project_id, idempotency_key="a") == first
        second = api.flow(project_id=project_id, idempotency_key="b")
        assert second != first
        assert api.flow(project_id=project_id, idempotency_key="a") not in (first, second)

    def test_a_compressed_flow_is_the_same(self, api: Api) -> None:
        packed = base64.b64encode(gzip.compress(json.dumps(FLOW).encode())).decode()
        key = api.do("create_flow_from_compressed_string", serialized_flow=packed, project_id=api.project())
        assert len(api.by_id("flow", key, "tasks { id }")["tasks"]) == 3
        with pytest.raises(Refused, match="gzip"):
            api.do("create_flow_from_compressed_string", serialized_flow="bm8=", project_id=api.project())

    def test_tasks_and_edges_can_come_in_batches(self, api: Api) -> None:
        bare = {key: value for key, value in FLOW.items() if key not in ("tasks", "edges")}
        key = api.flow(serialized=bare)
        api.do("register_tasks", "success", flow_id=key, serialized_tasks=FLOW["tasks"][:2])
        api.do("register_tasks", "success", flow_id=key, serialized_tasks=FLOW["tasks"][1:])
        api.do("register_edges", "success", flow_id=key, serialized_edges=FLOW["edges"])
        tasks = api.by_id("flow", key, "tasks(order_by: {slug: asc}) { slug is_terminal_task } edges { id }")
        assert [task["is_terminal_task"] for task in tasks["tasks"]] == [False, True, False]
        assert len(tasks["edges"]) == 2
        with pytest.raises(Refused, match="no such task"):
            edge = {"upstream_task": {"slug": "nope"}, "downstream_task": {"slug": "x"}}
            api.do("register_edges", "success", flow_id=key, serialized_edges=[edge])

    def test_archiving_deletes_what_is_still_scheduled(self, api: Api) -> None:
        key = api.flow()
        waiting, started = api.run(key), api.run(key)
        api.set_run(started, "Running")
        api.do("archive_flow", "success", flow_id=key)
        flow = api.by_id("flow", key, "archived is_schedule_active flow_runs { id }")
        assert flow == {"archived": True, "is_schedule_active": False, "flow_runs": [{"id": started}]}
        assert waiting != started
        with pytest.raises(Refused, match="archived"):
            api.run(key)

    def test_a_flow_moves_to_another_project_and_goes(self, api: Api) -> None:
        key, target = api.flow(), api.project()
        assert api.do("update_flow_project", flow_id=key, project_id=target) == key
        assert api.by_id("flow", key, "project { id }")["project"]["id"] == target
        api.do("delete_flow", "success", flow_id=key)
        with pytest.raises(Refused, match=r"No flow .* exists"):
            api.do("delete_flow", "success", flow_id=key)

    @pytest.mark.parametrize(
        ("mutation", "setting", "value"),
        [
            ("disable_flow_heartbeat", "heartbeat_enabled", False),
            ("enable_flow_heartbeat", "heartbeat_enabled", True),
            ("disable_flow_lazarus_process", "lazarus_enabled", False),
            ("enable_flow_lazarus_process", "lazarus_enabled", True),
        ],
    )
    def test_services_are_switched_per_group(
        self, api: Api, mutation: str, setting: str, value: bool
    ) -> None:
        key = api.flow()
        api.do(mutation, "success", flow_id=key)
        assert api.by_id("flow", key, "flow_group { settings }")["flow_group"]["settings"][setting] is value

    @pytest.mark.parametrize("serialized", [[], {"name": ""}, {"name": "f", "parameters": [1]}, {"name": 1}])
    def test_what_is_no_flow_is_refused_with_a_sentence(self, api: Api, serialized: object) -> None:
        with pytest.raises(Refused) as refused:
            api.do("create_flow", serialized_flow=serialized, project_id=api.project())
        assert refused.value.code == "BAD_USER_INPUT"


class TestFlowGroups:
    def test_a_group_gives_its_flows_labels_parameters_and_a_run_config(self, api: Api) -> None:
        key = api.flow()
        group = api.by_id("flow", key, "flow_group_id")["flow_group_id"]
        assert api.by_id("flow_run", api.run(key), "labels")["labels"] == ["linux"]
        api.do("set_flow_group_labels", "success", flow_group_id=group, labels=["b", "a", "b"])
        api.do("set_flow_group_description", "success", flow_group_id=group, description="d")
        api.do(
            "set_flow_group_default_parameters", "success", flow_group_id=group, parameters={"x": 9, "y": 1}
        )
        api.do("set_flow_group_run_config", "success", flow_group_id=group, run_config={"type": "LocalRun"})
        run = api.by_id("flow_run", api.run(key, parameters={"y": 5}), "labels parameters run_config")
        assert run == {
            "labels": ["a", "b"],
            "parameters": {"x": 9, "y": 5},
            "run_config": {"type": "LocalRun"},
        }
        given = api.run(key, labels=["z"], run_config={"type": "DockerRun", "labels": ["c"]})
        assert api.by_id("flow_run", given, "labels run_config")["labels"] == ["z"]
        configured = api.run(key, run_config={"type": "DockerRun", "labels": ["c"]})
        assert api.by_id("flow_run", configured, "labels")["labels"] == ["c"]
        api.do("set_flow_group_labels", "success", flow_group_id=group, labels=None)
        api.do("set_flow_group_run_config", "success", flow_group_id=group, run_config=None)
        assert api.by_id("flow_run", api.run(key), "labels run_config")["labels"] == ["linux"]
        assert api.by_id("flow_group", group, "description")["description"] == "d"
        api.do("delete_flow_group", "success", flow_group_id=group)
        assert api.ask("{ flow { id } flow_run { id } }") == {"flow": [], "flow_run": []}

    def test_a_schedule_makes_ten_runs_in_its_time_zone_and_takes_them_back(self, api: Api) -> None:
        key = api.flow(set_schedule_active=True)
        group = api.by_id("flow", key, "flow_group_id")["flow_group_id"]
        api.do(
            "set_flow_group_schedule",
            "success",
            flow_group_id=group,
            cron_clocks=[{"cron": "30 9 * * *", "parameter_defaults": {"x": 7}}],
            timezone="America/New_York",
        )
        listed = "flow_runs(order_by: {scheduled_start_time: asc}) { scheduled_start_time auto_scheduled parameters }"
        runs = api.by_id("flow", key, listed)["flow_runs"]
        assert len(runs) == 10
        assert all(run["auto_scheduled"] and run["parameters"] == {"x": 7} for run in runs)
        times = [moment(run["scheduled_start_time"]) for run in runs]
        assert {(time.hour, time.minute) for time in times} <= {(13, 30), (14, 30)}
        assert all(
            timedelta(hours=23) <= later - sooner <= timedelta(hours=25) for sooner, later in pairwise(times)
        )
        api.do("set_schedule_inactive", "success", flow_id=key)
        assert api.by_id("flow", key, "is_schedule_active flow_runs { id }") == {
            "is_schedule_active": False,
            "flow_runs": [],
        }
        api.do("set_schedule_active", "success", flow_id=key)
        assert len(api.by_id("flow", key, listed)["flow_runs"]) == 10
        api.do("delete_flow_group_schedule", "success", flow_group_id=group)
        assert api.by_id("flow", key, listed)["flow_runs"] == []

    def test_a_schedule_that_cannot_work_is_refused(self, api: Api) -> None:
        key = api.flow()
        group = api.by_id("flow", key, "flow_group_id")["flow_group_id"]
        hourly = {"interval": 3600}
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"cron_clocks": [{"cron": "never"}]}, "no cron expression"),
            ({"cron_clocks": [{"cron": "0 0 31 2 *"}]}, "no cron expression"),
            ({"interval_clocks": [{"interval": 5}]}, "the least is 60"),
            ({"interval_clocks": [hourly], "timezone": "Mars/Olympus"}, "no time zone"),
            ({}, "at least one clock"),
        ]
        for fields, words in wrong:
            with pytest.raises(Refused, match=words):
                api.do("set_flow_group_schedule", "success", flow_group_id=group, **fields)
        api.do("set_flow_group_schedule", "success", flow_group_id=group, interval_clocks=[hourly])
        with pytest.raises(Refused, match="required parameters x"):
            api.do("set_schedule_active", "success", flow_id=key)


class TestFlowRuns:
    def test_a_new_run_is_scheduled_with_a_pending_task_run_for_each_task(self, api: Api) -> None:
        run = api.by_id(
            "flow_run",
            api.run(flow_run_name="nightly", context={"a": 1}, scheduled_start_time="2030-01-01T00:00:00"),
            "name state version context auto_scheduled scheduled_start_time state_start_time serialized_state "
            "states { state version } task_runs { state version map_index states { state } }",
        )
        assert (run["name"], run["state"], run["version"], run["context"]) == (
            "nightly",
            "Scheduled",
            1,
            {"a": 1},
        )
        assert (
            moment(run["scheduled_start_time"])
            == moment(run["state_start_time"])
            == datetime(2030, 1, 1, tzinfo=UTC)
        )
        assert run["serialized_state"]["type"] == "Scheduled"
        assert run["states"] == [{"state": "Scheduled", "version": 1}]
        pending = {"state": "Pending", "version": 1, "map_index": -1, "states": [{"state": "Pending"}]}
        assert run["task_runs"] == [pending] * 3

    def test_an_idempotency_key_makes_one_run_per_flow(self, api: Api) -> None:
        key, other = api.flow(), api.flow()
        first = api.run(key, idempotency_key="k")
        assert api.run(key, idempotency_key="k", parameters={}) == first
        assert api.run(other, idempotency_key="k") != first

    def test_a_version_group_runs_its_newest_unarchived_flow(self, api: Api) -> None:
        project_id, group = api.project(), f"g-{uuid4().hex}"
        first = api.flow(project_id=project_id, version_group_id=group)
        second = api.flow(project_id=project_id, version_group_id=group)
        run = api.do("create_flow_run", version_group_id=group, parameters={"x": 1})
        assert api.by_id("flow_run", run, "flow_id")["flow_id"] == second
        api.do("archive_flow", "success", flow_id=second)
        run = api.do("create_flow_run", version_group_id=group, parameters={"x": 1})
        assert api.by_id("flow_run", run, "flow_id")["flow_id"] == first

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"parameters": {}}, "Required parameters were not given: x"),
            ({"parameters": [1]}, "`parameters` must be a JSON object"),
            ({"version_group_id": "g"}, "one of the two"),
        ],
    )
    def test_what_cannot_run_is_refused(self, api: Api, fields: dict[str, Any], words: str) -> None:
        key = api.flow()
        with pytest.raises(Refused, match=words):
            api.run(key, **fields)
        with pytest.raises(Refused, match=r"No flow .* exists"):
            api.run(str(uuid4()))

    def test_names_labels_heartbeats_and_deleting(self, api: Api) -> None:
        key = api.run()
        task_run = api.task_run(key, "load-1")
        api.do("set_flow_run_name", "success", flow_run_id=key, name="n")
        api.do("set_flow_run_labels", "success", flow_run_id=key, labels=["b", "a"])
        api.do("update_flow_run_heartbeat", "success", flow_run_id=key)
        api.do("set_task_run_name", "success", task_run_id=task_run, name="t")
        api.do("update_task_run_heartbeat", "success", task_run_id=task_run)
        run = api.by_id(
            "flow_run", key, 'name labels heartbeat task_runs(where: {name: {_eq: "t"}}) { heartbeat }'
        )
        assert (run["name"], run["labels"]) == ("n", ["a", "b"])
        assert abs(datetime.now(UTC) - moment(run["heartbeat"])) < timedelta(minutes=1)
        assert run["task_runs"][0]["heartbeat"] is not None
        api.do("delete_flow_run", "success", flow_run_id=key)
        with pytest.raises(KeyError):
            api.by_id("task_run", task_run, "id")

    def test_a_run_goes_through_its_states(self, api: Api) -> None:
        key = api.run()
        for state in ("Submitted", "Running", "Success"):
            assert api.set_run(key, state, message=state.lower()) == {
                "id": key,
                "status": "SUCCESS",
                "message": None,
            }
        run = api.by_id(
            "flow_run",
            key,
            "version state state_message start_time end_time duration heartbeat "
            "states(order_by: {version: asc}) { id version state timestamp } state_id",
        )
        assert (run["version"], run["state"], run["state_message"]) == (4, "Success", "success")
        states = run["states"]
        assert [state["state"] for state in states] == ["Scheduled", "Submitted", "Running", "Success"]
        assert [state["version"] for state in states] == [1, 2, 3, 4]
        assert run["state_id"] == states[-1]["id"]
        assert (run["start_time"], run["end_time"]) == (states[2]["timestamp"], states[3]["timestamp"])
        seconds = (moment(run["end_time"]) - moment(run["start_time"])).total_seconds()
        hours, minutes, rest = run["duration"].split(":")
        assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(seconds)

    def test_start_is_the_earliest_running_and_end_the_latest_finish(self, api: Api) -> None:
        key = api.run()
        for state in ("Running", "Failed", "Running", "Success"):
            api.set_run(key, state)
        run = api.by_id("flow_run", key, "start_time end_time states(order_by: {version: asc}) { timestamp }")
        assert run["start_time"] == run["states"][1]["timestamp"]
        assert run["end_time"] == run["states"][4]["timestamp"]

    def test_a_run_is_submitted_once(self, api: Api) -> None:
        key = api.run()
        api.set_run(key, "Submitted")
        for _ in range(2):
            with pytest.raises(Refused, match="already been submitted"):
                api.set_run(key, "Submitted")
        task_run = api.task_run(key, "x")
        api.set_task(task_run, "Submitted")
        with pytest.raises(Refused, match="already been submitted"):
            api.set_task(task_run, "Submitted")

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("Running", "must be a JSON object"),
            ({"type": "Walking"}, "no type of state"),
            ({"type": "Scheduled", "start_time": "soon"}, "start_time"),
            ({"type": "Running", "message": 5}, "must be a string"),
            ({"type": "Success", "_result": "x" * 1_000_001}, "at most 1000000"),
        ],
    )
    def test_what_is_no_state_is_refused(self, api: Api, state: object, words: str) -> None:
        key = api.run()
        with pytest.raises(Refused, match=words):
            api.do("set_flow_run_states", "states { id }", states=[{"flow_run_id": key, "state": state}])
        assert api.by_id("flow_run", key, "version")["version"] == 1

    def test_several_states_are_set_all_or_none(self, api: Api) -> None:
        key = api.run()
        entries = [
            {"flow_run_id": key, "state": {"type": "Running"}},
            {"flow_run_id": str(uuid4()), "state": {"type": "Running"}},
        ]
        with pytest.raises(Refused, match="exists"):
            api.do("set_flow_run_states", "states { id }", states=entries)
        assert api.by_id("flow_run", key, "state version") == {"state": "Scheduled", "version": 1}

    def test_versions_are_locked_where_the_group_says_so(
        self, api: Api, lock_versions: Callable[[str], None]
    ) -> None:
        key = api.run()
        api.set_run(key, "Pending", version=77)
        lock_versions(api.by_id("flow_run", key, "flow { flow_group_id }")["flow"]["flow_group_id"])
        with pytest.raises(Refused, match="it is at version 2") as refused:
            api.set_run(key, "Running", version=1)
        assert refused.value.code == "VERSION_LOCKING_ERROR"
        api.set_run(key, "Running", version=2)
        task_run = api.task_run(key, "x")
        with pytest.raises(Refused, match="version"):
            api.set_task(task_run, "Running", version=5)
        api.set_task(task_run, "Running", version=1)

    def test_cancelling(self, api: Api) -> None:
        waiting, running, finished = (api.run() for _ in range(3))
        api.set_run(running, "Running")
        api.set_run(finished, "Success")
        assert api.do("cancel_flow_run", "state", flow_run_id=waiting) == "Cancelled"
        assert api.do("cancel_flow_run", "state", flow_run_id=running) == "Cancelling"
        assert api.do("cancel_flow_run", "state", flow_run_id=running) == "Cancelling"
        assert api.do("cancel_flow_run", "state", flow_run_id=finished) == "Success"
        assert api.by_id("flow_run", running, "version")["version"] == 3
        assert api.by_id("flow_run", finished, "version")["version"] == 2

    def test_cancelled_ends_the_unfinished_task_runs(self, api: Api) -> None:
        key = api.run()
        api.set_run(key, "Running")
        api.set_task(api.task_run(key, "x"), "Success")
        api.set_run(key, "Cancelled")
        task_runs = api.by_id("flow_run", key, "task_runs(order_by: {task: {slug: asc}}) { state version }")
        assert task_runs["task_runs"] == [
            {"state": "Cancelled", "version": 2},
            {"state": "Cancelled", "version": 2},
            {"state": "Success", "version": 2},
        ]


class TestTaskRuns:
    def test_a_task_run_runs_only_in_a_running_flow_run(self, api: Api) -> None:
        key = api.run()
        task_run = api.task_run(key, "x")
        with pytest.raises(Refused, match=r"its flow run .* is Scheduled"):
            api.set_task(task_run, "Running")
        api.set_run(key, "Running")
        api.set_task(task_run, "Running")
        assert api.by_id("task_run", task_run, "state run_count") == {"state": "Running", "run_count": 1}

    def test_get_or_create_makes_each_map_index_once(self, api: Api) -> None:
        key = api.run()
        task = api.by_id("flow_run", key, 'flow { tasks(where: {slug: {_eq: "load-1"}}) { id } }')
        task_id = task["flow"]["tasks"][0]["id"]
        fields = {"flow_run_id": key, "task_id": task_id}
        assert api.do("get_or_create_task_run", **fields) == api.task_run(key, "load-1")
        child = api.do("get_or_create_task_run", **fields, map_index=0)
        assert api.do("get_or_create_task_run", **fields, map_index=0) == child
        info = api.do(
            "get_or_create_task_run_info", "id version state serialized_state", **fields, map_index=1
        )
        assert (info["version"], info["state"], info["serialized_state"]["type"]) == (1, "Pending", "Pending")
        assert api.by_id("task_run", child, "cache_key map_index") == {"cache_key": "k", "map_index": 0}
        api.set_run(key, "Running")
        api.set_task(child, "Running")
        api.set_task(child, "Success")
        summary = api.ask(
            "query ($id: UUID!) { mapped_children(task_run_id: $id) { min_start_time max_end_time state_counts } "
            "get_task_run_info(task_run_id: $id) { id version state } }",
            {"id": child},
        )
        assert summary["mapped_children"]["state_counts"] == {"Pending": 1, "Success": 1}
        assert summary["mapped_children"]["min_start_time"] < summary["mapped_children"]["max_end_time"]
        assert summary["get_task_run_info"] == {"id": child, "version": 3, "state": "Success"}
        with pytest.raises(Refused, match="not one of the flow"):
            api.do("get_or_create_task_run", flow_run_id=api.run(), task_id=task_id)

    def test_a_tag_limit_queues_what_is_too_many(self, api: Api) -> None:
        limit = api.do("update_task_tag_limit", tag="db", limit=1)
        key = api.run()
        api.set_run(key, "Running")
        first, second = api.task_run(key, "extract-1"), api.task_run(key, "load-1")
        assert api.set_task(first, "Running")["status"] == "SUCCESS"
        queued = api.set_task(second, "Running")
        assert queued["status"] == "QUEUED"
        assert "'db'" in queued["message"]
        row = api.by_id("task_run", second, "state version serialized_state state_start_time")
        assert (row["state"], row["version"]) == ("Queued", 2)
        assert row["serialized_state"]["state"]["type"] == "Running"
        assert moment(row["state_start_time"]) > datetime.now(UTC)
        assert api.set_task(first, "Running")["status"] == "SUCCESS"
        api.set_task(first, "Success")
        assert api.set_task(second, "Running")["status"] == "SUCCESS"
        assert api.do("update_task_tag_limit", tag="db", limit=0) == limit
        assert api.ask("{ task_tag_limit { tag limit } }") == {"task_tag_limit": [{"tag": "db", "limit": 0}]}
        assert api.do("delete_task_tag_limit", "success", limit_id=limit) is True
        with pytest.raises(Refused, match="0 or more"):
            api.do("update_task_tag_limit", tag="db", limit=-1)

    def test_artifacts(self, api: Api) -> None:
        task_run = api.task_run(api.run(), "x")
        key = api.do(
            "create_task_run_artifact", task_run_id=task_run, kind="link", data={"link": "a"}, tenant_id=None
        )
        api.do("update_task_run_artifact", "success", task_run_artifact_id=key, data={"link": "b"})
        expected = {"kind": "link", "data": {"link": "b"}, "task_run": {"id": task_run}}
        assert api.by_id("task_run_artifact", key, "kind data task_run { id }") == expected
        api.do("delete_task_run_artifact", "success", task_run_artifact_id=key)
        assert api.ask("{ task_run_artifact { id } }") == {"task_run_artifact": []}


class TestQueue:
    def queue(self, api: Api, **fields: Any) -> list[str]:
        keys: list[str] = api.do("get_runs_in_queue", "flow_run_ids", tenant_id=api.tenant_id, **fields)
        return keys

    def test_due_runs_come_oldest_first_and_25_at_most(self, api: Api) -> None:
        key = api.flow()
        start = datetime(2020, 1, 1, tzinfo=UTC)
        runs = [
            api.run(key, scheduled_start_time=(start + timedelta(days=day)).isoformat(), labels=[])
            for day in (5, 1, 3, *range(100, 125))
        ]
        api.run(key, scheduled_start_time="2099-01-01T00:00:00Z", labels=[])
        assert self.queue(api) == [runs[1], runs[2], runs[0], *runs[3:25]]
        assert self.queue(api, before="2020-01-05T00:00:00Z") == [runs[1], runs[2]]
        api.set_run(runs[1], "Submitted")
        assert self.queue(api, before="2020-01-05T00:00:00Z") == [runs[2]]

    def test_labels_decide_who_takes_what(self, api: Api) -> None:
        key = api.flow()
        bare, ab = api.run(key, labels=[]), api.run(key, labels=["a", "b"])
        assert self.queue(api) == [bare]
        assert self.queue(api, labels=["a"]) == []
        assert self.queue(api, labels=["b", "c", "a"]) == [ab]

    def test_a_running_run_with_a_due_task_comes_back(self, api: Api) -> None:
        key = api.run(labels=[])
        api.set_run(key, "Running")
        assert self.queue(api) == []
        api.set_task(api.task_run(key, "x"), "Retrying", start_time="2020-01-01T00:00:00Z")
        assert self.queue(api) == [key]


class TestTheRest:
    def test_logs_are_written_all_or_none(self, api: Api) -> None:
        key = api.run()
        task_run = api.task_run(key, "x")
        lines = [
            {"flow_run_id": key, "message": "one", "level": "ERROR", "name": "n", "info": {"a": [1]}},
            {
                "flow_run_id": key,
                "task_run_id": task_run,
                "timestamp": "2020-01-01T00:00:00",
                "message": None,
            },
        ]
        assert api.do("write_run_logs", "success", logs=lines) is True
        logs = "logs(order_by: {timestamp: desc}) { message level name info task_run_id timestamp }"
        first, second = api.by_id("flow_run", key, logs)["logs"]
        assert (first["message"], first["level"], first["info"]) == ("one", "ERROR", {"a": [1]})
        assert (second["level"], second["task_run_id"]) == ("INFO", task_run)
        assert moment(second["timestamp"]) == datetime(2020, 1, 1, tzinfo=UTC)
        with pytest.raises(Refused, match="No flow run"):
            api.do(
                "write_run_logs", "success", logs=[lines[0], {"flow_run_id": str(uuid4()), "message": "x"}]
            )
        with pytest.raises(Refused, match="not one of the flow run"):
            api.do("write_run_logs", "success", logs=[{"flow_run_id": api.run(), "task_run_id": task_run}])
        assert len(api.by_id("flow_run", key, logs)["logs"]) == 2

    def test_agents_are_known_again_and_name_what_they_submit(self, api: Api) -> None:
        config = api.do("create_agent_config", tenant_id=api.tenant_id, name="c", settings={"a": 1})
        fields: dict[str, Any] = {
            "type": "LocalAgent",
            "name": "a",
            "labels": ["y", "x"],
            "agent_config_id": config,
        }
        key = api.do("register_agent", tenant_id=api.tenant_id, **fields)
        assert api.do("register_agent", tenant_id=api.tenant_id, **fields) == key
        assert api.do("register_agent", type="LocalAgent") != key
        run = api.run()
        api.set_run(run, "Submitted", headers={"X-PREFECT-AGENT-ID": key})
        agent = api.by_id("agent", key, "labels agent_config { settings } flow_runs { id }")
        assert agent == {
            "labels": ["x", "y"],
            "agent_config": {"settings": {"a": 1}},
            "flow_runs": [{"id": run}],
        }
        api.do("update_agent_config", "success", agent_config_id=config, settings={"b": 2})
        assert api.by_id("agent_config", config, "name settings") == {"name": "c", "settings": {"b": 2}}
        api.do("delete_agent", "success", agent_id=key)
        assert api.by_id("flow_run", run, "agent_id agent { id }") == {"agent_id": None, "agent": None}
        api.do("delete_agent_config", "success", agent_config_id=config)

    def test_secrets_and_feedback_are_taken_and_never_shown(self, api: Api) -> None:
        assert api.do("set_secret", "success", name="N", value={"a": "hush"}) is True
        assert api.do("set_secret", "success", name="N", value="other") is True
        assert api.do("send_feedback", "success", message="good") is True
        schema = json.dumps(api.ask("{ __schema { queryType { fields { name } } } }"))
        assert "secret" not in schema
        assert "feedback" not in schema

    def test_messages(self, api: Api) -> None:
        with pytest.raises(Refused, match="No message"):
            api.do("mark_message_as_read", "success", message_id=str(uuid4()))

    def test_the_api_says_what_it_is(self, api: Api) -> None:
        answer = api.ask(
            "{ hello api { backend mode version } reference_data { state_hierarchy state_info } }"
        )
        assert answer["api"]["backend"] == "SERVER"
        assert answer["reference_data"]["state_info"]["TimedOut"]["is_finished"] is True
        assert "TimedOut" in answer["reference_data"]["state_hierarchy"]["Failed"]
        assert api.ask("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"] == api.tenant_id

    def test_a_schema_mutation_without_a_function_cannot_be(self) -> None:
        from penstock.server.mutations import registered
        from penstock.server.schema import api_schema

        declared = api_schema().mutation_type
        assert declared is not None
        assert set(declared.fields) == set(registered())


def test_rows_without_an_order_come_as_they_were_made(api: Api) -> None:
    keys = [api.do("create_project", tenant_id=api.tenant_id, name=f"p{number}") for number in range(12)]
    assert [row["id"] for row in api.ask("{ project { id } }")["project"]] == keys
    assert keys == sorted(keys)
