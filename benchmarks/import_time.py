"""What a package costs before its first result: importing it, and a cold process that makes one call.

Whole processes, against one that imports httpx and pydantic and nothing else: what any such client needs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import _answers
from benchmarks._measure import aim, arguments, compare_processes, duration, report
from benchmarks._server import serve

NOTHING, BARE = "import httpx, pydantic", "httpx + json.loads"
OURS, CLIENT, PEER, TUNED = (
    "penstock_api",
    "penstock_api, a Client",
    "ariadne-codegen",
    "ariadne-codegen, tuned",
)

_BARE_CALL = """
import httpx, json
document = "query($id:uuid!){{flow_run_by_pk(id:$id){{version}}}}"
response = httpx.Client().post("{url}", json={{"query": document, "variables": {{"id": "{id}"}}}})
assert json.loads(response.content)["data"]["flow_run_by_pk"]["version"] == 3
"""
_OUR_CALL = """
from penstock_api import Client
assert Client(url="{url}").flow_run(id="{id}").version == 3
"""
_PEER_CALL = """
from {package} import Client
assert Client(url="{url}").flow_run_get(id="{id}").flow_run_by_pk.version == 3
"""


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__ or "", rounds=30)
    with tempfile.TemporaryDirectory() as folder, serve({"/graphql": _answers.flow_run()}) as base:
        subprocess.run([sys.executable, "-m", "benchmarks._peer", folder], check=True)
        path = {"PYTHONPATH": f"{folder}/default:{folder}/tuned:{Path(__file__).parents[1] / 'generated'}"}
        places = {"url": f"{base}/graphql", "id": _answers.FLOW_RUN_ID}
        imports = compare_processes(
            "Import",
            {
                NOTHING: python("import httpx, pydantic"),
                OURS: python("import httpx, pydantic, penstock_api"),
                CLIENT: python(
                    "import httpx, pydantic, penstock_api; penstock_api.Client(url='http://localhost')"
                ),
                PEER: python(
                    "import httpx, pydantic, peer_default; peer_default.Client(url='http://localhost')"
                ),
                TUNED: python(
                    "import httpx, pydantic, peer_tuned; peer_tuned.Client(url='http://localhost')"
                ),
            },
            rounds=options.rounds,
            environment=path,
        )
        first = compare_processes(
            "Cold process to first result",
            {
                NOTHING: python("import httpx, pydantic"),
                BARE: python(_BARE_CALL.format(**places)),
                OURS: python(_OUR_CALL.format(**places)),
                PEER: python(_PEER_CALL.format(package="peer_default", **places)),
                TUNED: python(_PEER_CALL.format(package="peer_tuned", **places)),
            },
            rounds=options.rounds,
            environment=path,
        )
    report(
        "Import and first result",
        [
            imports.table(),
            first.table(),
            "\n".join(
                (
                    aim(f"import, beyond `{NOTHING}`", imports.difference(OURS), 0.060, unit=duration),
                    aim("import, CPU", imports.difference(OURS, of="cpu"), 0.060, unit=duration),
                    aim(
                        f"import and a Client, beyond `{NOTHING}`",
                        imports.difference(CLIENT),
                        0.060,
                        unit=duration,
                    ),
                    aim(
                        "import and a Client, CPU", imports.difference(CLIENT, of="cpu"), 0.060, unit=duration
                    ),
                    aim(f"first result, beyond `{NOTHING}`", first.difference(OURS), 0.150, unit=duration),
                    aim("first result, CPU", first.difference(OURS, of="cpu"), 0.150, unit=duration),
                )
            ),
        ],
        record=options.record,
    )


def python(program: str) -> list[str]:
    """The command line that runs a program."""
    return [sys.executable, "-c", program]


if __name__ == "__main__":
    main()
