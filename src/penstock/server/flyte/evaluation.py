"""From an event to actions: which steps of a flow an event triggers, and what they ask of which pack.

Nothing here touches the database. Per step: the event must match by name and pack, the context is evaluated,
then the event's labels, the criteria, and last the command's labels and input.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.server.flyte import templates
from penstock.server.flyte.errors import TemplateFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penstock.server.flyte.documents import FlowDocument, ReceivedEvent, Step

logger = logging.getLogger(__name__)

_TRUE = frozenset(["1", "t", "T", "TRUE", "true", "True"])


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action that a step asks for, not yet stored."""

    step_key: str
    step_id: str
    pack_name: str
    pack_labels: dict[str, str]
    command: str
    input: object
    context: dict[str, str]


def plan(
    flow: FlowDocument,
    event: ReceivedEvent,
    *,
    context: Mapping[str, str],
    finished: Collection[str] | None,
    started: Collection[str],
    datastore: templates.Datastore,
) -> list[PlannedAction]:
    """The actions ``event`` asks for in one execution of ``flow``.

    ``finished`` holds the keys of the steps whose actions have a result, or is ``None`` for an event from
    outside of any execution: such an event triggers the steps that depend on nothing. An event inside an
    execution triggers the others, each once: not those in ``started``, and those of whose dependencies at
    least one is finished.

    A step whose templates fail is logged and asks for nothing; the others are not affected.
    """
    planned = []
    for key, step in flow.keyed_steps():
        if finished is None:
            candidate = not step.depends_on
        else:
            candidate = key not in started and any(dependency in finished for dependency in step.depends_on)
        if not candidate:
            continue
        try:
            action = _evaluate(key, step, event, context, datastore)
        except TemplateFailed as error:
            logger.error("Flow %r, step %r asks for nothing: %s.", flow.name, key, error)
            continue
        if action:
            planned.append(action)
    return planned


def _evaluate(
    key: str,
    step: Step,
    event: ReceivedEvent,
    parent_context: Mapping[str, str],
    datastore: templates.Datastore,
) -> PlannedAction | None:
    if step.event.name != event.name or step.event.pack_name != event.pack.name:
        return None

    def variables(context: Mapping[str, str]) -> dict[str, object]:
        return {
            "Event": {
                "Name": event.name,
                "Payload": event.payload,
                "Pack": {"Id": event.pack.id, "Name": event.pack.name, "Labels": event.pack.labels},
                "CreatedAt": event.created_at.isoformat(),
                "ReceivedAt": event.received_at.isoformat(),
            },
            "Context": context,
        }

    known = variables(parent_context)
    context = {**parent_context, **_render_all(step.context, known, datastore)}
    known = variables(context)
    wanted_labels = _render_all(step.event.pack_labels, known, datastore)
    if not wanted_labels.items() <= event.pack.labels.items():
        return None
    if step.criteria and templates.render(step.criteria, known, datastore).strip() not in _TRUE:
        return None
    return PlannedAction(
        step_key=key,
        step_id=step.id,
        pack_name=step.command.pack_name,
        pack_labels=_render_all(step.command.pack_labels, known, datastore),
        command=step.command.name,
        input=templates.resolve(step.command.input, known, datastore),
        context=context,
    )


def _render_all(
    values: Mapping[str, str], known: Mapping[str, object], datastore: templates.Datastore
) -> dict[str, str]:
    return {name: templates.render(value, known, datastore) for name, value in values.items()}
