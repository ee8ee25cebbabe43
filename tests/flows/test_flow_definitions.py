"""`@flow` and `@task` without any API: parameters, states, tries, timeouts, and the graph that is read from the code."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
from pydantic import BaseModel

from penstock import FlowDefinition, FlowLike, flow, task
from penstock.execution.context import RunStopped, StopReason, StopSignal
from penstock.execution.engine import run_flow
from penstock.flows import ParameterError, current_run
from penstock.states import Cancelled, Failed, Success, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable


class Order(BaseModel):
    number: int
    tags: list[str] = []


@flow
def add(x: int, y: int = 2) -> int:
    """Adds two numbers.

    And says nothing of it.
    """
    return x + y


@flow(name="typed flow", description="Everything has a type.")
def typed(day: date, order: Order, *, ratio: float | None = None) -> tuple[date, Order, float | None]:
    return day, order, ratio


@task
def double(number: int) -> int:
    return number * 2


@task(name="sum up", tags=["db", "db", "a"], retries=2, retry_delay=timedelta(seconds=1.5), timeout=60)
def total(numbers: list[int], start: int = 0) -> int:
    """Sums.

    All of them.
    """
    return sum(numbers, start)


@flow
def pipeline(count: int = 3) -> int:
    first = double(1)
    doubled = double.map(range(count))
    numbers = [future.result() for future in doubled]
    return total(numbers, start=first)


def test_a_flow_is_still_its_function() -> None:
    assert add(1, y=3) == 4
    assert add.name == "add"
    assert add.description == "Adds two numbers."
    assert isinstance(add, FlowLike)


def test_run_gives_a_state_with_the_result() -> None:
    state = add.run(x=1)
    assert isinstance(state, Success)
    assert state.result == 3
    assert add.run(1, 5).result == 6


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"x": "40"}, 42),
        ({"x": 40.0}, 42),
    ],
)
def test_parameters_are_read_as_their_types(given: dict[str, Any], expected: int) -> None:
    assert run_flow(add, given).result == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "x is required"),
        ({"x": "not a number"}, "x: input should be a valid integer"),
        ({"x": 1, "z": 2}, "z is no parameter of it (it has x, y)"),
        ({"z": 2, "y": "b"}, "z is no parameter"),
    ],
)
def test_wrong_parameters_fail_the_run_and_are_named(given: dict[str, Any], words: str) -> None:
    state = run_flow(add, given)
    assert isinstance(state, Failed)
    assert words in str(state.message)
    with pytest.raises(ParameterError):
        add.validate(given)


def test_json_parameters_become_what_the_signature_says() -> None:
    given = {"day": "2026-01-31", "order": {"number": "7"}, "ratio": 0.5}
    assert run_flow(typed, given).result == (date(2026, 1, 31), Order(number=7), 0.5)


def test_a_class_that_pydantic_cannot_check_is_taken_as_it_is() -> None:
    class Odd:
        pass

    @flow
    def odd(value: Odd) -> str:
        return type(value).__name__

    assert odd.run(Odd()).result == "Odd"


def test_annotations_survive_pickling_where_their_names_are_unknown() -> None:
    again: FlowDefinition[..., Any] = cloudpickle.loads(cloudpickle.dumps(typed))
    with pytest.raises(ParameterError, match="day: "):
        again.validate({"day": "never", "order": {"number": 1}})


def test_a_flow_that_raises_is_failed_with_the_reason() -> None:
    @flow
    def broken() -> None:
        raise LookupError("there is no such thing")

    state = broken.run()
    assert isinstance(state, Failed)
    assert state.message == "LookupError: there is no such thing"


@pytest.mark.parametrize("kind", ["*args", "**kwargs", "positional only"])
def test_parameters_without_a_name_are_refused(kind: str) -> None:
    def stars(*numbers: int) -> None: ...
    def double_stars(**numbers: int) -> None: ...
    def positional(number: int, /) -> None: ...

    functions: dict[str, Callable[..., None]] = {
        "*args": stars,
        "**kwargs": double_stars,
        "positional only": positional,
    }
    with pytest.raises(TypeError, match="cannot be a flow"):
        flow(functions[kind])


def test_tasks_are_plain_calls_outside_a_flow() -> None:
    assert double(4) == 8
    assert double.submit(4).result() == 8
    assert [future.result() for future in double.map([1, 2])] == [2, 4]


def test_tasks_inside_a_flow() -> None:
    assert pipeline.run(count=4).result == 2 + 0 + 2 + 4 + 6
    assert pipeline(2) == 4


def test_mapping_needs_iterables_of_the_same_length() -> None:
    @task
    def pair(left: int, right: int) -> int:
        return left * right

    @flow
    def uneven() -> None:
        pair.map([1, 2], [3])

    assert "shorter" in str(uneven.run().message)


def test_a_task_is_tried_again_and_then_succeeds() -> None:
    tries: list[float] = []

    @task(retries=2, retry_delay=0.05)
    def flaky() -> str:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise OSError("not yet")
        return "done"

    @flow
    def hopeful() -> str:
        return flaky()

    assert hopeful.run().result == "done"
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 0.05


def test_a_task_that_fails_for_good_raises_in_the_flow() -> None:
    tries: list[int] = []

    @task(retries=1)
    def hopeless() -> None:
        tries.append(1)
        raise OSError("never")

    @flow
    def caught() -> str:
        try:
            hopeless()
        except OSError as error:
            return f"caught {error}"
        return "nothing"

    assert caught.run().result == "caught never"
    assert len(tries) == 2


def test_a_submitted_task_that_nobody_looks_at_fails_the_flow() -> None:
    @task
    def broken() -> None:
        raise OSError("unseen")

    @flow
    def careless() -> str:
        broken.submit()
        return "fine"

    state = careless.run()
    assert isinstance(state, Failed)
    assert "1 of 1 task runs failed" in str(state.message)
    assert "OSError: unseen" in str(state.message)


def test_a_task_that_takes_too_long_is_interrupted() -> None:
    ended = threading.Event()

    @task(timeout=0.1)
    def slow() -> None:
        try:
            for _ in range(500):
                time.sleep(0.01)
        finally:
            ended.set()

    @flow
    def waiting() -> None:
        slow()

    started = time.monotonic()
    state = waiting.run()
    assert time.monotonic() - started < 2
    assert isinstance(state, Failed)
    assert "slow took longer than 0.1 seconds" in str(state.message)
    assert ended.wait(2), "The task went on after its timeout."


@pytest.mark.parametrize("options", [{"retries": -1}, {"retry_delay": -1.0}, {"timeout": 0}])
def test_impossible_options_of_tasks_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="The task 'double' has"):
        task(**options)(double.function)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(StopReason.CANCELLED, Cancelled), (StopReason.TIMED_OUT, TimedOut), (StopReason.SHUTDOWN, Failed)],
)
def test_a_flow_is_interrupted_between_two_lines(reason: StopReason, expected: type) -> None:
    began = threading.Event()
    cleaned: list[str] = []

    @flow
    def endless() -> None:
        began.set()
        try:
            for _ in range(1000):
                time.sleep(0.01)
        except Exception:
            cleaned.append("swallowed")
        finally:
            cleaned.append("cleaned")

    stop = StopSignal()

    def stop_it() -> None:
        began.wait(5)
        stop.set(reason)

    threading.Thread(target=stop_it, daemon=True).start()
    state = run_flow(endless, {}, stop=stop)
    assert type(state) is expected
    assert cleaned == ["cleaned"]


def test_a_flow_that_is_stopped_before_it_begins_does_not_begin() -> None:
    stop = StopSignal()
    stop.set(StopReason.CANCELLED)
    state = run_flow(add, {"x": 1}, stop=stop)
    assert isinstance(state, Cancelled)
    with pytest.raises(RunStopped):
        stop.check()


def test_a_flow_knows_the_run_that_executes_it() -> None:
    @flow
    def curious(x: int) -> str:
        run = current_run()
        assert run is not None
        return f"{run.flow_name} {run.attempt} {run.flow_run_id} {run.parameters}"

    assert curious.run("3").result == "curious 1 None {'x': 3}"  # type: ignore[arg-type]
    assert current_run() is None


def test_the_serialized_flow_has_tasks_and_edges() -> None:
    serialized = pipeline.serialize()
    assert [(item["name"], item["slug"]) for item in serialized["tasks"]] == [
        ("double", "double-1"),
        ("sum up", "sum up-1"),
    ]
    sums = serialized["tasks"][1]
    assert (sums["tags"], sums["max_retries"], sums["retry_delay"], sums["timeout"]) == (
        ["a", "db"],
        2,
        1.5,
        60.0,
    )
    edges = {
        (edge["upstream_task"]["slug"], edge["downstream_task"]["slug"], edge["key"], edge["mapped"])
        for edge in serialized["edges"]
    }
    assert edges == {("double-1", "sum up-1", "numbers", False), ("double-1", "sum up-1", "start", False)}
    assert [(item["name"], item["required"], item["default"]) for item in serialized["parameters"]] == [
        ("count", False, 3)
    ]


def test_a_flow_without_tasks_has_one_its_function() -> None:
    serialized = add.serialize()
    assert [item["slug"] for item in serialized["tasks"]] == ["add-1"]
    assert serialized["edges"] == []


def test_edges_through_loops_branches_and_nested_calls() -> None:
    @task
    def load(name: str) -> list[int]:
        return [len(name)]

    @task
    def clean(rows: list[int]) -> list[int]:
        return rows

    @task
    def save(rows: list[int], where: str) -> int:
        return len(rows)

    @flow
    def nightly(names: list[str]) -> int:
        saved = 0
        for name in names:
            rows = clean(load(name))
            if rows:
                saved += save(rows=rows, where="disk")
        for future in clean.map([load.submit(name).result() for name in names]):
            save(future.result(), "again")
        return saved

    edges = {
        (edge["upstream_task"]["slug"], edge["downstream_task"]["slug"], edge["key"], edge["mapped"])
        for edge in nightly.serialize()["edges"]
    }
    assert edges == {
        ("load-1", "clean-1", "rows", False),
        ("load-1", "clean-1", "rows", True),
        ("clean-1", "save-1", "rows", False),
    }
    assert nightly.run(["ab", "c"]).result == 2


def test_two_tasks_of_one_name_have_slugs_of_their_own() -> None:
    @task(name="step")
    def first() -> int:
        return 1

    @task(name="step")
    def second() -> int:
        return 2

    @flow
    def both() -> int:
        return first() + second()

    assert {item["slug"] for item in both.serialize()["tasks"]} == {"step-1", "step-2"}
    assert both.run().result == 3


def test_a_foreign_flow_object_is_run_by_its_own_method() -> None:
    class Outcome:
        message = "one task failed"

        def is_successful(self) -> bool:
            return False

    class Foreign:
        name = "foreign"

        def serialize(self) -> dict[str, Any]:
            return {"name": self.name, "parameters": [], "tasks": [], "edges": []}

        def run(self, **parameters: Any) -> Any:
            return Outcome() if parameters["fail"] else {"got": parameters}

    assert run_flow(Foreign(), {"fail": False}).result == {"got": {"fail": False}}
    failed = run_flow(Foreign(), {"fail": True})
    assert isinstance(failed, Failed)
    assert failed.message == "one task failed"


def test_defaults_that_json_has_no_form_for_are_shown_as_text() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    @flow
    def dated(when: datetime = moment) -> datetime:
        return when

    (parameter,) = dated.serialize()["parameters"]
    assert parameter["default"] == "2026-01-01T00:00:00Z"
    assert dated.run().result == moment
