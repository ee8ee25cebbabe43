"""Flows for Jobs, in a module that imports next to nothing: each Job imports it anew."""

from __future__ import annotations

import time

from penstock import flow


@flow
def greet(name: str = "you") -> str:
    print(f"hello {name}")
    return f"hello {name}"


@flow
def wait(seconds: float = 60.0) -> None:
    time.sleep(seconds)
