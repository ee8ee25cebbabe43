"""The clients a user makes: the generated ones, with settings, the tenant found by itself, and flows registered from code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import penstock_api.client as generated
from penstock.registration import AsyncFlowAccessor, FlowAccessor
from penstock.settings import Settings, graphql_url
from penstock_api import GraphQLError
from penstock_api._runtime.transport import merge_headers
from penstock_api.tenant import AsyncTenantAccessor, TenantAccessor

if TYPE_CHECKING:
    from uuid import UUID

    from penstock_api._runtime.transport import AsyncHTTPClient, HTTPClient

_AGENT = "penstock/0.1.0"


def _arguments(
    url: str | None, api_key: str | None, tenant_id: UUID | str | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    settings = Settings()
    key = (
        api_key if api_key is not None else settings.api_key.get_secret_value() if settings.api_key else None
    )
    # A key read from a file often ends in a line break.
    own = {"User-Agent": _AGENT, **({"Authorization": f"Bearer {key.strip()}"} if key else {})}
    return {
        "url": graphql_url(url if url is not None else settings.url),
        "headers": merge_headers(own, headers or {}),
        "tenant_id": tenant_id if tenant_id is not None else settings.tenant_id,
    }


class Client(generated.Client):
    """A client of the orchestration API.

    Args:
        url: The API's URL; else `PENSTOCK_URL`, else the local server at http://127.0.0.1:4200. A URL without a path means its `/graphql`.
        api_key: The key to show; else `PENSTOCK_API_KEY`. Never part of a repr, a log or an error.
        tenant_id: The tenant to work in; else `PENSTOCK_TENANT_ID`, else the key's own, else the only one there is.
        headers: Sent with every request, beside those that the API needs.
        timeout: Seconds until a request is given up; None waits for ever.
        retries: How often a request is tried again after a failure that another try may mend.
        http_client: What carries the requests: an `httpx.Client` or anything with its surface. It stays open when the client closes.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        tenant_id: UUID | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        http_client: HTTPClient | None = None,
    ) -> None:
        arguments = _arguments(url, api_key, tenant_id, headers)
        super().__init__(**arguments, timeout=timeout, retries=retries, http_client=http_client)

    @property
    def flow(self) -> FlowAccessor:
        """A flow: one registered version of a workflow, with its tasks and edges."""
        return FlowAccessor(self)

    def _resolve_context(self, name: str) -> Any:
        if name != "tenant_id":
            return None
        try:
            own = self.auth_info()
        except GraphQLError:
            # A server without access control may not know the question; a refusal comes again with the next one.
            own = None
        if own is not None and own.tenant_id is not None:
            return own.tenant_id
        return _only_tenant([tenant.id for tenant in TenantAccessor(self).list(limit=2)])


class AsyncClient(generated.AsyncClient):
    """A client of the orchestration API for asyncio; it takes what `Client` takes."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        tenant_id: UUID | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        http_client: AsyncHTTPClient | None = None,
    ) -> None:
        arguments = _arguments(url, api_key, tenant_id, headers)
        super().__init__(**arguments, timeout=timeout, retries=retries, http_client=http_client)

    @property
    def flow(self) -> AsyncFlowAccessor:
        """A flow: one registered version of a workflow, with its tasks and edges."""
        return AsyncFlowAccessor(self)

    async def _resolve_context(self, name: str) -> Any:
        if name != "tenant_id":
            return None
        try:
            own = await self.auth_info()
        except GraphQLError:
            own = None
        if own is not None and own.tenant_id is not None:
            return own.tenant_id
        return _only_tenant([tenant.id for tenant in await AsyncTenantAccessor(self).list(limit=2)])


def _only_tenant(ids: list[UUID]) -> UUID | None:
    # Two tenants: which one is meant is for the caller to say.
    return ids[0] if len(ids) == 1 else None
