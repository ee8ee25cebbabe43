"""Working in a tenant: access tokens, and their renewal 30 seconds before they expire.

`client.tenant(slug="…").login()` gets a pair of tokens for that tenant; from then on the client sends the access token instead of its API
key, and gets the next pair with the refresh token in time, by one caller at a time, however many threads or tasks use the client.
`client.logout()` forgets them. Tokens live in memory only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self, cast, overload
from uuid import UUID

from penstock_api import UNSET, ActionFailed, AuthenticationError, GraphQLError
from penstock_api import tenant as generated
from penstock_api._operations import client as client_operations
from penstock_api._operations import tenant as operations
from penstock_api._runtime.pages import DEFAULT_PAGE_SIZE, AsyncPages, Pages
from penstock_api._runtime.transport import merge_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.client import AsyncClient, Client
    from penstock_api import Unset
    from penstock_api.enums import TenantSelectColumnValue
    from penstock_api.inputs import TenantBoolExp, TenantOrderBy

RENEWED_BEFORE = timedelta(seconds=30)
"""How long before it expires an access token is renewed."""

TENANT_HEADER = "X-PREFECT-TENANT-ID"
"""The header in which an API key that is good for several tenants says which is meant."""


class _TokenPair(Protocol):
    @property
    def access_token(self) -> str | None: ...
    @property
    def refresh_token(self) -> str | None: ...
    @property
    def expires_at(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the tenant, and the tokens that open it until `expires_at` (UTC). Its repr holds no token."""

    tenant_id: UUID
    expires_at: datetime
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    def needs_renewal(self) -> bool:
        """Whether less than 30 seconds are left."""
        return datetime.now(UTC) >= self.expires_at - RENEWED_BEFORE

    def is_expired(self) -> bool:
        """Whether the access token holds no more."""
        return datetime.now(UTC) >= self.expires_at

    def headers(self, base: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request in this session; the one for the tenant says the session's, whatever the client was made with."""
        own = {"Authorization": f"Bearer {self.access_token}", TENANT_HEADER: str(self.tenant_id)}
        return merge_headers(base, own)


@dataclass(slots=True)
class LoginState:
    """The session that a client and its copies share, and what lets one caller at a time renew it."""

    session: Session | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    async_lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


def new_session(tenant_id: UUID, pair: _TokenPair) -> Session:
    """The session that a pair of tokens opens. Raises `ActionFailed` where the server gave no usable pair."""
    try:
        expires_at = datetime.fromisoformat(pair.expires_at or "")
    except ValueError:
        expires_at = None
    if not pair.access_token or not pair.refresh_token or expires_at is None:
        raise ActionFailed(
            "The server answered the login without tokens, or without saying until when they hold.",
            action="switch_tenant",
        )
    if expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    return Session(tenant_id, expires_at, pair.access_token, pair.refresh_token)


def renewed(client: Client, session: Session) -> Session:
    """The session with the next pair of tokens. `client` is one without a session."""
    asking = client.with_options(headers={"Authorization": f"Bearer {session.refresh_token}"})
    try:
        pair = asking._send(client_operations.REFRESH_TOKEN, {"access_token": session.access_token})
    except GraphQLError as error:
        raise _ended(session, error) from None
    return new_session(session.tenant_id, pair)


async def renewed_async(client: AsyncClient, session: Session) -> Session:
    """`renewed`, for the async client."""
    asking = client.with_options(headers={"Authorization": f"Bearer {session.refresh_token}"})
    try:
        pair = await asking._send(client_operations.REFRESH_TOKEN, {"access_token": session.access_token})
    except GraphQLError as error:
        raise _ended(session, error) from None
    return new_session(session.tenant_id, pair)


def _ended(session: Session, error: GraphQLError) -> AuthenticationError:
    return AuthenticationError(
        f"The login to the tenant {session.tenant_id} could not be renewed: {error}. "
        "Log in again with client.tenant(id=…).login(), or go back to the API key with client.logout().",
        errors=error.errors,
        operation=error.operation,
    )


class Tenant(generated.Tenant):
    """A tenant: the space of one team, which owns projects, flows and everything that comes of them."""

    def login(self) -> Self:
        """Works in this tenant from now on: the client, and the copies that `with_options` makes of it, use an access token for it.

        Asks with the client's own API key, whatever tenant it is logged in to, and renews the token in time. `client.logout()` ends it.

        Raises:
            NotFound: There is no such tenant, or the key does not open it.
            PermissionDenied: The key's scope does not allow to switch.
        """
        client = cast("Client", self._client)
        # The key may see tenants that the present session does not.
        asking = type(self)(
            client._without_session(), self._lookup, dict(self._identity()), dict(self._values), False
        )
        pair = asking.switch()
        client._enter(new_session(asking.id, pair))
        # What the question found out is known from now on: the id, where it was looked up by the slug.
        self._lookup, self._key, self._values = asking._lookup, asking._key, asking._values
        return self


class AsyncTenant(generated.AsyncTenant):
    """A tenant: the space of one team, which owns projects, flows and everything that comes of them."""

    async def login(self) -> Self:
        """Works in this tenant from now on; it does and raises what `Tenant.login` does."""
        client = cast("AsyncClient", self._client)
        asking = type(self)(
            client._without_session(), self._lookup, dict(self._identity()), dict(self._values), False
        )
        pair = await asking.switch()
        client._enter(new_session(asking.id, pair))
        # What the question found out is known from now on: the id, where it was looked up by the slug.
        self._lookup, self._key, self._values = asking._lookup, asking._key, asking._values
        return self


class TenantAccessor(generated.TenantAccessor):
    """`client.tenant`: the tenants, and the way into them."""

    @overload
    def __call__(self, *, id: UUID | str) -> Tenant: ...
    @overload
    def __call__(self, *, slug: str) -> Tenant: ...
    def __call__(self, *, id: UUID | str | Unset = UNSET, slug: str | Unset = UNSET) -> Tenant:
        """The tenant with this id, or with this slug. Sends nothing: what is read first, or the first action, does."""
        return Tenant._find(self._client, id=id, slug=slug)

    def create(self, name: str, slug: str) -> Tenant:
        """Creates a tenant.

        Args:
            name: The tenant's name, for people to read.
            slug: The short name of the tenant in addresses; unique among all tenants.
        """
        return Tenant._find(self._client, id=super().create(name, slug).id)

    def list(
        self,
        *,
        where: TenantBoolExp | None | Unset = UNSET,
        order_by: Sequence[TenantOrderBy] | None | Unset = UNSET,
        distinct_on: Sequence[TenantSelectColumnValue] | None | Unset = UNSET,
        limit: int | None = None,
        offset: int = 0,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Pages[Tenant]:
        """The tenants that match, in the order asked for; the arguments are those of every list."""
        return self._pages(
            operations.LIST,
            {"where": where, "order_by": order_by, "distinct_on": distinct_on},
            Tenant._load_all,
            limit=limit,
            offset=offset,
            page_size=page_size,
        )


class AsyncTenantAccessor(generated.AsyncTenantAccessor):
    """`TenantAccessor`, for the async client."""

    @overload
    def __call__(self, *, id: UUID | str) -> AsyncTenant: ...
    @overload
    def __call__(self, *, slug: str) -> AsyncTenant: ...
    def __call__(self, *, id: UUID | str | Unset = UNSET, slug: str | Unset = UNSET) -> AsyncTenant:
        """The tenant with this id, or with this slug. Sends nothing: awaiting it, or its first action, does."""
        return AsyncTenant._find(self._client, id=id, slug=slug)

    async def create(self, name: str, slug: str) -> AsyncTenant:
        """Creates a tenant; the arguments are those of `TenantAccessor.create`."""
        return AsyncTenant._find(self._client, id=(await super().create(name, slug)).id)

    def list(
        self,
        *,
        where: TenantBoolExp | None | Unset = UNSET,
        order_by: Sequence[TenantOrderBy] | None | Unset = UNSET,
        distinct_on: Sequence[TenantSelectColumnValue] | None | Unset = UNSET,
        limit: int | None = None,
        offset: int = 0,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> AsyncPages[AsyncTenant]:
        """The tenants that match, in the order asked for; the arguments are those of every list."""
        return self._pages(
            operations.LIST,
            {"where": where, "order_by": order_by, "distinct_on": distinct_on},
            AsyncTenant._load_all,
            limit=limit,
            offset=offset,
            page_size=page_size,
        )
