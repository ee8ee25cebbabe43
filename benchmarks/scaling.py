"""What an operation more costs: generating from one schema with 10 to 1,000 operations, from nothing and after one has changed.

The schema stays the same, so that the difference between two sizes is the operations' alone. With --record, the figures are drawn too,
as `benchmarks/scaling.svg`.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks._measure import Comparison, Estimate, aim, arguments, compare_processes, report
from benchmarks._peer import COMMAND_LINE, PEER_IN_FOLDER

SIZES = (10, 30, 100, 300, 1000)
FRESH, EDITED, PEER = "from nothing", "an operation changed", "ariadne-codegen"
PICTURE = Path(__file__).with_name("scaling.svg")
_COLOURS = {FRESH: "#1f5fbf", EDITED: "#2a9d4a", PEER: "#b5482a"}
_RESOURCES = SIZES[-1] // 5
_CONFIG = 'schema = "schema.graphql"\nqueries = "queries"\noutput = "made_api"\n'
_TYPE = """
\"\"\"The thing number {n}, of which a workshop keeps many.\"\"\"
type Thing{n} {{ id: ID! name: String! kind: Kind! size: Int weight: Float made: String
  parts(first: Int, kind: Kind): [Thing{other}!]! owner: Thing{other} notes: [String!] }}
input New{n} {{ name: String! kind: Kind = LARGE size: Int weight: Float notes: [String!] }}
"""
_QUERY = "  thing{n}(id: ID!): Thing{n}  things{n}(kind: Kind, limit: Int): [Thing{n}!]!  count{n}(kind: Kind): Int!\n"
_MUTATION = "  make{n}(new: New{n}!): Thing{n}!  remove{n}(id: ID!): Boolean!\n"
_FILES = {
    "fields": "fragment thing{n}_fields on Thing{n} {{ id name kind size weight made notes }}",
    "get": "query ($id: ID!) {{ thing{n}(id: $id) {{ ...thing{n}_fields }} }}",
    "list": "query ($kind: Kind, $limit: Int) {{ things{n}(kind: $kind, limit: $limit) {{ ...thing{n}_fields }} }}",
    "with_parts": "query ($id: ID!) {{ thing{n}(id: $id) {{ name parts(first: 3) {{ id name owner {{ id size }} }} }} }}",
    "make": "mutation ($new: New{n}!) {{ make{n}(new: $new) {{ ...thing{n}_fields }} }}",
    "remove": "mutation ($id: ID!) {{ remove{n}(id: $id) }}",
}


def main() -> None:
    """Measure, report and draw."""
    options = arguments(__doc__ or "", rounds=3)
    edits = itertools.count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places: dict[str, Path] = {}
        commands: dict[str, Sequence[str]] = {}
        for size in SIZES:
            for kind in (FRESH, EDITED):
                label = f"penstock, {kind}: {size}"
                place = places[label] = _project(folder / f"{kind.partition(' ')[0]}-{size}", size)
                flags = ["--no-cache"] if kind == FRESH else []
                config = str(place / "penstock.toml")
                commands[label] = [
                    sys.executable,
                    "-c",
                    COMMAND_LINE,
                    "generate",
                    "--quiet",
                    "--config",
                    config,
                    *flags,
                ]
            label = f"{PEER}: {size}"
            places[label] = _peer(places[f"penstock, {FRESH}: {size}"], folder / f"peer-{size}")
            commands[label] = [sys.executable, "-c", PEER_IN_FOLDER.format(folder=str(places[label]))]

        def before(contender: str) -> None:
            if EDITED in contender:
                # Never the same text twice: nothing of it can be remembered.
                probe = places[contender] / "queries/probe.graphql"
                probe.write_text(f"query {{ probe_{next(edits)}: __typename }}\n", encoding="utf-8")
            else:
                for made in ("made_api", "peer_api"):
                    shutil.rmtree(places[contender] / made, ignore_errors=True)

        comparison = compare_processes(
            f"One schema of {_RESOURCES} resources, more and more operations",
            commands,
            rounds=options.rounds,
            before=before,
            environment={"PENSTOCK_HOME": str(folder / "home")},
        )
    lines = {
        FRESH: [_seconds(comparison, f"penstock, {FRESH}: {size}") for size in SIZES],
        EDITED: [_seconds(comparison, f"penstock, {EDITED}: {size}") for size in SIZES],
        PEER: [_seconds(comparison, f"{PEER}: {size}") for size in SIZES],
    }
    if options.record:
        PICTURE.write_text(picture(lines), encoding="utf-8", newline="\n")
    growth = {kind: _growth(seconds) for kind, seconds in lines.items()}
    report(
        "Cost of an operation",
        [
            _table(lines),
            "\n".join(
                aim(
                    f"{kind}: an operation between 300 and 1,000, against one between 10 and 300",
                    Estimate(growth[kind], growth[kind], growth[kind]),
                    1.25,
                )
                for kind in (FRESH, EDITED)
            ),
            *(["![CPU seconds by operations](scaling.svg)"] if options.record else []),
        ],
        record=options.record,
    )


def _project(place: Path, size: int) -> Path:
    (place / "queries").mkdir(parents=True)
    (place / "penstock.toml").write_text(_CONFIG, encoding="utf-8")
    numbers = range(_RESOURCES)
    parts = [
        "enum Kind { SMALL LARGE HUGE }\n",
        *(_TYPE.format(n=number, other=(number + 1) % _RESOURCES) for number in numbers),
        "type Query {\n",
        *(_QUERY.format(n=number) for number in numbers),
        "}\ntype Mutation {\n",
        *(_MUTATION.format(n=number) for number in numbers),
        "}\n",
    ]
    (place / "schema.graphql").write_text("".join(parts), encoding="utf-8")
    for number in range(size // 5):
        folder = place / f"queries/thing{number}"
        folder.mkdir()
        for name, text in _FILES.items():
            (folder / f"{name}.graphql").write_text(text.format(n=number) + "\n", encoding="utf-8")
    return place


def _peer(project: Path, place: Path) -> Path:
    """A project of the peer's with the same operations."""
    flags = ["--config", str(project / "penstock.toml"), "--manifest", str(project / "operations.json")]
    subprocess.run(
        [sys.executable, "-c", COMMAND_LINE, "generate", "--no-cache", "--quiet", *flags],
        cwd=project,
        check=True,
    )
    program = "import sys; from benchmarks.large_schemas import write_peer; write_peer(*sys.argv[1:])"
    # In another process: what this one imports would count as the contenders' memory.
    subprocess.run(
        [sys.executable, "-c", program, str(project), "schema.graphql", str(place)],
        check=True,
        cwd=Path(__file__).parents[1],
    )
    return place


