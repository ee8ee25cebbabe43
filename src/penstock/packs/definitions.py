"""What a pack consists of: events, commands and the pack itself.

The names and the two ways to write a pack (classes, and decorators on ``Pack``) are those of the flyte
clients. An event's payload may have a type; then a payload of another shape is an error where it is made, not
at whoever gets it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Generic, overload
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from typing_extensions import TypeVar, deprecated

from penstock.packs.errors import DefinitionError

PayloadT = TypeVar("PayloadT", default=Any)

FATAL: Final = "FATAL"
"""The event that fails an action. Every command may end in it; none declares it."""

UNSAFE_NAME: Final = re.compile(r"[\s/\\?#%\x00-\x1f\x7f]")
"""What a name must not hold because it becomes part of a URL, unescaped, in the flyte server's links."""


def check_name(what: str, name: str) -> str:
    """``name`` itself; raises ``DefinitionError`` where it is empty or cannot stand in a URL."""
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"The name of the {what} is {name!r}; it needs to be text.")
    if UNSAFE_NAME.search(name):
        raise DefinitionError(
            f"The name {name!r} of the {what} becomes part of a URL: it holds no blank and none of / \\ ? # %."
        )
    return name


def check_labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    """``labels`` itself; raises ``DefinitionError`` for keys or values that are no text or cannot stand in a
    URL."""
    for key, value in labels.items():
        check_name("label", key)
        if not isinstance(value, str):
            raise DefinitionError(f"The label {key!r} is {value!r}; the API takes text only.")
        check_name(f"label {key!r}'s value", value)
    return labels


def check_help_url(help_url: str | None, where: str) -> str | None:
    """``help_url`` itself; raises ``DefinitionError`` where it is no absolute http(s) URL."""
    if help_url is None:
        return None
    parts = urlsplit(help_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise DefinitionError(f"The help URL {help_url!r} of {where} is no http:// or https:// URL.")
    return help_url


def explain(error: ValidationError) -> str:
    """A validation error in one line: each place and what is wrong there. Values are not repeated: they may
    be secret."""
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in detail["loc"])
        found.append(f"{place}: {detail['msg']}" if place else detail["msg"])
    return "; ".join(found) + "."


class EventDef(Generic[PayloadT]):
    """An event that a pack raises: its name, the type of its payload, and a page that describes it.

    ``payload`` is any type pydantic knows: a model, a dataclass, ``list[int]``. Without it any JSON value
    will do. Calling the definition makes the event: ``IssueCreated(IssueCreatedPayload(…))``.

    Raises ``DefinitionError`` for an empty name, or one that cannot stand in a URL.
    """

    @overload
    def __init__(
        self: EventDef[Any], name: str, help_url: str | None = None, *, payload: None = None
    ) -> None: ...
    @overload
    def __init__(self, name: str, help_url: str | None = None, *, payload: type[PayloadT]) -> None: ...
    def __init__(
        self, name: str, help_url: str | None = None, *, payload: type[PayloadT] | None = None
    ) -> None:
        self.name = check_name("event", name)
        self.help_url = check_help_url(help_url, f"the event {name!r}")
        self.payload = payload

    @overload
    def __call__(self: EventDef[None]) -> Event[None]: ...
    @overload
    def __call__(self, payload: PayloadT) -> Event[PayloadT]: ...
    def __call__(self, payload: Any = None) -> Any:
        """The event with this payload; raises ``ValueError`` where the payload does not have the declared
        type."""
        return Event(self, payload)

    def __repr__(self) -> str:
        return f"EventDef({self.name!r})"

    @cached_property
    def _adapter(self) -> TypeAdapter[Any] | None:
        return None if self.payload is None else TypeAdapter(self.payload)

    def check(self, payload: object) -> object:
        """``payload`` as the declared type has it; raises ``ValueError`` with a sentence where it does not
        fit."""
        if self._adapter is None:
            return payload
        try:
            return self._adapter.validate_python(payload)
        except ValidationError as error:
            raise ValueError(
                f"The payload of the event {self.name!r} does not have its declared type: {explain(error)}"
            ) from None

    def encode(self, payload: object) -> bytes:
        """``payload`` as JSON; raises ``ValueError`` where it is none."""
        try:
            adapter = self._adapter
            encoded = (
                to_json(payload, by_alias=True)
                if adapter is None
                else adapter.dump_json(payload, by_alias=True)
            )
            if b"NaN" in encoded or b"Infinity" in encoded:
                from_json(encoded, allow_inf_nan=False)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"The payload of the event {self.name!r} cannot be written as JSON: {error}"
            ) from None
        return encoded

    def schema(self) -> dict[str, Any]:
        """The payload's JSON schema; ``{}`` where any JSON value will do."""
        return {} if self._adapter is None else self._adapter.json_schema(mode="serialization", by_alias=True)


class Event(Generic[PayloadT]):
    """Something that happened: sent by ``Pack.send_event``, or what a command ends in."""

    __slots__ = ("event_def", "payload")

    event_def: EventDef[PayloadT]
    payload: PayloadT

    @overload
    def __init__(self, event_def: EventDef[PayloadT], payload: PayloadT = ...) -> None: ...
    @overload
    @deprecated("Write event_def instead of eventDef.")
    def __init__(self, *, eventDef: EventDef[PayloadT], payload: PayloadT = ...) -> None: ...
    def __init__(
        self,
        event_def: EventDef[PayloadT] | None = None,
        payload: Any = None,
        *,
        eventDef: EventDef[PayloadT] | None = None,
    ) -> None:
        chosen = event_def or eventDef
        if chosen is None:
            raise TypeError("An event needs its definition: Event(event_def, payload).")
        self.event_def = chosen
        self.payload = chosen.check(payload)  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """The event's name."""
        return self.event_def.name

    def __repr__(self) -> str:
        return f"Event({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and (self.name, self.payload) == (other.name, other.payload)

    __hash__ = None  # type: ignore[assignment]


