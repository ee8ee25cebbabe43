"""`penstock generate` against `ariadne-codegen`, on our schema and our operations, as whole processes.

Ours holds a sync and an async client, the peer's a sync one. The peer remembers nothing between runs; ours is
measured without what it remembers, after an operation has changed, and where nothing has.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import _peer
from benchmarks._measure import aim, arguments, compare_processes, report

PEER = "ariadne-codegen"
FRESH, EDITED = "penstock generate --no-cache", "penstock generate, an operation changed"
AGAIN = "penstock generate, nothing changed"


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In another process: what this one imports would count as the contenders' memory.
        program = "import benchmarks._peer as peer; print(peer.documents())"
        written = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, cwd=_peer.ROOT
        )
        peer = _peer.prepare(folder, "default", written.stdout.decode())
        ours = {
            contender: prepare(folder / place)
            for contender, place in ((FRESH, "a"), (EDITED, "b"), (AGAIN, "c"))
        }
        edits = itertools.count()

        def before(contender: str) -> None:
            if contender == PEER:
                shutil.rmtree(peer / "peer_default", ignore_errors=True)
            elif contender == FRESH:
                shutil.rmtree(ours[FRESH] / "generated", ignore_errors=True)
            elif contender == EDITED:
                # Never the same text twice: nothing of it can be remembered.
                operation = f"query ($id: uuid!) {{ log_by_pk(id: $id) {{ name_{next(edits)}: name }} }}\n"
                (ours[EDITED] / "queries/log/probe.graphql").write_text(operation, encoding="utf-8")

        def command(contender: str, *flags: str) -> list[str]:
            config = ours[contender] / "pyproject.toml"
            return [sys.executable, "-c", _peer.COMMAND_LINE, "generate", "--config", str(config), *flags]

        comparison = compare_processes(
            "A package from our schema and operations",
            {
                PEER: [sys.executable, "-c", _peer.PEER_IN_FOLDER.format(folder=str(peer))],
                FRESH: command(FRESH, "--no-cache"),
                EDITED: command(EDITED),
                AGAIN: command(AGAIN),
            },
            rounds=options.rounds,
            before=before,
            environment={"PENSTOCK_HOME": str(folder / "home")},
        )
    report(
        "Generation",
        [
            comparison.table(),
            "\n".join(
                (
                    aim(
                        f"times as fast as {PEER}, from nothing",
                        comparison.ratio(PEER, to=FRESH),
                        3,
                        at_least=True,
                    ),
                    aim(
                        f"times as fast as {PEER}, an operation changed",
                        comparison.ratio(PEER, to=EDITED),
                        3,
                        at_least=True,
                    ),
                )
            ),
        ],
        record=options.record,
    )


# What the installed script of each does. ariadne-codegen takes its paths from where it is started.


def prepare(place: Path) -> Path:
    """A folder with our schema, operations and configuration, and nothing generated."""
    place.mkdir()
    for name in ("pyproject.toml", "schema.graphql"):
        shutil.copy(_peer.ROOT / name, place / name)
    shutil.copytree(_peer.ROOT / "queries", place / "queries")
    return place


if __name__ == "__main__":
    main()
