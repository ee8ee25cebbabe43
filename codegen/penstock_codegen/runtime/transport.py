"""Sending a request: the rules, without the waiting.

`Attempts` decides, `send` and `send_async` only wait: they differ in nothing but `await`. Any object with the small surface of
`httpx.Client` (`build_request`, `send`, `close`) carries the requests; nothing here imports httpx until a client has to be made.
"""

from __future__ import annotations

import math
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from .errors import (
    AuthenticationError,
    ClientError,
    HTTPStatusError,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    TransportError,
)
from .operation import describe, graphql_error, parse_answer

if TYPE_CHECKING:
    from .subscription import SubscriptionOptions
    from .upload import AsyncMultipart, Multipart

Owner = TypeVar("Owner")


class Response(Protocol):
    """What is read of an answer."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class HTTPClient(Protocol):
    """What a client must have to carry requests: the surface of `httpx.Client` that is used here."""

    # The request is the carrier's own: it is built by it and handed back to it, never looked into. Content is bytes, and for files an
    # iterable of them, async in an async client.
    def build_request(
        self, method: str, url: str, *, content: Any, headers: Mapping[str, str], timeout: Any
    ) -> Any: ...
    def send(self, request: Any, /) -> Any: ...
    def close(self) -> None: ...


class AsyncHTTPClient(Protocol):
    """The same of `httpx.AsyncClient`."""

    def build_request(
        self, method: str, url: str, *, content: Any, headers: Mapping[str, str], timeout: Any
    ) -> Any: ...
    async def send(self, request: Any, /) -> Any: ...
    async def aclose(self) -> None: ...


Persisted: TypeAlias = Literal["hash", "only"] | None


@dataclass(frozen=True, slots=True)
class Options:
    """How a client sends: the URL, headers beside its own, seconds until it gives up, and how often it tries again."""

    # Neither is shown: a URL may hold a password or a token, headers do.
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = 30.0
    retries: int = 3
    # How documents are sent: as text; as a hash, and as text where the server does not know it; as a hash only.
    persisted: Persisted = None
    # How the client subscribes; None as `SubscriptionOptions` do by default.
    subscriptions: SubscriptionOptions | None = None

    def __post_init__(self) -> None:
        if self.persisted not in (None, "hash", "only"):
            raise ValueError(f'persisted is None, "hash" or "only", not {self.persisted!r}.')
        check_url(self.url)
        check_headers(self.headers)
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(
                f"timeout is in seconds and more than 0, or None to wait for ever, not {self.timeout}."
            )
        if self.retries < 0:
            raise ValueError(f"retries is how often a call is tried again: 0 or more, not {self.retries}.")

    def but(self, **changes: Any) -> Options:
        """These options with the named ones changed; headers are added to those there are."""
        if "headers" in changes:
            changes["headers"] = merge_headers(self.headers, changes["headers"])
        return replace(self, **changes)

    @property
    def shown_url(self) -> str:
        """The URL as messages show it: without what stands before the host and behind the path, where secrets stand."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def check_url(url: str) -> None:
    """Raises `ValueError` where a request could not be sent to the URL."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(
            "The URL must start with http:// or https://, as http://127.0.0.1:4200/graphql does."
        )
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and _IS_URL.fullmatch(url) is not None
    except ValueError:  # a port that is no number, half an IPv6 address
        whole = False
    if not whole:
        raise ValueError(
            "The URL names no host that can be reached; it should look like http://127.0.0.1:4200/graphql."
        )


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises `ValueError` that names the header, and not its value, where a request could not carry it (RFC 9110, 5.5)."""
    for name, value in headers.items():
        if not _IS_HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an HTTP header.")
        if not _IS_HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"The header {name} cannot be sent: its value holds a line break, a character outside ASCII, "
                "or a space at an end."
            )


