"""Flyte packs: workers whose commands flows call and whose events flows wait for.

A pack is a ``Pack`` with commands, run by ``pack.run()``::

    pack = Pack("JiraPack")
    IssueCreated = EventDef("IssueCreated", payload=IssueCreatedPayload)

    @pack.command("createIssue", outputs=[IssueCreated])
    async def create_issue(request: CreateIssueInput) -> Event: ...
"""

from penstock.packs.client import Action, FlyteClient, Links, RegisteredPack, SyncFlyteClient, TokenSource
from penstock.packs.definitions import (
    FATAL,
    Command,
    CommandHandler,
    Event,
    EventDef,
    PackDef,
    RateLimit,
    fatal_event,
)
from penstock.packs.errors import (
    ConfigurationError,
    DefinitionError,
    FlyteApiError,
    FlyteResponseError,
    FlyteStatusError,
    FlyteTransportError,
    OutboxError,
    PackError,
)
from penstock.packs.handling import current_action
from penstock.packs.health import Health, HealthCheck, flyte_api_health_check
from penstock.packs.pack import Pack

__all__ = [
    "FATAL",
    "Action",
    "Command",
    "CommandHandler",
    "ConfigurationError",
    "DefinitionError",
    "Event",
    "EventDef",
    "FlyteApiError",
    "FlyteClient",
    "FlyteResponseError",
    "FlyteStatusError",
    "FlyteTransportError",
    "Health",
    "HealthCheck",
    "Links",
    "OutboxError",
    "Pack",
    "PackDef",
    "PackError",
    "RateLimit",
    "RegisteredPack",
    "SyncFlyteClient",
    "TokenSource",
    "current_action",
    "fatal_event",
    "flyte_api_health_check",
]
