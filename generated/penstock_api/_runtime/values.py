"""Values on their way out (variables to JSON) and on their way in (JSON to the types a schema's scalars have here)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from .errors import InvalidResponse
from .unset import UNSET, Unset


class HasUploads(TypeError):
    """A file is among values that become JSON."""


def encode_variables(variables: Mapping[str, Any]) -> bytes:
    """The variables as UTF-8 JSON; those that are `UNSET` are left out.

    Raises `TypeError` for a value that JSON has no form for, and `ValueError` for a datetime without a time zone (which moment it
    means would depend on the machine) and for NaN and infinity.
    """
    given = {name: value for name, value in variables.items() if value is not UNSET}
    try:
        return json.dumps(
            given, default=_encode, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    except UnicodeEncodeError:
        raise ValueError(
            "A text holds half of a surrogate pair, which is no character and has no form in UTF-8; "
            "decode it properly before it is sent."
        ) from None
    except ValueError as error:
        if "Out of range float" in str(error):
            raise ValueError(
                "NaN and infinity have no form in JSON; send null or a string instead."
            ) from None
        raise


def _encode(value: object) -> object:
    match value:
        # An enum itself, and so before the enums.
        case Unset():
            raise TypeError(
                "UNSET stands for an argument that is left out; inside a value, leave the key out instead."
            )
        case UUID():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError(
                    f"{value.isoformat()} has no time zone; pass an aware datetime, such as datetime.now(timezone.utc)."
                )
            # RFC 3339 has no seconds in an offset; some zones had them, long ago.
            offset = value.utcoffset() or timedelta()
            return (value.astimezone(UTC) if offset % timedelta(minutes=1) else value).isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case Enum():
            return value.value
        case set() | frozenset():
            return sorted(value, key=str)
        case Mapping():
            return dict(value)
    # By name: without a file among the variables, its class is never imported.
    if type(value).__name__ == "Upload" and hasattr(value, "rewinds"):
        raise HasUploads("A file is sent as a variable of a call; here it has no place, and no form in JSON.")
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json", by_alias=True)
    raise TypeError(
        f"{type(value).__name__} has no form in JSON: pass a string, a number, a list, a dict or None."
    )


def python_type(reference: str, leaf: Any) -> Any:
    """The Python type of a GraphQL type reference such as `[uuid!]!`, given the type of its leaf."""
    if reference.endswith("!"):
        return _non_null(reference[:-1], leaf)
    return _non_null(reference, leaf) | None


def _non_null(reference: str, leaf: Any) -> Any:
    if reference.startswith("["):
        return list[python_type(reference[1:-1], leaf)]  # type: ignore[misc]  # built at run time from the schema
    return leaf


@cache
def converter(annotation: Any) -> Callable[[Any], Any]:
    """A function from a JSON value to a value of the annotation, built on first use.

    Where the annotation asks for nothing that JSON does not have, it is the identity.
    """
    if annotation is Any or annotation is object:
        return _same
    from pydantic import TypeAdapter

    return TypeAdapter(annotation).validate_python


def _same(value: Any) -> Any:
    return value


def convert(value: Any, annotation: Any, *, path: str, operation: str) -> Any:
    """`value`, a JSON value, as the annotation's type. Raises `InvalidResponse` that names `path` where it does not fit."""
    from pydantic import ValidationError

    try:
        return converter(annotation)(value)
    except ValidationError as error:
        raise invalid_response(error, operation=operation, prefix=path) from None


def invalid_response(error: Any, *, operation: str, prefix: str = "") -> InvalidResponse:
    """What a pydantic error says about an answer, as one sentence that holds none of the answer's values."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(part for part in (prefix, *map(str, first["loc"])) if part)
    message = first["msg"]
    return InvalidResponse(
        f"The answer to {operation} does not fit the schema at {path or 'its root'}: {message[:1].lower()}{message[1:]}. "
        "If the schema has changed, generate the client again.",
        path=path,
        operation=operation,
    )
