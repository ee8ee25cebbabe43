"""The outbox: what it has acknowledged outlives the process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.packs import OutboxError
from penstock.packs.outbox import Outbox, outbox_path

WRITER = """
import asyncio, sys
from pathlib import Path
from penstock.packs.outbox import Outbox

async def main():
    outbox = Outbox.open(Path(sys.argv[1]))
    begun = int(sys.argv[2])
    async def put(number):
        outbox.note_taken(f"url{number}", "c", b"1")
        await outbox.put_result(f"url{number}", b"body%d" % number)
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
    for first in range(begun, begun + 100_000, 8):
        await asyncio.gather(*(put(number) for number in range(first, first + 8)))

asyncio.run(main())
"""


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    acknowledged: list[int] = []
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(len(acknowledged) + 1_000_000 * _)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _line in range(150):
            acknowledged.append(int(process.stdout.readline()))
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
        process.wait()
        process.stdout.close()

    async def read() -> list[tuple[str, bytes]]:
        outbox = Outbox.open(path)
        found = [(entry.url, entry.body) for entry in await outbox.waiting(limit=1_000_000)]
        outbox.close()
        return found

    found = asyncio.run(read())
    urls = [url for url, _ in found]
    assert len(urls) == len(set(urls))
    assert {f"url{number}" for number in acknowledged} <= set(urls)
    assert all(body == b"body" + url.removeprefix("url").encode() for url, body in found)


def test_one_result_per_action_in_the_order_put(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox.open(tmp_path / "o.sqlite")
        first = await outbox.put_result("u1", b"1")
        assert first is not None
        assert await outbox.put_result("u1", b"2") is None
        await outbox.put_event(b"e")
        await outbox.put_result("u2", b"3")
        assert [entry.body for entry in await outbox.waiting()] == [b"1", b"e", b"3"]
        assert await outbox.has_result("u1")
        outbox.accepted(first)
        assert not await outbox.has_result("u1")
        assert [entry.body for entry in await outbox.waiting(after=first.sequence, limit=1)] == [b"e"]
        outbox.close()
        with pytest.raises(OutboxError, match="closed"):
            await outbox.count()

    asyncio.run(main())


def test_actions_are_unfinished_until_their_result_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox.open(tmp_path / "o.sqlite")
        for number in range(3):
            outbox.note_taken(f"u{number}", "c", b"%d" % number)
        await outbox.put_result("u1", b"")
        outbox.close()
        outbox = Outbox.open(tmp_path / "o.sqlite")
        assert [(action.url, action.input) for action in await outbox.unfinished()] == [
            ("u0", b"0"),
            ("u2", b"2"),
        ]
        outbox.forget_action("u0")
        assert len(await outbox.unfinished()) == 1
        outbox.close()

    asyncio.run(main())


def test_what_is_refused_is_set_aside_and_stays_readable(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox.open(tmp_path / "o.sqlite")
        entry = await outbox.put_result("u", b"x")
        assert entry is not None
        outbox.refused(entry, "because")
        assert await outbox.count() == 0
        assert await outbox.refusals() == [("u", "because")]
        outbox.close()

    asyncio.run(main())


def test_a_second_process_has_its_own_and_the_next_adopts_what_is_orphaned(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"

    async def main() -> None:
        first, second = Outbox.open(path), Outbox.open(path)
        assert first.path != second.path
        await first.put_event(b"1")
        await second.put_event(b"2")
        second.note_taken("u", "c", b"")
        second.close()
        first.close()
        next_one = Outbox.open(path)
        assert [entry.body for entry in await next_one.waiting()] == [b"1", b"2"]
        assert [action.url for action in await next_one.unfinished()] == ["u"]
        next_one.close()
        again = Outbox.open(path)
        assert await again.count() == 2
        again.close()

    asyncio.run(main())


def test_a_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "o.sqlite"
    path.write_text("this is not a database, however long it may be" * 50)
    with pytest.raises(OutboxError, match="is no outbox or is damaged"):
        Outbox.open(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="folder"):
        Outbox.open(tmp_path / "file" / "o.sqlite")


def test_the_files_name_is_the_packs_and_the_apis(tmp_path: Path) -> None:
    one, other = (outbox_path(tmp_path, "P.a.b", url) for url in ("http://one", "http://other"))
    assert one != other
    assert one.name.startswith("P.a.b-")


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    outbox = Outbox.open(tmp_path / "folder" / "o.sqlite")
    assert outbox.path is not None
    assert outbox.path.stat().st_mode & 0o077 == 0
    assert outbox.path.parent.stat().st_mode & 0o077 == 0
    outbox.close()


def test_in_memory_works_alike() -> None:
    async def main() -> None:
        outbox = Outbox(None)
        await outbox.put_event(b"x")
        assert await outbox.count() == 1
        outbox.close()

    asyncio.run(main())


def test_a_full_disk_is_an_error_not_a_hang(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox.open(tmp_path / "o.sqlite")
        await outbox.put_event(b"before")
        outbox._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(OutboxError, match="cannot be written"):
            await outbox.put_event(b"x" * 1_000_000)
        await outbox.put_event(b"after")
        assert await outbox.count() == 2
        outbox.close()

    asyncio.run(main())
