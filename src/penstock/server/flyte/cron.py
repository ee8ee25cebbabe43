"""Whether a moment matches a cron expression of five fields: minute, hour, day of month, month, day of week.

Day of week counts from Sunday (0, also 7). As in crontab(5), where both day fields are restricted either may
match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
NO_NAMES: dict[str, int] = {}
FIELDS = (
    ("minute", 0, 59, NO_NAMES),
    ("hour", 0, 23, NO_NAMES),
    ("day of month", 1, 31, NO_NAMES),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 7, DAYS),
)


def matches(expression: str, moment: datetime) -> bool:
    """Say whether ``moment``, read in its own time zone, matches ``expression``.

    Raises ``ValueError`` with a sentence where the expression is not five valid fields.
    """
    texts = expression.split()
    if len(texts) != len(FIELDS):
        raise ValueError(f"The cron expression {expression!r} has {len(texts)} fields; it needs five.")
    minutes, hours, days, months, weekdays = (
        _values(text, *field) for text, field in zip(texts, FIELDS, strict=True)
    )
    if moment.minute not in minutes or moment.hour not in hours or moment.month not in months:
        return False
    on_day = moment.day in days
    on_weekday = moment.isoweekday() % 7 in {weekday % 7 for weekday in weekdays}
    if texts[2].startswith("*") or texts[4].startswith("*"):
        return on_day and on_weekday
    return on_day or on_weekday


def _values(text: str, field: str, lowest: int, highest: int, names: dict[str, int]) -> set[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        span, _, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        try:
            if span in {"*", "?"}:
                first, last = lowest, highest
            else:
                first = names[first_text] if first_text in names else int(first_text)
                last = first
                if dash:
                    last = names[last_text] if last_text in names else int(last_text)
                elif step_text:
                    last = highest
            step = int(step_text) if step_text else 1
        except ValueError:
            raise ValueError(f"{part!r} is no value for the cron field {field}.") from None
        if step < 1 or not lowest <= first <= last <= highest:
            raise ValueError(f"{part!r} is outside {lowest}-{highest}, the range of the cron field {field}.")
        values.update(range(first, last + 1, step))
    return values
