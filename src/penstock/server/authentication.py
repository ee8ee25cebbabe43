"""From a request's headers to its caller."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from penstock.server import sessions
from penstock.server.access import REFRESH_SCOPE, TOKEN_PREFIX, Principal, local_principal, token_digest
from penstock.server.errors import ForbiddenError, UnauthenticatedError
from penstock.server.tables import api_token, member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.server.database import Database


def authenticate(database: Database, headers: Mapping[str, str], *, auth: bool) -> Principal:
    """The caller of a request.

    Raises UnauthenticatedError where the server wants a token and none valid was sent, ForbiddenError where the
    request names a tenant that is not the caller's.
    """
    header = headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    token = token.strip()
    named = _named_tenant(headers)
    if token.startswith(sessions.PREFIX):
        principal = _by_session(database, token)
    elif not auth:
        return local_principal(headers)
    elif not header:
        raise UnauthenticatedError("This server wants a token: send `Authorization: Bearer TOKEN`.")
    elif scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError("Malformed Authorization header; send `Authorization: Bearer TOKEN`.")
    else:
        principal = _by_api_token(database, token)
    if named is not None and named != principal.tenant_id:
        if principal.scope != "USER" or named not in principal.visible_tenants:
            raise ForbiddenError(
                f"The token does not give access to the tenant {named} that X-PREFECT-TENANT-ID names."
            )
        return Principal(principal.user_id, named, principal.scope, principal.visible_tenants)
    return principal


def flyte_tenant(database: Database, token: str) -> str | None:
    """The tenant that a flyte pack's token opens; None for a token that opens nothing."""
    try:
        principal = _by_api_token(database, token)
    except UnauthenticatedError:
        return None
    return principal.tenant_id


def _named_tenant(headers: Mapping[str, str]) -> str | None:
    named = headers.get("x-prefect-tenant-id")
    if not named:
        return None
    try:
        return str(UUID(named))
    except ValueError:
        raise ForbiddenError("The header X-PREFECT-TENANT-ID is not a UUID.") from None


def _memberships(connection: sa.Connection, user_id: str) -> frozenset[str]:
    return frozenset(connection.scalars(sa.select(member.c.tenant_id).where(member.c.user_id == user_id)))


def _by_api_token(database: Database, token: str) -> Principal:
    if token.startswith(TOKEN_PREFIX):
        with database.read() as connection:
            found = connection.execute(
                sa.select(api_token.c.user_id, api_token.c.tenant_id, api_token.c.scope).where(
                    api_token.c.digest == token_digest(token), api_token.c.revoked.is_(None)
                )
            ).one_or_none()
            if found is not None:
                visible = frozenset([found.tenant_id])
                if found.scope == "USER":
                    visible |= _memberships(connection, found.user_id)
                return Principal(found.user_id, found.tenant_id, found.scope, visible)
    raise UnauthenticatedError(
        "The token is not valid here, or was revoked. Make one with `penstock server token`."
    )


def _by_session(database: Database, token: str) -> Principal:
    with database.read() as connection:
        session = sessions.read(sessions.signing_key(connection), token)
        if session.expires <= datetime.now(UTC):
            raise UnauthenticatedError(
                "The access token has expired. Renew it with `refresh_token`, or log in again."
            )
        if not sessions.is_member(connection, session.user_id, session.tenant_id):
            raise UnauthenticatedError("You are no longer a member of this tenant. Log in again.")
        visible = frozenset([session.tenant_id]) | _memberships(connection, session.user_id)
    scope = "USER" if session.use == "access" else REFRESH_SCOPE
    return Principal(session.user_id, session.tenant_id, scope, visible)
