"""The state classes: the hierarchy, the serialized form of the orchestrator's 1.x line, and what is unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_type

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from penstock import states
from penstock.states import (
    Cached,
    Cancelled,
    Failed,
    Finished,
    MetaState,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    Submitted,
    Success,
)

# One serialized state of each class, as release 1.4.1 of the orchestrator writes it, with the bases and the colour that it has there.
RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "serialized_states.json").read_text(encoding="utf-8")
)


def test_every_recorded_class_is_there_and_no_other() -> None:
    assert set(states.TYPES) == {*RECORDED, "State", "_MetaState"}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_state_is_read_into_its_class_and_written_as_it_was(name: str) -> None:
    recorded = RECORDED[name]
    state = State.deserialize(recorded["serialized"])
    assert type(state).__name__ == name == state.type
    assert [
        ("_" * (base is MetaState)) + base.__name__
        for base in type(state).__mro__[1:]
        if issubclass(base, State)
    ] == recorded["bases"]
    assert state.color == recorded["color"]
    assert state.message == "msg" and state.result is None
    assert state.serialize() == recorded["serialized"]
    assert json.loads(state.model_dump_json()) == recorded["serialized"]
    assert json.loads(json.dumps(state.model_dump(mode="json", by_alias=True))) == recorded["serialized"]


@pytest.mark.parametrize("name", RECORDED)
def test_a_state_made_here_has_the_recorded_form(name: str) -> None:
    recorded = RECORDED[name]["serialized"]
    fields = {key: value for key, value in recorded.items() if key not in ("_result", "__version__", "type")}
    made = states.TYPES[name](**fields)
    # Mapped is the one class that the orchestrator writes without a result.
    assert {**made.serialize()} == {"_result": {"__version__": "1.4.1", "type": "NoResultType"}, **recorded}


def test_predicates_say_what_the_hierarchy_says() -> None:
    predicates = {
        "is_pending": {"Pending", "Scheduled", "Paused", "Resume", "Retrying"},
        "is_scheduled": {"Scheduled", "Paused", "Resume", "Retrying"},
        "is_retrying": {"Retrying"},
        "is_meta_state": {"Submitted", "Queued", "ClientFailed"},
        "is_submitted": {"Submitted"},
        "is_queued": {"Queued"},
        "is_running": {"Running", "Cancelling"},
        "is_finished": {
            *("Finished", "Looped", "Success", "Cached", "Mapped", "Skipped", "Failed", "TimedOut"),
            *("TriggerFailed", "ValidationFailed", "Cancelled"),
        },
        "is_looped": {"Looped"},
        "is_successful": {"Success", "Cached", "Mapped", "Skipped"},
        "is_cached": {"Cached"},
        "is_mapped": {"Mapped"},
        "is_skipped": {"Skipped"},
        "is_failed": {"Failed", "TimedOut", "TriggerFailed", "ValidationFailed"},
        "is_cancelled": {"Cancelled"},
    }
    for predicate, true_for in predicates.items():
        found = {
            name
            for name, recorded in RECORDED.items()
            if getattr(State.deserialize(recorded["serialized"]), predicate)()
        }
        assert found == true_for, predicate


def test_fields_of_their_own_are_typed() -> None:
    scheduled = State.deserialize(RECORDED["Scheduled"]["serialized"])
    assert isinstance(scheduled, Scheduled)
    assert_type(scheduled.start_time, datetime | None)
    assert scheduled.start_time == datetime(2020, 1, 10, tzinfo=UTC)
    submitted = State.deserialize(RECORDED["Submitted"]["serialized"])
    assert isinstance(submitted, Submitted) and isinstance(submitted.state, Scheduled)
    assert submitted.state.message == "inner"
    cached = State.deserialize(RECORDED["Cached"]["serialized"])
    assert isinstance(cached, Cached) and cached.cached_parameters == {"a": 1}


def test_a_time_without_a_zone_is_utc() -> None:
    state = Scheduled.deserialize({"type": "Scheduled", "start_time": "2020-01-10T00:00:00"})
    assert state.start_time == datetime(2020, 1, 10, tzinfo=UTC)


def test_an_unknown_type_survives_with_all_it_has() -> None:
    serialized = {"type": "Hibernating", "message": "zzz", "depth": 3, "__version__": "9.0"}
    state = State.deserialize(serialized)
    assert type(state) is State and state.type == "Hibernating" and state.message == "zzz"
    assert state.serialize() == serialized
    assert not any(getattr(state, name)() for name in dir(State) if name.startswith("is_"))
    with pytest.raises(ValidationError, match="Hibernating is no kind of Finished"):
        Finished.model_validate(serialized)


def test_the_wrong_class_is_refused() -> None:
    with pytest.raises(ValidationError, match="A Running state is not a Finished state"):
        Finished.model_validate(RECORDED["Running"]["serialized"])


@pytest.mark.parametrize("broken", [{}, {"message": "no type"}, {"type": 3}, [], "Running", None])
def test_what_is_no_state_is_refused_in_a_sentence(broken: Any) -> None:
    with pytest.raises(ValueError, match="is an object with a `type`"):
        State.deserialize(broken)


@pytest.mark.parametrize(
    ("serialized", "value"),
    [
        ({"type": "NoResultType", "__version__": "1.4.1"}, None),
        ({"type": "ConstantResult", "value": 42, "__version__": "1.4.1"}, 42),
        ({"type": "SafeResult", "value": [1, 2], "result_handler": {"type": "JSONResultHandler"}}, [1, 2]),
        ({"type": "PrefectResult", "location": '{"a": 1}', "__version__": "1.4.1"}, {"a": 1}),
        ({"type": "PrefectResult", "location": "{broken", "__version__": "1.4.1"}, None),
        ({"type": "S3Result", "location": "key/1", "bucket": "b", "__version__": "1.4.1"}, None),
        ({"type": "cat", "name": "Tom"}, {"type": "cat", "name": "Tom"}),
        (42, 42),
        (None, None),
    ],
)
def test_the_result_is_its_value(serialized: Any, value: Any) -> None:
    state = State.deserialize({"type": "Success", "_result": serialized})
    assert state.result == value
    assert state.serialize()["_result"] == serialized


def test_where_a_result_lies_elsewhere_the_state_says_where() -> None:
    state = Success.deserialize(
        {"type": "Success", "_result": {"type": "S3Result", "location": "key/1", "__version__": "1.4.1"}}
    )
    assert state.result is None and state.result_location == "key/1"
    assert Success(result=1).result_location is None


@pytest.mark.parametrize("value", [0, "", False, [], {}, 42, "text", {"type": "x"}, [None], 1.5])
def test_a_result_goes_there_and_back(value: Any) -> None:
    assert Success.deserialize(json.loads(json.dumps(Success(result=value).serialize()))).result == value


def test_a_result_without_a_form_in_json_is_refused() -> None:
    with pytest.raises(ValueError, match="serialize"):
        Success(result=object()).serialize()


def test_as_the_type_of_a_field_it_chooses_the_class_too() -> None:
    class Row(BaseModel):
        state: State | None

    row = Row.model_validate_json('{"state": {"type": "Failed", "message": "no"}}')
    assert isinstance(row.state, Failed)
    assert json.loads(row.model_dump_json()) == {"state": {"type": "Failed", "message": "no"}}
    assert TypeAdapter(list[State]).validate_python([{"type": "Running"}, Pending()]) == [
        Running(),
        Pending(),
    ]


def test_a_state_is_a_value() -> None:
    state = Retrying(message="again", run_count=2)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(state, "message", "other")  # noqa: B010
    assert state == Retrying.deserialize(state.serialize())
    assert hash(state) == hash(Retrying(message="again", run_count=2))
    read = Retrying.deserialize({**state.serialize(), "more": 1})
    copy = read.model_copy(update={"run_count": 3, "result": 5})
    assert copy.serialize() == {
        **read.serialize(),
        "run_count": 3,
        "_result": {"type": "ConstantResult", "value": 5, "__version__": "1.4.1"},
    }


def test_no_result_in_a_repr() -> None:
    assert repr(Success(message="done", result="s3cret")) == "<Success: 'done'>"
    assert str(Cancelled()) == "Cancelled"


def test_it_imports_neither_the_client_nor_the_generated_package() -> None:
    code = (
        "import sys, penstock.states; print([m for m in sys.modules if m.startswith(('penstock', 'httpx'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "['penstock', 'penstock.states']"
