"""When a flow runs by itself: cron expressions, intervals, and dates, in the serialized form that the API's scheduler reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class Schedule:
    """One clock or more. Each strikes with parameters and labels of its own.

    Make one with `cron`, `interval` or `dates`; `first + second` has the clocks of both.
    """

    clocks: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)

    def __add__(self, other: Schedule) -> Schedule:
        return Schedule((*self.clocks, *other.clocks))

    def serialize(self) -> dict[str, Any]:
        """The schedule as JSON values."""
        return {
            "type": "Schedule",
            "clocks": [dict(clock) for clock in self.clocks],
            "filters": [],
            "or_filters": [],
            "not_filters": [],
            "adjustments": [],
        }


def _moment(moment: datetime | None, timezone: str) -> dict[str, str] | None:
    if moment is None:
        return None
    local = moment.astimezone(ZoneInfo(timezone)) if moment.tzinfo else moment
    return {"dt": local.replace(tzinfo=None).isoformat(), "tz": timezone}


def _zone(timezone: str) -> str:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{timezone!r} is no time zone; it should look like Europe/Berlin.") from None
    return timezone


def _common(parameters: Mapping[str, Any] | None, labels: Sequence[str] | None) -> dict[str, Any]:
    return {
        "parameter_defaults": dict(parameters or {}),
        "labels": list(labels) if labels is not None else None,
    }


def cron(
    expression: str,
    *,
    timezone: str = "UTC",
    start: datetime | None = None,
    end: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
) -> Schedule:
    """A schedule by a cron expression of five fields, on the wall clock of a time zone.

    Args:
        expression: Such as `0 9 * * 1-5`.
        timezone: The time zone's name, such as `Europe/Berlin`.
        start: From when on; at once, where it is None.
        end: Until when; for ever, where it is None.
        parameters: Parameters of these runs.
        labels: Labels of these runs, instead of the flow's.

    Raises:
        ValueError: The expression has not five fields, or there is no such time zone.
    """
    if len(expression.split()) != 5:
        raise ValueError(f"{expression!r} is no cron expression: it has five fields, such as '0 9 * * 1-5'.")
    zone = _zone(timezone)
    begin = _moment(start, zone) or _moment(datetime.now(UTC).replace(microsecond=0), zone)
    clock = {"type": "CronClock", "cron": expression, "start_date": begin, "end_date": _moment(end, zone)}
    return Schedule(({**clock, **_common(parameters, labels)},))


def interval(
    every: timedelta,
    *,
    timezone: str = "UTC",
    start: datetime | None = None,
    end: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
) -> Schedule:
    """A schedule by an interval. Whole days keep the hour on the wall of the time zone; the rest as for `cron`.

    Raises:
        ValueError: The interval is under a second, or there is no such time zone.
    """
    if every < timedelta(seconds=1):
        raise ValueError(f"An interval of {every.total_seconds():g} s is too short; a second is the least.")
    zone = _zone(timezone)
    begin = _moment(start, zone) or _moment(datetime.now(UTC).replace(microsecond=0), zone)
    clock = {
        "type": "IntervalClock",
        # The API counts intervals in microseconds.
        "interval": every // timedelta(microseconds=1),
        "start_date": begin,
        "end_date": _moment(end, zone),
    }
    return Schedule(({**clock, **_common(parameters, labels)},))


def dates(
    moments: Sequence[datetime],
    *,
    parameters: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
) -> Schedule:
    """A schedule by a list of times.

    Raises:
        ValueError: A time has no time zone.
    """
    if any(moment.tzinfo is None for moment in moments):
        raise ValueError(
            "A time without a time zone is ambiguous: give each one, such as datetime(…, tzinfo=UTC)."
        )
    clock = {"type": "DatesClock", "dates": [_moment(moment.astimezone(UTC), "UTC") for moment in moments]}
    return Schedule(({**clock, **_common(parameters, labels)},))


def as_schedule(given: Schedule | str | timedelta) -> Schedule:
    """A schedule from one, from a cron expression, or from an interval."""
    match given:
        case Schedule():
            return given
        case str():
            return cron(given)
        case timedelta():
            return interval(given)
