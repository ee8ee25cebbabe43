"""Stores a real Prefect 1.x flow; run in a virtual environment that has Prefect and penstock: `prefect_flow.py FOLDER`.

It prints the serialized flow, the serialized storage and the flow's location in it, as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from penstock.storage import LocalStorage

# Its decorators have no types; and where this file is checked, it is not installed.
prefect: Any = importlib.import_module("prefect")


@prefect.task  # type: ignore[untyped-decorator]
def double(number: int) -> int:
    return number * 2


@prefect.task(max_retries=0)  # type: ignore[untyped-decorator]
def check(number: int) -> int:
    if number > 100:
        raise ValueError(f"{number} is too large")
    return number


def main(folder: str) -> None:
    """Make the flow, and store it."""
    with prefect.Flow("a prefect flow") as flow:
        number: Any = prefect.Parameter("number", default=1)
        check(double(number))
    storage = LocalStorage(folder)
    location = storage.add_flow(flow)
    print(json.dumps({"flow": flow.serialize(), "storage": storage.serialize(), "location": location}))


if __name__ == "__main__":
    main(sys.argv[1])
