"""The clients a user makes: the generated ones, with settings, login, the tenant found by itself, and flows registered from code."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, overload

from typing_extensions import deprecated

import penstock_api.client as generated
from penstock.legacy.methods import OldMethods
from penstock.login import (
    TENANT_HEADER,
    AsyncTenantAccessor,
    LoginState,
    Session,
    TenantAccessor,
    renewed,
    renewed_async,
)
from penstock.registration import AsyncFlowAccessor, FlowAccessor
from penstock.settings import Settings, graphql_url, load_settings
from penstock_api import GraphQLError, TransportError
from penstock_api._runtime.transport import merge_headers

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from penstock_api._runtime.transport import AsyncHTTPClient, HTTPClient, Options

_AGENT = "penstock/0.1.0"
_NO_SERVER = "A local server needs {}, which is not installed. Run: pip install 'penstock[server]'"


@contextmanager
def _server_needed() -> Iterator[None]:
    """Says what to install where the local server cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ImportError(_NO_SERVER.format(missing.name)) from missing


def client_arguments(settings: Settings, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the generated clients are made with: the URL, the headers that say who asks, and the tenant."""
    # A key read from a file often ends in a line break.
    key = settings.api_key.get_secret_value().strip() if settings.api_key else ""
    own = {"User-Agent": _AGENT}
    if key:
        own["Authorization"] = f"Bearer {key}"
    if settings.tenant_id is not None:
        # Confines reads to the tenant, as the variable of the same name confines what is made.
        own[TENANT_HEADER] = str(settings.tenant_id)
    return {
        "url": graphql_url(settings.url),
        "headers": merge_headers(own, headers or {}),
        "tenant_id": settings.tenant_id,
    }


def _authorization(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "authorization"), None)


class _WithLogin:
    """What both clients do to work in a tenant: everything but the call that renews the tokens."""

    _login: LoginState
    # The header that the client was made with: a copy with another one asks as someone else, not in the session.
    _own_authorization: str | None
    # The tenant that the client was made with.
    _own_tenant: Any

    if TYPE_CHECKING:
        _context: dict[str, Any]
        _found_context: dict[str, Any]
        _headers: Mapping[str, str]
        _options: Options

        def _copy(self, options: Options) -> Self: ...

    def _start(self, arguments: Mapping[str, Any]) -> None:
        self._login = LoginState()
        self._own_authorization = _authorization(arguments["headers"])
        self._own_tenant = arguments["tenant_id"]

    def _session(self) -> Session | None:
        """The session that a request of this client belongs to."""
        if self._login.session is None or _authorization(self._headers) != self._own_authorization:
            return None
        return self._login.session

    def _without_session(self) -> Self:
        """The same client, asking with its own key, in no certain tenant."""
        # Empty rather than left out: the connections may have been made with the header, and send it by themselves.
        headers = {TENANT_HEADER: ""} if self._own_tenant is not None else {}
        copy = self._copy(self._options.but(headers=headers))
        copy._login = LoginState()
        return copy

    def _enter(self, session: Session) -> None:
        self._login.session = session
        self._context["tenant_id"] = session.tenant_id

    def _leave(self) -> None:
        self._login.session = None
        self._found_context.pop("tenant_id", None)
        if self._own_tenant is None:
            self._context.pop("tenant_id", None)
        else:
            self._context["tenant_id"] = self._own_tenant


class Client(_WithLogin, OldMethods, generated.Client):
    """A client of the orchestration API.

    Args:
        url: The API's URL; else `PENSTOCK_URL`, else the profile's, else the local server at http://127.0.0.1:4200. A URL without a path
            means its `/graphql`.
        api_key: The key to show; else `PENSTOCK_API_KEY`, else the profile's. Never part of a repr, a log or an error.
        tenant_id: The tenant to work in; else `PENSTOCK_TENANT_ID`, else the profile's, else the key's own, else the only one there is.
        headers: Sent with every request, beside those that the API needs.
        timeout: Seconds until a request is given up; None waits for ever.
        retries: How often a request is tried again after a failure that another try may mend.
        http_client: What carries the requests: an `httpx.Client` or anything with its surface. It stays open when the client closes.

    Raises:
        SettingsError: An argument, the environment or the profile cannot be used.
    """

    @overload
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
    ) -> None: ...
    @overload
    @deprecated(
        "Client(api_server, api_token) is deprecated since 0.1 and goes with 1.0; write Client(url=…, api_key=…)."
    )
    def __init__(
        self, url: str | None, api_key: str | None, tenant_id: UUID | str | None = None, /
    ) -> None: ...
    @overload
    @deprecated(
        "Client(api_server, api_token) is deprecated since 0.1 and goes with 1.0; write Client(url=…, api_key=…)."
    )
    def __init__(self, url: str | None, api_key: str | None, /, *, tenant_id: UUID | str | None) -> None: ...
    @overload
    @deprecated(
        "Client(api_server=…) is deprecated since 0.1 and goes with 1.0; write Client(url=…, api_key=…)."
    )
    def __init__(
        self,
        *,
        api_server: str | None,
        api_token: str | None = None,
        api_key: str | None = None,
        tenant_id: UUID | str | None = None,
    ) -> None: ...
    @overload
    @deprecated(
        "Client(api_token=…) is deprecated since 0.1 and goes with 1.0; write Client(url=…, api_key=…)."
    )
    def __init__(self, url: str | None = None, *, api_token: str | None) -> None: ...
    def __init__(
        self,
        url: str | None = None,
        *old: Any,
        api_key: str | None = None,
        tenant_id: UUID | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        http_client: HTTPClient | None = None,
        api_server: str | None = None,
        api_token: str | None = None,
    ) -> None:
        if len(old) > 2:
            raise TypeError(
                f"Client takes a URL, a key and a tenant's id by position, not {len(old) + 1} values."
            )
        if old or api_server is not None or api_token is not None:
            warnings.warn(
                "Client(api_server=…, api_token=…) is deprecated since 0.1 and goes with 1.0; write Client(url=…, api_key=…).",
                DeprecationWarning,
                stacklevel=2,
            )
        url = url if url is not None else api_server
        api_key, tenant_id = (
            next((value for value in (api_key, api_token, *old[:1]) if value is not None), None),
            next((value for value in (tenant_id, *old[1:]) if value is not None), None),
        )
        arguments = client_arguments(load_settings(url=url, api_key=api_key, tenant_id=tenant_id), headers)
        super().__init__(**arguments, timeout=timeout, retries=retries, http_client=http_client)
        self._start(arguments)

    @classmethod
    def local(cls, path: str | Path = ":memory:") -> Self:
        """A client of a local API server in this process, without a socket: the same server, for tests and scripts.

        Args:
            path: The SQLite file that holds what is written, made where there is none; `":memory:"` keeps it as long as the client is open.

        Raises:
            ImportError: The extra `server` is not installed.
        """
        with _server_needed():
            from penstock.server.local import local_transport
        import httpx

        transport = local_transport(path)
        client = cls(
            "http://penstock.local",
            api_key="",
            tenant_id=transport.default_tenant_id,
            http_client=httpx.Client(transport=transport),
        )
        # Nobody else holds the server: it ends with the client.
        client._owns_http = True
        return client

    @property
    def flow(self) -> FlowAccessor:
        """A flow: one registered version of a workflow, with its tasks and edges."""
        return FlowAccessor(self)

    @property
    def tenant(self) -> TenantAccessor:
        """A tenant: the space of one team, which owns projects, flows and everything that comes of them."""
        return TenantAccessor(self)

    def logout(self) -> None:
        """Forgets the login that `client.tenant(…).login()` made: requests are sent with the client's own key again. Sends nothing."""
        self._leave()

    def _call_headers(self) -> Mapping[str, str]:
        session = self._session()
        if session is None:
            return self._headers
        if session.needs_renewal():
            session = self._renewed()
            if session is None:
                return self._headers
        return session.headers(self._headers)

    def _renewed(self) -> Session | None:
        """The session with tokens that hold; whoever comes while another renews them waits and takes what came of it."""
        with self._login.lock:
            session = self._login.session
            if session is None or not session.needs_renewal():
                return session
            try:
                fresh = renewed(self._without_session(), session)
            except TransportError:
                if session.is_expired():
                    raise
                # The old token holds for some seconds yet; the next call tries again.
                return session
            # Someone may have logged out or in meanwhile.
            if self._login.session is session:
                self._login.session = fresh
            return self._login.session

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
        return _only_tenant([tenant.id for tenant in self.tenant.list(limit=2)])


class AsyncClient(_WithLogin, generated.AsyncClient):
    """A client of the orchestration API for asyncio; it takes what `Client` takes.

    The flat methods of the old client (`create_flow_run` and its like) were never asynchronous, so that there are no shims here.
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
        http_client: AsyncHTTPClient | None = None,
    ) -> None:
        arguments = client_arguments(load_settings(url=url, api_key=api_key, tenant_id=tenant_id), headers)
        super().__init__(**arguments, timeout=timeout, retries=retries, http_client=http_client)
        self._start(arguments)

    @classmethod
    def local(cls, path: str | Path = ":memory:") -> Self:
        """A client of a local API server in this process, without a socket: the same server, for tests and scripts.

        Args:
            path: The SQLite file that holds what is written, made where there is none; `":memory:"` keeps it as long as the client is open.

        Raises:
            ImportError: The extra `server` is not installed.
        """
        with _server_needed():
            from penstock.server.local import async_local_transport
        import httpx

        transport = async_local_transport(path)
        client = cls(
            "http://penstock.local",
            api_key="",
            tenant_id=transport.default_tenant_id,
            http_client=httpx.AsyncClient(transport=transport),
        )
        # Nobody else holds the server: it ends with the client.
        client._owns_http = True
        return client

    @property
    def flow(self) -> AsyncFlowAccessor:
        """A flow: one registered version of a workflow, with its tasks and edges."""
        return AsyncFlowAccessor(self)

    @property
    def tenant(self) -> AsyncTenantAccessor:
        """A tenant: the space of one team, which owns projects, flows and everything that comes of them."""
        return AsyncTenantAccessor(self)

    async def logout(self) -> None:
        """Forgets the login that `client.tenant(…).login()` made. Sends nothing."""
        self._leave()

    async def _call_headers(self) -> Mapping[str, str]:
        session = self._session()
        if session is None:
            return self._headers
        if session.needs_renewal():
            session = await self._renewed()
            if session is None:
                return self._headers
        return session.headers(self._headers)

    async def _renewed(self) -> Session | None:
        async with self._login.async_lock:
            session = self._login.session
            if session is None or not session.needs_renewal():
                return session
            try:
                fresh = await renewed_async(self._without_session(), session)
            except TransportError:
                if session.is_expired():
                    raise
                return session
            # Someone may have logged out or in meanwhile.
            if self._login.session is session:
                self._login.session = fresh
            return self._login.session

    async def _resolve_context(self, name: str) -> Any:
        if name != "tenant_id":
            return None
        try:
            own = await self.auth_info()
        except GraphQLError:
            own = None
        if own is not None and own.tenant_id is not None:
            return own.tenant_id
        return _only_tenant([tenant.id for tenant in await self.tenant.list(limit=2)])


def _only_tenant(ids: list[UUID]) -> UUID | None:
    # Two tenants: which one is meant is for the caller to say.
    return ids[0] if len(ids) == 1 else None
