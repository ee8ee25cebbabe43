"""A pack with classes, as the flyte clients have them.

FLYTE_API=http://localhost:8080 python examples/packs/duty.py
"""

from __future__ import annotations

import random
from typing import Any

from penstock.packs import Command, CommandHandler, Event, EventDef, FlyteClient, Pack, PackDef, fatal_event
from penstock.packs import flyte_api_health_check as api_check

OnDuty = EventDef("OnDuty", "https://example.com/duty#on-duty")


class WhoIsOnDuty(CommandHandler):
    """Says who is on duty, by lot."""

    def __init__(self, people: list[str]) -> None:
        self._people = people

    def handle(self, request: Any) -> Event:
        """A plain method: it runs in a thread and may block."""
        if not self._people:
            return fatal_event("nobody is on duty")
        return Event(OnDuty, random.choice(self._people))


def build() -> Pack:
    """The pack, with a client that takes what it needs from the environment."""
    client = FlyteClient()
    definition = PackDef(
        name="Duty",
        commands=[Command("whoIsOnDuty", WhoIsOnDuty(["Ada", "Grace", "Edsger"]), [OnDuty])],
        help_url="https://example.com/duty",
    )
    return Pack(definition, client, health_checks=[api_check(client)])


if __name__ == "__main__":
    build().run()
