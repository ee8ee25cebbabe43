"""The API server with a shorter patience: runs are given up after seconds instead of ten minutes.

`python -m tests.agent.hurried_server start …` takes what `penstock server start` takes. Everything else is the server as it is.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from penstock.cli import main
from penstock.server.mutations import run_states
from penstock.server.services import lazarus, zombies

PATIENCE = timedelta(seconds=6)
LOCK = timedelta(seconds=8)


def hurry() -> None:
    """Shorten the times."""
    lazarus.ABANDONED_AFTER = PATIENCE
    zombies.HEARTBEAT_TIMEOUT = PATIENCE
    run_states.SUBMITTED_LOCK = LOCK


if __name__ == "__main__":
    hurry()
    sys.exit(main(["server", *sys.argv[1:]]))
