"""The table, row by row: the old call and the call that takes its place send the same GraphQL and give the same answer."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.legacy.servers import Served
from tests.legacy.worlds import World, asked_by, plain, shown, world

from penstock import AsyncClient, Client
from penstock.legacy.methods import OldMethods
from penstock.legacy.table import BY_NAME, FLOW_RUN_ATTRIBUTES, OLD_METHODS, RUN_BY_GROUP, TASK_RUN_ATTRIBUTES
from penstock.states import Running, State, Success

SOON = datetime(2030, 1, 10, tzinfo=UTC)


def _nothing(_: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Case:
    """How one old method is called, and what takes its place where the table leaves it to a person.

    `extra` are root fields that only the old call asks for. Where not `compares`, the answers differ by design, as the table's `reason`
    says; where not `asks_alike`, the old call asked at once for what the new one reads when it is looked at.
    """

    arguments: Callable[[World], dict[str, Any]] = _nothing
    new: Callable[[World, dict[str, Any]], Any] | None = None
    old_answer: Callable[[Any], Any] = lambda answer: answer
    extra: frozenset[str] = frozenset()
    compares: bool = True
    asks_alike: bool = True
    id: str = ""
    template: str | None = None
    prepare: Callable[[World], object] = field(default=lambda w: w.client.tenant_id)


def _run_info(w: World, arguments: dict[str, Any]) -> Any:
    run = w.client.flow_run(id=arguments["flow_run_id"])
    return {name: eval(text, {}, {"RESULT": run}) for name, text in FLOW_RUN_ATTRIBUTES.items()}  # noqa: S307


def _task_run_info(w: World, arguments: dict[str, Any]) -> Any:
    info = w.client.task_run.get_or_create_info(**arguments)
    found = {name: eval(text, {}, {"RESULT": info}) for name, text in TASK_RUN_ATTRIBUTES.items()}  # noqa: S307
    return {**found, "state": State.deserialize(info.serialized_state)}


def _cached(w: World, arguments: dict[str, Any]) -> Any:
    found = w.client.task_run.serialized_states(
        where={
            "state": {"_eq": "Cached"},
            "state_timestamp": {"_gte": arguments["created_after"]},
            "task_id": {"_eq": arguments["task_id"]},
        },
        order_by=[{"state_timestamp": "desc"}],
        limit=100,
    )
    return [item.serialized_state for item in found]


CASES: dict[str, list[Case]] = {
    "graphql": [
        Case(lambda w: {"query": "{ project { name } }"}, old_answer=lambda a: a.data),
        Case(
            lambda w: {
                "query": "query ($n: String) { project(where: {name: {_eq: $n}}) { name } }",
                "variables": {"n": w.project_name},
            },
            old_answer=lambda a: a.data,
            id="variables",
        ),
    ],
    "create_project": [
        Case(lambda w: {"project_name": "q"}),
        Case(lambda w: {"project_name": "q", "project_description": "d"}, id="description"),
    ],
    "delete_project": [Case(lambda w: {"project_name": w.project_name}, compares=False)],
    "register": [
        Case(
            lambda w: {"flow": w.flow, "project_name": w.project_name, "compressed": False},
            id="plain",
        ),
        Case(
            lambda w: {
                "flow": w.flow,
                "project_name": w.project_name,
                "set_schedule_active": False,
                "version_group_id": "g",
                "idempotency_key": "k",
            },
            lambda w, a: str(
                w.client.flow.register(
                    a["flow"],
                    project=a["project_name"],
                    set_schedule_active=False,
                    version_group_id="g",
                    idempotency_key="k",
                    compressed=True,
                ).id
            ),
            id="compressed",
        ),
    ],
    "deploy": [Case(lambda w: {"flow": w.flow, "project_name": w.project_name, "compressed": False})],
    "create_flow_run": [
        Case(lambda w: {"flow_id": w.flow_id, "idempotency_key": "k"}),
        Case(
            lambda w: {
                "flow_id": w.flow_id,
                "context": {"a": 1},
                "parameters": {"x": 1},
                "run_config": {"type": "UniversalRun"},
                "labels": ["l"],
                "scheduled_start_time": SOON,
                "idempotency_key": "k",
                "run_name": "rn",
            },
            id="everything",
        ),
        Case(
            lambda w: {"version_group_id": w.group_id, "idempotency_key": "k"},
            template=RUN_BY_GROUP,
            id="group",
        ),
    ],
    "get_flow_run_info": [
        Case(
            lambda w: {"flow_run_id": w.flow_run_id},
            _run_info,
            lambda info: {name: getattr(info, name) for name in FLOW_RUN_ATTRIBUTES},
            asks_alike=False,
        )
    ],
    "get_flow_run_state": [Case(lambda w: {"flow_run_id": w.flow_run_id})],
    "set_flow_run_state": [
        Case(
            lambda w: {"flow_run_id": w.flow_run_id, "state": Success(message="s").serialize(), "version": 2},
            compares=False,
        )
    ],
    "set_flow_run_name": [Case(lambda w: {"flow_run_id": w.flow_run_id, "name": "n"}, compares=False)],
    "cancel_flow_run": [Case(lambda w: {"flow_run_id": w.flow_run_id})],
    "update_flow_run_heartbeat": [Case(lambda w: {"flow_run_id": w.flow_run_id})],
    "get_task_run_info": [
        Case(
            lambda w: {"flow_run_id": w.flow_run_id, "task_id": w.task_id, "map_index": -1},
            _task_run_info,
            lambda a: {"id": a.id, "version": a.version, "state": a.state},
            extra=frozenset({"task_by_pk"}),
        )
    ],
    "get_task_run_state": [Case(lambda w: {"task_run_id": w.task_run_id})],
    "set_task_run_state": [
        Case(
            lambda w: {"task_run_id": w.task_run_id, "state": Running().serialize(), "version": 0},
            compares=False,
        )
    ],
    "set_task_run_name": [Case(lambda w: {"task_run_id": w.task_run_id, "name": "n"}, compares=False)],
    "update_task_run_heartbeat": [Case(lambda w: {"task_run_id": w.task_run_id})],
    "get_latest_cached_states": [
        Case(
            lambda w: {"task_id": w.task_id, "cache_key": None, "created_after": w.cached_since},
            _cached,
            id="by-task",
        )
    ],
    "create_task_run_artifact": [
        Case(lambda w: {"task_run_id": w.task_run_id, "kind": "link", "data": {"link": "x"}})
    ],
    "update_task_run_artifact": [
        Case(lambda w: {"task_run_artifact_id": w.artifact_id, "data": {"link": "y"}})
    ],
    "delete_task_run_artifact": [Case(lambda w: {"task_run_artifact_id": w.artifact_id})],
    "set_secret": [Case(lambda w: {"name": "N", "value": "V"})],
    "get_task_tag_limit": [
        Case(lambda w: {"tag": w.tag}, lambda w, a: w.client.task_tag_limit(tag=a["tag"]).get("limit"))
    ],
    "update_task_tag_limit": [Case(lambda w: {"tag": "tag", "limit": 5}, compares=False)],
    "delete_task_tag_limit": [Case(lambda w: {"limit_id": w.limit_id})],
    "write_run_log": [
        Case(lambda w: {"flow_run_id": w.flow_run_id, "timestamp": SOON, "message": "m", "level": "INFO"})
    ],
    "write_run_logs": [
        Case(
            lambda w: {"logs": [{"flow_run_id": w.flow_run_id, "message": "m", "level": "INFO", "name": "s"}]}
        )
    ],
    "register_agent": [Case(lambda w: {"agent_type": "LocalAgent", "name": "a", "labels": ["l"]})],
    "get_agent_config": [Case(lambda w: {"agent_config_id": w.agent_config_id})],
    "login_to_tenant": [
        Case(lambda w: {"tenant_slug": w.slug}),
        Case(lambda w: {"tenant_id": str(w.client.tenant_id)}, id="id"),
    ],
    "switch_tenant": [
        Case(lambda w: {"tenant_slug": w.slug}),
        Case(lambda w: {"tenant_id": str(w.client.tenant_id)}, id="id"),
    ],
    "logout_from_tenant": [Case()],
    "get_available_tenants": [Case()],
    "get_default_tenant_slug": [Case()],
    "create_tenant": [Case(lambda w: {"name": "New", "slug": f"{w.slug}-new"})],
}

# What has no GraphQL of its own: tested one by one in test_shims.py.
NO_GRAPHQL = {
    *("get", "post", "save_api_token", "save_auth_to_disk", "load_auth_from_disk", "get_auth_token"),
    *("attach_headers", "get_cloud_url"),
}


def expression(text: str, arguments: dict[str, Any]) -> ast.Expression:
    """A template as an expression: keywords and dict entries whose argument was not given fall away."""

    class Fill(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            node.keywords = [item for item in node.keywords if not self._absent(item.value)]
            return self.generic_visit(node)

        def visit_Dict(self, node: ast.Dict) -> ast.AST:
            pairs = [
                (key, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if not self._absent(value)
            ]
            node.keys = [key for key, _ in pairs]
            node.values = [value for _, value in pairs]
            return self.generic_visit(node)

        def _absent(self, value: ast.expr) -> bool:
            return isinstance(value, ast.Name) and value.id in parameters and arguments.get(value.id) is None

    parameters = {name for method in OLD_METHODS for name in method.parameters}
    return ast.fix_missing_locations(ast.Expression(Fill().visit(ast.parse(text, mode="eval").body)))


def call_new(name: str, case: Case, w: World, arguments: dict[str, Any]) -> Any:
    """What the table writes in the old call's place, run."""
    if case.new is not None:
        return case.new(w, arguments)
    row = BY_NAME[name]
    text = case.template or row.value or row.statement
    assert text is not None, f"{name}: the table has no call, and the test gives none"
    if case.template is not None:
        text = f"str({text}.id)"
    code = compile(expression(text, arguments), name, "eval")
    return eval(code, {}, {**arguments, "CLIENT": w.client})  # noqa: S307


