"""Executes one flow in this process, as the environment variables say: `python -m penstock.execution`.

`penstock.execution.identity` lists the variables. Exit codes: 0 the flow succeeded, 1 it did not, 2 it could not be executed at all.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from penstock.execution.identity import RunIdentity

if TYPE_CHECKING:
    from types import FrameType

    from penstock.states import State

# The line with the final state, for the process that started this one.
STATE_LINE = "penstock-state "


def main() -> int:
    """Execute the flow; the exit code."""
    variables = dict(os.environ)
    if variables.get("PENSTOCK_WATCH_PARENT"):
        threading.Thread(target=_end_with_parent, name="penstock-parent", daemon=True).start()
    _limit_memory(variables.get("PENSTOCK_MEMORY_LIMIT"))

    from penstock.execution.context import RunStopped
    from penstock.execution.reporting import parameters_from
    from penstock.storage import Storage, StorageError

    silenced = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # Who ends this process tells the API why.
        silenced.set()
        raise RunStopped

    signal.signal(signal.SIGTERM, stop)
    try:
        storage = Storage.deserialize(json.loads(variables["PENSTOCK_STORAGE"]))
        location = variables["PENSTOCK_FLOW_LOCATION"]
        parameters = dict(parameters_from(variables.get("PENSTOCK_PARAMETERS")))
        identity = RunIdentity.from_variables(variables)
        flow = storage.load(location)
    except KeyError as error:
        print(f"{error.args[0]} is not set: this command is for environments, which set it.", file=sys.stderr)
        return 2
    except (StorageError, ValueError) as error:
        from penstock.states import Failed

        _print_state(Failed(message=str(error)).serialize(), reported=False)
        print(error, file=sys.stderr)
        return 2
    except RunStopped:
        return 128 + signal.SIGTERM

    from penstock.execution.engine import run_flow
    from penstock.execution.reporting import ApiReporter, NoReporter, open_client, serialize_state

    logging.getLogger().setLevel(logging.INFO)
    state: State
    try:
        if identity is None:
            state = run_flow(flow, parameters, reporter=NoReporter())
            _print_state(serialize_state(state, storage), reported=False)
            return 0 if state.is_successful() else 1
        with open_client(identity) as client:
            reporter = ApiReporter(
                client,
                identity.flow_run_id,
                storage=storage,
                heartbeat_interval=identity.heartbeat_interval,
                lost=silenced.is_set,
            )
            try:
                state = run_flow(
                    flow,
                    parameters,
                    reporter=reporter,
                    flow_run_id=identity.flow_run_id,
                    attempt=identity.attempt,
                )
            finally:
                reporter.close()
            _print_state(serialize_state(state, storage), reported=not silenced.is_set())
    except RunStopped:
        return 128 + signal.SIGTERM
    return 0 if state.is_successful() else 1


def _print_state(serialized: dict[str, object], *, reported: bool) -> None:
    if os.environ.get("PENSTOCK_PRINT_STATE"):
        sys.stdout.flush()
        print(STATE_LINE + json.dumps({"state": serialized, "reported": reported}), flush=True)


def _end_with_parent() -> None:
    """Ends this process, and what it started, when the one that started it is gone: then nobody waits for the run any more."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _limit_memory(limit: str | None) -> None:
    if limit and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))


if __name__ == "__main__":
    sys.exit(main())
