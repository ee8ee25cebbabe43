"""The flyte API over HTTP: its links, and the five calls a pack makes.

URLs are never built, only followed, each found by the end of its rel. Reading an answer gives a value or
raises a ``FlyteApiError``; nothing here retries, that is the pack's.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from pydantic_core import from_json, to_json

from penstock.packs import settings
from penstock.packs.definitions import Event, PackDef
from penstock.packs.errors import (
    ConfigurationError,
    FlyteApiError,
    FlyteResponseError,
    FlyteStatusError,
    FlyteTransportError,
)
from penstock.packs.transport import KeepAliveTransport

logger = logging.getLogger(__name__)

JSON: Final = "application/json"
RESULT_LIMIT: Final = 300
"""Characters of an answer's text that an error repeats."""

_HEADERS: Final = {
    "User-Agent": f"python-httpx/{httpx.__version__}",
    "Accept": "*/*",
    "Connection": "keep-alive",
}

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Links:
    """Links of the API: hrefs by rel."""

    by_rel: Mapping[str, str]

    def ending(self, rel: str) -> str:
        """The href of the link whose rel ends in ``rel``; raises ``FlyteResponseError`` where there is
        none."""
        for known, href in self.by_rel.items():
            if known.endswith(rel):
                return href
        raise FlyteResponseError(
            f"The API gave no link whose rel ends in {rel!r}; is this URL the flyte API's?"
        )


