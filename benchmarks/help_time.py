"""What `penstock --help` costs: a whole process, against an interpreter that does nothing."""

from __future__ import annotations

import sys

from benchmarks._measure import aim, arguments, compare_processes, duration, report

NOTHING, HELP, COMMAND = "python -c pass", "penstock --help", "penstock flow --help"


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=20)
    found = compare_processes(
        "Help",
        {
            NOTHING: [sys.executable, "-c", "pass"],
            HELP: [sys.executable, "-m", "penstock.cli", "--help"],
            COMMAND: [sys.executable, "-m", "penstock.cli", "flow", "--help"],
        },
        rounds=options.rounds,
    )
    report(
        "Help on the command line",
        [
            found.table(),
            aim(f"`{HELP}`, beyond `{NOTHING}`", found.difference(HELP), 0.150, unit=duration),
        ],
        record=options.record,
    )


if __name__ == "__main__":
    main()
