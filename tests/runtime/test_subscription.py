"""Subscriptions over real sockets, to a server that drops, lies, is silent or late: both clients go through every case."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.runtime.misbehaving import unused_port
from tests.runtime.websocket_server import Peer, Talking, talking_server

from penstock_codegen.runtime.client import AsyncClient, SyncClient
from penstock_codegen.runtime.errors import (
    AuthenticationError,
    ClientError,
    GraphQLError,
    HTTPStatusError,
    InvalidResponse,
    PermissionDenied,
    RequestTimeout,
    TransportError,
)
from penstock_codegen.runtime.operation import Operation
from penstock_codegen.runtime.subscription import (
    AsyncEventStream,
    Conversation,
    EventStream,
    SubscriptionOptions,
    members,
)

TICKS: Operation[int] = Operation(
    "ticks",
    "subscription",
    "subscription ticks($after:Int){tick(after:$after)}",
    ("tick",),
    leaf=lambda: int,
    parameters=(("after", "after"),),
)
QUICK = SubscriptionOptions(retries=2, connect_timeout=5)
SECRET = "s3cr3t-value"

Resume = Callable[[int], Mapping[str, Any]]


@pytest.fixture
def server() -> Iterator[Talking]:
    with talking_server() as talking:
        yield talking


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connects again at once."""
    monkeypatch.setattr("penstock_codegen.runtime.subscription._FIRST_DELAY", 0.01)


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Literal["sync", "async"]:
    chosen: Literal["sync", "async"] = request.param
    return chosen


class Reader:
    """Subscribes with either client; `events` are those that came, also where it ended with an error."""

    def __init__(self, twin: Literal["sync", "async"]) -> None:
        self.twin = twin
        self.events: list[Any] = []

    def read(
        self,
        url: str,
        options: SubscriptionOptions = QUICK,
        *,
        stop_at: int = 0,
        resume: Resume | None = None,
        variables: dict[str, Any] | None = None,
        seconds: float = 0.0,
        operation: Operation[Any] = TICKS,
        **client_options: Any,
    ) -> list[Any]:
        """All events, or so many; `seconds` is how long each is worked on."""
        if self.twin == "sync":
            with SyncClient(url=url, subscriptions=options, **client_options) as client:
                for event in client._stream(operation, variables or {}, lambda found: found, resume):
                    self.events.append(event)
                    if len(self.events) == stop_at:
                        break
                    time.sleep(seconds)
            return self.events

        async def run() -> None:
            async with AsyncClient(url=url, subscriptions=options, **client_options) as client:
                async for event in client._stream(operation, variables or {}, lambda found: found, resume):
                    self.events.append(event)
                    if len(self.events) == stop_at:
                        break
                    await asyncio.sleep(seconds)

        asyncio.run(run())
        return self.events


@pytest.fixture
def reader(twin: Literal["sync", "async"]) -> Reader:
    return Reader(twin)


def ticks(*numbers: int, then: Callable[[Peer], None] = Peer.complete) -> Callable[[Peer], None]:
    """A script that sends these and then ends."""

    def script(peer: Peer) -> None:
        peer.asked = peer.accept()  # type: ignore[attr-defined]  # for the test to look at
        for number in numbers:
            peer.event({"tick": number})
        then(peer)

    return script


def drop(peer: Peer) -> None:
    """The connection breaks without a word."""
    peer.connection.socket.shutdown(2)


def close(code: int, reason: str = "") -> Callable[[Peer], None]:
    return lambda peer: peer.connection.close(code, reason)


def refused(code: int) -> Callable[[Peer], None]:
    """A script that closes before the connection is acknowledged."""

    def script(peer: Peer) -> None:
        peer.await_init()
        peer.connection.close(code, "no")

    return script


# ---------------------------------------------------------------------------------------------------------- what goes well