_FATAL_DEF: EventDef[Any] = EventDef(FATAL)


def fatal_event(payload: object = None) -> Event[Any]:
    """The event that fails an action, with any JSON payload: better than raising, which sends the error's
    text."""
    return Event(_FATAL_DEF, payload)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``count`` actions begin in any ``seconds``; more wait."""

    count: int
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seconds <= 0:
            raise DefinitionError(
                f"A rate limit of {self.count} in {self.seconds} seconds lets nothing through."
            )


class CommandHandler(ABC):
    """What a command does. ``handle`` may be a coroutine function; a plain one runs in a thread."""

    @abstractmethod
    def handle(self, request: Any) -> Event[Any] | Awaitable[Event[Any]]:
        """Do it. ``request`` is the action's input, of the annotated type where there is one; the event is
        the result.

        Raising fails the action with the error's text.
        """


Handler = Callable[..., "Event[Any] | Awaitable[Event[Any]]"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a pack.

    ``output_events`` are the events it may end in, at least one; ``FATAL`` is always possible. ``handler``
    takes the action's input (or nothing) and returns one of them. ``timeout`` is in seconds; an action that
    takes longer ends in ``FATAL``. ``max_concurrency`` bounds how many actions of this command run at once.
    ``rerun`` says what becomes of an action that was running when the pack died: run it again (the default),
    or end it in ``FATAL``.

    Raises ``DefinitionError``.
    """

    name: str
    handler: CommandHandler | Handler
    output_events: Sequence[EventDef[Any]]
    help_url: str | None = None
    timeout: float | None = None
    max_concurrency: int | None = None
    rate_limit: RateLimit | None = None
    rerun: bool = True

    def __post_init__(self) -> None:
        check_name("command", self.name)
        check_help_url(self.help_url, f"the command {self.name!r}")
        if not self.output_events:
            raise DefinitionError(
                f"The command {self.name!r} declares no output event; it needs at least one."
            )
        for event in self.output_events:
            if not isinstance(event, EventDef):
                raise DefinitionError(
                    f"An output event of the command {self.name!r} is {event!r}, not an EventDef."
                )
        if not callable(self.handler) and not isinstance(self.handler, CommandHandler):
            raise DefinitionError(
                f"The handler of the command {self.name!r} is {self.handler!r}, which is no function."
            )
        if self.timeout is not None and self.timeout <= 0:
            raise DefinitionError(
                f"The timeout of the command {self.name!r} is {self.timeout} seconds; make it positive."
            )
        if self.max_concurrency is not None and self.max_concurrency < 1:
            raise DefinitionError(f"The max_concurrency of the command {self.name!r} must be at least 1.")


@dataclass(frozen=True, slots=True)
class PackDef:
    """A pack: its name, commands, own events, labels and a page that describes it.

    ``event_defs`` are events the pack sends by itself; those its commands end in need not be repeated. Labels
    distinguish several of the same pack (``env=staging``); flows may ask for them.

    Raises ``DefinitionError``.
    """

    name: str
    commands: Sequence[Command] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    event_defs: Sequence[EventDef[Any]] = ()
    help_url: str | None = None

    def __post_init__(self) -> None:
        check_name("pack", self.name)
        check_help_url(self.help_url, f"the pack {self.name!r}")
        check_labels(self.labels)
        names = [command.name for command in self.commands]
        for name in names:
            if names.count(name) > 1:
                raise DefinitionError(f"The pack {self.name!r} has the command {name!r} more than once.")

    @property
    def all_events(self) -> list[EventDef[Any]]:
        """The pack's own events and its commands', each name once."""
        by_name: dict[str, EventDef[Any]] = {}
        for event in (
            *self.event_defs,
            *(event for command in self.commands for event in command.output_events),
        ):
            known = by_name.get(event.name)
            # The same event may be written down twice; where only one has a help page, that one tells more.
            if known is None or (known.help_url is None and event.help_url is not None):
                by_name[event.name] = event
        return list(by_name.values())

    @property
    def id(self) -> str:
        """The id the API makes of name and labels: the name, then ``.key.value`` per label, keys sorted."""
        return ".".join(
            [self.name, *(part for key in sorted(self.labels) for part in (key, self.labels[key]))]
        )

    def registration(self) -> dict[str, Any]:
        """The pack as it is sent to the API. What is empty is left out, as the flyte client does."""
        document: dict[str, Any] = {"name": self.name}
        if self.labels:
            document["labels"] = dict(self.labels)
        document["events"] = [_with_help({"name": event.name}, event.help_url) for event in self.all_events]
        document["commands"] = [
            _with_help(
                {"name": command.name, "events": [event.name for event in command.output_events]},
                command.help_url,
            )
            for command in self.commands
        ]
        return _with_help(document, self.help_url)


def _with_help(document: dict[str, Any], help_url: str | None) -> dict[str, Any]:
    if help_url is not None:
        document["links"] = [{"href": help_url, "rel": "help"}]
    return document
