"""What the flyte side keeps, and the transactions that change it. The same SQL serves SQLite and PostgreSQL.

Every change is one transaction that begins with a statement that writes, so that SQLite takes its write lock
at once and never has to give up a snapshot it has read from.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from penstock.server.flyte.documents import (
    FlowDocument,
    PackDocument,
    PackReference,
    ReceivedEvent,
    read_event,
    read_flow,
)
from penstock.server.flyte.errors import AlreadyCompleted, FlyteError, NotFound
from penstock.server.flyte.evaluation import PlannedAction, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penstock.server.flyte.tables import FlyteTables

logger = logging.getLogger(__name__)

FATAL: Final = "FATAL"
NEW: Final = "NEW"
PENDING: Final = "PENDING"
SUCCESS: Final = "SUCCESS"

DEFAULT_LEASE: Final = timedelta(minutes=5)
KEYS_KEPT: Final = timedelta(days=7)
"""How long the key of a posted event is remembered: long after any client has stopped sending it again."""

_SEEN_EVERY: Final = 5.0
_PURGE_EVERY: Final = 3600.0


Transactions = Callable[[], contextlib.AbstractContextManager[Connection]]
"""Opens a connection in a transaction that ends with the block: kept, or undone where the block raises."""


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A registered pack; ``document`` is what it registered with."""

    id: str
    document: PackDocument
    last_seen: datetime

    @property
    def reference(self) -> PackReference:
        """What an event carries of its pack."""
        return PackReference(self.id, self.document.name, self.document.labels)


@dataclass(frozen=True, slots=True)
class TakenAction:
    """An action handed to a pack."""

    id: str
    command: str
    input: object


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """A pack asks for an action, of ``command`` only where that is not empty."""

    tenant: str
    pack_id: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class PostedResult:
    """A result as it was posted; ``key`` is the sender's own for it, or empty."""

    tenant: str
    pack_id: str
    action_id: str
    body: object
    key: str = ""


@dataclass(frozen=True, slots=True)
class StoredFlow:
    """A flow in one of its versions."""

    version_id: str
    document: FlowDocument


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """A flow in a list."""

    name: str
    description: str | None


@dataclass(frozen=True, slots=True)
class AuditedAction:
    """An action with all that happened to it. ``trigger`` and ``result`` are events in the audit's JSON
    form."""

    id: str
    step_id: str
    pack_name: str
    pack_labels: dict[str, str]
    command: str
    input: object
    states: list[tuple[str, datetime]]
    context: dict[str, str]
    trigger: object
    result: object


