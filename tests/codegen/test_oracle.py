"""Our own SDK before the oracle: every method, sync and async, reads back all of what a server answers to it."""

from __future__ import annotations

from pathlib import Path

from graphql import build_schema
from tests.codegen.oracle import Oracle

import penstock_api
from penstock.states import Failed
from penstock_codegen.config import Config, load_config

ROOT = Path(__file__).parents[2]

_BY_TYPE = {
    "list[str]": ["a", "b"],
    "list[dict[str, Any]]": [{"name": "x"}, {}],
    "dict[str, Any]": {"k": [1, None]},
}


def values(config: Config) -> dict[str, object]:
    """JSON values of the fields that the configuration gives a type of their own."""
    state = Failed(message="no luck", result={"tries": 3}).serialize()
    ids = ["0b0a4c1e-6f0f-4c55-9c0f-2f6a1b3c4d5e", "1b0a4c1e-6f0f-4c55-9c0f-2f6a1b3c4d5e"]
    found: dict[str, object] = {"runs_in_queue_payload.flow_run_ids": ids}
    for name, type_ in config.types.items():
        known = _BY_TYPE | {"State": state}
        if type_.text in known:
            found[f"{name}!" if type_.never_null else name] = known[type_.text]
    return found


def test_every_method_of_the_sdk_gives_what_the_server_answered() -> None:
    config = load_config(ROOT / "pyproject.toml")
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    report = Oracle(penstock_api, schema, values(config), config.errors).run()
    assert report.failures == []
    assert report.calls > 1000
