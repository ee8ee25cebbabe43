"""The clients that a generated package's own are made of: configuration, sending, and what handles need of a client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .errors import GraphQLError, InvalidResponse, MissingContext
from .operation import (
    Operation,
    answers_unknown_hash,
    body_prefix,
    graphql_error,
    is_unknown_hash,
    parse_answer,
)
from .transport import (
    AsyncHTTPClient,
    Attempts,
    HTTPClient,
    Line,
    Options,
    Persisted,
    merge_headers,
    send,
    send_async,
)
from .unset import UNSET, Unset
from .values import HasUploads, encode_variables

if TYPE_CHECKING:
    import asyncio

    from .subscription import AsyncEventStream, EventStream, SubscriptionOptions

Result = TypeVar("Result")
Event = TypeVar("Event")

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class BaseClient:
    """What both clients share: everything but the call that waits."""

    def __init__(
        self,
        *,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        context: Mapping[str, Any] | None = None,
        persisted: Persisted = None,
        subscriptions: SubscriptionOptions | None = None,
    ) -> None:
        self._options = Options(url, dict(headers or {}), timeout, retries, persisted, subscriptions)
        self._headers: Mapping[str, str] = merge_headers(_JSON, self._options.headers)
        self._context = {name: value for name, value in (context or {}).items() if value is not None}
        # Shared by all copies that ask with the same credentials: what is found out once is known to all.
        self._found_context: dict[str, Any] = {}
        self._owns_http = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._options.shown_url!r})"

    @property
    def url(self) -> str:
        """The API's URL."""
        return self._options.url

    def _copy(self, options: Options) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._options = options
        copy._headers = merge_headers(_JSON, options.headers)
        if _credentials(options) != _credentials(self._options):
            copy._found_context = {}
        copy._owns_http = False
        return copy

    def with_options(
        self,
        *,
        headers: Mapping[str, str] | Unset = UNSET,
        timeout: float | None | Unset = UNSET,
        retries: int | Unset = UNSET,
        persisted: Persisted | Unset = UNSET,
        subscriptions: SubscriptionOptions | Unset = UNSET,
    ) -> Self:
        """The same client with other options, for one call or many: `client.with_options(timeout=2).flow(id=…)`.

        `headers` are added to the client's, `timeout` is in seconds (None waits for ever), `retries` counts tries after the first.
        `persisted` sends documents as hashes: "hash" sends the text where the server does not know a hash, "only" never does.
        `subscriptions` says how subscriptions connect. The connections are shared, and closing the copy leaves them open.
        """
        changes = {
            "headers": headers,
            "timeout": timeout,
            "retries": retries,
            "persisted": persisted,
            "subscriptions": subscriptions,
        }
        return self._copy(
            self._options.but(**{name: value for name, value in changes.items() if value is not UNSET})
        )

    def _attempts(self, operation: Operation[Any], variables: Mapping[str, Any]) -> Attempts:
        key = operation.idempotency
        repeatable = operation.kind == "query" or (key is not None and bool(variables.get(key)))
        return Attempts(operation.name, self._options, repeatable=repeatable)

    def _prefix(self, operation: Operation[Any]) -> bytes:
        """The request's body up to the variables where there is one request for it: files may not be there to be sent again."""
        if self._options.persisted is None:
            return operation.body
        return operation.persisted_body(with_text=self._options.persisted != "only")

    def _missing_context(
        self, operation: Operation[Any], variables: Mapping[str, Any]
    ) -> list[tuple[str, bool]]:
        return [entry for entry in operation.context if variables.get(entry[0], UNSET) is UNSET]


