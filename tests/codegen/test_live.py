"""A generated package against a server that others wrote: its subscriptions and its uploads, sync and async, and their types."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.codegen.live_api import project, running
from tests.codegen.projects import generate_project, imported, write_package, write_project

PREFLIGHT = {"Apollo-Require-Preflight": "true"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package."""
    root = write_project(tmp_path_factory.mktemp("live"), project())
    write_package(root / "live_api", generate_project(root).files)
    return root


@pytest.fixture(scope="module")
def live_api(folder: Path) -> Iterator[ModuleType]:
    with imported(folder, "live_api") as module:
        yield module


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture
def client(live_api: Any, url: str) -> Iterator[Any]:
    with live_api.Client(url, headers=PREFLIGHT) as made:
        yield made


# ------------------------------------------------------------------------------------------------------- subscriptions


def test_events_are_what_a_query_would_give(live_api: Any, client: Any) -> None:
    changes = list(client.issue.changes(until=3))
    assert [type(each) for each in changes] == [live_api.Issue] * 3
    # Loaded: no request is sent for these.
    assert [(each.id, each.title, each.cursor) for each in changes][2] == ("3", "issue 3", 3)
    assert list(client.titles(until=2)) == ["issue 1", "issue 2"]
    assert [(each.id, each.title) for each in client.both(until=1)] == [("1", "issue 1")]
    assert list(client.issue(id="9").comments()) == ["first of 9", None]
    handle, nothing = client.issue.closed()
    assert nothing is None
    assert (handle.id, handle.title) == ("5", "issue 5")


def test_events_of_the_async_client(live_api: Any, url: str) -> None:
    async def run() -> None:
        async with live_api.AsyncClient(url) as client:
            changes = [each async for each in client.issue.changes(until=3)]
            assert [type(each) for each in changes] == [live_api.AsyncIssue] * 3
            assert [each.title for each in changes] == ["issue 1", "issue 2", "issue 3"]
            assert [each async for each in client.titles(until=2)] == ["issue 1", "issue 2"]
            assert [each async for each in client.issue(id="9").comments()] == ["first of 9", None]
            handle, nothing = [each async for each in client.issue.closed()]
            assert nothing is None
            assert (await handle).title == "issue 5"

    asyncio.run(run())


def test_leaving_the_loop_ends_it_on_the_server(client: Any) -> None:
    before = client.counts().ended
    for event in client.issue.changes():
        if event.cursor == 5:
            break
    deadline = time.monotonic() + 10
    while client.counts().ended == before:
        assert time.monotonic() < deadline, "the server goes on"
        time.sleep(0.01)


def test_an_event_that_fails(live_api: Any, client: Any) -> None:
    seen = []
    with pytest.raises(live_api.GraphQLError, match="two is too many"):
        for number in client.failing():
            seen.append(number)
    assert seen == [1]


def test_resume_and_a_second_look(client: Any) -> None:
    stream = client.issue.changes(until=4, resume=lambda last: {"after": last.cursor})
    first = next(iter(stream))
    assert first.cursor == 1
    assert [each.cursor for each in stream] == [2, 3, 4]


# --------------------------------------------------------------------------------------------------------------- files


def told(content: bytes, name: str, kind: str) -> tuple[str, int, str, str]:
    return (name, len(content), hashlib.sha256(content).hexdigest(), kind)


def answered(item: Any) -> tuple[str, int, str, str]:
    return (item.name, item.size, item.sha256, item.kind)


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_files_of_every_kind_in_lists_and_inputs(live_api: Any, url: str, tmp_path: Path, twin: str) -> None:
    upload = live_api.Upload
    text, image = os.urandom(300_000), b"\x89PNG"
    path = tmp_path / 'an "odd" näme.txt'
    path.write_bytes(text)
    with path.open("rb") as opened:
        opened.seek(1000)
        same = upload(image, filename="a.png")
        files = [
            {"file": upload(path), "note": "one", "more": [upload(opened), same]},
            {"file": same},
            {"file": upload(b"", content_type="x/y"), "more": None},
        ]
        extra = upload(io.BytesIO(text), filename="b.bin")
        if twin == "sync":
            with live_api.Client(url, headers=PREFLIGHT) as client:
                found = client.issue(id="1").attach(files, extra=extra)
        else:

            async def run() -> Any:
                async with live_api.AsyncClient(url, headers=PREFLIGHT) as client:
                    return await client.issue(id="1").attach(files, extra=extra)

            found = asyncio.run(run())
        assert not opened.closed
    octets = "application/octet-stream"
    odd = "an %22odd%22 näme.txt"
    assert [answered(item) for item in found] == [
        told(text, odd, "text/plain"),
        told(text[1000:], odd, "text/plain"),
        told(image, "a.png", "image/png"),
        told(image, "a.png", "image/png"),
        told(b"", "file", "x/y"),
        told(text, "b.bin", octets),
    ]


def test_the_same_call_without_files_is_an_ordinary_request(live_api: Any, url: str) -> None:
    # Without the header, the server would refuse multipart.
    with live_api.Client(url) as client:
        assert client.issue(id="1").attach([]) == []
        with pytest.raises(live_api.HTTPStatusError, match="HTTP 400"):
            client.send(live_api.Upload(b"x"))
        assert client.with_options(headers=PREFLIGHT).send(live_api.Upload(b"x")).size == 1


def test_a_raw_document_takes_files_too(live_api: Any, client: Any) -> None:
    data = client.execute(
        "mutation ($f: Upload!) { send(file: $f) { size } }", {"f": live_api.Upload(b"abc")}
    )
    assert data == {"send": {"size": 3}}