def merge_headers(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """Both together; a header in the second replaces the one of the same name, in capitals or not, in the first."""
    replaced = {name.lower() for name in then}
    return {**{name: value for name, value in first.items() if name.lower() not in replaced}, **then}


# Ruled out by name, not by class: a successor of httpx has the same names, and neither needs to be imported to be caught.
_NEVER_SENT: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
)
_TIMEOUT: Final = "TimeoutException"
# What went wrong between sending and having read: the connection, a proxy, an answer that cannot be decompressed.
_TRANSPORT: Final = "RequestError"
# Its text repeats what could not be sent, which may be a header.
_UNSENDABLE: Final = "LocalProtocolError"

_IS_URL: Final = re.compile(r"[\x21-\x7e\xa0-\U0010ffff]+")
_IS_HEADER_NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_IS_HEADER_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")

_RETRIED_STATUS: Final = frozenset({429, 502, 503, 504})
_FIRST_DELAY: Final = 0.25
_LONGEST_DELAY: Final = 8.0
_LONGEST_WISH: Final = 60.0


class Attempts:
    """One call's tries: after each, either an answer, a delay in seconds until the next, or the error that ends it."""

    __slots__ = ("_failures", "_name", "_options", "_repeatable")

    def __init__(self, name: str, options: Options, *, repeatable: bool) -> None:
        self._name = name
        self._options = options
        self._repeatable = repeatable
        self._failures = 0

    def answered(self, status: int, headers: Mapping[str, str], content: bytes) -> float | None:
        """None where the content is an answer to be read, else the delay. Raises what the status amounts to."""
        if 200 <= status < 300:
            return None
        if status in _RETRIED_STATUS and (self._repeatable or status == 429):
            wish = retry_after(headers.get("retry-after"))
            if self._failures < self._options.retries and (wish is None or wish <= _LONGEST_WISH):
                return self._delay(wish)
        raise status_error(self._name, status, headers, content)

    def failed(self, error: Exception) -> float:
        """The delay until the next try. Raises the error, as one of ours where it is the transport's."""
        names = {base.__name__ for base in type(error).__mro__}
        if _TRANSPORT not in names or isinstance(error, ClientError):
            raise error
        if _UNSENDABLE in names:
            raise TransportError(
                f"{self._name}: the request cannot be sent: a header or the URL breaks the rules of HTTP.",
                sent=False,
            ) from None
        sent = not names & _NEVER_SENT
        if (
            "UnsupportedProtocol" not in names
            and (self._repeatable or not sent)
            and self._failures < self._options.retries
        ):
            return self._delay(None)
        # The text of what is left names the host at most; the request's headers are not in it.
        if _TIMEOUT in names:
            raise RequestTimeout(
                f"{self._name}: {self._options.shown_url} did not answer within {self._options.timeout:g} seconds."
                if self._options.timeout is not None
                else f"{self._name}: {self._options.shown_url} did not answer.",
                sent=sent,
            ) from error
        raise TransportError(
            f"{self._name}: {self._options.shown_url} cannot be reached: {error}", sent=sent
        ) from error

    def once(self) -> Attempts:
        """The same without further tries: for content that can be read only once."""
        self._options = replace(self._options, retries=0)
        return self

    def _delay(self, wish: float | None) -> float:
        self._failures += 1
        if wish is not None:
            return wish
        longest: float = min(_FIRST_DELAY * 2 ** (self._failures - 1), _LONGEST_DELAY)
        return longest * (0.5 + random.random() / 2)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number of seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def status_error(name: str, status: int, headers: Mapping[str, str], content: bytes) -> ClientError:
    """The error that an HTTP status other than 200 amounts to; GraphQL errors in the body are told as such."""
    try:
        answer = parse_answer(name, content)
    except ClientError:
        answer = {}
    if answer.get("errors") and status != 429:
        return graphql_error(name, answer, status_code=status)
    body = content[:500].decode(errors="replace")
    if status == 401:
        return AuthenticationError(
            f"{name}: the server does not accept these credentials (HTTP 401); check the API key.",
            status_code=401,
            body=body,
        )
    if status == 403:
        return PermissionDenied(
            f"{name}: the server does not allow this (HTTP 403).", status_code=403, body=body
        )
    if status == 429:
        wish = retry_after(headers.get("retry-after"))
        wait = f"try again in {wish:g} seconds" if wish is not None else "try again later"
        return RateLimited(
            f"{name}: too many requests (HTTP 429); {wait}.", status_code=429, body=body, retry_after=wish
        )
    return HTTPStatusError(
        f"{name}: the server answered HTTP {status}, and no GraphQL answer: {describe(content)}.",
        status_code=status,
        body=body,
    )


