"""The queue of the API: which runs are due, and taking one so that nobody else does."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from penstock.states import State, Submitted

if TYPE_CHECKING:
    from penstock import Client

# The API lets a run be submitted once in 30 seconds. Whoever asks later than this after having looked might
# submit a run that another agent has executed meanwhile.
FRESH_SECONDS = 15.0

_DETAILS = (
    'query ($ids: [uuid!]!) {flow_run(where: {id: {_in: $ids}, state: {_eq: "Scheduled"}}) {'
    "id name version serialized_state parameters scheduled_start_time state_start_time times_resurrected "
    'flow {id name storage environment location: serialized_flow(path: "flow_location")}}}'
)
_WATCH = "query ($ids: [uuid!]!) {flow_run(where: {id: {_in: $ids}}) {id state agent_id times_resurrected}}"


class QueuedFlow(BaseModel):
    """What is needed of a run's flow to execute it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    storage: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None
    location: str | None = None


class QueuedRun(BaseModel):
    """A run that is due, or soon will be."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str | None = None
    version: int
    serialized_state: State
    parameters: dict[str, Any] | None = None
    scheduled_start_time: AwareDatetime
    state_start_time: AwareDatetime | None = None
    times_resurrected: int | None = None
    flow: QueuedFlow

    @property
    def attempt(self) -> int:
        """Which execution of the run this is: 1 for the first, one more each time it was rescheduled."""
        return 1 + (self.times_resurrected or 0)

    @property
    def start_time(self) -> datetime:
        """When it may start."""
        return self.state_start_time or self.scheduled_start_time


class WatchedRun(BaseModel):
    """What an agent looks at in a run that it executes."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    state: str | None = None
    agent_id: UUID | None = None
    times_resurrected: int | None = None


class Answer:
    """What the queue held: the runs, in an order of chance, and when that was."""

    def __init__(self, runs: Sequence[QueuedRun]) -> None:
        # Several agents get the same answer; in the same order they would all try for the same run.
        self.runs = random.sample(runs, len(runs))
        self._asked = time.monotonic()

    def is_fresh(self) -> bool:
        """Whether a run of the answer can still be taken without risk."""
        return time.monotonic() - self._asked < FRESH_SECONDS


def look(client: Client, labels: Sequence[str], prefetch: timedelta, known: Collection[UUID]) -> Answer:
    """The runs that are due within `prefetch`, that the labels allow, and that are not known. Raises `ClientError`."""
    before = datetime.now(UTC) + prefetch
    found = [
        run.id for run in client.flow_run.in_queue(before=before, labels=list(labels)) if run.id not in known
    ]
    if not found:
        return Answer([])
    data = client.execute(_DETAILS, {"ids": found})
    return Answer([QueuedRun.model_validate(item) for item in data["flow_run"]])


def take(client: Client, run: QueuedRun, agent_id: UUID | None, agent_name: str) -> bool:
    """Take a run, so that no other agent does; whether it is ours.

    The API refuses a second submission; of one whose answer was lost, it is looked up whose it is. Raises `ClientError` where neither can
    be found out.
    """
    from penstock_api import GraphQLError, TransportError

    state = Submitted(message=f"Submitted for execution by {agent_name}.", state=run.serialized_state)
    try:
        client.flow_run(id=run.id).set_state(state.serialize(), version=run.version)
    except GraphQLError:
        return False
    except TransportError:
        found = next(iter(watch(client, [run.id])), None)
        return (
            found is not None
            and found.state == "Submitted"
            and agent_id is not None
            and found.agent_id == agent_id
        )
    return True


def watch(client: Client, ids: Collection[UUID]) -> list[WatchedRun]:
    """How runs stand; one that was deleted is missing. Raises `ClientError`."""
    data = client.execute(_WATCH, {"ids": sorted(ids, key=str)})
    return [WatchedRun.model_validate(item) for item in data["flow_run"]]