class Pipe(io.RawIOBase):
    """A file that is read once."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_a_busy_server_gets_a_file_again_that_can_be_rewound(live_api: Any, url: str, twin: str) -> None:
    content = os.urandom(700_000)
    file = io.BytesIO(content)

    def send(source: Any, busy_for: int) -> Any:
        with live_api.Client(url, headers=PREFLIGHT) as client:
            busy = {"X-Busy": str(client.counts().requests + busy_for)}
            if twin == "sync":
                return client.with_options(headers=busy).send(live_api.Upload(source))

        async def run() -> Any:
            async with live_api.AsyncClient(url, headers={**PREFLIGHT, **busy}) as other:
                return await other.send(live_api.Upload(source))

        return asyncio.run(run())

    assert send(file, 2).sha256 == hashlib.sha256(content).hexdigest()
    assert send(Pipe(content), 0).sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(live_api.RateLimited):
        send(Pipe(content), 1)


def test_what_is_no_file(live_api: Any, client: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match='with mode "rb"'):
        live_api.Upload(io.StringIO("text"))
    with pytest.raises(TypeError, match="not of int"):
        live_api.Upload(3)
    with pytest.raises(ValueError, match="line breaks"):
        live_api.Upload(b"", filename="a\r\nX-Evil: 1")
    with pytest.raises(FileNotFoundError):
        client.send(live_api.Upload(tmp_path / "nothing"))
    pipe = Pipe(b"x")
    with pytest.raises(ValueError, match="use the same Upload in both places"):
        client.issue(id="1").attach([{"file": live_api.Upload(pipe)}, {"file": live_api.Upload(pipe)}])
    with pytest.raises(TypeError, match="no form in JSON"):
        list(client.titles(until=live_api.Upload(b"")))
    assert (
        repr(live_api.Upload(b"secret", filename="a.txt"))
        == "Upload(filename='a.txt', content_type='text/plain')"
    )


_LARGE = """
import asyncio, resource, sys
from live_api import AsyncClient, Client, Upload
url, path, twin = sys.argv[1:]
headers = {"Apollo-Require-Preflight": "true"}

async def run(file):
    async with AsyncClient(url, headers=headers, timeout=120) as client:
        return await client.send(file)

def send(file):
    if twin == "async":
        return asyncio.run(run(file))
    with Client(url, headers=headers, timeout=120) as client:
        return client.send(file)

send(Upload(b"x"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = send(Upload(path)).size
print(size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize("twin", ["sync", "async"])
def test_a_large_file_is_never_in_memory(folder: Path, url: str, tmp_path: Path, twin: str) -> None:
    size = 60_000_000
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
    command = [sys.executable, "-c", _LARGE, url, str(path), twin]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    sent, megabytes = map(int, done.stdout.split())
    assert sent == size
    assert megabytes < 15


# --------------------------------------------------------------------------------------------------------------- types

_RIGHT = """
from typing import assert_type
from live_api import AsyncClient, AsyncEventStream, AsyncIssue, Client, EventStream, Issue, SubscriptionOptions, Upload
from live_api.models.client import BothResult

client = Client("http://a.b", subscriptions=SubscriptionOptions(retries=0))
for change in client.issue.changes(after=1, resume=lambda last: {"after": last.cursor}):
    assert_type(change, Issue)
for title in client.titles():
    assert_type(title, str)
for both in client.both():
    assert_type(both, BothResult)
with client.issue(id="1").comments() as comments:
    assert_type(comments, EventStream[str | None])
    for comment in comments:
        assert_type(comment, str | None)
for closed in client.issue.closed():
    assert_type(closed, Issue | None)


async def main() -> None:
    other = AsyncClient("http://a.b")
    async for change in other.issue.changes(resume=lambda last: {"after": last.cursor}):
        assert_type(change, AsyncIssue)
    async with other.issue(id="1").comments() as comments:
        assert_type(comments, AsyncEventStream[str | None])
        async for comment in comments:
            assert_type(comment, str | None)
    assert_type((await other.send(Upload(b""))).size, int)


client.send(Upload("a.txt", filename="b", content_type="text/plain"))
client.issue(id="1").attach([{"file": Upload(b""), "more": [Upload(open("a", "rb"))]}], extra=None)
"""

_WRONG = (
    'client.issue.changes(resume=lambda last: {"aftr": 1})',
    'client.issue.changes(resume=lambda last: {"after": last.title})',
    "client.send(b'')",
    "client.send(None)",
    'client.issue(id="1").attach([{"file": "a.txt"}])',
    "Upload(open('a'))",
)


def test_both_checkers_know_what_comes(folder: Path) -> None:
    wrong = ["from live_api import Client, Upload", 'client = Client("http://a.b")', *_WRONG]
    (folder / "right.py").write_text(_RIGHT, encoding="utf-8")
    (folder / "wrong.py").write_text("\n".join(wrong) + "\n", encoding="utf-8")
    expected = set(range(3, 3 + len(_WRONG)))
    for checker in (
        ("mypy", "--strict", "--config-file=", "right.py", "wrong.py"),
        ("pyright", "--pythonpath", sys.executable, "right.py", "wrong.py"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *checker],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        errors = [line for line in done.stdout.splitlines() if "error" in line and ".py:" in line]
        assert not [line for line in errors if "right.py" in line], done.stdout
        assert {int(line.partition("wrong.py:")[2].partition(":")[0]) for line in errors} == expected, (
            done.stdout
        )
