"""Every request that the real old clients sent, of releases 0.8.1 and 1.4.1: ours ask for the same things."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.legacy.servers import Served
from tests.legacy.worlds import World, asked, asked_by, covers, shown, world

from penstock.states import Running, Success

# What the real programs sent, method by method, mutations of 0.8 by the names that they have had since.
RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded_requests.json").read_text(encoding="utf-8")
)

START = datetime(2020, 1, 10)
CREATED_AFTER = datetime(2020, 1, 1)

# The calls as they were when they were recorded: method → what is called on our client.
CALLS: dict[str, Callable[[World, Any], Any]] = {
    "graphql": lambda w, c: c.graphql({"query": {"tenant": {"id"}}}),
    "tenant_id": lambda w, c: c.auth_info(),
    "get_available_tenants": lambda w, c: c.get_available_tenants(),
    "get_default_tenant_slug": lambda w, c: c.get_default_tenant_slug(),
    "get_cloud_url": lambda w, c: c.get_cloud_url("flow", w.flow_id),
    "login_to_tenant": lambda w, c: c.login_to_tenant(tenant_slug=w.slug),
    "switch_tenant": lambda w, c: c.switch_tenant(tenant_slug=w.slug),
    "register": lambda w, c: c.register(w.flow, w.project_name, idempotency_key="ik"),
    "deploy": lambda w, c: c.deploy(w.flow, w.project_name),
    "register:plain": lambda w, c: c.register(w.flow, w.project_name, compressed=False),
    "create_project": lambda w, c: c.create_project("p", "d"),
    "delete_project": lambda w, c: c.delete_project(w.project_name),
    "get_flow_run_info": lambda w, c: c.get_flow_run_info(w.flow_run_id),
    "update_flow_run_heartbeat": lambda w, c: c.update_flow_run_heartbeat(w.flow_run_id),
    "update_task_run_heartbeat": lambda w, c: c.update_task_run_heartbeat(w.task_run_id),
    "set_flow_run_name": lambda w, c: c.set_flow_run_name(w.flow_run_id, "n"),
    "set_task_run_name": lambda w, c: c.set_task_run_name(w.task_run_id, "n"),
    "get_flow_run_state": lambda w, c: c.get_flow_run_state(w.flow_run_id),
    "get_task_run_state": lambda w, c: c.get_task_run_state(w.task_run_id),
    "set_flow_run_state": lambda w, c: c.set_flow_run_state(w.flow_run_id, 3, Running(message="r")),
    "set_task_run_state": lambda w, c: c.set_task_run_state(w.task_run_id, 1, Success(message="s")),
    "cancel_flow_run": lambda w, c: c.cancel_flow_run(w.flow_run_id),
    "get_latest_cached_states": lambda w, c: c.get_latest_cached_states(w.task_id, "ck", CREATED_AFTER),
    "get_task_run_info": lambda w, c: c.get_task_run_info(w.flow_run_id, w.task_id),
    "set_secret": lambda w, c: c.set_secret("N", "V"),
    "get_task_tag_limit": lambda w, c: c.get_task_tag_limit(w.tag),
    "update_task_tag_limit": lambda w, c: c.update_task_tag_limit("tag", 5),
    "delete_task_tag_limit": lambda w, c: c.delete_task_tag_limit(w.limit_id),
    "write_run_log": lambda w, c: c.write_run_log(w.flow_run_id, message="m", level="INFO"),
    "write_run_logs": lambda w, c: c.write_run_logs(
        [{"flowRunId": w.flow_run_id, "message": "m", "level": "INFO"}]
    ),
    "register_agent": lambda w, c: c.register_agent("LocalAgent", "a", ["l"]),
    "get_agent_config": lambda w, c: c.get_agent_config(w.agent_config_id),
    "create_task_run_artifact": lambda w, c: c.create_task_run_artifact(w.task_run_id, "link", {"link": "x"}),
    "update_task_run_artifact": lambda w, c: c.update_task_run_artifact(w.artifact_id, {"link": "x"}),
    "delete_task_run_artifact": lambda w, c: c.delete_task_run_artifact(w.artifact_id),
}
RUN: dict[str, Callable[[World, Any], Any]] = {
    "0.8.1": lambda w, c: c.create_flow_run(w.flow_id, {"a": 1}, {"x": 1}, START, "k", "rn"),
    "1.4.1": lambda w, c: c.create_flow_run(
        w.flow_id,
        context={"a": 1},
        parameters={"x": 1},
        run_config={"env": None, "labels": [], "__version__": "1.4.1", "type": "UniversalRun"},
        labels=["l"],
        scheduled_start_time=START,
        idempotency_key="k",
        run_name="rn",
    ),
}

# Where ours ask otherwise for the same thing: (release, method, root field) → how, or that one of our other requests brings it.
OTHERWISE = {
    ("0.8.1", "create_flow_run", "create_flow_run"): "the payload has had the id itself since 0.10",
    (
        "0.8.1",
        "get_task_run_info",
        "get_or_create_task_run",
    ): "get_or_create_task_run_info took its place in 1.0",
    (
        "0.8.1",
        "get_latest_cached_states",
        "task_run",
    ): "since 1.0 by cache key or else by task, the newest 100",
    ("0.8.1", "write_run_log", "write_run_log"): "write_run_logs takes one entry as well as many",
    (
        "0.8.1",
        "set_flow_run_state",
        "set_flow_run_states",
    ): "the states' form has had cached_inputs since 0.9",
    (
        "0.8.1",
        "set_task_run_state",
        "set_task_run_states",
    ): "the states' form has had cached_inputs since 0.9",
    ("1.4.1", "get_default_tenant_slug", "tenant"): "tenant_by_pk asks for the one tenant instead of all",
    ("1.4.1", "get_cloud_url", "tenant"): "tenant_by_pk asks for the one tenant instead of all",
    ("1.4.1", "get_task_run_state", "get_task_run_info"): "task_run_by_pk reads the same column",
    ("1.4.1", "get_agent_config", "agent_config"): "agent_config_by_pk reads the same row",
    **{
        ("1.4.1", method, field): "the flow is registered whole, in one request"
        for method in ("register", "register:plain")
        for field in ("register_tasks", "register_edges", "set_schedule_active", "flow_by_pk", "tenant")
    },
    **{
        ("1.4.1", method, field): "the schedule is switched on when the flow is created"
        for method, field in (
            ("register", "create_flow_from_compressed_string"),
            ("register:plain", "create_flow"),
        )
    },
}

METHODS = sorted({(item["release"], item["method"]) for item in RECORDED})


@pytest.mark.filterwarnings("ignore:client.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("release", "method"), METHODS)
def test_ours_asks_for_what_the_real_one_asked_for(release: str, method: str, open_server: Served) -> None:
    theirs = [
        root
        for item in RECORDED
        if (item["release"], item["method"]) == (release, method)
        for root in asked(item["document"], item["variables"])
    ]
    call = CALLS.get(method) or RUN[release]
    with world(open_server) as here:
        # What the call acts on is made before, so that only the call itself is looked at.
        call(here, _Nothing(here.client))
        here.carrier.sent.clear()
        call(here, here.client)
        ours = asked_by(here.carrier.sent, here.slug)
    for wanted in theirs:
        found = any(covers(mine, wanted) for mine in ours)
        reason = OTHERWISE.get((release, method, wanted[0]))
        assert found is (reason is None), (
            f"{method} of {release} asked for\n{shown([wanted])}\nand ours for\n{shown(ours)}\nreason: {reason}"
        )


class _Nothing:
    """Has the client's methods, which do nothing: a call on it only makes the call's arguments."""

    def __init__(self, client: object) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., None]:
        assert hasattr(type(self._client), name), f"the client has no method {name}"
        return lambda *_, **__: None


def test_every_recorded_method_is_called() -> None:
    assert {method for _, method in METHODS} == {*CALLS, "create_flow_run"}