def _seconds(comparison: Comparison, contender: str) -> float:
    """The processor's time of a run: the median."""
    runs = sorted(run.cpu or run.wall for run in comparison.runs[contender])
    return runs[len(runs) // 2]


def _growth(seconds: Sequence[float]) -> float:
    """How much more an operation costs in the upper part of the sizes than in the lower."""
    at = dict(zip(SIZES, seconds, strict=True))
    return ((at[1000] - at[300]) / 700) / ((at[300] - at[10]) / 290)


def _table(lines: Mapping[str, Sequence[float]]) -> str:
    head = ["operations", *(f"{kind}, CPU" for kind in lines), "an operation more, from nothing"]
    rows = []
    for place, size in enumerate(SIZES):
        more = ""
        if place:
            step = lines[FRESH][place] - lines[FRESH][place - 1]
            more = f"{step / (size - SIZES[place - 1]) * 1000:.2f} ms"
        rows.append([f"{size:,}", *(f"{seconds[place]:.2f} s" for seconds in lines.values()), more])
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def picture(lines: Mapping[str, Sequence[float]]) -> str:
    """The lines as SVG: operations to the right, CPU seconds up, both in equal steps, so that a flat cost is a straight line."""
    width, height, left, top = 780, 420, 64, 32
    right, bottom = width - 220, height - 48
    highest = max(max(seconds) for seconds in lines.values()) * 1.05

    def x(size: float) -> float:
        return left + (right - left) * size / SIZES[-1]

    def y(seconds: float) -> float:
        return bottom - (bottom - top) * seconds / highest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#444"/>',
        f'<text x="{(left + right) / 2:.0f}" y="{height - 10}" text-anchor="middle">operations</text>',
        f'<text x="14" y="{top - 8}">CPU seconds</text>',
    ]
    for size in (0, 250, 500, 750, 1000):
        parts.append(f'<text x="{x(size):.0f}" y="{bottom + 18}" text-anchor="middle">{size:,}</text>')
    for step in range(5):
        value = highest * step / 4
        parts.append(
            f'<text x="{left - 8}" y="{y(value) + 4:.0f}" text-anchor="end">{value:.1f}</text>'
            f'<path d="M{left} {y(value):.1f}H{right}" stroke="#ddd"/>'
        )
    for kind, seconds in lines.items():
        points = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in zip(SIZES, seconds, strict=True))
        colour = _COLOURS[kind]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>'
            for size, value in zip(SIZES, seconds, strict=True)
        ]
        label = kind if kind == PEER else f"penstock, {kind}"
        parts.append(f'<text x="{right + 8}" y="{y(seconds[-1]) + 4:.0f}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    main()
