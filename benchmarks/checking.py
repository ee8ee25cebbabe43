"""How long mypy and pyright take for a user's program of twenty lines, against the same program with the peer's package.

Both packages are of our own schema and operations. Cold is without what a checker remembers, warm with it after the program has
changed, as in an editor; pyright's command line remembers nothing. Followed imports only: neither package is checked by itself.
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

OURS, PEER = "penstock_api", "ariadne-codegen"
_OURS = """from penstock_api import Client, NotFound


def names(client: Client, ids: list[str]) -> list[str]:
    found: list[str] = []
    for each in ids:
        run = client.flow_run(id=each)
        try:
            found.append(run.name or "")
        except NotFound:
            continue
    return found


def logs(client: Client, id: str) -> int:
    return client.log.count(where={"flow_run_id": {"_eq": id}})


if __name__ == "__main__":
    print(names(Client(url="http://localhost"), []))
"""
_PEERS = """from peer_default import Client
from peer_default.input_types import log_bool_exp, uuid_comparison_exp


def names(client: Client, ids: list[str]) -> list[str]:
    found: list[str] = []
    for each in ids:
        run = client.flow_run_get(id=each).flow_run_by_pk
        if run is not None:
            found.append(run.name or "")
    return found


def logs(client: Client, id: str) -> int:
    where = log_bool_exp(flow_run_id=uuid_comparison_exp(_eq=id))
    aggregate = client.log_count(where=where).log_aggregate.aggregate
    return aggregate.count if aggregate is not None else 0


if __name__ == "__main__":
    print(names(Client(url="http://localhost"), []))
"""


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=3)
    parts: list[str] = []
    aims: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "benchmarks._peer", str(folder)], check=True, cwd=_peer.ROOT)
        for contender, program in ((OURS, _OURS), (PEER, _PEERS)):
            place = folder / contender
            place.mkdir()
            (place / "program.py").write_text(program, encoding="utf-8")
        shutil.copytree(_peer.ROOT / "generated/penstock_api", folder / OURS / "penstock_api")
        # The states that our own fields have as types are the package's of the command line.
        (folder / OURS / "penstock").symlink_to(_peer.ROOT / "src/penstock")
        shutil.copytree(folder / "default/peer_default", folder / PEER / "peer_default")
        edits = itertools.count()
        programs = {OURS: _OURS, PEER: _PEERS}

        def change(contender: str) -> None:
            text = f"{programs[contender]}\n# {next(edits)}\n"
            (folder / contender / "program.py").write_text(text, encoding="utf-8")

        def forget(contender: str) -> None:
            shutil.rmtree(folder / contender / "cache", ignore_errors=True)

        for title, before, tool in (
            ("mypy, cold", forget, "mypy"),
            ("mypy, warm", change, "mypy"),
            ("pyright", change, "pyright"),
        ):
            commands = {
                contender: [
                    "bash",
                    "-c",
                    _COMMANDS[tool].format(python=sys.executable, folder=folder / contender),
                ]
                for contender in (PEER, OURS)
            }
            comparison = compare_processes(
                f"A program of twenty lines: {title}", commands, rounds=options.rounds, before=before
            )
            parts.append(comparison.table())
            aims.append(aim(f"{title}, CPU against {PEER}", comparison.ratio(OURS, to=PEER, of="cpu"), 1.0))
    report("Checking a program", [*parts, "\n".join(aims)], record=options.record)


# Pyright counts what it reports as a failure; mypy does too. The peer's package is not free of reports, so that only a crash counts.
_COMMANDS = {
    "mypy": "cd '{folder}' && MYPYPATH= PYTHONPATH= '{python}' -m mypy --strict --follow-imports=silent"
    " --config-file= --cache-dir=cache program.py; test $? -le 1",
    "pyright": "cd '{folder}' && PYTHONPATH= pyright --pythonpath '{python}' program.py; test $? -le 1",
}


if __name__ == "__main__":
    main()
