"""Schedules: reading their clocks, and creating the runs they call for.

A serialized schedule has clocks of three kinds: `IntervalClock` (every so many microseconds since a start),
`CronClock` (a cron expression in a time zone) and `DatesClock` (a list of dates). Cron is evaluated by cronsim, on the
wall clock of the schedule's time zone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from cronsim import CronSim, CronSimError

from penstock.server.errors import ApiError
from penstock.server.mutations.new_flow_run import insert_flow_run, missing_parameters, run_labels
from penstock.server.tables import flow_run
from penstock.server.types import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNS_AHEAD = 10


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of a schedule."""

    kind: str
    definition: Mapping[str, Any]
    parameter_defaults: dict[str, object] = field(default_factory=dict)
    labels: list[str] | None = None

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times at which the clock strikes after a moment, earliest first, in UTC. May be endless."""
        end = _moment(self.definition.get("end_date"))
        for time in self._unbounded(after):
            if end is not None and time > end:
                return
            yield time

    def _unbounded(self, after: datetime) -> Iterator[datetime]:
        start = _moment(self.definition.get("start_date"))
        match self.kind:
            case "CronClock":
                zone = _zone(self.definition.get("start_date"))
                begin = max(after, start - timedelta(seconds=1)) if start else after
                for time in CronSim(self.definition["cron"], begin.astimezone(zone)):
                    yield time.astimezone(UTC)
            case "IntervalClock":
                step = timedelta(microseconds=int(self.definition["interval"]))
                if step <= timedelta(0):
                    return
                yield from _strikes(start or _EPOCH, step, _zone(self.definition.get("start_date")), after)
            case "DatesClock":
                moments = (_moment(date) for date in self.definition.get("dates") or [])
                yield from sorted(moment for moment in moments if moment is not None and moment > after)


_EPOCH = datetime(2019, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def _strikes(start: datetime, step: timedelta, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    # Steps of whole days keep the hour on the wall across daylight saving; shorter ones are counted in real time.
    if step % _DAY == timedelta(0):
        wall = start.astimezone(zone).replace(tzinfo=None)
        now_on_wall = after.astimezone(zone).replace(tzinfo=None)
        wall += max(0, (now_on_wall - wall) // step - 1) * step
        while True:
            time = wall.replace(tzinfo=zone).astimezone(UTC)
            if time > after:
                yield time
            wall += step
    time = start + max(0, (after - start) // step + 1) * step
    while True:
        if time > after:
            yield time
        time += step


def _moment(value: object) -> datetime | None:
    """A serialized date: ISO text, or `{"dt": "2020-01-10T00:00:00", "tz": "Europe/Berlin"}`."""
    if isinstance(value, dict):
        text, zone = value.get("dt"), _zone(value)
    else:
        text, zone = value, ZoneInfo("UTC")
    if not isinstance(text, str):
        return None
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)


def _zone(value: object) -> ZoneInfo:
    name = value.get("tz") if isinstance(value, dict) else None
    return ZoneInfo(name if isinstance(name, str) and name else "UTC")


def check_cron(expression: str) -> None:
    """Raise ApiError unless the text is a cron expression that will strike."""
    try:
        next(CronSim(expression, datetime.now(UTC)))
    except (CronSimError, StopIteration) as error:
        raise ApiError(
            f"{expression!r} is no cron expression that ever strikes; write for example '0 9 * * 1-5'."
        ) from error


def clocks_of(schedule: object) -> list[Clock]:
    """The clocks of a serialized schedule; none for no schedule. Raises ApiError for a clock that cannot be read."""
    clocks = schedule.get("clocks") if isinstance(schedule, dict) else None
    out: list[Clock] = []
    for definition in clocks or []:
        kind = str(definition.get("type", ""))
        clock = Clock(kind, definition, definition.get("parameter_defaults") or {}, definition.get("labels"))
        try:
            next(clock.times(datetime.now(UTC)), None)
        except (ValueError, KeyError, TypeError, OSError, OverflowError, CronSimError) as error:
            raise ApiError(f"The schedule has a {kind or 'clock'} that cannot be read: {error}.") from error
        out.append(clock)
    return out


def serialized_clocks(
    cron_clocks: list[dict[str, Any]], interval_clocks: list[dict[str, Any]], zone: str, now: datetime
) -> dict[str, object]:
    """The serialized schedule of a flow group's clocks. Intervals come in seconds and are kept in microseconds."""
    start = {"dt": now.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0).isoformat(), "tz": zone}
    clocks: list[dict[str, object]] = [
        {
            "type": "CronClock",
            "cron": clock["cron"],
            "start_date": start,
            "end_date": None,
            "parameter_defaults": clock.get("parameter_defaults") or {},
        }
        for clock in cron_clocks
    ]
    clocks += [
        {
            "type": "IntervalClock",
            "interval": clock["interval"] * 1_000_000,
            "start_date": start,
            "end_date": None,
            "parameter_defaults": clock.get("parameter_defaults") or {},
        }
        for clock in interval_clocks
    ]
    return {
        "type": "Schedule",
        "clocks": clocks,
        "filters": [],
        "or_filters": [],
        "not_filters": [],
        "adjustments": [],
    }


def coming(clocks: list[Clock], after: datetime, count: int) -> list[tuple[datetime, Clock]]:
    """The next strikes of all clocks together, earliest first."""
    strikes = [
        (time, position)
        for position, clock in enumerate(clocks)
        for time in islice(clock.times(after), count)
    ]
    return [(time, clocks[position]) for time, position in sorted(strikes)[:count]]


def schedule_runs(
    connection: sa.Connection, now: datetime, flow: Mapping[str, Any], group: Mapping[str, Any]
) -> int:
    """Create the flow's coming runs, up to RUNS_AHEAD, where they are not there yet; how many were made.

    A run is known by its flow, time and parameters, so that two schedulers never make it twice.
    """
    clocks = clocks_of(group["schedule"] or flow["schedule"])
    made = 0
    for time, clock in coming(clocks, now, RUNS_AHEAD):
        parameters = clock.parameter_defaults
        if missing_parameters(flow["parameters"], dict(group["default_parameters"]) | parameters):
            continue
        digest = hashlib.sha256(json_text(parameters).encode()).hexdigest()[:12]
        key = f"auto-scheduled:{time.isoformat()}:{digest}"
        known = sa.select(flow_run.c.id).where(
            flow_run.c.flow_id == flow["id"], flow_run.c.idempotency_key == key
        )
        if connection.scalar(known) is not None:
            continue
        insert_flow_run(
            connection,
            now,
            flow,
            group,
            parameters=parameters,
            labels=run_labels(clock.labels, None, group, flow),
            scheduled_start_time=time,
            idempotency_key=key,
            auto_scheduled=True,
        )
        made += 1
    return made