def test_events_come_until_the_server_completes(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, 2, 3))
    assert reader.read(server.http_url, variables={"after": 0}) == [1, 2, 3]
    (peer,) = server.settled(1)
    assert peer.asked == {  # type: ignore[attr-defined]
        "operationName": "ticks",
        "query": TICKS.document,
        "variables": {"after": 0},
    }
    assert peer.init == {"type": "connection_init"}
    assert peer.said == []


def test_leaving_the_loop_completes_and_closes(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, 2, then=Peer.listen))
    assert reader.read(server.http_url, stop_at=2) == [1, 2]
    (peer,) = server.settled(1)
    assert peer.said == [{"id": peer.id, "type": "complete"}]
    assert peer.connection.close_code == 1000


def test_with_ends_a_stream_and_it_stays_closed(server: Talking) -> None:
    server.script(ticks(1, then=Peer.listen))

    async def run() -> None:
        async with (
            AsyncClient(url=server.http_url) as client,
            client._stream(TICKS, {}, lambda found: found) as stream,
        ):
            events = aiter(stream)
            assert await anext(events) == 1
        with pytest.raises(RuntimeError, match="closed"):
            aiter(stream)
        assert [event async for event in events] == []

    asyncio.run(run())
    with SyncClient(url=server.http_url) as client:
        with client._stream(TICKS, {}, lambda found: found) as stream:
            events = iter(stream)
            assert next(events) == 1
        with pytest.raises(RuntimeError, match="closed"):
            iter(stream)
        assert list(events) == []
    for peer in server.settled(2):
        assert [message["type"] for message in peer.said] == ["complete"]


def test_another_thread_or_task_ends_a_loop_that_waits(server: Talking) -> None:
    server.script(ticks(1, then=Peer.listen))
    with SyncClient(url=server.http_url) as client:
        stream = client._stream(TICKS, {}, lambda found: found)
        seen = []
        for event in stream:
            seen.append(event)
            threading.Timer(0.05, stream.close).start()
        assert seen == [1]

    async def run() -> None:
        async with AsyncClient(url=server.http_url) as client:
            stream = client._stream(TICKS, {}, lambda found: found)
            closing = []
            async for _ in stream:
                closing.append(asyncio.create_task(stream.aclose()))
            await asyncio.gather(*closing)

    asyncio.run(run())
    server.settled(2)


def test_cancelling_the_reader_completes(server: Talking) -> None:
    server.script(ticks(1, then=Peer.listen))

    async def run() -> None:
        async with AsyncClient(url=server.http_url) as client:
            came = asyncio.Event()

            async def read() -> None:
                async for _ in client._stream(TICKS, {}, lambda found: found):
                    came.set()

            task = asyncio.create_task(read())
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    (peer,) = server.settled(1)
    assert [message["type"] for message in peer.said] == ["complete"]


