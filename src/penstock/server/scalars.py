"""How the scalars of the schema are read from a request and written into an answer.

Both spellings of a scalar (`uuid` of the tables, `UUID` of the mutations) read alike. An identifier becomes its
canonical text, a time an aware `datetime` in UTC, an interval whole microseconds.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ariadne import ScalarType
from graphql import GraphQLError, StringValueNode, ValueNode, value_from_ast_untyped

if TYPE_CHECKING:
    from collections.abc import Sequence

MICROSECONDS_PER_SECOND = 1_000_000

_CLOCK = re.compile(
    r"""^\s*(?P<sign>-)?
    (?:(?P<days>\d{1,9})\s*(?:d|day|days)\b[\s,]*)?
    (?:(?P<hours>\d{1,9}):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}(?:\.\d{1,6})?))?)?\s*$""",
    re.VERBOSE,
)


def read_identifier(value: object) -> str:
    """The canonical text of a UUID: 36 characters, lower case, with dashes.

    Raises GraphQLError for anything that is no UUID.
    """
    if isinstance(value, str) and len(value) <= 45:
        try:
            return str(UUID(value))
        except ValueError:
            pass
    raise GraphQLError(f"{_shown(value)} is not a UUID.")


def read_time(value: object) -> datetime:
    """An aware time in UTC from ISO 8601 text. Text without an offset is taken as UTC."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(
        f"{_shown(value)} is not a time; write ISO 8601, for example 2020-01-31T09:00:00+00:00."
    )


def write_time(value: object) -> str:
    """ISO 8601 with microseconds and the offset +00:00."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def read_interval(value: object) -> int:
    """Microseconds from `HH:MM:SS[.ffffff]`, `N days HH:MM:SS`, or a number of seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return round(value * MICROSECONDS_PER_SECOND)
    if isinstance(value, str) and value.strip() and (match := _CLOCK.match(value)):
        try:
            span = timedelta(
                days=int(match["days"] or 0),
                hours=int(match["hours"] or 0),
                minutes=int(match["minutes"] or 0),
                seconds=float(match["seconds"] or 0),
            )
        except OverflowError:
            pass
        else:
            microseconds = span // timedelta(microseconds=1)
            return -microseconds if match["sign"] else microseconds
    raise GraphQLError(f"{_shown(value)} is not an interval; write HH:MM:SS, for example 00:10:00.")


def read_json(value: object) -> object:
    """A JSON value as it stands; raises GraphQLError for numbers that JSON does not have."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise GraphQLError(
            "A JSON value holds a number too large to keep (infinite or not a number)."
        ) from error
    return value


def read_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    """A JSON literal in a document: quoted JSON text, or an object or list in GraphQL's own notation."""
    if isinstance(node, StringValueNode):
        try:
            return read_json(json.loads(node.value))
        except ValueError as error:
            raise GraphQLError(
                f"{_shown(node.value)} is not JSON. A JSON literal is a quoted JSON text, so a plain string is quoted "
                'twice ("\\"text\\""); a variable needs no quoting.',
                node,
            ) from error
    return read_json(value_from_ast_untyped(node, variables))


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def scalar_types() -> Sequence[ScalarType]:
    """The bindings of every custom scalar in the schema."""
    identifiers = [
        ScalarType(name, serializer=str, value_parser=read_identifier) for name in ("uuid", "UUID")
    ]
    times = [
        ScalarType(name, serializer=write_time, value_parser=read_time)
        for name in ("timestamptz", "DateTime")
    ]
    documents = [
        ScalarType(
            name, serializer=lambda value: value, value_parser=read_json, literal_parser=read_json_literal
        )
        for name in ("jsonb", "JSON")
    ]
    return [*identifiers, *times, *documents, ScalarType("interval", value_parser=read_interval)]
