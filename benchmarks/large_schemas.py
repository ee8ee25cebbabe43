"""Generating for public APIs: GitHub's full schema and Shopify's, with the operations that `penstock scaffold` writes.

The peer generates from the same operations. It remembers nothing between runs; ours is measured without what it remembers, after one
operation has changed, and where nothing has. The schemas come from npm; where that cannot be reached, this says so and ends.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.codegen.public_schemas import GITHUB, SHOPIFY_ADMIN, SHOPIFY_STOREFRONT, PublicSchema, fetch

from benchmarks._measure import Comparison, Estimate, aim, arguments, compare_processes, duration, report
from benchmarks._peer import COMMAND_LINE, PEER_IN_FOLDER

PEER = "ariadne-codegen"
FRESH, EDITED = "penstock generate --no-cache", "penstock generate, an operation changed"
AGAIN = "penstock generate, nothing changed"


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=3)
    parts: list[str] = []
    for public in (GITHUB, SHOPIFY_ADMIN, SHOPIFY_STOREFRONT):
        found = fetch(public)
        if found is None:
            sys.exit(f"{public.package} cannot be had: npm is missing or cannot reach its registry.")
        with tempfile.TemporaryDirectory() as name:
            parts += _measured(public, found, Path(name), options.rounds)
    report("Large schemas", parts, record=options.record)


def _measured(public: PublicSchema, schema: Path, folder: Path, rounds: int) -> list[str]:
    ours = {contender: folder / place for contender, place in ((FRESH, "a"), (EDITED, "b"), (AGAIN, "c"))}
    first = ours[FRESH]
    first.mkdir()
    shutil.copy(schema, first / public.file_name)
    _run(
        first,
        "init",
        "--config",
        "penstock.toml",
        "--schema",
        public.file_name,
        "--output",
        "made_api",
        "--scaffold",
    )
    _run(
        first,
        "generate",
        "--config",
        "penstock.toml",
        "--manifest",
        "operations.json",
        "--no-cache",
        "--quiet",
    )
    for contender in (EDITED, AGAIN):
        shutil.copytree(first, ours[contender])
    entries = json.loads((first / "operations.json").read_text(encoding="utf-8"))["operations"]
    peer = folder / "peer"
    program = "import sys; from benchmarks.large_schemas import write_peer; write_peer(*sys.argv[1:])"
    # In another process: what this one imports would count as the contenders' memory.
    subprocess.run([sys.executable, "-c", program, str(first), public.file_name, str(peer)], check=True)
    edits = itertools.count()

    def before(contender: str) -> None:
        if contender == PEER:
            shutil.rmtree(peer / "peer_api", ignore_errors=True)
        elif contender == FRESH:
            shutil.rmtree(first / "made_api", ignore_errors=True)
        elif contender == EDITED:
            # Never the same text twice: nothing of it can be remembered.
            probe = ours[EDITED] / "queries/probe.graphql"
            probe.write_text(f"query {{ probe_{next(edits)}: __typename }}\n", encoding="utf-8")

    def command(contender: str, *flags: str) -> list[str]:
        config = str(ours[contender] / "penstock.toml")
        return [sys.executable, "-c", COMMAND_LINE, "generate", "--quiet", "--config", config, *flags]

    comparison = compare_processes(
        f"{public.name}: {len(entries)} operations",
        {
            PEER: [sys.executable, "-c", PEER_IN_FOLDER.format(folder=str(peer))],
            FRESH: command(FRESH, "--no-cache"),
            EDITED: command(EDITED),
            AGAIN: command(AGAIN),
        },
        rounds=rounds,
        before=before,
        environment={"PENSTOCK_HOME": str(folder / "home")},
    )
    ratio = comparison.ratio(PEER, to=FRESH)
    peaks = [
        max(run.peak or 0 for run in comparison.runs[contender]) / 1e6 for contender in (FRESH, EDITED, PEER)
    ]
    return [
        comparison.table(),
        "\n".join(
            (
                aim(f"{public.name}: times as fast as {PEER}, from nothing", ratio, 4, at_least=True),
                aim(f"{public.name}: an operation changed", _seconds(comparison, EDITED), 1, unit=duration),
                aim(f"{public.name}: nothing changed", _seconds(comparison, AGAIN), 0.4, unit=duration),
                f"- {public.name}: peak memory {max(peaks[:2]):.0f} MB, {PEER} {peaks[2]:.0f} MB: "
                + ("met" if max(peaks[:2]) <= peaks[2] else "MISSED"),
            )
        ),
    ]


def _seconds(comparison: Comparison, contender: str) -> Estimate:
    """How long a run takes: the median, between the shortest and the longest."""
    walls = [run.wall for run in comparison.runs[contender]]
    return Estimate(comparison.median(contender), min(walls), max(walls))


def _run(folder: Path, *command: str) -> None:
    subprocess.run(
        [sys.executable, "-c", COMMAND_LINE, *command],
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def write_peer(project: str, schema: str, target: str) -> None:
    """Writes what the peer needs for the operations of a project's manifest: every operation and every fragment once, and SDL."""
    from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast

    from penstock_codegen.config import load_config
    from penstock_codegen.diagnostics import Problems
    from penstock_codegen.sdl import read_schema_text

    folder, place = Path(project), Path(target)
    place.mkdir()
    config = load_config(folder / "penstock.toml")
    (place / "schema.graphql").write_text(
        "\n".join(read_schema_text(config, Problems()).texts), encoding="utf-8"
    )
    definitions: dict[tuple[bool, str], str] = {}
    entries = json.loads((folder / "operations.json").read_text(encoding="utf-8"))["operations"]
    for entry in entries.values():
        for node in parse(entry["document"], no_location=True).definitions:
            if isinstance(node, FragmentDefinitionNode | OperationDefinitionNode) and node.name is not None:
                definitions[isinstance(node, FragmentDefinitionNode), node.name.value] = print_ast(node)
    (place / "operations.graphql").write_text("\n\n".join(definitions.values()) + "\n", encoding="utf-8")
    settings = (
        '[tool.ariadne-codegen]\nschema_path = "schema.graphql"\nqueries_path = "operations.graphql"\n'
        'target_package_name = "peer_api"\nasync_client = false\n'
    )
    (place / "pyproject.toml").write_text(settings, encoding="utf-8")


if __name__ == "__main__":
    main()
