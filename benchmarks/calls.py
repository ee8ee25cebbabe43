"""One call, with an answer of 1 KB and of 1 MB: our client, ariadne-codegen's from the same input, and bare
httpx with `json.loads`.

All send the same document to the same local server in another process, over one connection that stays open.
Each has a process of its own: `python -m benchmarks.calls CONTENDER URL` is one.
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
from benchmarks._measure import Comparison, aim, answer_batches, arguments, compare_calls, report
from benchmarks._server import serve

BARE, OURS, PEER = "httpx + json.loads", "penstock", "ariadne-codegen"


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=20)
    small, large = _answers.flow_run(), _answers.logs()
    with tempfile.TemporaryDirectory() as folder, serve({"/small": small, "/large": large}) as url:
        subprocess.run([sys.executable, "-m", "benchmarks._peer", folder], check=True)

        def compare(title: str, kind: str) -> Comparison:
            contenders = {
                name: [sys.executable, "-m", "benchmarks.calls", f"{function}_{kind}", f"{url}/{kind}"]
                for name, function in ((BARE, "bare"), (OURS, "our"), (PEER, "peer"))
            }
            path = os.pathsep.join((f"{folder}/default", os.environ.get("PYTHONPATH", "")))
            return compare_calls(title, contenders, rounds=options.rounds, environment={"PYTHONPATH": path})

        one = compare(f"A flow run, {len(small):,} bytes", "small")
        many = compare(f"{_answers.LOG_ENTRIES:,} log entries, {len(large):,} bytes", "large")
    report(
        "One call",
        [
            one.table(),
            many.table(),
            "\n".join(
                (
                    aim("1 KB, against httpx + json.loads", one.ratio(OURS), 1.08),
                    aim("1 MB, against httpx + json.loads", many.ratio(OURS), 1.6),
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


CONTENDERS = {
    function.__name__: function
    for function in (bare_small, bare_large, our_small, our_large, peer_small, peer_large)
}

if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in CONTENDERS:
        answer_batches(CONTENDERS[sys.argv[1]](sys.argv[2]))
    else:
        main()
