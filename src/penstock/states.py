"""The states that runs go through, as classes: what a run is in, what came of it, and when it goes on.

    State
    ├── Pending
    │   └── Scheduled(start_time)
    │       ├── Paused
    │       ├── Resume
    │       └── Retrying(run_count)
    ├── MetaState(state)                 a state about a state: it carries the one it replaced
    │   ├── Submitted
    │   ├── Queued(start_time)
    │   └── ClientFailed
    ├── Running
    │   └── Cancelling
    └── Finished
        ├── Looped(loop_count)
        ├── Success
        │   ├── Cached(cached_parameters, cached_result_expiration, hashed_inputs)
        │   ├── Mapped(n_map_states)
        │   └── Skipped
        ├── Failed
        │   ├── TimedOut
        │   ├── TriggerFailed
        │   └── ValidationFailed
        └── Cancelled

A state is a value: it never changes. `State.deserialize` reads the API's JSON and gives the class that its `type` names; a type that is not
known here gives a plain `State` that keeps everything. `serialize` writes what was read, or, of a state made here, the form that the
orchestrator's own state classes have (`type`, `message`, `_result`, `context`, `cached_inputs`, `__version__`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PrivateAttr,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError, to_jsonable_python

# The release of the orchestrator's state classes whose serialized form this is.
SERIALIZATION_VERSION = "1.4.1"

_NO_RESULT = {"type": "NoResultType", "__version__": SERIALIZATION_VERSION}


def _aware(value: datetime) -> datetime:
    """Times without a zone are UTC: the first releases of the orchestrator wrote them so."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


UtcDatetime = Annotated[
    datetime,
    AfterValidator(_aware),
    PlainSerializer(lambda value: value.isoformat(), return_type=str, when_used="json"),
]
"""An aware datetime; a time that comes without a zone is taken as UTC."""


