"""Enums that outlive their schema."""

from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import TypeAdapter

from penstock_codegen.runtime.enums import OpenEnum


class Level(OpenEnum):
    """Levels, of which the server may know more."""

    DEBUG = "DEBUG"
    INFO = "INFO"


def test_a_known_member_is_the_member() -> None:
    assert Level("INFO") is Level.INFO
    assert Level.INFO.is_known
    assert Level.INFO == "INFO"
    assert f"{Level.INFO}" == "INFO"


def test_an_unknown_member_is_kept_as_it_came() -> None:
    trace = Level("TRACE")
    assert isinstance(trace, Level)
    assert (trace.name, trace.value, str(trace)) == ("TRACE", "TRACE", "TRACE")
    assert not trace.is_known
    assert trace == "TRACE"
    assert trace == Level("TRACE")
    assert hash(trace) == hash(Level("TRACE")) == hash("TRACE")
    assert trace != Level.INFO
    assert repr(trace) == "<Level.TRACE: 'TRACE'>"
    # It does not become a member of the class.
    assert list(Level) == [Level.DEBUG, Level.INFO]
    assert not Level("TRACE").is_known


def test_an_unknown_member_survives_copies_and_pickling() -> None:
    trace = Level("TRACE")
    assert copy.deepcopy(trace) == trace
    assert pickle.loads(pickle.dumps(trace)) == trace
    assert isinstance(pickle.loads(pickle.dumps(trace)), Level)


def test_pydantic_reads_both_and_writes_both() -> None:
    adapter = TypeAdapter(list[Level])
    read = adapter.validate_json(b'["INFO","TRACE"]')
    assert read == [Level.INFO, Level("TRACE")]
    assert all(type(level) is Level for level in read)
    assert adapter.dump_json(read) == b'["INFO","TRACE"]'


@pytest.mark.parametrize("value", [3, None, ["INFO"]])
def test_what_is_no_string_is_no_member(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Level"):
        Level(value)  # type: ignore[arg-type]  # what comes over the wire has no type