class SyncClient(BaseClient):
    """A client whose calls wait for their answer."""

    def __init__(
        self,
        *,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        http_client: HTTPClient | None = None,
        context: Mapping[str, Any] | None = None,
        persisted: Persisted = None,
        subscriptions: SubscriptionOptions | None = None,
    ) -> None:
        super().__init__(
            url=url,
            headers=headers,
            timeout=timeout,
            retries=retries,
            context=context,
            persisted=persisted,
            subscriptions=subscriptions,
        )
        self._owns_http = http_client is None
        self._line: Line[HTTPClient] = Line("Client", http_client, url, self._headers, timeout)
        self._context_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections, unless they were brought by the caller (`http_client`)."""
        if self._owns_http and (made := self._line.close()) is not None:
            made.close()

    def execute(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Sends a document as it is and gives the answer's data as JSON values.

        Raises `GraphQLError` where the answer reports errors. The document is not checked before it is sent.
        """
        attempts = Attempts("execute", self._options, repeatable=is_query(document))
        prefix = body_prefix_of(document)
        try:
            content = prefix + encode_variables(variables or {}) + b"}"
        except HasUploads:
            return read_data(self._send_files(prefix, variables or {}, attempts))
        carried = self._line.carrier.request(self._call_headers(), self._options.timeout)
        return read_data(send(self._http, content, carried, attempts))

    @property
    def _http(self) -> HTTPClient:
        return self._line.http

    def _call_headers(self) -> Mapping[str, str]:
        """The headers of one request; a subclass adds those that change from call to call."""
        return self._headers

    def _resolve_context(self, name: str) -> Any:
        """The value of a context variable that was not given to the client; a subclass may ask the server. None if unknown."""
        return None

    def _context_value(self, name: str) -> Any:
        if name in self._context:
            return self._context[name]
        if name not in self._found_context:
            with self._context_lock:
                if name not in self._found_context:
                    value = self._resolve_context(name)
                    if value is None:
                        return None
                    self._found_context[name] = value
        return self._found_context[name]

    def _with_context(self, operation: Operation[Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The variables with those that come from the client. Raises `MissingContext`."""
        for name, required in self._missing_context(operation, variables):
            value = self._context_value(name)
            if value is not None:
                variables[name] = value
            elif required:
                raise MissingContext(name)
        return variables

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> EventStream[Event]:
        from .subscription import EventStream

        operation.check(variables)
        return EventStream(self, operation, lambda: dict(variables), wrap, resume)

    def _send_files(self, prefix: bytes, variables: Mapping[str, Any], attempts: Attempts) -> bytes:
        """Sends variables with files among them, and gives the answer's body."""
        from .upload import Multipart

        content = Multipart(prefix, variables)
        headers = merge_headers(self._call_headers(), content.headers())
        carried = self._line.carrier.request(headers, self._options.timeout)
        return send(self._http, content, carried, attempts if content.repeatable else attempts.once())

    def _send(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        if operation.context:
            self._with_context(operation, variables)
        operation.check(variables)
        attempts = self._attempts(operation, variables)
        try:
            encoded = encode_variables(variables) + b"}"
        except HasUploads:
            prefix = self._prefix(operation)
            return operation.read(self._send_files(prefix, variables, attempts))
        carried = self._line.carrier.request(self._call_headers(), self._options.timeout)
        persisted = self._options.persisted
        if persisted is None:
            return operation.read(send(self._http, operation.body + encoded, carried, attempts))
        try:
            content = operation.persisted_body(with_text=False) + encoded
            answer = send(self._http, content, carried, attempts)
        except GraphQLError as error:
            # Some servers say so with HTTP 400.
            if persisted == "only" or not is_unknown_hash(error.errors):
                raise
        else:
            if persisted == "only" or not answers_unknown_hash(answer):
                return operation.read(answer)
        content = operation.persisted_body(with_text=True) + encoded
        return operation.read(send(self._http, content, carried, self._attempts(operation, variables)))


class AsyncClient(BaseClient):
    """A client whose calls are awaited."""

    def __init__(
        self,
        *,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        http_client: AsyncHTTPClient | None = None,
        context: Mapping[str, Any] | None = None,
        persisted: Persisted = None,
        subscriptions: SubscriptionOptions | None = None,
    ) -> None:
        super().__init__(
            url=url,
            headers=headers,
            timeout=timeout,
            retries=retries,
            context=context,
            persisted=persisted,
            subscriptions=subscriptions,
        )
        self._owns_http = http_client is None
        self._line: Line[AsyncHTTPClient] = Line("AsyncClient", http_client, url, self._headers, timeout)
        # asyncio takes longer to import than all the rest; whoever made an async client has it.
        from asyncio import Lock

        self._context_lock: asyncio.Lock = Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections, unless they were brought by the caller (`http_client`)."""
        if self._owns_http and (made := self._line.close()) is not None:
            await made.aclose()

    async def execute(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Sends a document as it is and gives the answer's data as JSON values.

        Raises `GraphQLError` where the answer reports errors. The document is not checked before it is sent.
        """
        attempts = Attempts("execute", self._options, repeatable=is_query(document))
        prefix = body_prefix_of(document)
        try:
            content = prefix + encode_variables(variables or {}) + b"}"
        except HasUploads:
            return read_data(await self._send_files(prefix, variables or {}, attempts))
        carried = self._line.carrier.request(await self._call_headers(), self._options.timeout)
        return read_data(await send_async(self._http, content, carried, attempts))

    @property
    def _http(self) -> AsyncHTTPClient:
        return self._line.http

    async def _call_headers(self) -> Mapping[str, str]:
        """The headers of one request; a subclass adds those that change from call to call."""
        return self._headers

    async def _resolve_context(self, name: str) -> Any:
        """The value of a context variable that was not given to the client; a subclass may ask the server. None if unknown."""
        return None

    async def _context_value(self, name: str) -> Any:
        if name in self._context:
            return self._context[name]
        if name not in self._found_context:
            async with self._context_lock:
                if name not in self._found_context:
                    value = await self._resolve_context(name)
                    if value is None:
                        return None
                    self._found_context[name] = value
        return self._found_context[name]

    async def _with_context(self, operation: Operation[Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The variables with those that come from the client. Raises `MissingContext`."""
        for name, required in self._missing_context(operation, variables):
            value = await self._context_value(name)
            if value is not None:
                variables[name] = value
            elif required:
                raise MissingContext(name)
        return variables

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> AsyncEventStream[Event]:
        from .subscription import AsyncEventStream

        operation.check(variables)

        async def given() -> dict[str, Any]:
            return dict(variables)

        return AsyncEventStream(self, operation, given, wrap, resume)

    async def _send_files(self, prefix: bytes, variables: Mapping[str, Any], attempts: Attempts) -> bytes:
        """Sends variables with files among them, and gives the answer's body."""
        from .upload import AsyncMultipart

        content = AsyncMultipart(prefix, variables)
        headers = merge_headers(await self._call_headers(), content.headers())
        carried = self._line.carrier.request(headers, self._options.timeout)
        return await send_async(
            self._http, content, carried, attempts if content.repeatable else attempts.once()
        )

    async def _send(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        if operation.context:
            await self._with_context(operation, variables)
        operation.check(variables)
        attempts = self._attempts(operation, variables)
        try:
            encoded = encode_variables(variables) + b"}"
        except HasUploads:
            prefix = self._prefix(operation)
            return operation.read(await self._send_files(prefix, variables, attempts))
        carried = self._line.carrier.request(await self._call_headers(), self._options.timeout)
        persisted = self._options.persisted
        if persisted is None:
            return operation.read(await send_async(self._http, operation.body + encoded, carried, attempts))
        try:
            content = operation.persisted_body(with_text=False) + encoded
            answer = await send_async(self._http, content, carried, attempts)
        except GraphQLError as error:
            # Some servers say so with HTTP 400.
            if persisted == "only" or not is_unknown_hash(error.errors):
                raise
        else:
            if persisted == "only" or not answers_unknown_hash(answer):
                return operation.read(answer)
        content = operation.persisted_body(with_text=True) + encoded
        return operation.read(
            await send_async(self._http, content, carried, self._attempts(operation, variables))
        )


def body_prefix_of(document: str) -> bytes:
    """The body of an unnamed request up to its variables."""
    # No operationName: a document with one operation needs none, and its author may not have given it a name.
    return body_prefix("", document).replace(b'"operationName":"",', b"", 1)


def is_query(document: str) -> bool:
    """Whether a document only reads, as far as its first word says; where in doubt, no."""
    return document.lstrip("\ufeff \t\r\n,").startswith(("query", "{"))


def read_data(content: bytes) -> dict[str, Any]:
    """An answer's data; raises the answer's errors."""
    answer = parse_answer("execute", content)
    if answer.get("errors"):
        raise graphql_error("execute", answer)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise InvalidResponse("The answer has neither data nor errors.", path="data", operation="execute")
    return data


def _credentials(options: Options) -> str | None:
    """The header that says who asks, where there is one."""
    return next((value for name, value in options.headers.items() if name.lower() == "authorization"), None)
