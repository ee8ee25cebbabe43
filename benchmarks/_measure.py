"""Compares contenders in one run: interleaved, warmed up, as ratios with a spread.

A figure in seconds says more about the machine than about the program; a ratio between two contenders that
took turns on the same machine says what is left. A ratio here is the median of the ratios of the rounds, each
of two runs that were neighbours in time, with a 95 % interval from a bootstrap over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack

RESULTS = Path(__file__).with_name("RESULTS.md")
_RESAMPLES = 2000

Measure = Literal["wall", "cpu"]
"""Time as a clock has it, or as the processor does: user and system. The second holds where other programs
share the machine.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contender.

    `wall` and `cpu` (user and system) are in seconds, `peak` is resident memory in bytes. Linux counts the
    memory of the process that starts another as the other's peak too, so `peak` is never below what the
    benchmark itself takes: import little there.
    """

    wall: float
    cpu: float | None = None
    peak: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median, and the interval that holds 95 % of its bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What each contender's rounds gave. `baseline` is the contender that the others are compared with."""

    title: str
    baseline: str
    runs: Mapping[str, tuple[Run, ...]]

    def median(self, contender: str) -> float:
        """Wall time of one run in seconds."""
        return statistics.median(run.wall for run in self.runs[contender])

    def ratio(self, contender: str, to: str | None = None, *, of: Measure = "wall") -> Estimate:
        """How many times as long as `to` (the baseline unless named) the contender takes."""
        return _bootstrap([one / other for one, other in self._rounds(contender, to, of)])

    def difference(self, contender: str, to: str | None = None, *, of: Measure = "wall") -> Estimate:
        """How much longer than `to` (the baseline unless named) the contender takes, in seconds."""
        return _bootstrap([one - other for one, other in self._rounds(contender, to, of)])

    def _rounds(self, contender: str, to: str | None, of: Measure) -> Iterable[tuple[float, float]]:
        def values(name: str) -> list[float]:
            return [run.wall if of == "wall" else run.cpu or 0.0 for run in self.runs[name]]

        return zip(values(contender), values(to or self.baseline), strict=True)

    def table(self) -> str:
        """A Markdown table, one row per contender."""
        rows = [["", "median", "quartiles", f"against {self.baseline}", "CPU", "peak memory"]]
        for contender, runs in self.runs.items():
            low, _, high = statistics.quantiles((run.wall for run in runs), n=4)
            ratio = self.ratio(contender)
            cpu = [run.cpu for run in runs if run.cpu is not None]
            peak = [run.peak for run in runs if run.peak is not None]
            rows.append(
                [
                    contender,
                    duration(statistics.median(run.wall for run in runs)),
                    f"{duration(low)} to {duration(high)}",
                    "1"
                    if contender == self.baseline
                    else f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
                    f"{duration(statistics.median(cpu))} ({self.ratio(contender, of='cpu').value:.2f})"
                    if cpu
                    else "",
                    f"{statistics.median(peak) / 1e6:.0f} MB" if peak else "",
                ]
            )
        used = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
        widths = {column: max(len(row[column]) for row in rows) for column in used}
        lines = [
            "| " + " | ".join(row[column].ljust(widths[column]) for column in used) + " |" for row in rows
        ]
        lines.insert(1, "| " + " | ".join("-" * widths[column] for column in used) + " |")
        rounds = len(self.runs[self.baseline])
        return f"{self.title} ({rounds} rounds)\n\n" + "\n".join(lines)


def compare_processes(
    title: str,
    contenders: Mapping[str, Sequence[str]],
    *,
    rounds: int,
    warm_up: int = 1,
    environment: Mapping[str, str] | None = None,
    before: Callable[[str], None] | None = None,
) -> Comparison:
    """Run command lines in turns, as whole processes; the first contender is the baseline.

    `before` is called with a contender's name before each of its runs, outside the time. Raises
    `RuntimeError` with what a process wrote to its standard error where it fails: a failure is no figure.
    """
    with tempfile.TemporaryDirectory() as cache:
        # Compiled modules as users have them, whatever is set here; the warm-up writes them.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
        variables = {**os.environ, **compiled, **(environment or {})}

        def run(name: str) -> Run:
            if before is not None:
                before(name)
            return _run_process(name, contenders[name], variables)

        return _interleave(title, list(contenders), run, rounds=rounds, warm_up=warm_up)


def compare_calls(
    title: str,
    contenders: Mapping[str, Sequence[str]],
    *,
    rounds: int,
    batches: int = 9,
    environment: Mapping[str, str] | None = None,
) -> Comparison:
    """Have functions called in turns, each in a process of its own; the first contender is the baseline.

    A contender is the command line of a program that ends in `answer_batches(function)`. One process for all
    would charge each with the others' memory: what is alive is what the garbage collector walks through. Each
    round starts all processes anew, since where one's memory happens to lie makes it faster or slower for all
    its life; a run is one call, the median of a round's batches.

    Raises `RuntimeError` where a process ends early.
    """
    variables = {**os.environ, **(environment or {})}
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        found = _one_round(contenders, variables, batches)
        for name, each in found.runs.items():
            cpu = statistics.median(run.cpu for run in each if run.cpu is not None)
            runs[name].append(Run(statistics.median(run.wall for run in each), cpu))
    return Comparison(title, next(iter(contenders)), {name: tuple(each) for name, each in runs.items()})


