"""The agent: takes the flow runs that are due from the API, and has each executed in its flow's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.agent.agent import Agent

__all__ = ["Agent"]


def __getattr__(name: str) -> Any:
    if name != "Agent":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from penstock.agent.agent import Agent

    return Agent
