"""Making a flow run: what `create_flow_run` and the scheduler have in common."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penstock.server.errors import ApiError
from penstock.server.ids import new_id
from penstock.server.states import serialized_state
from penstock.server.tables import flow_run, flow_run_state, task, task_run, task_run_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_ADJECTIVES = [
    "amber",
    "ancient",
    "brave",
    "bright",
    "calm",
    "clever",
    "copper",
    "crimson",
    "curious",
    "daring",
    "deep",
    "eager",
    "early",
    "fast",
    "fearless",
    "fine",
    "fresh",
    "gentle",
    "golden",
    "grand",
    "green",
    "happy",
    "hidden",
    "honest",
    "humble",
    "jolly",
    "keen",
    "kind",
    "lively",
    "loyal",
    "lucky",
    "mellow",
    "merry",
    "misty",
    "modest",
    "noble",
    "patient",
    "polite",
    "proud",
    "quick",
    "quiet",
    "rapid",
    "rare",
    "sharp",
    "silent",
    "silver",
    "simple",
    "smooth",
    "steady",
    "strong",
    "sunny",
    "swift",
    "tidy",
    "tiny",
    "upbeat",
    "valiant",
    "vivid",
    "warm",
    "wise",
    "witty",
]
_ANIMALS = [
    "badger",
    "bat",
    "bear",
    "beaver",
    "bison",
    "bobcat",
    "camel",
    "crane",
    "crow",
    "deer",
    "dolphin",
    "dove",
    "duck",
    "eagle",
    "falcon",
    "ferret",
    "finch",
    "fox",
    "frog",
    "gecko",
    "gibbon",
    "goose",
    "hare",
    "hawk",
    "heron",
    "horse",
    "ibex",
    "jackal",
    "jaguar",
    "jay",
    "koala",
    "lark",
    "lemur",
    "lion",
    "llama",
    "lynx",
    "magpie",
    "marten",
    "mole",
    "moose",
    "newt",
    "ocelot",
    "orca",
    "otter",
    "owl",
    "oyster",
    "panda",
    "parrot",
    "pelican",
    "pony",
    "puffin",
    "quail",
    "rabbit",
    "raven",
    "robin",
    "salmon",
    "seal",
    "shrew",
    "skunk",
    "sloth",
    "sparrow",
    "squid",
    "stork",
    "swan",
    "tapir",
    "tiger",
    "toad",
    "trout",
    "turtle",
    "vole",
    "walrus",
    "weasel",
    "whale",
    "wolf",
    "wombat",
    "wren",
    "yak",
    "zebra",
]


def run_name() -> str:
    """A name that is easy to say, for a run that was given none."""
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_ANIMALS)}"


def missing_parameters(declared: object, given: Mapping[str, object]) -> list[str]:
    """The names of the flow's required parameters that have no value."""
    parameters = declared if isinstance(declared, list) else []
    return [
        str(item["name"])
        for item in parameters
        if isinstance(item, dict) and item.get("required") and item.get("name") not in given
    ]


def run_labels(
    given: list[str] | None, run_config: object, group: Mapping[str, Any], flow: Mapping[str, Any]
) -> list[str]:
    """The labels of a new run: those given, else the run config's, else the group's, else the flow's own."""
    for labels in (
        given,
        _labels_of(run_config),
        group["labels"],
        _labels_of(group["run_config"]),
        _labels_of(flow["run_config"]),
        _labels_of(flow["environment"]),
    ):
        if labels is not None:
            return sorted(set(labels))
    return []


def _labels_of(config: object) -> list[str] | None:
    labels = config.get("labels") if isinstance(config, dict) else None
    return [str(label) for label in labels] if isinstance(labels, list) else None


def insert_flow_run(
    connection: sa.Connection,
    now: datetime,
    flow: Mapping[str, Any],
    group: Mapping[str, Any],
    *,
    parameters: Mapping[str, object],
    labels: list[str],
    scheduled_start_time: datetime,
    run_config: object = None,
    context: object = None,
    idempotency_key: str | None = None,
    name: str | None = None,
    auto_scheduled: bool = False,
) -> str:
    """Insert a Scheduled flow run, and a Pending task run for each task of its flow; the run's id.

    Raises ApiError where a required parameter is missing.
    """
    merged = dict(group["default_parameters"]) | dict(parameters)
    if missing := missing_parameters(flow["parameters"], merged):
        raise ApiError(f"Required parameters were not given: {', '.join(sorted(missing))}.")
    key, state_id = new_id(), new_id()
    stamps = {"created": now, "updated": now}
    state = serialized_state("Scheduled", "Flow run scheduled.", start_time=scheduled_start_time)
    connection.execute(
        flow_run.insert().values(
            id=key,
            tenant_id=flow["tenant_id"],
            flow_id=flow["id"],
            parameters=merged,
            labels=labels,
            run_config=run_config if run_config is not None else group["run_config"] or flow["run_config"],
            context=context if context is not None else {},
            scheduled_start_time=scheduled_start_time,
            auto_scheduled=auto_scheduled,
            idempotency_key=idempotency_key,
            name=name or run_name(),
            times_resurrected=0,
            version=1,
            state="Scheduled",
            state_id=state_id,
            state_timestamp=now,
            state_message=state["message"],
            state_result=state["_result"],
            state_start_time=scheduled_start_time,
            serialized_state=state,
            **stamps,
        )
    )
    connection.execute(
        flow_run_state.insert().values(
            id=state_id,
            tenant_id=flow["tenant_id"],
            flow_run_id=key,
            timestamp=now,
            state="Scheduled",
            message=state["message"],
            result=state["_result"],
            start_time=scheduled_start_time,
            serialized_state=state,
            version=1,
            **stamps,
        )
    )
    _insert_task_runs(connection, now, flow, key)
    return key


def _insert_task_runs(
    connection: sa.Connection, now: datetime, flow: Mapping[str, Any], flow_run_id: str
) -> None:
    pending = serialized_state("Pending", "Task run created.")
    stamps = {"created": now, "updated": now, "tenant_id": flow["tenant_id"]}
    runs: list[dict[str, object]] = []
    states: list[dict[str, object]] = []
    for task_id, cache_key in connection.execute(
        sa.select(task.c.id, task.c.cache_key).where(task.c.flow_id == flow["id"])
    ):
        key, state_id = new_id(), new_id()
        runs.append(
            {
                "id": key,
                "flow_run_id": flow_run_id,
                "task_id": task_id,
                "map_index": -1,
                "version": 1,
                "run_count": 0,
                "cache_key": cache_key,
                "state": "Pending",
                "state_id": state_id,
                "state_timestamp": now,
                "state_message": pending["message"],
                "state_result": pending["_result"],
                "serialized_state": pending,
                **stamps,
            }
        )
        states.append(
            {
                "id": state_id,
                "task_run_id": key,
                "timestamp": now,
                "state": "Pending",
                "message": pending["message"],
                "result": pending["_result"],
                "serialized_state": pending,
                "version": 1,
                **stamps,
            }
        )
    if runs:
        connection.execute(task_run.insert(), runs)
        connection.execute(task_run_state.insert(), states)