def compare_turns(
    title: str,
    command: Sequence[str],
    *,
    rounds: int,
    environment: Mapping[str, str] | None = None,
) -> Comparison:
    """Have functions called in turns in one process, one call each: for calls so short that what a process
    and its core were doing before weighs more than what they do. A run is one call, the median of a round;
    each round is a process of its own.

    `command` is the command line of a program that ends in `take_turns(functions)`; its first function is the
    baseline.
    """
    runs: dict[str, list[Run]] = {}
    for _ in range(rounds):
        done = subprocess.run(
            command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, check=True
        )
        for name, (wall, cpu) in json.loads(done.stdout).items():
            runs.setdefault(name, []).append(Run(wall, cpu))
    return Comparison(title, next(iter(runs)), {name: tuple(each) for name, each in runs.items()})


def take_turns(functions: Mapping[str, Callable[[], object]], *, calls: int = 300, warm_up: int = 30) -> None:
    """The other side of `compare_turns`: call each once, and again, and print the median seconds (wall, CPU)
    of each.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for number in range(warm_up + calls):
        for name, function in functions.items():
            cpu, start = time.process_time(), time.perf_counter()
            function()
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            if number >= warm_up:
                taken[name].append((wall, cpu))
    print(
        json.dumps(
            {name: list(map(statistics.median, zip(*each, strict=True))) for name, each in taken.items()}
        )
    )


def _one_round(
    contenders: Mapping[str, Sequence[str]], variables: Mapping[str, str], batches: int
) -> Comparison:
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(
                subprocess.Popen(
                    command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for name, command in contenders.items()
        }
        return _interleave(
            "", list(workers), lambda name: _batch(name, workers[name]), rounds=batches, warm_up=1
        )


def _batch(name: str, worker: subprocess.Popen[str]) -> Run:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write("go\n")
        worker.stdin.flush()
        wall, cpu = map(float, worker.stdout.readline().split())
    except (BrokenPipeError, ValueError):
        raise RuntimeError(f"{name} ended with {worker.wait()} before the last round.") from None
    return Run(wall, cpu)


def answer_batches(call: Callable[[], object], *, batch_seconds: float = 0.05) -> None:
    """The other side of `compare_calls`: for each line of standard input, one batch of calls, and its seconds
    per call.

    The garbage collector is on, as it is for users.
    """
    call()
    start = time.perf_counter()
    call()
    size = range(max(1, round(batch_seconds / (time.perf_counter() - start))))
    for _ in sys.stdin:
        cpu, start = time.process_time(), time.perf_counter()
        for _ in size:
            call()
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(wall / len(size), cpu / len(size), flush=True)


def _interleave(
    title: str, names: Sequence[str], run: Callable[[str], Run], *, rounds: int, warm_up: int
) -> Comparison:
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for round_number in range(warm_up + rounds):
        # Every other round goes backwards, so that no contender always follows the same one.
        for name in names if round_number % 2 == 0 else reversed(names):
            result = run(name)
            if round_number >= warm_up:
                runs[name].append(result)
    return Comparison(title, names[0], {name: tuple(each) for name, each in runs.items()})


def _run_process(name: str, command: Sequence[str], variables: Mapping[str, str]) -> Run:
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=dict(variables), stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(
                f"{name} ended with {process.returncode}: {errors.read().decode(errors='replace').strip()}"
            )
    # Linux counts resident memory in KiB, macOS in bytes.
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, peak)


def _bootstrap(values: Sequence[float]) -> Estimate:
    # A fixed seed: the same runs give the same interval.
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return Estimate(
        statistics.median(values), medians[round(_RESAMPLES * 0.025)], medians[round(_RESAMPLES * 0.975) - 1]
    )


def duration(seconds: float) -> str:
    """Seconds with three significant digits, in the unit that fits."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if abs(seconds) * factor >= 1 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError("unreachable: the last unit always returns")


def aim(
    what: str,
    figure: Estimate,
    limit: float,
    *,
    at_least: bool = False,
    unit: Callable[[float], str] = "{:.2f}".format,
) -> str:
    """One line that says whether a figure meets its aim."""
    met = figure.value >= limit if at_least else figure.value <= limit
    sign = "at least" if at_least else "at most"
    shown = f"{unit(figure.value)} ({unit(figure.low)} to {unit(figure.high)})"
    return f"- {what}: {shown}; aim: {sign} {unit(limit)}: {'met' if met else 'MISSED'}"


def arguments(description: str, *, rounds: int) -> argparse.Namespace:
    """`--rounds N` and `--record`, which all benchmarks share."""
    return argument_parser(description, rounds=rounds).parse_args()


def argument_parser(description: str, *, rounds: int) -> argparse.ArgumentParser:
    """What a benchmark with options of its own begins with."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="how often each contender runs (default: %(default)s)"
    )
    parser.add_argument(
        "--record", action="store_true", help=f"write the figures to benchmarks/{RESULTS.name}"
    )
    return parser


def report(title: str, parts: Iterable[str], *, record: bool) -> None:
    """Print a benchmark's tables and lines; with `record`, put them into RESULTS.md in place of the section
    of the same title.
    """
    body = "\n\n".join(parts)
    print(body)
    if record:
        section = f"## {title}\n\n{_circumstances()}\n\n{body}\n"
        present = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
        RESULTS.write_text(with_section(present, title, section), encoding="utf-8", newline="\n")


def with_section(document: str, title: str, section: str) -> str:
    """The document with the section in place of the one of that title, or at its end."""
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(document):
        return pattern.sub(lambda _: section + "\n", document, count=1).rstrip("\n") + "\n"
    return f"{document.rstrip()}\n\n{section}"


def _circumstances() -> str:
    """What was run, when, and on what: nothing that names the machine. The load is the last quarter of an
    hour's.
    """
    module = Path(sys.argv[0]).stem
    command = " ".join(["python -m", f"benchmarks.{module}", *sys.argv[1:]])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()}, {os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[2]:.1f}"
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {python}, {machine}"
