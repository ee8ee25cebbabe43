"""The transport: HTTP/1.1 as servers speak it, and as they should not."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.packs.fake_api import FakeApi, Reply

from penstock.packs import FlyteClient, FlyteTransportError
from penstock.packs.transport import KeepAliveTransport

if TYPE_CHECKING:
    from pathlib import Path


def ask(
    answers: list[bytes],
    count: int = 1,
    pause: float = 0.0,
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
) -> tuple[list[httpx.Response], int]:
    """The answers to ``count`` requests, one after the other, and how many connections they took.

    Every connection answers its requests with ``answers`` in turn, and closes after the last.
    """
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            for answer in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
                await reader.readexactly(int(length[0].partition(b":")[2]) if length else 0)
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> list[httpx.Response]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls[0] if tls else None)
        port = server.sockets[0].getsockname()[1]
        transport = KeepAliveTransport(tls=tls[1] if tls else None, max_connections=2)
        url = f"{'https' if tls else 'http'}://localhost:{port}/path?query=1"
        try:
            async with httpx.AsyncClient(transport=transport, timeout=5) as client, asyncio.timeout(10):
                responses = []
                for _ in range(count):
                    responses.append(await client.post(url, content=b"body"))
                    await asyncio.sleep(pause)
                return responses
        finally:
            server.close()
            await asyncio.sleep(0.01)

    return asyncio.run(main()), connections


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200\r\nCONTENT-LENGTH:2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n",
            200,
            b"abc0123456789",
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, b""),
    ],
)
def test_answers_of_every_form(answer: bytes, status: int, body: bytes) -> None:
    ((response,), _) = ask([answer])
    assert (response.status_code, response.content) == (status, body)


def test_a_connection_is_used_again() -> None:
    responses, connections = ask([OK] * 5, count=5)
    assert [response.content for response in responses] == [b"ok"] * 5
    assert connections == 1


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.0 200 OK\r\n\r\nok"],
)
def test_a_connection_that_ends_is_not(answer: bytes) -> None:
    responses, connections = ask([answer], count=3)
    assert [response.content for response in responses] == [b"ok"] * 3
    assert connections == 3


def test_a_connection_the_server_closed_meanwhile_is_not() -> None:
    responses, connections = ask([OK], count=3, pause=0.05)
    assert [response.content for response in responses] == [b"ok"] * 3
    assert connections == 3


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed in the middle"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed in the middle"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "broken header"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "no HTTP"),
    ],
)
def test_what_is_no_answer_is_a_transport_error(answer: bytes, says: str) -> None:
    with pytest.raises(httpx.TransportError, match=says):
        ask([answer])


def test_no_more_connections_than_allowed(api: FakeApi) -> None:
    together = highest = 0

    async def main() -> None:
        nonlocal together, highest
        transport = KeepAliveTransport(tls=None, max_connections=3)
        api.behave = lambda _: Reply(200, delay=0.05)
        async with httpx.AsyncClient(transport=transport) as client:
            await asyncio.gather(*(client.get(api.url) for _ in range(12)))
            assert sum(len(idle) for idle in transport._idle.values()) == 3

    asyncio.run(main())
    assert len(api.requests) == 12


def test_it_may_be_used_in_one_event_loop_after_the_other(api: FakeApi) -> None:
    client = FlyteClient(api.url)

    async def use() -> None:
        await asyncio.gather(*(client.links(refresh=True) for _ in range(3)))
        # What the loop does not close is closed unread with it.
        for idle in client._http._transport._idle.values():  # type: ignore[attr-defined]
            for connection in idle:
                connection.close()
        await asyncio.sleep(0)

    asyncio.run(use())
    asyncio.run(use())
    assert len(api.requests) == 6


def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    async def main() -> None:
        async with FlyteClient("http://127.0.0.1:1") as client:
            with pytest.raises(FlyteTransportError) as caught:
                await client.links()
            assert not caught.value.sent

    asyncio.run(main())


def test_proxies_of_the_environment_are_used(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Go client ignores them."""
    monkeypatch.setenv("http_proxy", api.url)

    async def main() -> None:
        async with FlyteClient("http://flyte.example") as client:
            with pytest.raises(Exception, match=r"flyte\.example"):
                await client.links()

    api.behave = lambda _: Reply(502)
    asyncio.run(main())
    assert api.requests[0].path == "http://flyte.example/v1"


@pytest.fixture(scope="module")
def contexts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[bool], tuple[ssl.SSLContext, ssl.SSLContext]]:
    """A server's TLS context and a client's that knows the server's certificate, or does not."""
    if shutil.which("openssl") is None:
        pytest.skip("TLS is not tested: there is no openssl to make a certificate with.")
    folder: Path = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )

    def make(known: bool) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        return server, ssl.create_default_context(cafile=str(certificate) if known else None)

    return make


def test_tls(contexts: Callable[[bool], tuple[ssl.SSLContext, ssl.SSLContext]]) -> None:
    responses, connections = ask([OK] * 2, count=2, tls=contexts(True))
    assert [response.content for response in responses] == [b"ok"] * 2
    assert connections == 1


def test_a_certificate_that_nobody_vouches_for(
    contexts: Callable[[bool], tuple[ssl.SSLContext, ssl.SSLContext]],
) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        ask([OK], tls=contexts(False))
