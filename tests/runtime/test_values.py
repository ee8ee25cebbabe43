"""Values on their way out and in: every type a caller may pass, and what each becomes on the wire."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field

from penstock_codegen.runtime.enums import OpenEnum
from penstock_codegen.runtime.errors import InvalidResponse
from penstock_codegen.runtime.unset import UNSET
from penstock_codegen.runtime.values import convert, encode_variables, python_type


class Color(Enum):
    RED = "red"


class Level(OpenEnum):
    INFO = "INFO"


class Word(StrEnum):
    YES = "yes"


class Number(IntEnum):
    ONE = 1


class Point(BaseModel):
    x: int
    at: datetime
    name: str = Field(serialization_alias="theName")


MOMENT = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def encoded(value: object) -> Any:
    return json.loads(encode_variables({"v": value}))["v"]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (2**70, 2**70),
        ("häß 🦀", "häß 🦀"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (MOMENT, "2020-01-02T03:04:05.678901+00:00"),
        (
            datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2020-01-02T00:00:00+05:30",
        ),
        (date(2020, 1, 2), "2020-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1.5), 90.0),
        (Decimal("1.10"), "1.10"),
        (Color.RED, "red"),
        (Level.INFO, "INFO"),
        (Word.YES, "yes"),
        (Number.ONE, 1),
        ((1, 2), [1, 2]),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({UUID(int=2), UUID(int=1)}), [str(UUID(int=1)), str(UUID(int=2))]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (MappingProxyType({"a": MOMENT}), {"a": "2020-01-02T03:04:05.678901+00:00"}),
        ({"deep": [{"ids": {UUID(int=3)}}]}, {"deep": [{"ids": [str(UUID(int=3))]}]}),
        (
            Point(x=1, at=MOMENT, name="p"),
            {"x": 1, "at": "2020-01-02T03:04:05.678901Z", "theName": "p"},
        ),
        ([Point(x=1, at=MOMENT, name="p")], [{"x": 1, "at": "2020-01-02T03:04:05.678901Z", "theName": "p"}]),
    ],
    # Not by what they look like, which differs from one process to the next for sets.
    ids=lambda value: type(value).__name__,
)
def test_what_a_value_becomes(value: object, wire: object) -> None:
    assert encoded(value) == wire


def test_unset_is_left_out_and_null_is_not() -> None:
    assert encode_variables({"a": UNSET, "b": None, "c": 0}) == b'{"b":null,"c":0}'
    assert encode_variables({}) == b"{}"


def test_text_is_sent_as_utf_8() -> None:
    assert encode_variables({"v": "ß"}) == '{"v":"ß"}'.encode()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (datetime(2020, 1, 2), ValueError, "2020-01-02T00:00:00 has no time zone; pass an aware datetime"),
        ([{"at": datetime(2020, 1, 2)}], ValueError, "has no time zone"),
        (float("nan"), ValueError, "NaN and infinity have no form in JSON"),
        ({"x": [float("inf")]}, ValueError, "NaN and infinity have no form in JSON"),
        ("\ud800", ValueError, "half of a surrogate pair"),
        ({"a": UNSET}, TypeError, "UNSET stands for an argument that is left out"),
        ([UNSET], TypeError, "UNSET stands for an argument that is left out"),
        (MappingProxyType({"a": UNSET}), TypeError, "UNSET stands for an argument that is left out"),
        (b"bytes", TypeError, "bytes has no form in JSON: pass a string"),
        pytest.param(object(), TypeError, "object has no form in JSON", id="object"),
        (1j, TypeError, "complex has no form in JSON"),
        ({UUID(int=1): 1}, TypeError, "keys must be"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_has_no_form(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode_variables({"v": value})


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="Circular"):
        encode_variables({"v": endless})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_goes_through_as_it_is(value: object) -> None:
    assert encoded(value) == value


# Not at the ends of the calendar, where a moment may have no UTC.
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()))
def test_a_moment_comes_back_as_the_same_moment(moment: datetime) -> None:
    text = encoded(moment)
    found = convert(text, AwareDatetime, path="p", operation="o")
    # In UTC: Python holds moments of two zones to be unequal where one of them is an hour that a clock change repeats.
    assert found.astimezone(UTC) == moment.astimezone(UTC)


@given(st.uuids())
def test_an_id_comes_back_as_the_same_id(value: UUID) -> None:
    assert convert(encoded(value), UUID, path="p", operation="o") == value


@pytest.mark.parametrize(
    ("reference", "leaf", "expected"),
    [
        ("uuid!", UUID, UUID),
        ("uuid", UUID, UUID | None),
        ("[uuid!]!", UUID, list[UUID]),
        ("[uuid]", UUID, list[UUID | None] | None),
        ("[[Int!]!]!", int, list[list[int]]),
    ],
)
def test_the_python_type_of_a_reference(reference: str, leaf: Any, expected: Any) -> None:
    assert python_type(reference, leaf) == expected


def test_a_value_that_does_not_fit_is_told_without_the_value() -> None:
    with pytest.raises(InvalidResponse) as caught:
        convert("s3cr3t", int, path="flow.version", operation="flow_select")
    assert "s3cr3t" not in str(caught.value)
    assert str(caught.value).startswith(
        "The answer to flow_select does not fit the schema at flow.version: input should be a valid integer"
    )
    assert caught.value.path == "flow.version"
    with pytest.raises(InvalidResponse, match=r"at ids\.1: "):
        convert([str(uuid4()), "no"], list[UUID], path="ids", operation="o")


def test_whatever_comes_as_any_goes_through() -> None:
    mapping: Mapping[str, object] = {"a": [1]}
    assert convert(mapping, Any, path="p", operation="o") is mapping