@dataclass(frozen=True, slots=True)
class RegisteredPack:
    """A pack as the API knows it: its id there, and where to take actions and to post events."""

    id: str
    take_url: str
    event_url: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something a pack is asked to do. ``result_url`` identifies it; ``input`` is any JSON value."""

    command: str
    input: Any = field(repr=False)
    result_url: str


class TokenSource(Protocol):
    """Gives the JSON Web Token to send: a function for tokens that change, called for every request."""

    def __call__(self) -> str:
        """The token, or ``""`` for none."""
        ...


class FlyteClient:
    """The flyte API for asynchronous programs; ``SyncFlyteClient`` is its facade for scripts.

    ``url`` is the API's base URL (default: ``FLYTE_API``). ``jwt`` is sent as a bearer token with every
    request (default: ``FLYTE_JWT``; ``""`` sends none), only to the host of ``url`` and those in
    ``trusted_hosts``: links are the API's word, and a token must not follow them anywhere. ``timeout`` is in
    seconds (default: ``FLYTE_API_TIMEOUT``, else 10). ``verify`` is a CA bundle's path, an SSL context, or
    ``False`` to check no certificate (``insecure_skip_verify`` says the same); ``certificate`` a client
    certificate, as (certificate, key) paths. ``http_client`` replaces the HTTP client; it is then the
    caller's to close.

    Raises ``ConfigurationError``.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        jwt: str | TokenSource | None = None,
        timeout: float | None = None,
        verify: bool | str | ssl.SSLContext = True,
        certificate: tuple[str, str] | None = None,
        insecure_skip_verify: bool = False,
        trusted_hosts: Collection[str] = (),
        max_connections: int = 100,
        version: str = "v1",
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.url = settings.api_url() if url is None else settings.check_url(url, "The URL of the flyte API")
        self._index_url = f"{self.url}/{version}"
        token = settings.jwt() if jwt is None else jwt
        self._token: TokenSource = token if callable(token) else _constant(settings.check_jwt(token))
        self._origin = _origin(self.url)
        self._trusted_hosts = frozenset(trusted_hosts)
        self._warned_hosts: set[str] = set()
        self._timeout = settings.timeout() if timeout is None else float(timeout)
        if self._timeout <= 0:
            raise ConfigurationError(f"The timeout is {timeout} seconds; make it positive.")
        self._owned = http_client is None
        # Our own transport is spoken to without httpx's layers for redirects, cookies and authentication, none of
        # which this protocol has and all of which a request pays for.
        self._direct: KeepAliveTransport | None = None
        if http_client is None:
            context = _tls(False if insecure_skip_verify else verify, certificate)
            http_client, self._direct = _http_client(context, self._timeout, max_connections)
        self._http = http_client
        self._links: Links | None = None

    def __repr__(self) -> str:
        return f"FlyteClient({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._owned:
            await self._http.aclose()

    async def links(self, *, refresh: bool = False) -> Links:
        """The API's links, asked for once unless ``refresh``; raises ``FlyteApiError``."""
        if self._links is None or refresh:
            response = await self._send("GET", self._index_url, accept=True)
            _expect(response, {200}, "list the links of the API")
            self._links = _links(_object(response))
        return self._links

    async def create_pack(self, pack: PackDef | Mapping[str, object]) -> RegisteredPack:
        """Register ``pack`` (or the JSON of one), in place of an earlier registration; raises
        ``FlyteApiError``."""
        document = pack.registration() if isinstance(pack, PackDef) else dict(pack)
        links = await self.links()
        response = await self._send("POST", links.ending("pack/listPacks"), body=to_json(document))
        _expect(response, {200, 201}, f"register the pack {document.get('name')!r}")
        # The API calls this JSON text/plain.
        answer = _object(response)
        found = _links(answer)
        # The pack's own rels may end in anything; the API adds its links after them.
        newest_first = Links(dict(reversed(list(found.by_rel.items()))))
        return RegisteredPack(
            id=str(answer.get("id") or answer.get("name") or document.get("name")),
            take_url=newest_first.ending("takeAction"),
            event_url=newest_first.ending("event"),
        )

    async def take_action(self, pack: RegisteredPack, command: str | None = None) -> Action | None:
        """The pack's next action (of ``command`` only, if given), or ``None`` where none waits.

        Raises ``FlyteApiError``; ``FlyteStatusError`` with status 404 where the API does not know the pack.
        """
        url = pack.take_url
        if command is not None:
            # The API's links say commandName, and the API reads actionName.
            url = str(httpx.URL(url).copy_merge_params({"commandName": command, "actionName": command}))
        response = await self._send("POST", url)
        if response.status_code == 204:
            return None
        _expect(response, {200}, "take an action")
        answer = _object(response)
        name = answer.get("command")
        if not isinstance(name, str):
            raise FlyteResponseError("The API handed out an action without a command.")
        return Action(name, answer.get("input"), _links(answer).ending("actionResult"))

    async def complete_action(
        self,
        action: Action | str,
        event: Event[Any],
        *,
        key: str | None = None,
        created_at: datetime | None = None,
    ) -> None:
        """Post ``event`` as the result of ``action`` (or of the action with that result URL).

        ``key`` identifies this result: an API that knows it takes the same result sent again for one.
        Raises ``FlyteApiError``.
        """
        url = action.result_url if isinstance(action, Action) else action
        await self.post(url, encode_event(event, created_at), key)

    async def post_event(
        self,
        pack: RegisteredPack,
        event: Event[Any],
        *,
        key: str | None = None,
        created_at: datetime | None = None,
    ) -> None:
        """Post an event that ``pack`` observed; ``key`` as for a result. Raises ``FlyteApiError``."""
        await self.post(pack.event_url, encode_event(event, created_at), key)

    async def post(self, url: str, body: bytes, key: str | None = None) -> None:
        """Post an event or result that is encoded already; raises ``FlyteApiError`` unless the API accepts
        it."""
        response = await self._send("POST", url, body=body, key=key)
        # Only 202 is acceptance: a proxy that answers 200 with a page of its own must not swallow a result.
        _expect(response, {202}, "post an event")

    async def health(self) -> str:
        """The URL of the API's health page, which answered with success; raises ``FlyteApiError``."""
        url = (await self.links()).ending("info/health")
        response = await self._send("GET", url)
        if not response.is_success:
            raise _status_error(response, "ask the API for its health")
        return url

    async def _send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        key: str | None = None,
        accept: bool = False,
    ) -> httpx.Response:
        headers = {}
        if accept:
            headers["Accept"] = JSON
        if body is not None:
            headers["Content-Type"] = JSON
        if key is not None:
            headers["Idempotency-Key"] = key
        token = self._token()
        if token and self._may_know_token(url):
            headers["Authorization"] = f"Bearer {token}"
        try:
            # One deadline for the whole exchange: httpx's own begin anew with every byte that trickles in.
            async with asyncio.timeout(self._timeout):
                if self._direct is not None and not self._http.is_closed:
                    request = httpx.Request(method, url, content=body, headers={**_HEADERS, **headers})
                    return await self._direct.handle_async_request(request)
                return await self._http.request(method, url, content=body, headers=headers)
        except TimeoutError:
            raise FlyteTransportError(
                f"{_place(url)} did not answer within {self._timeout:g} s.", sent=True
            ) from None
        except httpx.InvalidURL as error:
            raise FlyteResponseError(f"The API gave a link that is no URL: {error}") from None
        except httpx.UnsupportedProtocol:
            raise FlyteResponseError(f"The API gave a link that is no http(s) URL: {_place(url)}.") from None
        except httpx.TransportError as error:
            sent = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
            reason = str(error) or type(error).__name__
            raise FlyteTransportError(f"{_place(url)} cannot be reached: {reason}", sent=sent) from None
        except httpx.DecodingError as error:
            raise FlyteResponseError(
                f"{_place(url)} answered with a body that cannot be decoded: {error}"
            ) from None

    def _may_know_token(self, url: str) -> bool:
        origin = _origin(url)
        same = origin[1:] == self._origin[1:] or origin[1] in self._trusted_hosts
        if same and not (self._origin[0] == "https" and origin[0] == "http"):
            return True
        place = f"{origin[0]}://{origin[1]}"
        if place not in self._warned_hosts:
            self._warned_hosts.add(place)
            logger.warning(
                "The API links to %s, which is not where it is itself: no token is sent there. Name the host in "
                "trusted_hosts if it is right, or set the proxy's X-Forwarded-Host and X-Forwarded-Proto.",
                place,
            )
        return False