def test_pings_are_answered_while_an_event_is_worked_on(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.await_init()
        peer.send("ping")
        peer.send("connection_ack", payload={"any": "thing"})
        peer.await_subscribe()
        peer.event({"tick": 1})
        peer.send("ping", payload={"at": 1.50})
        peer.said.append(peer.receive())
        peer.event({"tick": 2})
        peer.complete()

    server.script(script)
    # The pong has to come while the first event is still worked on: the second is sent only then.
    assert reader.read(server.http_url, seconds=0.2) == [1, 2]
    (peer,) = server.settled(1)
    assert peer.said == [{"type": "pong"}, {"type": "pong", "payload": {"at": 1.50}}]


def test_a_late_acknowledgement_and_messages_that_are_not_known(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.await_init()
        time.sleep(0.3)
        peer.send("connection_ack")
        peer.await_subscribe()
        peer.send("of_tomorrow", id=peer.id, payload={"a": 1})
        peer.send("next", id="another", payload={"data": {"tick": 99}})
        peer.send("pong")
        peer.connection.send(
            ' {"extra": [1, {"}": "{"}], "payload" : {"data":{"tick": 7 }} ,'
            f'"id":"{peer.id}", "type":"next"}}\n'
        )
        peer.complete()

    server.script(script)
    assert reader.read(server.http_url) == [7]
    server.settled(1)


# --------------------------------------------------------------------------------------------------------- what is refused


def test_an_event_with_errors_is_an_error_with_its_data(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.event({"tick": 1})
        peer.event({"tick": None}, errors=[{"message": "no tick today", "path": ["tick"]}])
        peer.listen()

    server.script(script)
    with pytest.raises(GraphQLError, match="ticks: no tick today") as caught:
        reader.read(server.http_url)
    assert caught.value.data == {"tick": None}
    assert reader.events == [1]
    (peer,) = server.settled(1)
    assert [message["type"] for message in peer.said] == ["complete"]


def test_a_refused_operation_is_a_graphql_error_and_is_not_tried_again(
    server: Talking, reader: Reader
) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.send("error", id=peer.id, payload=[{"message": "no such field"}, {"message": "nor this"}])
        peer.listen()

    server.script(script)
    with pytest.raises(GraphQLError, match="no such field; nor this"):
        reader.read(server.http_url)
    (peer,) = server.settled(1)
    # What the server has ended is not ended again.
    assert peer.said == []


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (4401, AuthenticationError, "does not accept these credentials .4401: no"),
        (4403, PermissionDenied, "does not allow this .4403: no"),
        (4400, TransportError, "closed the connection .4400: no"),
        (4409, TransportError, "4409"),
        (4429, TransportError, "4429"),
    ],
)
def test_codes_that_another_try_would_not_mend(
    server: Talking, reader: Reader, code: int, error: type[ClientError], said: str
) -> None:
    server.script(refused(code), ticks(1))
    with pytest.raises(error, match=said):
        reader.read(server.http_url)
    server.settled(1)
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (403, PermissionDenied), (404, HTTPStatusError)]
)
def test_a_refused_handshake(server: Talking, reader: Reader, status: int, error: type[ClientError]) -> None:
    server.refusals = [(status, {})]
    with pytest.raises(error):
        reader.read(server.http_url)
    assert server.handshakes == 1


def test_a_busy_server_is_asked_again_when_it_says(server: Talking, reader: Reader) -> None:
    server.refusals = [(503, {}), (429, {"Retry-After": "0"})]
    server.script(ticks(1))
    assert reader.read(server.http_url) == [1]
    assert server.handshakes == 3


def test_a_redirect_is_not_followed_with_what_says_who_asks(server: Talking, reader: Reader) -> None:
    with talking_server() as other:
        server.refusals = [(307, {"Location": other.url})]
        with pytest.raises(HTTPStatusError, match="307"):
            reader.read(server.http_url, headers={"Authorization": SECRET})
        assert other.handshakes == 0


@pytest.mark.parametrize(
    "garbage",
    [
        "not json",
        '"text"',
        "[]",
        "{}",
        '{"type":"next","id":"1"',
        '{"type":"next","id":"1"}',
        b"\x00\x01",
        '{"type":1} {}',
    ],
)
def test_garbage_ends_it_with_a_sentence(server: Talking, reader: Reader, garbage: str | bytes) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.event({"tick": 1})
        peer.connection.send(garbage)
        peer.listen()

    server.script(script)
    with pytest.raises(InvalidResponse, match="speaks graphql-transport-ws, and"):
        reader.read(server.http_url)
    assert reader.events == [1]
    (peer,) = server.settled(1)
    assert peer.connection.close_code == 4400