@dataclass(frozen=True, slots=True)
class AuditedExecution:
    """One execution of a flow. ``actions`` are by step id, or by position where the step has no id."""

    correlation_id: str
    flow: StoredFlow
    actions: dict[str, AuditedAction]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which executions an audit lists; empty fields filter nothing."""

    flow_name: str = ""
    step_id: str = ""
    command: str = ""
    pack_name: str = ""
    pack_labels: Mapping[str, str] | None = None
    start: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class DatastoreItem:
    """A value kept for flows; ``value`` is what was stored, byte for byte."""

    key: str
    content_type: str
    description: str
    value: bytes


class FlyteStore:
    """The flyte side's data in one database, shared by any number of threads.

    ``lease`` is how long a taken action may stay without a result before it is offered again. ``pack_expiry``
    removes a pack that was not seen for so long (off by default). ``retention`` is how long completed actions
    are kept.
    """

    def __init__(
        self,
        engine: Engine,
        tables: FlyteTables,
        *,
        lease: timedelta = DEFAULT_LEASE,
        pack_expiry: timedelta | None = None,
        retention: timedelta = timedelta(days=365),
        reading: Transactions | None = None,
        writing: Transactions | None = None,
    ) -> None:
        self._tables = tables
        self._lease = lease
        self._pack_expiry = pack_expiry
        self._retention = retention
        self._reading = reading or engine.connect
        self._writing = writing or _one_at_a_time(engine)
        self._seen: dict[tuple[str, str], float] = {}
        self._purged_at = time.monotonic()
        self._take = self._build_take(narrowed=False)
        self._take_narrowed = self._build_take(narrowed=True)
        self._complete_statement = self._build_complete()
        # Built once: putting a statement together costs more than running it.
        pack, action, flow, trigger = tables.pack, tables.action, tables.flow, tables.flow_trigger
        self._find_pack = select(pack.c.document, pack.c.last_seen).where(
            pack.c.tenant == bindparam("tenant_"), pack.c.id == bindparam("id_")
        )
        self._find_posted = select(
            action.c.sequence,
            action.c.id,
            action.c.tenant,
            action.c.pack_name,
            action.c.state,
            action.c.result_key,
            action.c.execution_id,
            action.c.step_key,
            action.c.context,
        ).where(action.c.id.in_(bindparam("ids_", expanding=True)))
        self._find_completed = select(action.c.sequence, action.c.state, action.c.result_key).where(
            action.c.sequence.in_(bindparam("sequences_", expanding=True))
        )
        self._find_triggered = (
            select(flow.c.version_id)
            .join(trigger, (trigger.c.tenant == flow.c.tenant) & (trigger.c.flow_name == flow.c.name))
            .where(
                trigger.c.tenant == bindparam("tenant_"),
                trigger.c.pack_name == bindparam("pack_"),
                trigger.c.event_name == bindparam("event_"),
            )
            .order_by(flow.c.name)
        )

    # ------------------------------------------------------------------ packs

    def register_pack(self, tenant: str, document: PackDocument) -> StoredPack:
        """Store ``document``, in place of an earlier registration with the same id."""
        now = _now()
        row = {
            "tenant": tenant,
            "id": document.id,
            "name": document.name,
            "labels": _dump(document.labels),
            "document": document.model_dump_json(by_alias=True),
            "last_seen": _microseconds(now),
        }
        with self._writing() as connection:
            _upsert(connection, self._tables.pack, row, ["tenant", "id"])
        return StoredPack(document.id, document, now)

    def pack(self, tenant: str, pack_id: str) -> StoredPack:
        """The pack with that id; raises ``NotFound``."""
        with self._reading() as connection:
            return self.pack_in(connection, tenant, pack_id)

    def packs(self, tenant: str) -> list[StoredPack]:
        """All packs, by name."""
        table = self._tables.pack
        with self._reading() as connection:
            rows = connection.execute(select(table).where(table.c.tenant == tenant).order_by(table.c.id))
            packs = [_stored_pack(row.id, row.document, row.last_seen) for row in rows]
        return [pack for pack in packs if not self._expired(pack.last_seen)]

    def remove_pack(self, tenant: str, pack_id: str) -> None:
        """Forget a pack; raises ``NotFound``. Its actions stay, for a pack of that name that registers
        later."""
        table = self._tables.pack
        with self._writing() as connection:
            gone = connection.execute(delete(table).where(table.c.tenant == tenant, table.c.id == pack_id))
        if not gone.rowcount:
            raise NotFound(f"No pack {pack_id!r} is registered.")

    def pack_in(self, connection: Connection, tenant: str, pack_id: str) -> StoredPack:
        """``pack`` in a transaction that is open already."""
        row = connection.execute(self._find_pack, {"tenant_": tenant, "id_": pack_id}).first()
        if row is None or self._expired(_moment(row.last_seen)):
            raise NotFound(
                f"No pack {pack_id!r} is registered; register it and follow the links of the answer."
            )
        return _stored_pack(pack_id, row.document, row.last_seen)

    def _expired(self, last_seen: datetime) -> bool:
        return self._pack_expiry is not None and _now() - last_seen > self._pack_expiry

    def _mark_seen(self, connection: Connection, tenant: str, pack_id: str) -> None:
        """Write the time a pack was last seen, a few seconds coarse: a poll must not cost a write each
        time."""
        now = time.monotonic()
        if now - self._seen.get((tenant, pack_id), -_SEEN_EVERY) < _SEEN_EVERY:
            return
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[tenant, pack_id] = now
        table = self._tables.pack
        connection.execute(
            update(table)
            .where(table.c.tenant == tenant, table.c.id == pack_id)
            .values(last_seen=_microseconds(_now()))
        )

    # ---------------------------------------------------------------- actions

    def take_action(self, tenant: str, pack_id: str, command: str = "") -> TakenAction | None:
        """Hand the pack its oldest waiting action (of ``command`` only, if given), or ``None``.

        Raises ``NotFound``.
        """
        (taken,) = self.take_actions([TakeRequest(tenant, pack_id, command)])
        if isinstance(taken, FlyteError):
            raise taken
        return taken

    def take_actions(self, requests: Sequence[TakeRequest]) -> list[TakenAction | FlyteError | None]:
        """What each of several takers gets, in one transaction.

        One statement finds and marks actions, so no two takers get the same one.
        """
        waiting: dict[TakeRequest, list[int]] = {}
        for position, request in enumerate(requests):
            waiting.setdefault(request, []).append(position)
        found: list[TakenAction | FlyteError | None] = [None] * len(requests)
        packs: dict[TakeRequest, StoredPack] = {}
        with self._reading() as connection:
            for request, positions in waiting.items():
                try:
                    packs[request] = self.pack_in(connection, request.tenant, request.pack_id)
                except NotFound as error:
                    for position in positions:
                        found[position] = error
        if packs:
            with self._writing() as connection:
                for request, pack in packs.items():
                    taken = self._take_for(connection, request, pack, len(waiting[request]))
                    for position, action in zip(waiting[request], taken, strict=False):
                        found[position] = action
                    self._mark_seen(connection, request.tenant, request.pack_id)
        self._purge_now_and_then()
        return found

    def _take_for(
        self, connection: Connection, request: TakeRequest, pack: StoredPack, count: int
    ) -> list[TakenAction]:
        now = _microseconds(_now())
        values = {
            "tenant_": request.tenant,
            "pack_": pack.document.name,
            "taker_": request.pack_id,
            "now_": now,
            "until_": now + self._lease // timedelta(microseconds=1),
            "history_": f" {PENDING}:{now}",
            "pairs_": [_pair(key, value) for key, value in pack.document.labels.items()] or [""],
            "count_": count,
        }
        statement = self._take
        if request.command:
            statement = self._take_narrowed
            values["command_"] = request.command
        rows = connection.execute(statement, values).all()
        return [
            TakenAction(row.id, row.command, from_json(row.input))
            for row in sorted(rows, key=lambda row: int(row.sequence))
        ]

    def _build_take(self, *, narrowed: bool) -> Any:
        table, label = self._tables.action, self._tables.action_label
        waiting = table.alias("waiting")
        foreign_label = (
            select(literal(1))
            .where(
                label.c.action_id == waiting.c.id, label.c.pair.not_in(bindparam("pairs_", expanding=True))
            )
            .exists()
        )
        oldest = select(waiting.c.sequence).where(
            waiting.c.tenant == bindparam("tenant_"),
            waiting.c.pack_name == bindparam("pack_"),
            waiting.c.available_at <= bindparam("now_"),
            not_(foreign_label),
        )
        if narrowed:
            oldest = oldest.where(waiting.c.command == bindparam("command_"))
        oldest = oldest.order_by(waiting.c.available_at, waiting.c.sequence).limit(bindparam("count_"))
        # As a common table expression it is evaluated once: a subquery may be run, and lock, more than once.
        picked = oldest.with_for_update(skip_locked=True).cte("picked")
        return (
            update(table)
            .where(table.c.sequence.in_(select(picked.c.sequence)))
            .values(
                state=PENDING,
                available_at=bindparam("until_"),
                taken_by=bindparam("taker_"),
                history=table.c.history + bindparam("history_"),
            )
            .returning(table.c.sequence, table.c.id, table.c.command, table.c.input)
        )

    def add_action(
        self,
        tenant: str,
        pack_name: str,
        command: str,
        value: object,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Queue an action that no flow asked for and return its id: what tests and benchmarks begin with."""
        planned = PlannedAction("", "", pack_name, dict(labels or {}), command, value, {})
        with self._writing() as connection:
            return self._insert_actions(connection, tenant, [planned], None, None)[0]

    def action_result(self, tenant: str, action_id: str) -> tuple[str, object] | None:
        """The event an action ended in, as (name, payload), or ``None`` while it has not. Raises
        ``NotFound``."""
        table = self._tables.action
        with self._reading() as connection:
            row = connection.execute(
                select(table.c.result_event).where(table.c.tenant == tenant, table.c.id == action_id)
            ).first()
        if row is None:
            raise NotFound(f"No action {action_id!r} exists.")
        if row.result_event is None:
            return None
        event = from_json(row.result_event)
        return event["event"], event.get("payload")

    def count_actions(self, tenant: str) -> dict[str, int]:
        """How many actions are in each state."""
        table = self._tables.action
        with self._reading() as connection:
            rows = connection.execute(
                select(table.c.state, func.count().label("actions"))
                .where(table.c.tenant == tenant)
                .group_by(table.c.state)
            )
            return {row.state: row.actions for row in rows}

    # ----------------------------------------------------------------- events

    def post_event(self, tenant: str, pack_id: str, body: object, key: str = "") -> None:
        """Take an event of a pack and queue the actions that flows make of it, in one transaction.

        ``key`` is the sender's own for this event: an event whose key is known is accepted and not handled
        again. Raises ``NotFound`` and ``BadRequest``.
        """
        with self._reading() as connection:
            pack = self.pack_in(connection, tenant, pack_id)
            event = read_event(body, pack.reference, _now())
            fresh = self._plan_fresh(connection, tenant, event)
        with self._writing() as connection:
            if key and not self._remember(connection, tenant, pack_id, key):
                return
            self._start_executions(connection, tenant, event, fresh)
            self._mark_seen(connection, tenant, pack_id)

    def post_result(self, tenant: str, pack_id: str, action_id: str, body: object, key: str = "") -> None:
        """Complete an action and handle its event, inside its execution and as a fresh event, in one
        transaction.

        The event ``FATAL`` fails the action, any other succeeds. The first result counts: another raises
        ``AlreadyCompleted``, except the same one sent again (the same ``key``), which is accepted and does
        nothing. Raises ``NotFound`` also where the action is another pack's, and ``BadRequest``.
        """
        (refusal,) = self.post_results([PostedResult(tenant, pack_id, action_id, body, key)])
        if refusal is not None:
            raise refusal

    def post_results(self, posts: Sequence[PostedResult]) -> list[FlyteError | None]:
        """``post_result`` for several in one transaction: what each is refused with, or ``None``."""
        refusals: list[FlyteError | None] = [None] * len(posts)
        ready: dict[str, _ReadyResult] = {}
        again: list[int] = []
        with self._reading() as connection:
            plans = _Plans(connection)
            rows = self._actions_of(connection, posts)
            for position, post in enumerate(posts):
                if post.action_id in ready:
                    again.append(position)
                    continue
                try:
                    pack = plans.pack(self, post.tenant, post.pack_id)
                    event = read_event(post.body, pack.reference, _now())
                    row = rows.get((post.tenant, post.action_id))
                    if row is None or row.pack_name != pack.document.name:
                        raise NotFound(f"No action {post.action_id!r} of the pack {post.pack_id!r} exists.")
                    if row.state != PENDING:
                        _check_replay(post, row.state, row.result_key)
                        continue
                    fresh = self._plan_fresh(connection, post.tenant, event, plans)
                    following = self._plan_following(connection, post.tenant, row, event)
                except FlyteError as error:
                    refusals[position] = error
                    continue
                token = f"{post.key}#{uuid.uuid4()}"
                ready[post.action_id] = _ReadyResult(position, post, row, event, token, fresh, following)
        if ready:
            with self._writing() as connection:
                self._complete(connection, list(ready.values()), refusals)
        # The same action twice in one batch: the second sees what the first did.
        if again:
            for position, refusal in zip(again, self.post_results([posts[n] for n in again]), strict=True):
                refusals[position] = refusal
        return refusals

    def _actions_of(
        self, connection: Connection, posts: Sequence[PostedResult]
    ) -> dict[tuple[str, str], Any]:
        rows = connection.execute(self._find_posted, {"ids_": list({post.action_id for post in posts})})
        return {(row.tenant, row.id): row for row in rows}

    def _complete(
        self, connection: Connection, ready: Sequence[_ReadyResult], refusals: list[FlyteError | None]
    ) -> None:
        executions = self._tables.execution
        connection.execute(self._complete_statement, [result.values() for result in ready])
        # Which of the updates took place is told by the token each of them wrote.
        sequences = [result.row.sequence for result in ready]
        states = {
            row.sequence: row for row in connection.execute(self._find_completed, {"sequences_": sequences})
        }
        for result in ready:
            found = states[result.row.sequence]
            if found.result_key != result.token:
                try:
                    _check_replay(result.post, found.state, found.result_key)
                except AlreadyCompleted as error:
                    refusals[result.position] = error
                continue
            tenant, execution_id = result.post.tenant, result.row.execution_id
            if execution_id:
                self._insert_actions(connection, tenant, result.following, execution_id, result.event)
                now = _microseconds(result.event.received_at)
                connection.execute(
                    update(executions).where(executions.c.id == execution_id).values(updated_at=now)
                )
            self._start_executions(connection, tenant, result.event, result.fresh)
            self._mark_seen(connection, tenant, result.post.pack_id)

    def _build_complete(self) -> Any:
        table = self._tables.action
        return (
            update(table)
            .where(table.c.sequence == bindparam("sequence_"), table.c.state == PENDING)
            .values(
                state=bindparam("state_"),
                available_at=None,
                completed_at=bindparam("now_"),
                history=table.c.history + bindparam("history_"),
                result_event=bindparam("event_"),
                result_key=bindparam("token_"),
            )
        )

    def _plan_fresh(
        self, connection: Connection, tenant: str, event: ReceivedEvent, plans: _Plans | None = None
    ) -> list[tuple[StoredFlow, list[PlannedAction]]]:
        flows = (plans or _Plans(connection)).triggered(self, tenant, event.pack.name, event.name)
        planned = []
        for stored in flows:
            actions = plan(
                stored.document,
                event,
                context={},
                finished=None,
                started=(),
                datastore=self._datastore_reader(connection, tenant),
            )
            if actions:
                planned.append((stored, actions))
        return planned

    def triggered_flows(
        self, connection: Connection, tenant: str, pack_name: str, event_name: str
    ) -> list[StoredFlow]:
        """The flows with a step that such an event triggers from outside, by name."""
        values = {"tenant_": tenant, "pack_": pack_name, "event_": event_name}
        version_ids = connection.scalars(self._find_triggered, values).all()
        return [self._flow_version(connection, version_id) for version_id in version_ids]

    def _plan_following(
        self, connection: Connection, tenant: str, action: Any, event: ReceivedEvent
    ) -> list[PlannedAction]:
        if not action.execution_id:
            return []
        table, execution = self._tables.action, self._tables.execution
        version_id = connection.scalar(
            select(execution.c.flow_version_id).where(execution.c.id == action.execution_id)
        )
        if version_id is None:
            return []
        siblings = connection.execute(
            select(table.c.step_key, table.c.state).where(table.c.execution_id == action.execution_id)
        ).all()
        finished = {key for key, state in siblings if state in {SUCCESS, FATAL}} | {action.step_key}
        return plan(
            self._flow_version(connection, version_id).document,
            event,
            context=from_json(action.context),
            finished=finished,
            started={key for key, _ in siblings},
            datastore=self._datastore_reader(connection, tenant),
        )

    def _start_executions(
        self,
        connection: Connection,
        tenant: str,
        event: ReceivedEvent,
        planned: Sequence[tuple[StoredFlow, list[PlannedAction]]],
    ) -> None:
        for stored, actions in planned:
            execution_id = str(uuid.uuid4())
            connection.execute(
                insert(self._tables.execution).values(
                    id=execution_id,
                    tenant=tenant,
                    flow_version_id=stored.version_id,
                    flow_name=stored.document.name,
                    updated_at=_microseconds(event.received_at),
                )
            )
            self._insert_actions(connection, tenant, actions, execution_id, event)

    def _insert_actions(
        self,
        connection: Connection,
        tenant: str,
        planned: Sequence[PlannedAction],
        execution_id: str | None,
        event: ReceivedEvent | None,
    ) -> list[str]:
        now = _microseconds(_now())
        ids = []
        for action in planned:
            action_id = str(uuid.uuid4())
            row = {
                "id": action_id,
                "tenant": tenant,
                "pack_name": action.pack_name,
                "command": action.command,
                "pack_labels": _dump(action.pack_labels),
                "input": _dump(action.input),
                "state": NEW,
                "available_at": now,
                "history": f"{NEW}:{now}",
                "execution_id": execution_id,
                "step_key": action.step_key if execution_id else None,
                "step_id": action.step_id,
                "context": _dump(action.context),
                "trigger_event": _dump(event_as_json(event)) if event else None,
            }
            # Two results of one execution may ask for the same step at once: it happens once.
            if not _insert_if_new(connection, self._tables.action, row):
                continue
            for key, value in action.pack_labels.items():
                connection.execute(
                    insert(self._tables.action_label).values(action_id=action_id, pair=_pair(key, value))
                )
            ids.append(action_id)
        return ids

    def _remember(self, connection: Connection, tenant: str, pack_id: str, key: str) -> bool:
        row = {"tenant": tenant, "pack_id": pack_id, "key": key, "received_at": _microseconds(_now())}
        return _insert_if_new(connection, self._tables.received, row)

    # ------------------------------------------------------------------ flows

    def save_flow(self, tenant: str, document: FlowDocument) -> StoredFlow:
        """Store a flow, in place of one with the same name; running executions go on in the version they
        began in."""
        stored = StoredFlow(str(uuid.uuid4()), document)
        tables = self._tables
        triggers = {(step.event.pack_name, step.event.name) for step in document.steps if not step.depends_on}
        with self._writing() as connection:
            connection.execute(
                insert(tables.flow_version).values(
                    id=stored.version_id,
                    tenant=tenant,
                    name=document.name,
                    document=document.model_dump_json(by_alias=True),
                    created_at=_microseconds(_now()),
                )
            )
            row = {
                "tenant": tenant,
                "name": document.name,
                "version_id": stored.version_id,
                "description": document.description,
            }
            _upsert(connection, tables.flow, row, ["tenant", "name"])
            self._remove_triggers(connection, tenant, document.name)
            for pack_name, event_name in sorted(triggers):
                connection.execute(
                    insert(tables.flow_trigger).values(
                        tenant=tenant, pack_name=pack_name, event_name=event_name, flow_name=document.name
                    )
                )
        return stored

    def flow(self, tenant: str, name: str) -> StoredFlow:
        """The flow of that name in its newest version; raises ``NotFound``."""
        table = self._tables.flow
        with self._reading() as connection:
            version_id = connection.scalar(
                select(table.c.version_id).where(table.c.tenant == tenant, table.c.name == name)
            )
            if version_id is None:
                raise NotFound(f"No flow {name!r} exists.")
            return self._flow_version(connection, version_id)

    def flows(self, tenant: str) -> list[FlowSummary]:
        """All flows, by name."""
        table = self._tables.flow
        with self._reading() as connection:
            rows = connection.execute(
                select(table.c.name, table.c.description)
                .where(table.c.tenant == tenant)
                .order_by(table.c.name)
            )
            return [FlowSummary(row.name, row.description) for row in rows]

    def remove_flow(self, tenant: str, name: str) -> None:
        """Delete a flow: no event triggers it any more, what it began goes on. Raises ``NotFound``."""
        table = self._tables.flow
        with self._writing() as connection:
            gone = connection.execute(delete(table).where(table.c.tenant == tenant, table.c.name == name))
            self._remove_triggers(connection, tenant, name)
        if not gone.rowcount:
            raise NotFound(f"No flow {name!r} exists.")

    def _remove_triggers(self, connection: Connection, tenant: str, flow_name: str) -> None:
        table = self._tables.flow_trigger
        connection.execute(delete(table).where(table.c.tenant == tenant, table.c.flow_name == flow_name))

    def _flow_version(self, connection: Connection, version_id: str) -> StoredFlow:
        table = self._tables.flow_version
        document = connection.scalar(select(table.c.document).where(table.c.id == version_id))
        if document is None:
            raise NotFound(f"No flow version {version_id!r} exists.")
        return StoredFlow(version_id, _read_stored_flow(document))

    # ------------------------------------------------------------------ audit

    def audit(self, tenant: str, wanted: AuditFilter) -> list[AuditedExecution]:
        """Executions that have an action which ``wanted`` describes, the most recently changed first."""
        action, execution = self._tables.action, self._tables.execution
        matching = select(action.c.execution_id).where(
            action.c.tenant == tenant, action.c.execution_id.is_not(None)
        )
        for column, value in (
            (action.c.step_id, wanted.step_id),
            (action.c.command, wanted.command),
            (action.c.pack_name, wanted.pack_name),
        ):
            if value:
                matching = matching.where(column == value)
        for key, value in (wanted.pack_labels or {}).items():
            label = self._tables.action_label
            matching = matching.where(
                select(literal(1))
                .where(label.c.action_id == action.c.id, label.c.pair == _pair(key, value))
                .exists()
            )
        query = select(execution).where(execution.c.tenant == tenant, execution.c.id.in_(matching))
        if wanted.flow_name:
            query = query.where(execution.c.flow_name == wanted.flow_name)
        query = (
            query.order_by(execution.c.updated_at.desc(), execution.c.id)
            .offset(wanted.start)
            .limit(wanted.limit)
        )
        with self._reading() as connection:
            return self._audited(connection, connection.execute(query).all())

    def audited_execution(self, tenant: str, correlation_id: str) -> AuditedExecution:
        """One execution; raises ``NotFound``."""
        execution = self._tables.execution
        with self._reading() as connection:
            rows = connection.execute(
                select(execution).where(execution.c.tenant == tenant, execution.c.id == correlation_id)
            ).all()
            if not rows:
                raise NotFound(f"No flow execution {correlation_id!r} exists.")
            return self._audited(connection, rows)[0]

    def _audited(self, connection: Connection, executions: Sequence[Any]) -> list[AuditedExecution]:
        table = self._tables.action
        actions: dict[str, dict[str, AuditedAction]] = {row.id: {} for row in executions}
        rows = connection.execute(
            select(table).where(table.c.execution_id.in_(list(actions))).order_by(table.c.sequence)
        )
        for row in rows:
            actions[row.execution_id][row.step_key] = AuditedAction(
                id=row.id,
                step_id=row.step_id,
                pack_name=row.pack_name,
                pack_labels=from_json(row.pack_labels),
                command=row.command,
                input=from_json(row.input),
                states=[_state(part) for part in row.history.split()],
                context=from_json(row.context),
                trigger=from_json(row.trigger_event) if row.trigger_event else None,
                result=from_json(row.result_event) if row.result_event else None,
            )
        return [
            AuditedExecution(row.id, self._flow_version(connection, row.flow_version_id), actions[row.id])
            for row in executions
        ]

    # -------------------------------------------------------------- datastore

    def datastore_items(self, tenant: str) -> list[DatastoreItem]:
        """All items, by key."""
        table = self._tables.datastore
        with self._reading() as connection:
            rows = connection.execute(select(table).where(table.c.tenant == tenant).order_by(table.c.key))
            return [DatastoreItem(row.key, row.content_type, row.description, row.value) for row in rows]

    def datastore_item(self, tenant: str, key: str) -> DatastoreItem:
        """The item under ``key``; raises ``NotFound``."""
        with self._reading() as connection:
            item = self._datastore_item(connection, tenant, key)
        if item is None:
            raise NotFound(f"The datastore has no item {key!r}.")
        return item

    def put_datastore_item(self, tenant: str, item: DatastoreItem) -> bool:
        """Store an item, in place of an earlier one; say whether the key is new."""
        row = {
            "tenant": tenant,
            "key": item.key,
            "content_type": item.content_type,
            "description": item.description,
            "value": item.value,
        }
        with self._writing() as connection:
            if _insert_if_new(connection, self._tables.datastore, row):
                return True
            _upsert(connection, self._tables.datastore, row, ["tenant", "key"])
            return False

    def remove_datastore_item(self, tenant: str, key: str) -> None:
        """Delete an item; raises ``NotFound``."""
        table = self._tables.datastore
        with self._writing() as connection:
            gone = connection.execute(delete(table).where(table.c.tenant == tenant, table.c.key == key))
        if not gone.rowcount:
            raise NotFound(f"The datastore has no item {key!r}.")

    def _datastore_item(self, connection: Connection, tenant: str, key: str) -> DatastoreItem | None:
        table = self._tables.datastore
        row = connection.execute(select(table).where(table.c.tenant == tenant, table.c.key == key)).first()
        return DatastoreItem(row.key, row.content_type, row.description, row.value) if row else None

    def _datastore_reader(self, connection: Connection, tenant: str) -> Any:
        def read(key: str) -> object:
            item = self._datastore_item(connection, tenant, key)
            if item is None:
                raise LookupError(f"the datastore has no item {key!r}")
            text = item.value.decode("utf-8", errors="replace")
            is_json = item.content_type.startswith(("application/json", "text/json"))
            return json.loads(text) if is_json else text

        return read

    # ------------------------------------------------------------ housekeeping

    def ping(self) -> None:
        """Ask the database for an answer; raises what the database raises."""
        with self._reading() as connection:
            connection.execute(select(literal(1)))

    def purge(self) -> None:
        """Drop completed actions older than the retention, executions left without actions, and old event
        keys."""
        tables = self._tables
        now = _now()
        before = _microseconds(now - self._retention)
        forgotten = _microseconds(now - KEYS_KEPT)
        action, execution = tables.action, tables.execution
        done = select(action.c.id).where(action.c.completed_at < before)
        remaining = select(literal(1)).where(action.c.execution_id == execution.c.id).exists()
        with self._writing() as connection:
            connection.execute(delete(tables.received).where(tables.received.c.received_at < forgotten))
            connection.execute(delete(tables.action_label).where(tables.action_label.c.action_id.in_(done)))
            connection.execute(delete(action).where(action.c.completed_at < before))
            connection.execute(delete(execution).where(execution.c.updated_at < before, not_(remaining)))

    def _purge_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now
        self.purge()


