"""What the flyte side answers: the JSON of packs, flows and audits, with their links.

Field names, their order and the ends of the rels are the flyte server's; an empty field is left out, as
there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from penstock.server.flyte.store import (
    AuditedAction,
    AuditedExecution,
    FlowSummary,
    StoredFlow,
    StoredPack,
    rfc3339,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.server.flyte.documents import Link
    from penstock.server.flyte.store import DatastoreItem

Json = dict[str, object]

NO_TIME: Final = "0001-01-01T00:00:00Z"
"""What the flyte server writes for the times of a result that is not there yet."""

_LIVE: Final = timedelta(minutes=10)
_WARNING: Final = timedelta(hours=24)


def origin(headers: Mapping[str, str], scheme: str) -> str:
    """Scheme and host that links begin with: what the proxy says of itself, else what the client asked
    for."""
    host = (
        headers.get("x-flyte-host") or headers.get("x-forwarded-host") or headers.get("host") or "localhost"
    )
    return f"{headers.get('x-forwarded-proto') or scheme}://{host}"


def root(base: str) -> Json:
    """The answer to ``GET /``."""
    return {
        "links": [
            _link(f"{base}/", "self"),
            _link(f"{base}/swagger#/info", "help"),
            _link(f"{base}/v1", f"{base}/swagger#!/info/v1"),
        ]
    }


def index(base: str) -> Json:
    """The answer to ``GET /v1``."""
    return {
        "links": [
            _link(f"{base}/v1", "self"),
            _link(f"{base}/", "up"),
            _link(f"{base}/swagger#!/info/v1", "help"),
            _link(f"{base}/health", f"{base}/swagger#!/info/health"),
            _link(f"{base}/v1/packs", f"{base}/swagger#!/pack/listPacks"),
            _link(f"{base}/v1/flows", f"{base}/swagger#!/flow/listFlows"),
            _link(f"{base}/v1/datastore", f"{base}/swagger#!/datastore/listDatastoreItems"),
            _link(f"{base}/v1/audit/flows", f"{base}/swagger#!/flowAudit/findFlows"),
            _link(f"{base}/v1/swagger", f"{base}/swagger"),
        ]
    }


def pack_url(base: str, pack_id: str) -> str:
    """Where a pack is."""
    return f"{base}/v1/packs/{quote(pack_id, safe='')}"


def pack(base: str, stored: StoredPack) -> Json:
    """A pack with the links it works by."""
    url = pack_url(base, stored.id)
    document = stored.document
    take_rel = f"{base}/swagger#!/action/takeAction"
    commands = [
        {
            "name": command.name,
            "events": command.events,
            "links": [_link(f"{url}/actions/take?commandName={quote(command.name, safe='')}", take_rel)],
        }
        for command in document.commands
    ]
    events = [
        {"name": event.name} | ({"links": _links(event.links)} if event.links else {})
        for event in document.events
    ]
    return _filled(
        id=stored.id,
        name=document.name,
        labels=dict(sorted(document.labels.items())),
        commands=commands,
        events=events,
        lastSeen=rfc3339(stored.last_seen),
        links=[
            *_links(document.links),
            _link(url, "self"),
            _link(f"{base}/v1/packs", "up"),
            _link(f"{url}/actions/take", take_rel),
            _link(f"{url}/events", f"{base}/swagger#/event"),
        ],
        status=_status(stored.last_seen),
    )


def packs(base: str, stored: Iterable[StoredPack]) -> Json:
    """The list of packs."""
    listed = [
        _filled(
            id=each.id,
            name=each.document.name,
            labels=dict(sorted(each.document.labels.items())),
            lastSeen=rfc3339(each.last_seen),
            links=[_link(pack_url(base, each.id), "self")],
            status=_status(each.last_seen),
        )
        for each in stored
    ]
    return {"links": _list_links(base, "packs", "pack"), "packs": listed}


def action(base: str, pack_id: str, action_id: str, command: str, value: object) -> Json:
    """An action as it is handed out; ``input`` is always there."""
    result = _link(f"{pack_url(base, pack_id)}/actions/{action_id}/result", f"{base}/swagger#/actionResult")
    return {"command": command, "input": value, "links": [result]}


def flow_url(base: str, name: str) -> str:
    """Where a flow is."""
    return f"{base}/v1/flows/{quote(name, safe='')}"


def flow(base: str, stored: StoredFlow) -> Json:
    """A flow in full."""
    links = [
        _link(flow_url(base, stored.document.name), "self"),
        _link(f"{base}/v1/flows", "up"),
        _link(f"{base}/swagger#/flow", "help"),
    ]
    return {**_flow(stored), "links": links}


def flows(base: str, summaries: Iterable[FlowSummary]) -> Json:
    """The list of flows."""
    listed = [
        _filled(
            name=each.name, description=each.description, links=[_link(flow_url(base, each.name), "self")]
        )
        for each in summaries
    ]
    return {"flows": listed, "links": _list_links(base, "flows", "flow")}


def audit(base: str, executions: Iterable[AuditedExecution]) -> Json:
    """The list of executions."""
    links = [
        _link(f"{base}/v1/audit/flows", "self"),
        _link(f"{base}/v1", "up"),
        _link(f"{base}/swagger#/flowExecs", "help"),
    ]
    return {"flows": [audited_execution(base, execution) for execution in executions], "links": links}


def audited_execution(base: str, execution: AuditedExecution) -> Json:
    """One execution with its actions."""
    described = _flow(execution.flow)
    steps = described.pop("steps", [])
    return {
        **described,
        "correlationId": execution.correlation_id,
        "steps": steps,
        "actions": {key: _audited_action(each, execution) for key, each in execution.actions.items()},
        "links": [_link(f"{base}/v1/audit/flows/{execution.correlation_id}", "self")],
    }


def datastore(base: str, items: Iterable[DatastoreItem]) -> Json:
    """The list of datastore items."""
    listed = [
        _filled(
            key=item.key,
            contentType=item.content_type,
            description=item.description,
            links=[_link(datastore_url(base, item.key), "self")],
        )
        for item in items
    ]
    return {"links": _list_links(base, "datastore", "datastore"), "datastore": listed}


def datastore_url(base: str, key: str) -> str:
    """Where a datastore item is."""
    return f"{base}/v1/datastore/{quote(key, safe='')}"


def _audited_action(action: AuditedAction, execution: AuditedExecution) -> Json:
    states = [{"value": value, "time": rfc3339(at)} for value, at in action.states]
    no_result = {"event": "", "pack": {"id": "", "name": ""}, "createdAt": NO_TIME, "receivedAt": NO_TIME}
    described = _filled(
        id=action.id, name=action.command, packName=action.pack_name, packLabels=action.pack_labels
    )
    if action.input is not None:
        described["input"] = action.input
    return described | _filled(
        state=states[-1],
        states=states,
        correlationId=execution.correlation_id,
        flowName=execution.flow.document.name,
        flowUUID=execution.flow.version_id,
        stepId=action.step_id,
        trigger=action.trigger,
        result=action.result or no_result,
        context=action.context,
    )


def _flow(stored: StoredFlow) -> Json:
    document = stored.document.model_dump(mode="json", by_alias=True)
    steps = []
    for step in document["steps"]:
        for part in (step, step["event"], step["command"]):
            for name in [name for name, value in part.items() if name != "input" and not value]:
                del part[name]
        steps.append(step)
    return _filled(
        name=document["name"], description=document["description"], uuid=stored.version_id, steps=steps
    )


def _status(last_seen: datetime) -> str:
    unseen = datetime.now(UTC) - last_seen
    if unseen < _LIVE:
        return "live"
    return "warning" if unseen < _WARNING else "critical"


def _list_links(base: str, path: str, help_topic: str) -> list[Json]:
    return [
        _link(f"{base}/v1/{path}", "self"),
        _link(f"{base}/v1", "up"),
        _link(f"{base}/swagger#/{help_topic}", "help"),
    ]


def _link(href: str, rel: str) -> Json:
    return {"href": href, "rel": rel}


def _links(links: Iterable[Link]) -> list[Json]:
    return [_link(link.href, link.rel) for link in links]


def _filled(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}