def test_an_event_before_the_acknowledgement(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.await_init()
        peer.send("next", id="1", payload={"data": {"tick": 1}})
        peer.listen()

    server.script(script)
    with pytest.raises(InvalidResponse, match="before it acknowledged"):
        reader.read(server.http_url)


def test_an_event_that_does_not_fit_the_schema(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.event({"tick": "tock"})
        peer.listen()

    server.script(script)
    with pytest.raises(InvalidResponse, match="does not fit the schema"):
        reader.read(server.http_url)
    server.settled(1)


def test_a_server_of_another_protocol(server: Talking, reader: Reader) -> None:
    server.subprotocol = None
    server.script(Peer.listen)
    with pytest.raises(InvalidResponse, match="does not speak graphql-transport-ws"):
        reader.read(server.http_url)


def test_an_event_that_is_too_large(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.event({"tick": 1, "pad": "x" * 2000})
        peer.listen()

    server.script(script, ticks(1))
    with pytest.raises(InvalidResponse, match="larger than max_message"):
        reader.read(server.http_url, SubscriptionOptions(max_message=1000))
    assert len(server.peers) == 1


# ------------------------------------------------------------------------------------------------------- what is tried again


def test_a_lost_connection_is_made_again_and_goes_on_behind_the_last_event(
    server: Talking, reader: Reader
) -> None:
    server.script(
        ticks(1, 2, then=drop), ticks(3, then=close(1001, "restart")), ticks(4, then=close(1000)), ticks(5)
    )
    found = reader.read(server.http_url, resume=lambda last: {"after": last})
    assert found == [1, 2, 3, 4, 5]
    asked = [peer.asked["variables"] for peer in server.settled(4)]  # type: ignore[attr-defined]
    assert asked == [{}, {"after": 2}, {"after": 3}, {"after": 4}]


def test_without_resume_the_same_is_asked_again(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, then=drop), ticks(2))
    assert reader.read(server.http_url, variables={"after": 0}) == [1, 2]
    asked = [peer.asked["variables"] for peer in server.settled(2)]  # type: ignore[attr-defined]
    assert asked == [{"after": 0}, {"after": 0}]


def test_it_is_tried_as_often_as_the_options_say(server: Talking, reader: Reader) -> None:
    server.script(ticks(then=drop))
    with pytest.raises(TransportError, match="lost the connection"):
        reader.read(server.http_url, SubscriptionOptions(retries=2))
    assert len(server.settled(3)) == 3


def test_an_event_begins_a_new_count(server: Talking, reader: Reader) -> None:
    server.script(*[ticks(number, then=drop) for number in range(4)], ticks(9))
    assert reader.read(server.http_url, SubscriptionOptions(retries=1)) == [0, 1, 2, 3, 9]


def test_it_can_be_told_never_to_try_again(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, then=drop), ticks(2))
    with pytest.raises(TransportError):
        reader.read(server.http_url, SubscriptionOptions(retries=0))
    assert reader.events == [1]
    assert len(server.settled(1)) == 1


def test_nobody_listens(reader: Reader) -> None:
    url = f"http://user:{SECRET}@127.0.0.1:{unused_port()}/graphql?key={SECRET}"
    with pytest.raises(TransportError, match="cannot be reached") as caught:
        reader.read(url)
    assert caught.value.sent is False
    assert SECRET not in str(caught.value)


def test_a_server_that_never_acknowledges(server: Talking, reader: Reader) -> None:
    def script(peer: Peer) -> None:
        peer.await_init()
        peer.listen()

    server.script(script)
    with pytest.raises(RequestTimeout, match=r"did not acknowledge the connection within 0\.2 seconds"):
        reader.read(server.http_url, SubscriptionOptions(retries=1, connect_timeout=0.2))
    assert len(server.settled(2)) == 2


def test_a_server_that_has_gone_silent_is_asked_and_then_left(server: Talking, reader: Reader) -> None:
    def silent(peer: Peer) -> None:
        peer.accept()
        peer.event({"tick": 1})
        peer.listen()

    server.script(silent, ticks(2))
    assert reader.read(server.http_url, SubscriptionOptions(keepalive=0.15)) == [1, 2]
    assert server.settled(2)[0].said == [{"type": "ping"}]


def test_a_quiet_server_that_answers_pings_is_kept(server: Talking, reader: Reader) -> None:
    def quiet(peer: Peer) -> None:
        peer.accept()
        for _ in range(3):
            assert peer.receive() == {"type": "ping"}
            peer.send("pong")
        peer.event({"tick": 1})
        peer.complete()

    server.script(quiet)
    assert reader.read(server.http_url, SubscriptionOptions(keepalive=0.1)) == [1]
    assert len(server.settled(1)) == 1


def test_resume_that_names_no_argument_says_so_at_the_first_event(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, 2, then=Peer.listen))
    with pytest.raises(
        TypeError, match="resume names 'aftr', and this subscription has no such argument; it has after"
    ):
        reader.read(server.http_url, resume=lambda last: {"aftr": last})
    server.settled(1)