@dataclass(frozen=True, slots=True)
class _ReadyResult:
    """A result with all that it will change, planned before the transaction that writes it."""

    position: int
    post: PostedResult
    row: Any
    event: ReceivedEvent
    token: str
    fresh: list[tuple[StoredFlow, list[PlannedAction]]]
    following: list[PlannedAction]

    def values(self) -> dict[str, object]:
        """The parameters of the statement that completes the action."""
        state = FATAL if self.event.name == FATAL else SUCCESS
        now = _microseconds(self.event.received_at)
        return {
            "sequence_": self.row.sequence,
            "state_": state,
            "now_": now,
            "history_": f" {state}:{now}",
            "event_": _dump(event_as_json(self.event)),
            "token_": self.token,
        }


class _Plans:
    """What several posts of one batch ask the database for alike, asked for once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._packs: dict[tuple[str, str], StoredPack] = {}
        self._flows: dict[tuple[str, str, str], list[StoredFlow]] = {}

    def pack(self, store: FlyteStore, tenant: str, pack_id: str) -> StoredPack:
        """The pack; raises ``NotFound``."""
        if (tenant, pack_id) not in self._packs:
            self._packs[tenant, pack_id] = store.pack_in(self._connection, tenant, pack_id)
        return self._packs[tenant, pack_id]

    def triggered(self, store: FlyteStore, tenant: str, pack_name: str, event_name: str) -> list[StoredFlow]:
        """The flows an event triggers."""
        key = tenant, pack_name, event_name
        if key not in self._flows:
            self._flows[key] = store.triggered_flows(self._connection, *key)
        return self._flows[key]


def _check_replay(post: PostedResult, state: str, result_key: str | None) -> None:
    """Accept the very result an action has; raise ``AlreadyCompleted`` for any other."""
    if post.key and result_key and result_key.rpartition("#")[0] == post.key:
        return
    reason = "was never taken" if state == NEW else "already has a result"
    raise AlreadyCompleted(f"The action {post.action_id!r} {reason}.")


def _one_at_a_time(engine: Engine) -> Transactions:
    if engine.dialect.name != "sqlite":
        return engine.begin
    # SQLite admits one writer. Waiting here is fair and wakes at once; its own waiting polls with sleeps.
    turn = threading.Lock()

    @contextlib.contextmanager
    def write() -> Iterator[Connection]:
        with turn, engine.begin() as connection:
            yield connection

    return write


def event_as_json(event: ReceivedEvent) -> dict[str, object]:
    """An event in the form the audit shows it and the database keeps it."""
    pack: dict[str, object] = {"id": event.pack.id, "name": event.pack.name}
    if event.pack.labels:
        pack["labels"] = event.pack.labels
    return {
        "event": event.name,
        "pack": pack,
        "payload": event.payload,
        "createdAt": rfc3339(event.created_at),
        "receivedAt": rfc3339(event.received_at),
    }


def rfc3339(moment: datetime) -> str:
    """An aware time as the wire writes it: UTC, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=256)
