"""What is sent to the flyte side: packs, events and flows, read and checked.

Reading gives frozen values or raises ``BadRequest`` with one sentence that names the place. Rules of the wire
are from the flyte server; rules of ours (names that fit into a URL, unique step ids, templates that parse)
are refused where the flyte server would accept something that then never works.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, ValidationError
from pydantic_core import from_json

from penstock.server.flyte import templates
from penstock.server.flyte.errors import BadRequest, TemplateFailed

YAML: Final = "application/x-yaml"
RESERVED_REL = re.compile(r"(up|self|/actionResult$|/takeAction$|/event$)")
"""Link rels a pack may not bring: they are the server's own."""

_UNSAFE: Final = "no blank and none of / \\ ? # %"
_UNSAFE_NAME = re.compile(r"[\s/\\?#%\x00-\x1f\x7f]")


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_none_left(value: object) -> object:
    return [] if value is None else value


Labels = Annotated[dict[StrictStr, StrictStr], BeforeValidator(_or_empty)]
ItemT = TypeVar("ItemT")
Optional = Annotated[list[ItemT], BeforeValidator(_or_none_left)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Link(_Document):
    """A hypermedia link as a pack brings it."""

    href: StrictStr
    rel: StrictStr


class PackEvent(_Document):
    """An event a pack says it raises."""

    name: StrictStr = ""
    links: Optional[Link] = []


class PackCommand(_Document):
    """A command a pack says it handles, with the names of its output events."""

    name: StrictStr = ""
    events: list[StrictStr] | None = None
    links: Optional[Link] = []


class PackDocument(_Document):
    """A pack as it registers."""

    name: StrictStr = ""
    labels: Labels = {}
    events: Optional[PackEvent] = []
    commands: Optional[PackCommand] = []
    links: Optional[Link] = []

    @property
    def id(self) -> str:
        """The pack's name, then ``.key.value`` for each label, keys sorted: what its URLs end in."""
        return ".".join(
            [self.name, *(part for key in sorted(self.labels) for part in (key, self.labels[key]))]
        )


class StepEvent(_Document):
    """What triggers a step."""

    model_config = ConfigDict(extra="forbid")

    pack_name: StrictStr = Field(alias="packName", min_length=1)
    name: StrictStr = Field(min_length=1)
    pack_labels: Labels = Field(alias="packLabels", default={})


class StepCommand(_Document):
    """What a step asks of a pack; every string of ``input`` is a template."""

    model_config = ConfigDict(extra="forbid")

    pack_name: StrictStr = Field(alias="packName", min_length=1)
    name: StrictStr = Field(min_length=1)
    pack_labels: Labels = Field(alias="packLabels", default={})
    input: Any = None


class Step(_Document):
    """One step of a flow."""

    model_config = ConfigDict(extra="forbid")

    id: StrictStr = ""
    depends_on: Optional[StrictStr] = Field(alias="dependsOn", default=[])
    criteria: StrictStr = ""
    context: Labels = {}
    event: StepEvent
    command: StepCommand


class FlowDocument(_Document):
    """A flow: steps that turn events into commands."""

    model_config = ConfigDict(extra="forbid")

    name: StrictStr
    description: StrictStr | None = None
    steps: Optional[Step] = []

    def keyed_steps(self) -> list[tuple[str, Step]]:
        """The steps with a key each that is unique in the flow: the id, or the position of a step without
        one."""
        return [(step.id or f"#{position}", step) for position, step in enumerate(self.steps)]


class EventDocument(_Document):
    """An event or a result as it is posted."""

    event: StrictStr = ""
    payload: Any = None
    created_at: StrictStr | None = Field(alias="createdAt", default=None)


@dataclass(frozen=True, slots=True)
class PackReference:
    """The pack an event came from."""

    id: str
    name: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as it arrived; both times aware and UTC."""

    name: str
    payload: object
    pack: PackReference
    created_at: datetime
    received_at: datetime


ModelT = TypeVar("ModelT", bound=_Document)


def parse(body: bytes, content_type: str) -> object:
    """The value in ``body``: YAML where the content type says so, else JSON as the flyte server reads it (no
    NaN)."""
    try:
        if content_type.partition(";")[0].strip().lower() in {YAML, "application/yaml", "text/yaml"}:
            return _plain(yaml.safe_load(body))
        return from_json(body, allow_inf_nan=False)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadRequest(f"The body cannot be read: {error}") from None


def read_pack(value: object) -> PackDocument:
    """Check a registration; raises ``BadRequest``."""
    pack = _validate(PackDocument, value, "pack")
    if not pack.name:
        raise BadRequest("The pack has no name.")
    for text in (pack.name, *pack.labels.keys(), *pack.labels.values()):
        if _UNSAFE_NAME.search(text):
            raise BadRequest(
                f"{text!r} in a pack's name or labels becomes part of a URL: it holds {_UNSAFE}."
            )
    links = list(pack.links)
    for event in pack.events:
        links += event.links
    for command in pack.commands:
        links += command.links
    for link in links:
        if RESERVED_REL.search(link.rel):
            raise BadRequest(
                f"The link rel {link.rel!r} is the server's own; a pack brings rels such as 'help'."
            )
    return pack


def read_flow(value: object) -> FlowDocument:
    """Check a flow, its templates included; raises ``BadRequest``."""
    flow = _validate(FlowDocument, value, "flow")
    if not flow.name or _UNSAFE_NAME.search(flow.name):
        raise BadRequest(
            f"The flow name {flow.name!r} becomes part of a URL: it holds no blank and none of / \\ ? # %."
        )
    ids = [step.id for step in flow.steps if step.id]
    for step_id in ids:
        if ids.count(step_id) > 1:
            raise BadRequest(f"The step id {step_id!r} occurs more than once in the flow {flow.name!r}.")
    for key, step in flow.keyed_steps():
        for dependency in step.depends_on:
            if dependency not in ids:
                raise BadRequest(
                    f"The step {key!r} depends on {dependency!r}, which is no step of the flow {flow.name!r}."
                )
        _check_templates(key, step)
    return flow


def read_event(value: object, pack: PackReference, received_at: datetime) -> ReceivedEvent:
    """Check an event or a result; raises ``BadRequest``. ``createdAt`` is optional and must carry an
    offset."""
    document = _validate(EventDocument, value, "event")
    return ReceivedEvent(
        name=document.event,
        payload=document.payload,
        pack=pack,
        created_at=_read_time(document.created_at) if document.created_at else received_at,
        received_at=received_at,
    )


def _read_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or "T" not in text.upper():
        raise BadRequest(f"createdAt {text!r} is no RFC 3339 time such as 2024-01-01T00:00:00Z.")
    if moment.tzinfo is None:
        raise BadRequest(f"createdAt {text!r} has no offset; end it in Z or in one such as +01:00.")
    return moment.astimezone(UTC)


def _check_templates(key: str, step: Step) -> None:
    places: dict[str, object] = {
        "criteria": step.criteria,
        "context": step.context,
        "event.packLabels": step.event.pack_labels,
        "command.packLabels": step.command.pack_labels,
        "command.input": step.command.input,
    }
    for place, value in places.items():
        for source in _strings(value):
            try:
                templates.check(source)
            except TemplateFailed as error:
                raise BadRequest(f"Step {key!r}, {place}: {error}.") from None


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def _plain(value: object) -> object:
    """YAML's values as JSON has them: text keys, no dates, so that both spellings of a flow are the same
    flow."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def _validate(model: type[ModelT], value: object, what: str) -> ModelT:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadRequest(f"This is no {what}: {place}: {first['msg']}.") from None
