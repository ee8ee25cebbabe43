"""Column types that mean the same on SQLite and on PostgreSQL.

| kind        | in Python          | SQLite                             | PostgreSQL       |
| ----------- | ------------------ | ---------------------------------- | ---------------- |
| Identifier  | `str`, canonical   | TEXT                               | UUID             |
| Timestamp   | aware `datetime`   | TEXT, fixed width, sorts as time   | TIMESTAMPTZ      |
| JsonDocument| any JSON value     | TEXT, keys sorted                  | JSONB            |
| PlainText   | `str`              | TEXT                               | TEXT COLLATE "C" |

Text sorts by code point on both.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def json_text(value: object) -> str:
    """The one text that a JSON value is stored as: compact, keys sorted, no infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def timestamp_text(value: datetime) -> str:
    """The text that a time is stored as where the database has no type for it: UTC, microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


class Identifier(sa.types.TypeDecorator[str]):
    """A UUID as its canonical text."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """PostgreSQL's own UUID, text elsewhere."""
        return dialect.type_descriptor(
            postgresql.UUID(as_uuid=False) if dialect.name == "postgresql" else sa.Text()
        )

    def process_bind_param(self, value: str | UUID | None, dialect: sa.Dialect) -> str | None:
        """Text in, whichever of the two was given."""
        return None if value is None else str(value)


class Timestamp(sa.types.TypeDecorator[datetime]):
    """A moment: an aware time, always UTC when read."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """PostgreSQL's TIMESTAMPTZ, fixed-width text elsewhere."""
        return dialect.type_descriptor(
            sa.DateTime(timezone=True) if dialect.name == "postgresql" else sa.Text()
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | str | None:
        """UTC in; a naive time is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone.")
        return value.astimezone(UTC) if dialect.name == "postgresql" else timestamp_text(value)

    def process_result_value(self, value: datetime | str | None, dialect: sa.Dialect) -> datetime | None:
        """An aware UTC time out."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class JsonDocument(sa.types.TypeDecorator[Any]):
    """Any JSON value. `None` is SQL's NULL, never JSON's null."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """PostgreSQL's JSONB, text elsewhere."""
        return dialect.type_descriptor(
            postgresql.JSONB(none_as_null=True) if dialect.name == "postgresql" else sa.Text()
        )

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """JSONB serialises itself (with `json_text`, see `database`)."""
        return value if value is None or dialect.name == "postgresql" else json_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """The value back."""
        return value if value is None or dialect.name == "postgresql" else json.loads(value)


class PlainText(sa.types.TypeDecorator[str]):
    """Text that sorts by code point on every database."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Collation C on PostgreSQL; SQLite's default is the same order."""
        return dialect.type_descriptor(sa.Text(collation="C") if dialect.name == "postgresql" else sa.Text())
