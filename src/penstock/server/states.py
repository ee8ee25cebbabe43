"""The states of runs: what extends what, and what is read from a serialized one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from graphql import GraphQLError

from penstock.server.errors import ApiError
from penstock.server.scalars import read_time
from penstock.server.types import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every state and the one it extends, as published with the orchestrator's own state classes.
PARENTS: dict[str, str | None] = {
    "State": None,
    "Pending": "State",
    "Scheduled": "Pending",
    "Paused": "Scheduled",
    "Resume": "Scheduled",
    "Retrying": "Scheduled",
    "_MetaState": "State",
    "Submitted": "_MetaState",
    "Queued": "_MetaState",
    "ClientFailed": "_MetaState",
    "Running": "State",
    "Cancelling": "Running",
    "Finished": "State",
    "Looped": "Finished",
    "Success": "Finished",
    "Cached": "Success",
    "Mapped": "Success",
    "Skipped": "Success",
    "Failed": "Finished",
    "TimedOut": "Failed",
    "TriggerFailed": "Failed",
    "ValidationFailed": "Failed",
    "Cancelled": "Finished",
}


def ancestors(name: str) -> tuple[str, ...]:
    """The state itself and every state that it extends, nearest first."""
    out: list[str] = []
    current: str | None = name
    while current is not None:
        out.append(current)
        current = PARENTS[current]
    return tuple(out)


STATE_TYPES = frozenset(name for name in PARENTS if name != "_MetaState")
FINISHED = frozenset(name for name in PARENTS if "Finished" in ancestors(name))
SCHEDULED = frozenset(name for name in PARENTS if "Scheduled" in ancestors(name))

# A serialized state over this many bytes is refused.
STATE_SIZE_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class RunState:
    """A serialized state, checked, and the parts of it that runs are searched by."""

    type: str
    message: str | None
    result: object
    start_time: datetime | None
    serialized: Mapping[str, object]

    @property
    def is_finished(self) -> bool:
        """Whether a run in this state is over."""
        return self.type in FINISHED


def read_state(serialized: object) -> RunState:
    """Check a serialized state. Raises ApiError for one that is none, or is over 1 MB."""
    if not isinstance(serialized, dict):
        raise ApiError('A state must be a JSON object like {"type": "Running", "message": "…"}.')
    name = serialized.get("type")
    if not isinstance(name, str) or name not in STATE_TYPES:
        raise ApiError(f"{name!r} is no type of state; write one of {', '.join(sorted(STATE_TYPES))}.")
    size = len(json_text(serialized).encode())
    if size > STATE_SIZE_LIMIT:
        raise ApiError(
            f"The state is {size} bytes long; at most {STATE_SIZE_LIMIT} are kept. Store large data elsewhere."
        )
    message = serialized.get("message")
    start_time = serialized.get("start_time")
    if message is not None and not isinstance(message, str):
        raise ApiError("The `message` of a state must be a string.")
    try:
        parsed = read_time(start_time) if start_time is not None else None
    except GraphQLError as error:
        raise ApiError(f"The `start_time` of a state cannot be read: {error.message}") from error
    return RunState(name, message, serialized.get("_result", serialized.get("result")), parsed, serialized)


def serialized_state(name: str, message: str, *, start_time: datetime | None = None) -> dict[str, object]:
    """A state that the server makes itself, serialized as clients serialize theirs."""
    state: dict[str, object] = {
        "type": name,
        "message": message,
        "context": {},
        "cached_inputs": {},
        "_result": {"type": "NoResultType", "__version__": SERIALIZATION_VERSION},
        "__version__": SERIALIZATION_VERSION,
    }
    if start_time is not None:
        state["start_time"] = start_time.isoformat()
    return state


# The release of the state classes whose serialized form this is.
SERIALIZATION_VERSION = "1.4.1"