class State(BaseModel):
    """The base of all states, and the state of a type that is not known here.

    Attributes:
        type: The class's name, as the API writes it.
        message: What to tell people about it.
        result: The value that the state carries; None where there is none, or where it is kept elsewhere (see `result_location`).
        context: Values that the run was given, by name.
        cached_inputs: The inputs that the task run was started with, by name, in their serialized form.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    color: ClassVar[str] = "#000000"
    """The colour, as `#rrggbb`, that the orchestrator's screens give the state."""

    type: str = "State"
    message: str | None = None
    result: Any = None
    context: dict[str, Any] | None = Field(default_factory=dict)
    cached_inputs: dict[str, Any] | None = Field(default_factory=dict)

    # What was read, as it was: it is written the same way again.
    _read: dict[str, Any] | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _choose(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Reads serialized states into the class that their `type` names."""
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
            if isinstance(value, Mapping) and ("_result" in value or "__version__" in value):
                raise PydanticCustomError(
                    "state_type", "A serialized state says its `type`, and this has none"
                )
            return handler(value)
        wanted = TYPES.get(value["type"])
        if wanted is not None and wanted is not cls:
            if not issubclass(wanted, cls):
                raise PydanticCustomError(
                    "state_type",
                    "A {found} state is not a {wanted} state",
                    {"found": value["type"], "wanted": cls.__name__},
                )
            return wanted.model_validate(value)
        if wanted is None and cls is not State:
            raise PydanticCustomError(
                "state_type",
                "{found} is no kind of {wanted} that is known",
                {"found": value["type"], "wanted": cls.__name__},
            )
        fields = {name: item for name, item in value.items() if name not in ("_result", "__version__")}
        if "_result" in value:
            fields["result"] = result_value(value["_result"])
        state = handler(fields)
        state._read = dict(value)
        return state

    @model_serializer(mode="plain")
    def serialize(self) -> dict[str, Any]:
        """The state as JSON values: as it was read, or in the orchestrator's serialized form."""
        if self._read is not None:
            return dict(self._read)
        plain = {
            name: to_jsonable_python(getattr(self, name), fallback=str)
            for name in type(self).model_fields
            if name != "result"
        }
        extra = to_jsonable_python(self.model_extra or {}, fallback=str)
        if isinstance(self, Scheduled | Queued | Cached):
            # The API's own text form has an offset, where pydantic writes Z.
            for name in ("start_time", "cached_result_expiration"):
                moment = getattr(self, name, None)
                if isinstance(moment, datetime):
                    plain[name] = moment.isoformat()
        return {
            **plain,
            **extra,
            "_result": serialized_result(self.result),
            "__version__": SERIALIZATION_VERSION,
        }

    @classmethod
    def deserialize(cls, serialized: Mapping[str, Any]) -> Self:
        """The state that a serialized one is, of the class that its `type` names.

        Raises `ValueError` (pydantic's `ValidationError`) where it is no state, or not of the class that was asked for.
        """
        if not isinstance(serialized, Mapping) or not isinstance(serialized.get("type"), str):
            raise ValueError('A serialized state is an object with a `type`, such as {"type": "Running"}.')
        return cls.model_validate(serialized)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values: what was read is kept, but for what is updated."""
        copy = super().model_copy(update=update, deep=deep)
        if self._read is not None and update:
            made = type(self).model_construct(**{**self.__dict__, **(self.model_extra or {}), **update})
            fresh = made.serialize()
            changed = {"_result" if name == "result" else name for name in update}
            copy._read = {**self._read, **{name: fresh[name] for name in changed}}
        return copy

    @property
    def result_location(self) -> str | None:
        """Where the result is kept, if the state only says where: a path or an address in the storage that its flow names."""
        kept = (self._read or {}).get("_result")
        location = kept.get("location") if isinstance(kept, Mapping) else None
        return location if isinstance(location, str) else None

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    def __repr__(self) -> str:
        # The result is left out: it may be large, and it may be a secret.
        return f"<{self.type}{f': {self.message!r}' if self.message else ''}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return self.__dict__ == other.__dict__ and (self.model_extra or {}) == (other.model_extra or {})

    def __hash__(self) -> int:
        return hash((self.type, self.message))

    def is_pending(self) -> bool:
        """Whether it has not begun: Pending, or a kind of it such as Scheduled."""
        return isinstance(self, Pending)

    def is_scheduled(self) -> bool:
        """Whether it waits for its time: Scheduled, or a kind of it such as Retrying."""
        return isinstance(self, Scheduled)

    def is_retrying(self) -> bool:
        """Whether it waits for another try."""
        return isinstance(self, Retrying)

    def is_meta_state(self) -> bool:
        """Whether it is a state about a state, which it carries as `state`."""
        return isinstance(self, MetaState)

    def is_submitted(self) -> bool:
        """Whether it was handed over to be executed."""
        return isinstance(self, Submitted)

    def is_queued(self) -> bool:
        """Whether it waits for room under a limit."""
        return isinstance(self, Queued)

    def is_running(self) -> bool:
        """Whether it is at work: Running, or Cancelling."""
        return isinstance(self, Running)

    def is_finished(self) -> bool:
        """Whether it is over, for better or worse."""
        return isinstance(self, Finished)

    def is_looped(self) -> bool:
        """Whether it finished one round of a loop."""
        return isinstance(self, Looped)

    def is_successful(self) -> bool:
        """Whether it is over and went well: Success, or a kind of it such as Cached."""
        return isinstance(self, Success)

    def is_cached(self) -> bool:
        """Whether its result can be used again."""
        return isinstance(self, Cached)

    def is_mapped(self) -> bool:
        """Whether it was mapped over its inputs: its children did the work."""
        return isinstance(self, Mapped)

    def is_skipped(self) -> bool:
        """Whether it was passed over."""
        return isinstance(self, Skipped)

    def is_failed(self) -> bool:
        """Whether it is over and went wrong: Failed, or a kind of it such as TimedOut."""
        return isinstance(self, Failed)

    def is_cancelled(self) -> bool:
        """Whether it was stopped by someone."""
        return isinstance(self, Cancelled)


class Pending(State):
    """Not begun, and waiting for others."""

    color: ClassVar[str] = "#7ebdff"
    type: str = "Pending"


class Scheduled(Pending):
    """Waiting for its time. `start_time` is when it may start, UTC; None lets it start at once."""

    color: ClassVar[str] = "#ffab00"
    type: str = "Scheduled"
    start_time: UtcDatetime | None = None


class Paused(Scheduled):
    """Waiting for someone to resume it."""

    color: ClassVar[str] = "#99a8e8"
    type: str = "Paused"


class Resume(Scheduled):
    """Resumed, and due."""

    color: ClassVar[str] = "#f58c0c"
    type: str = "Resume"


class Retrying(Scheduled):
    """Waiting for another try. `run_count` is how many tries there were."""

    color: ClassVar[str] = "#f66a0a"
    type: str = "Retrying"
    run_count: int | None = None


class MetaState(State):
    """A state about a state. `state` is the one it replaced."""

    type: str = "_MetaState"
    state: State | None = None


class Submitted(MetaState):
    """Handed over to be executed."""

    color: ClassVar[str] = "#ffdf5d"
    type: str = "Submitted"


class Queued(MetaState):
    """Waiting for room under a limit. `start_time` is when it may try again, UTC."""

    color: ClassVar[str] = "#ffea7f"
    type: str = "Queued"
    start_time: UtcDatetime | None = None


class ClientFailed(MetaState):
    """Finished, with a state that could not be reported: `state` is that one."""

    color: ClassVar[str] = "#eb0000"
    type: str = "ClientFailed"


class Running(State):
    """At work."""

    color: ClassVar[str] = "#3d67ff"
    type: str = "Running"


class Cancelling(Running):
    """At work, and asked to stop."""

    color: ClassVar[str] = "#E8E8E8"
    type: str = "Cancelling"


class Finished(State):
    """Over."""

    color: ClassVar[str] = "#003ccb"
    type: str = "Finished"


class Looped(Finished):
    """One round of a loop is over. `loop_count` is which."""

    color: ClassVar[str] = "#003ccb"
    type: str = "Looped"
    loop_count: int | None = None


class Success(Finished):
    """Over, and it went well."""

    color: ClassVar[str] = "#28a745"
    type: str = "Success"


class Cached(Success):
    """Over, with a result that can be used again.

    `cached_parameters` are the parameters it holds for, `cached_result_expiration` is until when, UTC, and `hashed_inputs` are the hashes
    of the inputs it holds for.
    """

    color: ClassVar[str] = "#34d058"
    type: str = "Cached"
    cached_parameters: dict[str, Any] | None = None
    cached_result_expiration: UtcDatetime | None = None
    hashed_inputs: dict[str, str] | None = None


class Mapped(Success):
    """Mapped over its inputs. `n_map_states` is how many children there are."""

    color: ClassVar[str] = "#003ccb"
    type: str = "Mapped"
    n_map_states: int | None = None


class Skipped(Success):
    """Passed over."""

    color: ClassVar[str] = "#62757f"
    type: str = "Skipped"


class Failed(Finished):
    """Over, and it went wrong."""

    color: ClassVar[str] = "#eb0000"
    type: str = "Failed"


class TimedOut(Failed):
    """It took longer than it may."""

    color: ClassVar[str] = "#ff4e33"
    type: str = "TimedOut"


class TriggerFailed(Failed):
    """What had to come before it did not come out as it had to."""

    color: ClassVar[str] = "#ff5131"
    type: str = "TriggerFailed"


class ValidationFailed(Failed):
    """It finished, and its result was found wrong."""

    color: ClassVar[str] = "#ff5131"
    type: str = "ValidationFailed"


class Cancelled(Finished):
    """Stopped by someone."""

    color: ClassVar[str] = "#bdbdbd"
    type: str = "Cancelled"


def _all(cls: type[State]) -> dict[str, type[State]]:
    found = {cls.model_fields["type"].default: cls}
    for child in cls.__subclasses__():
        found |= _all(child)
    return found


TYPES: Mapping[str, type[State]] = _all(State)
"""The classes by the `type` that the API writes."""


def result_value(serialized: Any) -> Any:
    """The value of a serialized result.

    None where there is none or it lies elsewhere. What carries its value has it under `value`, as JSON; what the API itself stores has the
    value's JSON text under `location`.
    """
    if not isinstance(serialized, Mapping) or "type" not in serialized:
        return serialized
    match serialized["type"]:
        case "NoResultType":
            return None
        case "PrefectResult":
            location = serialized.get("location")
            try:
                return json.loads(location) if isinstance(location, str) else None
            except ValueError:
                return None
    if "value" in serialized:
        return serialized["value"]
    # An object that happens to have a key `type` is a value; a result says its version.
    return None if "__version__" in serialized else serialized


def serialized_result(value: Any) -> dict[str, Any]:
    """A result in its serialized form: a constant that carries the value, or the absence of one.

    Values without a form in JSON (bytes that are no text, for one) are refused with `ValueError`: keep them in a storage, and their
    location here.
    """
    if value is None:
        return dict(_NO_RESULT)
    return {
        "type": "ConstantResult",
        "value": to_jsonable_python(value),
        "__version__": SERIALIZATION_VERSION,
    }