def _read_stored_flow(document: str) -> FlowDocument:
    return read_flow(from_json(document))


def _stored_pack(pack_id: str, document: str, last_seen: int) -> StoredPack:
    return StoredPack(pack_id, _read_stored_pack(document), _moment(last_seen))


@lru_cache(maxsize=256)
def _read_stored_pack(document: str) -> PackDocument:
    return PackDocument.model_validate_json(document)


def _state(part: str) -> tuple[str, datetime]:
    value, _, at = part.partition(":")
    return value, _moment(int(at))


def _pair(key: str, value: str) -> str:
    return f"{key}={value}"


def _dump(value: object) -> str:
    return to_json(value, inf_nan_mode="constants").decode()


def _now() -> datetime:
    return datetime.now(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _dialect_insert(connection: Connection, table: Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _insert_if_new(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    statement = _dialect_insert(connection, table).values(**row).on_conflict_do_nothing()
    # Not its row count, which PostgreSQL's driver does not tell for such an insert.
    return connection.execute(statement.returning(literal(1))).first() is not None


def _upsert(connection: Connection, table: Table, row: Mapping[str, object], keys: list[str]) -> None:
    changed = {name: value for name, value in row.items() if name not in keys}
    connection.execute(
        _dialect_insert(connection, table)
        .values(**row)
        .on_conflict_do_update(index_elements=keys, set_=changed)
    )