class Carrier(NamedTuple):
    """What the connections' owner was made with, so that it need not be told again with every request: merging headers and parsing the
    URL take longer than reading a small answer.

    `url` is the URL in the form that the owner takes fastest; `headers` and `timeout` are what it sends by itself, None if it is not ours.
    """

    url: Any
    headers: Mapping[str, str] | None
    timeout: float | None

    def request(self, headers: Mapping[str, str], timeout: float | None) -> dict[str, Any]:
        """What has to be said with a request that has these headers and this timeout."""
        if headers is self.headers:
            if timeout == self.timeout:
                return {"url": self.url}
            return {"url": self.url, "timeout": timeout}
        return {"url": self.url, "headers": headers, "timeout": timeout}


class Line(Generic[Owner]):
    """The connections of a client and its copies: the caller's, or our own, which are made when the first request needs them.

    Making an `httpx.Client` reads certificates, which takes longer than all else that making a client does.
    """

    __slots__ = ("_carrier", "_closed", "_http", "_kind", "_lock", "_plan")

    def __init__(
        self,
        kind: Literal["Client", "AsyncClient"],
        http: Owner | None,
        url: str,
        headers: Mapping[str, str],
        timeout: float | None,
    ) -> None:
        self._kind = kind
        self._http = http
        self._carrier = None if http is None else Carrier(url, None, None)
        self._plan = (url, headers, timeout)
        self._closed = False
        self._lock = threading.Lock()

    @property
    def http(self) -> Owner:
        """What carries the requests."""
        return self._open() if self._http is None or self._closed else self._http

    @property
    def carrier(self) -> Carrier:
        """What it was made with."""
        if self._carrier is None:
            self._open()
        assert self._carrier is not None, "it is made with the connections"
        return self._carrier

    def _open(self) -> Owner:
        import httpx

        with self._lock:
            if self._http is None:
                url, headers, timeout = self._plan
                made: Any = getattr(httpx, self._kind)(timeout=timeout, headers=headers)
                self._carrier = Carrier(httpx.URL(url), headers, timeout)
                self._http = made
            if self._closed:
                raise RuntimeError("This client is closed; make a new one.")
            http: Any = self._http
            return cast("Owner", http)

    def close(self) -> Owner | None:
        """Our own connections, to be closed by the caller; None where no request has needed them."""
        with self._lock:
            self._closed = True
            return self._http


def send(
    http: HTTPClient, content: bytes | Multipart, carried: Mapping[str, Any], attempts: Attempts
) -> bytes:
    """Sends until there is an answer, and gives its body."""
    while True:
        try:
            response: Response = http.send(http.build_request("POST", content=content, **carried))
        except Exception as error:
            delay = attempts.failed(error)
        else:
            pause = attempts.answered(response.status_code, response.headers, response.content)
            if pause is None:
                return response.content
            delay = pause
        time.sleep(delay)


async def send_async(
    http: AsyncHTTPClient, content: bytes | AsyncMultipart, carried: Mapping[str, Any], attempts: Attempts
) -> bytes:
    """`send`, waiting with `await`."""
    # Not at the top: asyncio takes longer to import than all the rest, and a sync client has no use for it.
    import asyncio

    while True:
        try:
            response: Response = await http.send(http.build_request("POST", content=content, **carried))
        except Exception as error:
            delay = attempts.failed(error)
        else:
            pause = attempts.answered(response.status_code, response.headers, response.content)
            if pause is None:
                return response.content
            delay = pause
        await asyncio.sleep(delay)