class SyncFlyteClient:
    """``FlyteClient`` for scripts: the same calls, each of which blocks. To use in ``with``.

    Takes the arguments of ``FlyteClient``. Not for use inside a running event loop.
    """

    def __init__(self, url: str | None = None, **options: Any) -> None:
        self._client = FlyteClient(url, **options)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._run(self._client.aclose())
        self._runner.close()

    def links(self, *, refresh: bool = False) -> Links:
        """As ``FlyteClient.links``."""
        return self._run(self._client.links(refresh=refresh))

    def create_pack(self, pack: PackDef | Mapping[str, object]) -> RegisteredPack:
        """As ``FlyteClient.create_pack``."""
        return self._run(self._client.create_pack(pack))

    def take_action(self, pack: RegisteredPack, command: str | None = None) -> Action | None:
        """As ``FlyteClient.take_action``."""
        return self._run(self._client.take_action(pack, command))

    def complete_action(self, action: Action | str, event: Event[Any], *, key: str | None = None) -> None:
        """As ``FlyteClient.complete_action``."""
        self._run(self._client.complete_action(action, event, key=key))

    def post_event(self, pack: RegisteredPack, event: Event[Any], *, key: str | None = None) -> None:
        """As ``FlyteClient.post_event``."""
        self._run(self._client.post_event(pack, event, key=key))

    def health(self) -> str:
        """As ``FlyteClient.health``."""
        return self._run(self._client.health())

    def _run(self, call: Awaitable[ResultT]) -> ResultT:
        async def wait() -> ResultT:
            return await call

        return self._runner.run(wait())


def encode_event(event: Event[Any], created_at: datetime | None = None) -> bytes:
    """An event as it is posted; raises ``ValueError`` where its payload is no JSON."""
    moment = (created_at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    payload = event.event_def.encode(event.payload)
    return b'{"event":%b,"payload":%b,"createdAt":"%b"}' % (to_json(event.name), payload, moment.encode())


def _constant(token: str) -> Callable[[], str]:
    return lambda: token


def _tls(verify: bool | str | ssl.SSLContext, certificate: tuple[str, str] | None) -> ssl.SSLContext | bool:
    try:
        context: ssl.SSLContext | bool = (
            ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
        )
        if certificate is not None:
            context = httpx.create_ssl_context(verify=context) if isinstance(context, bool) else context
            context.load_cert_chain(*certificate)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"The TLS certificates cannot be read: {error}") from None
    if context is False:
        logger.warning(
            "The API's certificate is not checked: whoever is in between can read and change everything."
        )
    return context


def _http_client(
    tls: ssl.SSLContext | bool, timeout: float, max_connections: int
) -> tuple[httpx.AsyncClient, KeepAliveTransport | None]:
    if getproxies():
        # httpx knows how to use them, and whom not to use them for.
        limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
        return httpx.AsyncClient(verify=tls, timeout=timeout, limits=limits), None
    context = tls if isinstance(tls, ssl.SSLContext) else None
    if tls is False:
        context = httpx.create_ssl_context(verify=False)
    transport = KeepAliveTransport(tls=context, max_connections=max_connections)
    return httpx.AsyncClient(transport=transport, timeout=timeout), transport


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", "", None


def _place(url: str) -> str:
    return url.partition("?")[0]


def _expect(response: httpx.Response, statuses: set[int], what: str) -> None:
    if response.status_code in statuses:
        return
    if response.status_code < 400:
        raise FlyteResponseError(
            f"To {what}, {_place(str(response.url))} answered {response.status_code}, which is not an answer of the API."
        )
    raise _status_error(response, what)


def _status_error(response: httpx.Response, what: str) -> FlyteStatusError:
    text = " ".join(response.text.split())[:RESULT_LIMIT]
    retry_after = response.headers.get("retry-after", "")
    return FlyteStatusError(
        f"To {what}, {_place(str(response.url))} answered {response.status_code}{': ' + text if text else '.'}",
        status=response.status_code,
        final=response.headers.get("x-penstock-final") == "true",
        retry_after=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
    )


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        value = from_json(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise FlyteResponseError(
            f"{_place(str(response.url))} did not answer with a JSON object; is this the flyte API?"
        )
    return value


def _links(document: Mapping[str, object]) -> Links:
    found = document.get("links")
    links: dict[str, str] = {}
    for link in found if isinstance(found, list) else []:
        if isinstance(link, dict) and isinstance(link.get("rel"), str) and isinstance(link.get("href"), str):
            # Among equals the last one is the API's own.
            links.pop(link["rel"], None)
            links[link["rel"]] = link["href"]
    return Links(links)


__all__ = [
    "Action",
    "FlyteApiError",
    "FlyteClient",
    "Links",
    "RegisteredPack",
    "SyncFlyteClient",
    "TokenSource",
    "encode_event",
]
