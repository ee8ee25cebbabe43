"""A tenant with one of everything, made when first needed, and requests in a form that can be compared."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
)
from graphql.utilities import value_from_ast_untyped
from tests.legacy.servers import Recorder, Sent, Served

from penstock import Client, FlowRun, flow
from penstock.states import Cached, Running

ANY_ID = "11111111-1111-1111-1111-111111111111"
"""Stands for every id, since they differ from world to world."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?$")


@flow
def add(x: int = 1, y: int = 2) -> int:
    """Adds."""
    return x + y


class World:
    """A client in a tenant of its own, called `old` or `new` by its test, with things to act on."""

    def __init__(self, client: Client, carrier: Recorder, slug: str) -> None:
        self.client = client
        self.carrier = carrier
        self.slug = slug
        self.flow = add

    @cached_property
    def project_name(self) -> str:
        self.client.project.create(name="p")
        return "p"

    @cached_property
    def flow_id(self) -> str:
        return str(self.client.flow.register(add, project=self.project_name).id)

    @cached_property
    def group_id(self) -> str:
        group = self.client.flow(id=self.flow_id).version_group_id
        assert group is not None
        return group

    @cached_property
    def _run(self) -> FlowRun:
        run = self.client.flow(id=self.flow_id).run(
            flow_run_name="rn", context={"a": 1}, scheduled_start_time=datetime(2020, 1, 10, tzinfo=UTC)
        )
        run.set_state(Running(message="r").serialize())
        return run

    @cached_property
    def flow_run_id(self) -> str:
        return str(self._run.id)

    @cached_property
    def task_id(self) -> str:
        (task,) = self.client.flow(id=self.flow_id).tasks(where={"slug": {"_eq": "add-1"}})
        return str(task.id)

    @cached_property
    def task_run_id(self) -> str:
        return str(self.client.task_run.get_or_create(self.flow_run_id, self.task_id).id)

    @cached_property
    def cached_since(self) -> datetime:
        """When the task run became Cached, or earlier."""
        self.client.task_run(id=self.task_run_id).set_state(Running().serialize())
        self.client.task_run(id=self.task_run_id).set_state(Cached(message="c", result=5).serialize())
        return datetime(2020, 1, 1, tzinfo=UTC)

    @cached_property
    def agent_config_id(self) -> str:
        return str(self.client.agent_config.create(name="c", settings={"poll": 1}).id)

    @cached_property
    def artifact_id(self) -> str:
        run = self.client.task_run(id=self.task_run_id)
        return str(run.create_artifact(kind="link", data={"link": "x"}).id)

    @cached_property
    def tag(self) -> str:
        self.client.task_tag_limit.set(tag="tag", limit=5)
        return "tag"

    @cached_property
    def limit_id(self) -> str:
        return str(self.client.task_tag_limit(tag=self.tag).id)


@contextmanager
def world(served: Served) -> Iterator[World]:
    """A world on a server."""
    slug = f"w-{uuid.uuid4().hex[:12]}"
    with Client(served.url) as first:
        tenant_id = first.tenant.create(name="w", slug=slug).id
    with Recorder() as carrier, Client(served.url, tenant_id=tenant_id, http_client=carrier) as client:
        yield World(client, carrier, slug)


def plain(value: Any, slug: str = "") -> Any:
    """A value in which every id, and the world's own slug, is the same; times are in UTC; what is null is left out."""
    match value:
        case str():
            if _TIME.match(value):
                moment = datetime.fromisoformat(value)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
            text = _UUID.sub(ANY_ID, value)
            return text.replace(slug, "t") if slug else text
        case uuid.UUID():
            return ANY_ID
        case datetime():
            return plain(value.isoformat())
        case Mapping():
            return {
                key: found for key, item in value.items() if (found := plain(item, slug)) not in (None, {})
            }
        case tuple() if (as_dict := getattr(value, "_asdict", None)) is not None:
            return plain(as_dict(), slug)
        case list() | tuple():
            return [plain(item, slug) for item in value]
    dump = getattr(value, "model_dump", None)
    return plain(dump(mode="json"), slug) if dump else value


Asked = tuple[str, dict[str, Any], Any]
"""One root field: its name, its arguments with the variables filled in, and what is selected of it (None for a leaf)."""


def asked(document: str, variables: Mapping[str, Any], slug: str = "") -> list[Asked]:
    """The root fields that a document asks for: fragments are spread out and variables filled in."""
    parsed = parse(document)
    fragments = {
        item.name.value: item.selection_set
        for item in parsed.definitions
        if isinstance(item, FragmentDefinitionNode)
    }
    (operation,) = [item for item in parsed.definitions if isinstance(item, OperationDefinitionNode)]
    values = {
        item.variable.name.value: _value(item.default_value, {})
        for item in operation.variable_definitions
        if item.default_value is not None
    }
    return _selected(operation.selection_set, {**values, **variables}, fragments, slug)


def _selected(
    selection: SelectionSetNode,
    values: Mapping[str, Any],
    fragments: Mapping[str, SelectionSetNode],
    slug: str,
) -> list[Asked]:
    found: list[Asked] = []
    for node in selection.selections:
        if isinstance(node, FragmentSpreadNode):
            found += _selected(fragments[node.name.value], values, fragments, slug)
        elif isinstance(node, FieldNode):
            arguments = {item.name.value: _value(item.value, values) for item in node.arguments}
            below = node.selection_set and _selected(node.selection_set, values, fragments, slug)
            found.append((node.name.value, plain(arguments, slug), below))
    return found


def _value(node: ValueNode, values: Mapping[str, Any]) -> Any:
    if isinstance(node, VariableNode):
        return values.get(node.name.value)
    return value_from_ast_untyped(node, dict(values))


def asked_by(sent: list[Sent], slug: str = "") -> list[Asked]:
    """The root fields of several requests, in their order."""
    return [item for request in sent for item in asked(request.document, request.variables, slug)]


def covers(ours: Asked, theirs: Asked) -> bool:
    """Whether one asks for all that the other asks for, of the same objects."""
    name, arguments, selected = ours
    if name != theirs[0] or not _within(theirs[1], arguments):
        return False
    if theirs[2] is None or selected is None:
        return theirs[2] is None
    return all(any(covers(mine, wanted) for mine in selected) for wanted in theirs[2])


def _within(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(key in ours and _within(item, ours[key]) for key, item in theirs.items())
    if isinstance(ours, list):
        # GraphQL takes one value for a list of it.
        theirs = theirs if isinstance(theirs, list) else [theirs]
        return len(theirs) == len(ours) and all(map(_within, theirs, ours))
    if theirs == "(the flow's own)":
        return bool(ours)
    return bool(theirs == ours)


def shown(items: list[Asked]) -> str:
    """What was asked for, for people to read in a failed test."""
    return json.dumps(items, indent=1, default=str)