ROWS = [
    pytest.param(name, case, id=f"{name}-{case.id}" if case.id else name)
    for name, cases in CASES.items()
    for case in cases
]


@pytest.mark.filterwarnings("ignore:client.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("name", "case"), ROWS)
def test_old_and_new_send_the_same_and_give_the_same(name: str, case: Case, open_server: Served) -> None:
    with world(open_server) as old, world(open_server) as new:
        arguments = case.arguments(old), case.arguments(new)
        for one in (old, new):
            case.prepare(one)
            one.carrier.sent.clear()
        old_answer = case.old_answer(getattr(old.client, name)(**arguments[0]))
        new_answer = call_new(name, case, new, arguments[1])
        sent = [
            [item for item in asked_by(one.carrier.sent, one.slug) if item[0] not in case.extra]
            for one in (old, new)
        ]
        if case.asks_alike:
            assert sent[0] == sent[1], f"{name}: old\n{shown(sent[0])}\nnew\n{shown(sent[1])}"
            assert sent[0] or name == "logout_from_tenant"
        if case.compares:
            assert _answer(old_answer, old.slug) == _answer(new_answer, new.slug)
            assert type(plain(old_answer)) is type(plain(new_answer))


def _answer(value: Any, slug: str) -> Any:
    if isinstance(value, State):
        return plain(value.serialize(), slug)
    if isinstance(value, list):
        return [_answer(item, slug) for item in value]
    if isinstance(value, dict):
        return {key: _answer(item, slug) for key, item in value.items()}
    return plain(value, slug)


# ------------------------------------------------------------------------------------------------------------ the table


def _own_methods() -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(OldMethods).items()
        if callable(member) and not name.startswith("_")
    }


