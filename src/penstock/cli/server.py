"""`penstock server`: the local server's own commands."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Runs the server's command line and gives its exit code."""
    from penstock.server.cli import app

    try:
        app(list(arguments), prog_name="penstock server")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0
