"""Sending, over real sockets, to a server that misbehaves: what is tried again and when, and which error ends it.

Both clients go through every case: a case is a function of how to call, and is told how often the server was asked.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import httpx
import pytest
from tests.runtime.misbehaving import Misbehaving, Reply, misbehaving_server, unused_port

from penstock_codegen.runtime.client import AsyncClient, SyncClient
from penstock_codegen.runtime.errors import (
    AuthenticationError,
    ClientError,
    GraphQLError,
    HTTPStatusError,
    InvalidResponse,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    TransportError,
)
from penstock_codegen.runtime.operation import Operation
from penstock_codegen.runtime.transport import Attempts, Options, merge_headers, retry_after

HELLO: Operation[str] = Operation("hello", "query", "query hello{hello}", ("hello",), leaf=lambda: str)
GREET: Operation[str] = Operation("greet", "mutation", "mutation greet{hello}", ("hello",), leaf=lambda: str)
GREET_ONCE: Operation[str] = Operation(
    "greet_once",
    "mutation",
    "mutation greet_once($key:String){hello(key:$key)}",
    ("hello",),
    leaf=lambda: str,
    idempotency="key",
)

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def misbehaving() -> Iterator[Misbehaving]:
    with misbehaving_server() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Literal["sync", "async"]:
    chosen: Literal["sync", "async"] = request.param
    return chosen


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were slept between tries; nothing sleeps."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("penstock_codegen.runtime.transport.time.sleep", slept.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    return slept


@pytest.fixture
def call(twin: Literal["sync", "async"]) -> Call:
    """Makes a client with some options, sends one operation and gives its result."""

    def sync(
        url: str, operation: Operation[Any], variables: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        with SyncClient(url=url, **options) as client:
            return client._send(operation, variables or {})

    def async_(
        url: str, operation: Operation[Any], variables: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        async def run() -> Any:
            async with AsyncClient(url=url, **options) as client:
                return await client._send(operation, variables or {})

        return asyncio.run(run())

    return sync if twin == "sync" else async_


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_query_is_tried_again_while_the_server_is_busy(
    misbehaving: Misbehaving, call: Call, delays: list[float], status: int
) -> None:
    misbehaving.script(Reply(status=status), Reply(b"<html>", status=status), Reply())
    assert call(misbehaving.url, HELLO) == "there"
    assert len(misbehaving.received) == 3
    assert len(delays) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_mutation_is_not_repeated_once_it_was_sent(
    misbehaving: Misbehaving, call: Call, delays: list[float], status: int
) -> None:
    misbehaving.script(Reply(b"", status=status), Reply())
    with pytest.raises(HTTPStatusError) as caught:
        call(misbehaving.url, GREET)
    assert caught.value.status_code == status
    assert len(misbehaving.received) == 1
    assert delays == []


@pytest.mark.parametrize("broken", [Reply(reset=True), Reply(cut=True)], ids=["reset", "cut"])
def test_a_broken_connection(
    misbehaving: Misbehaving, call: Call, delays: list[float], broken: Reply
) -> None:
    misbehaving.script(broken, Reply())
    assert call(misbehaving.url, HELLO) == "there"
    assert len(misbehaving.received) == 2
    misbehaving.script(broken, Reply())
    with pytest.raises(
        TransportError, match=r"^greet: http://127\.0\.0\.1:\d+/graphql cannot be reached"
    ) as caught:
        call(misbehaving.url, GREET)
    assert caught.value.sent
    # On a busy machine the server may come to read it after the client has given up.
    deadline = time.monotonic() + 10
    while not misbehaving.received and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(misbehaving.received) == 1
    misbehaving.script(broken, Reply())
    assert call(misbehaving.url, GREET_ONCE, {"key": "a"}) == "there"
    assert [received.json["variables"] for received in misbehaving.received] == [{"key": "a"}] * 2


@pytest.mark.parametrize("key", [None, ""])
def test_a_mutation_with_an_empty_idempotency_key_is_not_repeated(
    misbehaving: Misbehaving, call: Call, delays: list[float], key: str | None
) -> None:
    misbehaving.script(Reply(reset=True), Reply())
    with pytest.raises(TransportError):
        call(misbehaving.url, GREET_ONCE, {"key": key})
    assert len(misbehaving.received) == 1


def test_a_mutation_that_never_left_is_tried_again(call: Call, delays: list[float]) -> None:
    port = unused_port()
    with pytest.raises(
        TransportError, match=f"greet: http://127.0.0.1:{port}/graphql cannot be reached"
    ) as caught:
        call(f"http://127.0.0.1:{port}/graphql", GREET, retries=2)
    assert not caught.value.sent
    assert len(delays) == 2


def test_a_refused_mutation_is_tried_again(misbehaving: Misbehaving, call: Call, delays: list[float]) -> None:
    # 429 says that the request was turned away, so nothing was done.
    misbehaving.script(Reply(status=429, headers={"Retry-After": "3"}), Reply())
    assert call(misbehaving.url, GREET) == "there"
    assert delays == [3.0]


def test_tries_end_with_the_servers_answer(misbehaving: Misbehaving, call: Call, delays: list[float]) -> None:
    misbehaving.script(Reply(b"<!doctype html><p>Down", status=503))
    with pytest.raises(HTTPStatusError, match="HTTP 503, and no GraphQL answer: it is HTML") as caught:
        call(misbehaving.url, HELLO, retries=4)
    assert len(misbehaving.received) == 5
    assert caught.value.body == "<!doctype html><p>Down"
    misbehaving.script(Reply(status=503))
    with pytest.raises(HTTPStatusError):
        call(misbehaving.url, HELLO, retries=0)
    assert len(misbehaving.received) == 1


def test_delays_double_with_jitter_up_to_a_bound(
    misbehaving: Misbehaving, call: Call, delays: list[float]
) -> None:
    misbehaving.script(Reply(status=502))
    with pytest.raises(HTTPStatusError):
        call(misbehaving.url, HELLO, retries=9)
    longest = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
    assert len(delays) == len(longest)
    for delay, bound in zip(delays, longest, strict=True):
        assert bound / 2 <= delay <= bound
    assert len(set(delays)) == len(delays)


def test_retry_after_is_kept_to_in_seconds_and_as_a_date(
    misbehaving: Misbehaving, call: Call, delays: list[float]
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    misbehaving.script(
        Reply(status=429, headers={"Retry-After": "2"}),
        Reply(status=503, headers={"Retry-After": soon}),
        Reply(status=503, headers={"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}),
        Reply(),
    )
    assert call(misbehaving.url, HELLO) == "there"
    assert delays[0] == 2.0
    assert 25 < delays[1] <= 30
    assert delays[2] == 0.0


def test_a_wish_for_too_long_a_wait_is_told_instead_of_kept(
    misbehaving: Misbehaving, call: Call, delays: list[float]
) -> None:
    misbehaving.script(Reply(b"", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(
        RateLimited, match=r"too many requests \(HTTP 429\); try again in 3600 seconds"
    ) as caught:
        call(misbehaving.url, HELLO)
    assert caught.value.retry_after == 3600.0
    assert caught.value.status_code == 429
    assert (len(misbehaving.received), delays) == (1, [])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("2", 2.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("nan", None),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0),
        ("Sat, 99 Jan 2000 00:00:00 GMT", None),
    ],
)
def test_reading_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(b"", status=401), AuthenticationError, r"HTTP 401.*check the API key"),
        (Reply(b"", status=403), PermissionDenied, r"does not allow this \(HTTP 403\)"),
        (Reply({"errors": [{"message": "Expired."}]}, status=401), AuthenticationError, "^hello: Expired.$"),
        (
            Reply({"errors": [{"message": "No.", "extensions": {"code": "UNAUTHENTICATED"}}]}),
            AuthenticationError,
            "^hello: No.$",
        ),
        (
            Reply({"errors": [{"message": "No.", "extensions": {"code": "forbidden"}}], "data": None}),
            PermissionDenied,
            "^hello: No.$",
        ),
        (Reply({"errors": [{"message": "a"}, {"message": "b"}]}, status=400), GraphQLError, "^hello: a; b$"),
        (Reply({"errors": [{"message": "a", "extensions": "odd"}]}), GraphQLError, "^hello: a$"),
        (Reply({"errors": "odd"}), GraphQLError, "^hello: odd$"),
        (Reply({"errors": {"message": "odd"}}), GraphQLError, "^hello: odd$"),
        (Reply(b"", status=404), HTTPStatusError, "HTTP 404, and no GraphQL answer: it is empty"),
        (Reply(b"", status=301, headers={"Location": "/"}), HTTPStatusError, "HTTP 301"),
        (Reply(b"<html>Log in"), InvalidResponse, "hello is no JSON .it is HTML or XML.; is the URL"),
        (Reply(b""), InvalidResponse, "no JSON .it is empty."),
        (Reply(b'{"data": {"hello": "th'), InvalidResponse, "no JSON"),
        (Reply(b"\xff\xfe\x00"), InvalidResponse, "no JSON"),
        (Reply([1]), InvalidResponse, "neither data nor errors"),
        (Reply({"message": "hi"}), InvalidResponse, "neither data nor errors"),
        (Reply({"data": None}), InvalidResponse, "neither data nor errors"),
        (Reply({"data": {}}), InvalidResponse, "no 'hello'"),
        (Reply({"data": []}), InvalidResponse, "no 'hello'"),
        (Reply({"data": {"hello": 3}}), InvalidResponse, r"does not fit the schema at data\.hello"),
        (Reply(headers={"Content-Encoding": "gzip"}), TransportError, "cannot be reached|cannot be read"),
    ],
    ids=lambda value: (
        getattr(value, "__name__", None)
        or (value.content.decode(errors="replace")[:40] if isinstance(value, Reply) else "")
    ),
)
def test_answers_that_are_errors(
    misbehaving: Misbehaving,
    call: Call,
    delays: list[float],
    reply: Reply,
    error: type[ClientError],
    message: str,
) -> None:
    misbehaving.script(reply)
    with pytest.raises(error, match=message) as caught:
        call(misbehaving.url, HELLO, retries=1)
    assert type(caught.value) is error
    if isinstance(caught.value, AuthenticationError | PermissionDenied):
        assert caught.value.status_code == reply.status


def test_errors_beside_data_hold_both(misbehaving: Misbehaving, call: Call) -> None:
    errors = [{"message": "half", "path": ["a"], "locations": [{"line": 1, "column": 2}]}]
    misbehaving.script(Reply({"data": {"hello": "there"}, "errors": errors}))
    with pytest.raises(GraphQLError) as caught:
        call(misbehaving.url, HELLO)
    assert caught.value.data == {"hello": "there"}
    assert list(caught.value.errors) == errors
    assert caught.value.operation == "hello"
    misbehaving.script(Reply({"data": {"hello": "there"}, "errors": []}))
    assert call(misbehaving.url, HELLO) == "there"


def test_a_mutation_answered_with_null_has_failed(misbehaving: Misbehaving, call: Call) -> None:
    misbehaving.script(Reply({"data": {"hello": None}}))
    with pytest.raises(ClientError, match="greet answered null at hello without saying why"):
        call(misbehaving.url, GREET)


def test_a_timeout(misbehaving: Misbehaving, call: Call, delays: list[float]) -> None:
    misbehaving.script(Reply(delay=5.0), Reply())
    assert call(misbehaving.url, HELLO, timeout=0.15) == "there"
    misbehaving.script(Reply(delay=5.0))
    started = time.monotonic()
    with pytest.raises(RequestTimeout, match=r"graphql did not answer within 0\.15 seconds") as caught:
        call(misbehaving.url, GREET, timeout=0.15)
    assert time.monotonic() - started < 5.0
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.sent
    # On a busy machine the server may come to read it after the client has given up.
    deadline = time.monotonic() + 10
    while not misbehaving.received and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(misbehaving.received) == 1


def test_options_for_one_call(misbehaving: Misbehaving, delays: list[float]) -> None:
    misbehaving.script(Reply())
    with SyncClient(url=misbehaving.url, headers={"X-Team": "a", "Authorization": "Bearer one"}) as client:
        other = client.with_options(headers={"x-team": "b", "X-Trace": "1"}, timeout=5, retries=0)
        other._send(HELLO, {})
        client._send(HELLO, {})
        assert [
            (received.headers["x-team"], received.headers.get("x-trace"), received.headers["authorization"])
            for received in misbehaving.received
        ] == [("b", "1", "Bearer one"), ("a", None, "Bearer one")]
        assert misbehaving.received[0].headers["content-type"] == "application/json"
        # Over one connection.
        assert len({received.port for received in misbehaving.received}) == 1
        misbehaving.script(Reply(status=503))
        with pytest.raises(HTTPStatusError):
            other._send(HELLO, {})
        assert len(misbehaving.received) == 1
        misbehaving.script(Reply(delay=0.5))
        with pytest.raises(RequestTimeout):
            client.with_options(timeout=0.1, retries=0)._send(HELLO, {})
        # The copy shares the connections, and so does not close them.
        other.close()
        misbehaving.script(Reply())
        assert client._send(HELLO, {}) == "there"


def test_a_client_that_was_brought_stays_open(misbehaving: Misbehaving) -> None:
    misbehaving.script(Reply())
    with httpx.Client() as mine:
        with SyncClient(url=misbehaving.url, http_client=mine) as client:
            client._send(HELLO, {})
        assert not mine.is_closed
    with SyncClient(url=misbehaving.url) as client:
        client._send(HELLO, {})
    with pytest.raises(RuntimeError, match="closed"):
        client._send(HELLO, {})


async def _async_client_stays_open(url: str) -> None:
    async with httpx.AsyncClient() as mine:
        async with AsyncClient(url=url, http_client=mine) as client:
            await client._send(HELLO, {})
        assert not mine.is_closed
        await client.with_options(timeout=1)._send(HELLO, {})
    own = AsyncClient(url=url)
    await own._send(HELLO, {})
    await own.with_options(timeout=1).close()
    assert await own._send(HELLO, {}) == "there"
    await own.close()
    with pytest.raises(RuntimeError, match="closed"):
        await own._send(HELLO, {})


def test_an_async_client_that_was_brought_stays_open(misbehaving: Misbehaving) -> None:
    misbehaving.script(Reply())
    asyncio.run(_async_client_stays_open(misbehaving.url))


class Carrier:
    """No httpx at all: the surface that the transport asks for, and nothing else."""

    def __init__(self) -> None:
        self.built: list[tuple[str, str, bytes, Any]] = []
        self.closed = False

    def build_request(self, method: str, url: str, *, content: bytes, headers: Any, timeout: Any) -> bytes:
        self.built.append((method, url, content, timeout))
        return content

    def send(self, request: bytes, /) -> Answer:
        return Answer()

    def close(self) -> None:
        self.closed = True


class Answer:
    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012  # as an answer's own are
    content = b'{"data":{"hello":"there"}}'


def test_any_object_with_the_surface_carries_requests() -> None:
    carrier = Carrier()
    with SyncClient(url="https://api.example/graphql", http_client=carrier, timeout=7) as client:
        assert client._send(HELLO, {}) == "there"
    body = b'{"operationName":"hello","query":"query hello{hello}","variables":{}}'
    assert carrier.built == [("POST", "https://api.example/graphql", body, 7)]
    assert not carrier.closed


def test_errors_of_the_carriers_own_are_not_dressed_up() -> None:
    class Faulty(Carrier):
        def send(self, request: bytes, /) -> Answer:
            raise KeyError("a mistake in the carrier")

    with (
        SyncClient(url="https://api.example/graphql", http_client=Faulty()) as client,
        pytest.raises(KeyError, match="a mistake in the carrier"),
    ):
        client._send(HELLO, {})


SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "value", [f"Bearer {SECRET}\n", f"Bearer {SECRET}\u2028", f" {SECRET}", f"{SECRET}\r\nX: y"]
)
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(value: str) -> None:
    for make in (SyncClient, AsyncClient):
        with pytest.raises(ValueError, match="The header Authorization cannot be sent") as caught:
            make(url="http://127.0.0.1:1/graphql", headers={"Authorization": value})
        assert SECRET not in str(caught.value)
    client = SyncClient(url="http://127.0.0.1:1/graphql")
    with pytest.raises(ValueError, match="X-Key cannot be sent"):
        client.with_options(headers={"X-Key": value})
    with pytest.raises(ValueError, match="no name of an HTTP header"):
        client.with_options(headers={"X Key": "a"})
    client.close()


def test_no_secret_is_shown(misbehaving: Misbehaving, call: Call, delays: list[float]) -> None:
    port = unused_port()
    url = f"http://user:{SECRET}@127.0.0.1:{port}/graphql?token={SECRET}"
    for client in (SyncClient(url=url, headers={"Authorization": f"Bearer {SECRET}"}), AsyncClient(url=url)):
        assert SECRET not in repr(client)
        assert SECRET not in repr(client._options)
        assert f"127.0.0.1:{port}/graphql" in repr(client)
    with pytest.raises(TransportError) as caught:
        call(url, HELLO, headers={"X-Key": SECRET}, retries=0)
    assert SECRET not in str(caught.value)
    assert f"http://127.0.0.1:{port}/graphql cannot be reached" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:4200", "must start with http://"),
        ("ftp://example.com", "must start with http://"),
        ("http://", "names no host"),
        ("http:///graphql", "names no host"),
        ("http://[::1", "names no host"),
        ("http://host:port/", "names no host"),
        ("http://host:99999/", "names no host"),
        ("http://two words/", "names no host"),
    ],
)
def test_a_url_that_is_none(url: str, message: str) -> None:
    for make in (SyncClient, AsyncClient):
        with pytest.raises(ValueError, match=message):
            make(url=url)


@pytest.mark.parametrize(
    "options", [{"retries": -1}, {"timeout": 0}, {"timeout": -1.0}, {"timeout": float("nan")}]
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    (name,) = options
    client = SyncClient(url="http://127.0.0.1:1/graphql")
    with pytest.raises(ValueError, match=f"{name} is"):
        SyncClient(url="http://127.0.0.1:1/graphql", **options)
    with pytest.raises(ValueError, match=f"{name} is"):
        client.with_options(**options)
    client.close()


def test_merging_headers() -> None:
    assert merge_headers({"A": "1", "b": "2"}, {"a": "3"}) == {"b": "2", "a": "3"}


def test_what_the_transport_says_of_itself_names_no_header() -> None:
    error = httpx.LocalProtocolError(f"Illegal header value b'{SECRET}'")
    attempts = Attempts("hello", Options("http://127.0.0.1:1/graphql"), repeatable=True)
    with pytest.raises(TransportError) as caught:
        try:
            raise error
        except httpx.LocalProtocolError as raised:
            attempts.failed(raised)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__
    assert not caught.value.sent


def test_cancelling_ends_the_waiting(misbehaving: Misbehaving) -> None:
    async def run() -> None:
        async with AsyncClient(url=misbehaving.url) as client:
            waiting = asyncio.create_task(client._send(HELLO, {}))
            while not misbehaving.received:  # noqa: ASYNC110  # the server is a thread, and knows no event of asyncio
                await asyncio.sleep(0.01)
            # The answer asks for a long wait, in which the call is cancelled.
            await asyncio.sleep(0.1)
            waiting.cancel()
            await waiting

    misbehaving.script(Reply(b"", status=429, headers={"Retry-After": "50"}))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(run(), 30))
    assert len(misbehaving.received) == 1


def test_one_client_serves_many_threads(misbehaving: Misbehaving) -> None:
    misbehaving.script(Reply())
    results: list[str] = []
    with SyncClient(url=misbehaving.url) as client:
        threads = [
            threading.Thread(target=lambda: results.extend(client._send(HELLO, {}) for _ in range(5)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    assert results == ["there"] * 40
    assert len(misbehaving.received) == 40


def test_execute_sends_a_document_as_it_is(misbehaving: Misbehaving, twin: str, delays: list[float]) -> None:
    document = "query named($a: Int) { hello(a: $a) }"

    def execute(text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        if twin == "sync":
            with SyncClient(url=misbehaving.url, retries=1) as client:
                return client.execute(text, variables)

        async def run() -> dict[str, Any]:
            async with AsyncClient(url=misbehaving.url, retries=1) as client:
                return await client.execute(text, variables)

        return asyncio.run(run())

    misbehaving.script(Reply({"data": {"hello": 1}}))
    assert execute(document, {"a": 1}) == {"hello": 1}
    assert misbehaving.received[0].json == {"query": document, "variables": {"a": 1}}
    misbehaving.script(Reply({"data": None, "errors": [{"message": "no"}]}))
    with pytest.raises(GraphQLError, match=r"^execute: no$"):
        execute("{ hello }")
    misbehaving.script(Reply({"data": None}))
    with pytest.raises(InvalidResponse, match="neither data nor errors"):
        execute("{ hello }")
    # A document that only reads is tried again; where that is not certain, it is not.
    for text, tries in (
        ("{ hello }", 2),
        ("  query { hello }", 2),
        ("mutation { hello }", 1),
        ("fragment f on Q { hello } { ...f }", 1),
    ):
        misbehaving.script(Reply(status=503))
        with pytest.raises(HTTPStatusError):
            execute(text)
        assert len(misbehaving.received) == tries