def test_every_row_is_a_method_and_every_method_a_row() -> None:
    assert set(_own_methods()) == set(BY_NAME) == {*CASES, *NO_GRAPHQL}
    assert len(BY_NAME) == len(OLD_METHODS)


@pytest.mark.parametrize("row", OLD_METHODS, ids=lambda row: row.name)
def test_warnings_and_signatures_are_the_tables(row: Any) -> None:
    import inspect

    method = _own_methods()[row.name]
    assert method.__deprecated__ == row.message
    signature = inspect.signature(method)
    written = ", ".join(
        name if parameter.default is parameter.empty else f"{name}={parameter.default!r}"
        for name, parameter in list(signature.parameters.items())[1:]
    )
    # The old order of these two is told apart by type, so that their own default stands in for either.
    written = re.sub(r"state=None, version=None", "state, version=None", written)
    assert written.startswith(row.signature)
    assert row.new and (row.value or row.statement or row.reason)
    assert (row.reason is None) == (row.value is not None)


def test_each_old_call_warns_once_at_the_callers_line(open_server: Served) -> None:
    with world(open_server) as here:
        for name, cases in CASES.items():
            arguments = cases[0].arguments(here)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                getattr(here.client, name)(**arguments)
            (warning,) = caught
            assert warning.category is DeprecationWarning
            assert warning.filename == __file__
            assert str(warning.message) == BY_NAME[name].message
            if name in ("delete_project", "delete_task_run_artifact", "delete_task_tag_limit"):
                vars(here).clear()
                break


def test_the_async_client_has_no_shims() -> None:
    assert not {name for name in BY_NAME if hasattr(AsyncClient, name)}
    assert all(hasattr(Client, name) for name in BY_NAME)
    assert AsyncClient.__doc__ and "no shims" in AsyncClient.__doc__