def test_iterating_again_goes_on_behind_the_last_event(server: Talking) -> None:
    server.script(ticks(1, 2), ticks(3))
    with SyncClient(url=server.http_url) as client:
        stream = client._stream(TICKS, {}, lambda found: found, lambda last: {"after": last})
        assert list(stream) == [1, 2]
        assert list(stream) == [3]
    asked = [peer.asked["variables"] for peer in server.settled(2)]  # type: ignore[attr-defined]
    assert asked == [{}, {"after": 2}]


def certificate(folder: Path) -> Path:
    """A new certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def test_over_tls_the_certificate_is_checked(reader: Reader, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(path)
    with talking_server(ours) as server:
        server.script(ticks(1))
        assert server.http_url.startswith("https://")
        with pytest.raises(TransportError, match="certificate verify failed"):
            reader.read(server.http_url)
        assert server.handshakes == 0
        trusting = SubscriptionOptions(ssl=ssl.create_default_context(cafile=path))
        assert reader.read(server.http_url, trusting) == [1]


# ------------------------------------------------------------------------------------------------------------ who asks


def test_who_asks_is_in_the_headers_and_in_the_payload(server: Talking, reader: Reader) -> None:
    server.script(ticks(1))
    reader.read(server.http_url, headers={"authorization": f"Bearer {SECRET}", "X-Team": "a"})
    (peer,) = server.settled(1)
    assert peer.headers["authorization"] == f"Bearer {SECRET}"
    assert peer.headers["x-team"] == "a"
    assert "content-type" not in peer.headers
    assert peer.init["payload"] == {"authorization": f"Bearer {SECRET}"}


def test_the_payload_and_the_url_can_be_given(server: Talking, reader: Reader) -> None:
    calls = []

    def payload() -> dict[str, Any]:
        calls.append(1)
        return {"token": len(calls)}

    server.script(ticks(1, then=drop), ticks(2))
    options = SubscriptionOptions(url=server.url, payload=payload)
    assert reader.read("http://127.0.0.1:1/nowhere", options, headers={"Authorization": "x"}) == [1, 2]
    assert [peer.init["payload"] for peer in server.settled(2)] == [{"token": 1}, {"token": 2}]
    assert "payload" not in _init(server, reader, SubscriptionOptions(payload={}))


def _init(server: Talking, reader: Reader, options: SubscriptionOptions) -> dict[str, Any]:
    server.script(ticks(1))
    reader.read(server.http_url, options, headers={"Authorization": "x"})
    return server.settled(1)[-1].init


def test_no_secret_is_shown(server: Talking, reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options = SubscriptionOptions(url=f"{server.url}?key={SECRET}", payload={"token": SECRET}, retries=1)
    server.script(ticks(then=drop))
    with pytest.raises(TransportError) as caught:
        reader.read(server.http_url, options, headers={"X-Key": SECRET})
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r}"
        error = error.__cause__
    assert SECRET not in repr(options)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("http", "ws"), [("http://a.b/graphql?x=1", "ws://a.b/graphql?x=1"), ("https://a.b:1/", "wss://a.b:1/")]
)
def test_the_address_is_that_of_the_client(http: str, ws: str) -> None:
    assert SubscriptionOptions().address(http) == ws


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://a.b"},
        {"retries": -1},
        {"connect_timeout": 0},
        {"keepalive": 0},
        {"buffer": 0},
        {"max_message": -1},
    ],
)
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).upper() if "url" in wrong else next(iter(wrong))):
        SubscriptionOptions(**wrong)


def test_hashes_are_sent_where_the_client_sends_hashes(server: Talking, reader: Reader) -> None:
    server.script(ticks(1))
    reader.read(server.http_url, persisted="only")
    (peer,) = server.settled(1)
    asked = peer.asked  # type: ignore[attr-defined]
    assert "query" not in asked
    assert asked["extensions"]["persistedQuery"]["sha256Hash"] == TICKS.sha256


# -------------------------------------------------------------------------------------------------------- slow readers


def test_a_slow_reader_stops_the_server_and_not_the_memory(server: Talking, reader: Reader) -> None:
    size, count = 200_000, 120
    sent = 0
    most = 0
    # What cannot be compressed on its way.
    pad = random.Random(1).randbytes(size // 2).hex()

    def script(peer: Peer) -> None:
        nonlocal sent
        peer.accept()
        for number in range(count):
            peer.event({"tick": number}, extensions={"pad": pad[number % 97 :]})
            sent = number
        peer.complete()

    class Noting(list[int]):
        def append(self, item: int) -> None:
            nonlocal most
            if item == 10:
                # Much longer than silence may last: a slow reader is no silent server.
                time.sleep(1.0)
            most = max(most, sent - item)
            super().append(item)

    server.script(script)
    reader.events = Noting()
    found = reader.read(server.http_url, SubscriptionOptions(buffer=5 * size, keepalive=0.4))
    assert found == list(range(count))
    assert len(server.settled(1)) == 1
    # Far fewer wait than were sent: what the buffer holds, and what the operating system's own hold (some megabytes).
    assert most * size < 15_000_000 < count * size


def test_threads_and_tasks_end_with_their_stream(server: Talking, reader: Reader) -> None:
    server.script(ticks(1, 2, 3, then=Peer.listen))
    reader.read(server.http_url, stop_at=1)
    server.settled(1)
    gc.collect()
    assert not [thread for thread in threading.enumerate() if thread.name == "penstock-subscription"]


# ------------------------------------------------------------------------------------------------------------ the parts


def test_numbers_keep_their_digits() -> None:
    conversation = Conversation("x", {}, b"{}")
    conversation.receive('{"type":"connection_ack"}')
    number = "1.10000000000000000000000001"
    assert conversation.receive(f'{{"id":"1","type":"next","payload":{{"data":{{"n":{number}}}}}}}') == (
        None,
        f'{{"data":{{"n":{number}}}}}'.encode(),
    )


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', '{"a":1}x', "{1:2}", '{"a":1,,"b":2}'],
)
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(ValueError):
        list(members(text))


def test_the_members_of_an_object() -> None:
    assert list(members(" { } ")) == []
    assert list(members('{"a" : 1.0 , "b":{"c":[ ]},"a":"}"}')) == [
        ("a", "1.0"),
        ("b", '{"c":[ ]}'),
        ("a", '"}"'),
    ]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("penstock_codegen.runtime.websocket.importlib.import_module", missing)
    with pytest.raises(ClientError, match="Run: pip install 'websockets"):
        reader.read("http://127.0.0.1:1/graphql")


def test_streams_name_their_operation() -> None:
    with SyncClient(url="http://a.b/") as client:
        stream: EventStream[int] = client._stream(TICKS, {}, lambda found: found)
        assert repr(stream) == "<EventStream of ticks>"

    async def run() -> None:
        client = AsyncClient(url="http://a.b/")
        stream: AsyncEventStream[int] = client._stream(TICKS, {}, lambda found: found)
        assert repr(stream) == "<AsyncEventStream of ticks>"

    asyncio.run(run())
