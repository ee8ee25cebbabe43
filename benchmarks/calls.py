"""One call, with an answer of 1 KB and of 1 MB: our client, ariadne-codegen's from the same input, and bare
httpx with `json.loads`.

All send the same document to the same local server in another process, over one connection that stays open.
The small calls take turns in one process; the large ones have a process each, since what one keeps alive the
garbage collector walks through for all.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from benchmarks import _answers
from benchmarks._measure import (
    aim,
    answer_batches,
    arguments,
    compare_calls,
    compare_turns,
    report,
    take_turns,
)
from benchmarks._server import serve

BARE, OURS, PEER = "httpx + json.loads", "penstock", "ariadne-codegen"


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=20)
    small, large = _answers.flow_run(), _answers.logs()
    with tempfile.TemporaryDirectory() as folder, serve({"/small": small, "/large": large}) as url:
        subprocess.run([sys.executable, "-m", "benchmarks._peer", folder], check=True)

        path = {"PYTHONPATH": os.pathsep.join((f"{folder}/default", os.environ.get("PYTHONPATH", "")))}

        def command(*arguments: str) -> list[str]:
            return [sys.executable, "-m", "benchmarks.calls", *arguments]

        one = compare_turns(
            f"A flow run, {len(small):,} bytes",
            command("small", f"{url}/small"),
            rounds=options.rounds,
            environment=path,
        )
        many = compare_calls(
            f"{_answers.LOG_ENTRIES:,} log entries, {len(large):,} bytes",
            {name: command(name, f"{url}/large") for name in LARGE},
            rounds=options.rounds,
            environment=path,
        )
    report(
        "One call",
        [
            one.table(),
            many.table(),
            "\n".join(
                (
                    aim("1 KB, against httpx + json.loads", one.ratio(OURS), 1.08),
                    aim("1 KB, CPU", one.ratio(OURS, of="cpu"), 1.08),
                    aim("1 MB, against httpx + json.loads", many.ratio(OURS), 1.6),
                    aim("1 MB, CPU", many.ratio(OURS, of="cpu"), 1.6),
                )
            ),
        ],
        record=options.record,
    )


def _bare(url: str, document: str, variables: dict[str, object]) -> Callable[[], dict[str, Any]]:
    """What a user would write without any client."""
    import httpx

    client = httpx.Client()

    def call() -> dict[str, Any]:
        response = client.post(url, json={"query": document, "variables": variables})
        data: dict[str, Any] = json.loads(response.content)["data"]
        return data

    return call


def bare_small(url: str) -> Callable[[], object]:
    """A flow run as JSON values."""
    from penstock_api._operations import flow_run

    return _bare(url, flow_run.GET.document, {"id": str(_answers.FLOW_RUN_ID)})


def bare_large(url: str) -> Callable[[], object]:
    """A page of log entries as JSON values."""
    from penstock_api._operations import log

    return _bare(url, log.LIST.document, {"limit": _answers.LOG_ENTRIES, "offset": 0})


def our_small(url: str) -> Callable[[], object]:
    """The default fields of a flow run, by reading one of them."""
    from penstock_api import Client

    client = Client(url=url)

    def call() -> object:
        run = client.flow_run(id=_answers.FLOW_RUN_ID)
        assert run.version == 3
        return run

    return call


def our_large(url: str) -> Callable[[], object]:
    """A page of log entries, as handles."""
    from penstock_api import Client

    client = Client(url=url)

    def call() -> object:
        entries = client.log.list(limit=_answers.LOG_ENTRIES, page_size=_answers.LOG_ENTRIES).all()
        assert len(entries) == _answers.LOG_ENTRIES
        return entries

    return call


def peer_small(url: str) -> Callable[[], object]:
    """The same flow run through ariadne-codegen's client."""
    client: Any = importlib.import_module("peer_default").Client(url=url)

    def call() -> object:
        run = client.flow_run_get(id=_answers.FLOW_RUN_ID).flow_run_by_pk
        assert run.version == 3
        return run

    return call


def peer_large(url: str) -> Callable[[], object]:
    """The same log entries through ariadne-codegen's client."""
    client: Any = importlib.import_module("peer_default").Client(url=url)

    def call() -> object:
        entries = client.log_list(limit=_answers.LOG_ENTRIES, offset=0).log
        assert len(entries) == _answers.LOG_ENTRIES
        return entries

    return call


SMALL = {BARE: bare_small, OURS: our_small, PEER: peer_small}
LARGE = {BARE: bare_large, OURS: our_large, PEER: peer_large}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["small", place]:
            take_turns({name: make(place) for name, make in SMALL.items()})
        case [name, place] if name in LARGE:
            answer_batches(LARGE[name](place))
        case _:
            main()
