"""Short-lived access tokens and the refresh tokens that renew them: signed, never stored.

A token is `ps_<payload>.<signature>`: the payload JSON in base64, the signature its HMAC-SHA256 under a key that the
server makes once and keeps in its database. Expired or altered tokens are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from penstock.server.access import LOCAL_USER_ID, setting
from penstock.server.errors import NotFoundError, UnauthenticatedError
from penstock.server.tables import member, server_setting, tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.server.access import Principal

ACCESS_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=30)
PREFIX = "ps_"

Use = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True)
class Session:
    """What a signed token says: this user in this tenant, until then."""

    user_id: str
    tenant_id: str
    use: Use
    expires: datetime


def signing_key(connection: sa.Connection) -> bytes:
    """The server's key, made by `prepare` when the database is set up."""
    stored = setting(connection, "signing_key")
    if stored is None:
        raise RuntimeError("The database has no signing key; start the server once to set it up.")
    return bytes.fromhex(stored)


def make_signing_key(connection: sa.Connection) -> None:
    """Make the server's key unless it has one."""
    if setting(connection, "signing_key") is None:
        connection.execute(server_setting.insert().values(name="signing_key", value=secrets.token_hex(32)))


def _signature(key: bytes, payload: str) -> str:
    digest = hmac.new(key, payload.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _issue(key: bytes, user_id: str, tenant_id: str, use: Use, expires: datetime) -> str:
    body = json.dumps({"user": user_id, "tenant": tenant_id, "use": use, "expires": expires.timestamp()})
    payload = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
    return f"{PREFIX}{payload}.{_signature(key, payload)}"


def read(key: bytes, token: str) -> Session:
    """What a signed token says, expired or not; raises UnauthenticatedError if this server did not sign it."""
    payload, _, signature = token.removeprefix(PREFIX).partition(".")
    if token.startswith(PREFIX) and hmac.compare_digest(
        signature.encode(), _signature(key, payload).encode()
    ):
        try:
            body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            expires = datetime.fromtimestamp(body["expires"], UTC)
            return Session(body["user"], body["tenant"], body["use"], expires)
        except (binascii.Error, ValueError, KeyError):
            pass
    raise UnauthenticatedError("The token was not issued by this server. Log in again.")


def is_member(connection: sa.Connection, user_id: str, tenant_id: str) -> bool:
    """Whether the user may work in the tenant. Without tokens everybody may work in every tenant there is."""
    if user_id == LOCAL_USER_ID:
        query = sa.select(tenant.c.id).where(tenant.c.id == tenant_id)
    else:
        query = sa.select(member.c.id).where(member.c.user_id == user_id, member.c.tenant_id == tenant_id)
    return connection.scalar(query) is not None


def _pair(connection: sa.Connection, user_id: str, tenant_id: str, now: datetime) -> dict[str, object]:
    key, expires = signing_key(connection), now + ACCESS_LIFETIME
    return {
        "access_token": _issue(key, user_id, tenant_id, "access", expires),
        "expires_at": expires.isoformat(timespec="seconds"),
        "refresh_token": _issue(key, user_id, tenant_id, "refresh", now + REFRESH_LIFETIME),
    }


def switch(
    connection: sa.Connection, principal: Principal, tenant_id: str, now: datetime
) -> dict[str, object]:
    """Tokens for another tenant of the caller's; raises NotFoundError where it is none of theirs."""
    if not is_member(connection, principal.user_id, tenant_id):
        raise NotFoundError("tenant", tenant_id)
    return _pair(connection, principal.user_id, tenant_id, now)


def refresh(
    connection: sa.Connection, headers: Mapping[str, str], access_token: str, now: datetime
) -> dict[str, object]:
    """Fresh tokens for an access token, expired or not; its refresh token comes as the bearer."""
    key = signing_key(connection)
    expired = read(key, access_token)
    bearer = read(key, headers.get("authorization", "").removeprefix("Bearer ").strip())
    fits = (bearer.user_id, bearer.tenant_id, bearer.use) == (expired.user_id, expired.tenant_id, "refresh")
    if not fits or expired.use != "access":
        raise UnauthenticatedError("The refresh token does not belong to this access token. Log in again.")
    if bearer.expires <= now:
        raise UnauthenticatedError("The refresh token has expired. Log in again.")
    if not is_member(connection, bearer.user_id, bearer.tenant_id):
        raise UnauthenticatedError("You are no longer a member of this tenant. Log in again.")
    return _pair(connection, bearer.user_id, bearer.tenant_id, now)
