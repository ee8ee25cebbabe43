"""The harness that the benchmarks share: what it says about contenders whose cost is known."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import pytest
from benchmarks._measure import (
    Comparison,
    Estimate,
    Run,
    aim,
    compare_calls,
    compare_processes,
    compare_turns,
    duration,
    with_section,
)
from benchmarks._server import serve

ROOT = str(Path(__file__).parents[2])


def test_ratios_are_taken_round_by_round() -> None:
    # The machine gets slower from round to round; the ratio does not notice.
    rounds = [1.0, 2.0, 4.0, 8.0]
    comparison = Comparison(
        "Speed", "one", {"one": tuple(map(Run, rounds)), "two": tuple(Run(2 * seconds) for seconds in rounds)}
    )
    assert comparison.ratio("two") == Estimate(2, 2, 2)
    assert comparison.ratio("one", to="two") == Estimate(0.5, 0.5, 0.5)
    assert comparison.difference("two").value == 3
    table = comparison.table()
    assert table.startswith("Speed (4 rounds)\n\n|")
    assert "2.00 (2.00 to 2.00)" in table
    assert "CPU" not in table


def test_processes_take_turns_and_are_accounted_for() -> None:
    turns: list[str] = []
    comparison = compare_processes(
        "Memory",
        {"small": [sys.executable, "-c", "pass"], "large": [sys.executable, "-c", "x = b'x' * 400_000_000"]},
        rounds=2,
        warm_up=1,
        before=turns.append,
    )
    assert turns == ["small", "large", "large", "small", "small", "large"]
    small, large = (comparison.runs[name][0].peak or 0 for name in ("small", "large"))
    # A process that was forked from a large one, as a test's is, counts what it had before it became another program.
    assert large - small > 100_000_000
    assert small > 0
    assert all((run.cpu or 0) > 0 for runs in comparison.runs.values() for run in runs)


def test_a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="broken ended with 1: no such flow"):
        compare_processes(
            "", {"broken": [sys.executable, "-c", "raise SystemExit('no such flow')"]}, rounds=1
        )


def test_calls_are_measured_per_call_in_processes_of_their_own() -> None:
    program = "from benchmarks._measure import answer_batches\nanswer_batches(lambda: sum(range({})), batch_seconds=0.005)"
    contenders = {
        name: [sys.executable, "-c", program.format(count)]
        for name, count in (("short", 100), ("long", 100_000))
    }
    comparison = compare_calls("Sums", contenders, rounds=3, environment={"PYTHONPATH": ROOT})
    assert comparison.ratio("long").low > 20
    with pytest.raises(RuntimeError, match="broken ended with 3"):
        compare_calls("", {"broken": [sys.executable, "-c", "raise SystemExit(3)"]}, rounds=1)


def test_calls_take_turns_in_one_process() -> None:
    program = (
        "from benchmarks._measure import take_turns\n"
        "take_turns({'short': lambda: sum(range(10)), 'long': lambda: sum(range(10_000))}, calls=20)"
    )
    comparison = compare_turns(
        "Sums", [sys.executable, "-c", program], rounds=2, environment={"PYTHONPATH": ROOT}
    )
    assert comparison.baseline == "short"
    assert comparison.ratio("long").low > 20
    assert comparison.ratio("long", of="cpu").low > 20


def test_a_section_takes_the_place_of_its_namesake() -> None:
    document = with_section("# Results\n", "Calls", "## Calls\n\none\n")
    document = with_section(document, "Import", "## Import\n\ntwo\n")
    document = with_section(document, "Calls", "## Calls\n\nthree\n")
    assert document == "# Results\n\n## Calls\n\nthree\n\n## Import\n\ntwo\n"
    assert (
        with_section(document, "Import", "## Import\n\nfour\n")
        == "# Results\n\n## Calls\n\nthree\n\n## Import\n\nfour\n"
    )


def test_figures_are_readable() -> None:
    assert [duration(seconds) for seconds in (12.345, 0.0123, 0.0000456)] == ["12.3 s", "12.3 ms", "45.6 µs"]
    assert (
        aim("1 KB", Estimate(1.05, 1.01, 1.09), 1.08) == "- 1 KB: 1.05 (1.01 to 1.09); aim: at most 1.08: met"
    )
    assert aim("generation", Estimate(2, 1, 3), 3, at_least=True).endswith("aim: at least 3.00: MISSED")


def test_the_server_answers_on_one_connection() -> None:
    with serve({"/small": b'{"data":1}', "/large": b"[" + b"1," * 500_000 + b"1]"}) as url:
        for _ in range(2):
            request = urllib.request.Request(f"{url}/small", data=b"{}" * 40_000)
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert json.load(answer) == {"data": 1}
        with urllib.request.urlopen(f"{url}/large", timeout=10) as answer:
            assert len(answer.read()) == 1_000_003
