"""Schedules: their serialized form is what the API's scheduler reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from penstock.schedules import Schedule, as_schedule, cron, dates, interval
from penstock.server.scheduling import clocks_of, coming

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def strikes(schedule: Schedule, count: int = 3, after: datetime = NOON) -> list[datetime]:
    return [moment for moment, _ in coming(clocks_of(schedule.serialize()), after, count)]


def test_cron_strikes_on_the_wall_clock_of_its_zone() -> None:
    nine = cron("0 9 * * *", timezone="Europe/Berlin", start=NOON - timedelta(days=9))
    # Daylight saving begins in Berlin on 29 March 2026.
    found = strikes(nine, 3, datetime(2026, 3, 27, 12, 0, tzinfo=UTC))
    assert found == [
        datetime(2026, 3, 28, 8, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 7, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 7, 0, tzinfo=UTC),
    ]


def test_intervals_and_dates_strike_together_in_order() -> None:
    both = interval(timedelta(hours=2), start=NOON) + dates([NOON + timedelta(hours=3)], labels=["x"])
    assert strikes(both) == [NOON + timedelta(hours=hours) for hours in (2, 3, 4)]
    labels = [clock.labels for _, clock in coming(clocks_of(both.serialize()), NOON, 2)]
    assert labels == [None, ["x"]]


def test_parameters_belong_to_the_clock() -> None:
    (clock,) = clocks_of(interval(timedelta(days=1), start=NOON, parameters={"x": 1}).serialize())
    assert clock.parameter_defaults == {"x": 1}


def test_the_end_ends_it() -> None:
    short = interval(timedelta(hours=1), start=NOON, end=NOON + timedelta(hours=2))
    assert strikes(short, 10) == [NOON + timedelta(hours=1), NOON + timedelta(hours=2)]


def test_texts_and_intervals_are_schedules() -> None:
    assert as_schedule("*/5 * * * *").clocks[0]["cron"] == "*/5 * * * *"
    assert as_schedule(timedelta(minutes=5)).clocks[0]["interval"] == 300_000_000
    given = cron("* * * * *")
    assert as_schedule(given) is given


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cron("every day"), "no cron expression"),
        (lambda: cron("* * * * *", timezone="Mars/Olympus"), "no time zone"),
        (lambda: interval(timedelta(milliseconds=5)), "too short"),
        (lambda: dates([datetime(2026, 1, 1)]), "ambiguous"),
    ],
)
def test_what_is_no_schedule_is_refused(make: object, words: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=words):
        make()
