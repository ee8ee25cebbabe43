"""Who asks, and which tenants' rows they may see."""

from __future__ import annotations

import hashlib
import secrets as random_secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from penstock.server import tables
from penstock.server.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The user that everybody is on a server without tokens.
LOCAL_USER_ID = "00000000-0000-0000-0000-000000000000"

TOKEN_PREFIX = "pk_"

SCOPES = ("USER", "RUNNER", "TENANT")

# What a refresh token may do: nothing but renew.
REFRESH_SCOPE = "REFRESH"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request.

    `tenant_id` is the tenant that everything is confined to; None, only on a server without tokens, confines
    nothing. `visible_tenants` are those whose own row the caller may list, to switch to.
    """

    user_id: str
    tenant_id: str | None
    scope: str
    visible_tenants: frozenset[str] = field(default_factory=frozenset)

    def may_use(self, tenant_id: str) -> bool:
        """Whether rows of that tenant are the caller's."""
        return self.tenant_id is None or tenant_id == self.tenant_id

    def require_scope(self, *allowed: str) -> None:
        """Raise ForbiddenError unless the caller's token has one of the scopes."""
        if self.tenant_id is not None and self.scope not in allowed:
            raise ForbiddenError(
                f"This needs a token of scope {' or '.join(allowed)}; the token sent has scope {self.scope}."
            )

    def require_more_than_refresh(self) -> None:
        """Raise ForbiddenError for a caller who has nothing but a refresh token."""
        if self.scope == REFRESH_SCOPE:
            raise ForbiddenError("A refresh token only renews access tokens, by `refresh_token`.")


def local_principal(headers: Mapping[str, str]) -> Principal:
    """The caller on a server without tokens: everything is open, or one tenant if a header names it."""
    named = headers.get("x-prefect-tenant-id") or None
    return Principal(
        user_id=LOCAL_USER_ID,
        tenant_id=named,
        scope="USER",
        visible_tenants=frozenset([named] if named else []),
    )


def token_digest(token: str) -> str:
    """What is kept of a token. A token is 256 random bits, so one round of SHA-256 is enough to hide it."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A fresh random API token."""
    return TOKEN_PREFIX + random_secrets.token_urlsafe(32)


def setting(connection: sa.Connection, name: str) -> str | None:
    """A value that the server keeps for itself."""
    column = tables.server_setting.c
    found: str | None = connection.scalar(sa.select(column.value).where(column.name == name))
    return found
