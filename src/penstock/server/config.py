"""What can be chosen about a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock.server.database import default_database_url


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for.

    depth: levels of nested fields; rows: rows of one list; body: bytes of a request.
    """

    depth: int = 12
    rows: int = 10_000
    body: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Services:
    """Which background services run, and how often they look, in seconds."""

    scheduler: bool = True
    zombie_killer: bool = True
    lazarus: bool = True
    cloud_hooks: bool = True
    interval: float = 10.0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The whole of a server's settings."""

    database_url: str = field(default_factory=default_database_url)
    auth: bool = False
    introspection: bool = True
    graphiql: bool = True
    limits: Limits = field(default_factory=Limits)
    services: Services = field(default_factory=Services)
    flyte_lease_seconds: float = 300.0
