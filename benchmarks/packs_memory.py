"""Whether a pack's memory stays flat: its resident size while it works through very many actions.

    python -m benchmarks.packs_memory [--actions 100000] [--record]

The first tenth is for caches and pools to fill. From then on the size may grow by 5 % and 4 MB; else the exit
code is 1.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
from pathlib import Path

import sqlalchemy

from benchmarks._measure import argument_parser, report
from penstock.packs import Event, EventDef, FlyteClient, Pack
from penstock.server.database import open_database
from penstock.server.flyte.store import FlyteStore
from penstock.server.flyte.tables import define
from penstock.testing.flyte_server import FlyteServer, FlyteServerOptions

Done = EventDef("Done")
Seen = EventDef("Seen")
BLOCK = 500


def resident_megabytes() -> float:
    """This process's resident size."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def work_through(url: str, store: FlyteStore, actions: int, outbox: Path) -> list[float]:
    """Handle ``actions``, a tenth of them with an event beside; the sizes after each tenth."""
    sizes: list[float] = []
    async with FlyteClient(url) as client:
        pack = Pack("Memory", client, outbox=outbox, health_port=False, events=[Seen], max_concurrency=64)
        done = 0
        moved = asyncio.Event()

        @pack.command("work", outputs=[Done])
        async def work(number: int) -> Event:
            nonlocal done
            if number % 10 == 0:
                await pack.send_event(Seen({"number": number, "text": "x" * 500}))
            done += 1
            moved.set()
            return Done({"number": number, "text": "x" * 500})

        async with pack.running():
            for begin in range(0, actions, BLOCK):
                await asyncio.to_thread(queue, store, range(begin, min(begin + BLOCK, actions)))
                pack.poll_now()
                while done < min(begin + BLOCK, actions):
                    moved.clear()
                    await moved.wait()
                if (begin + BLOCK) % max(BLOCK, actions // 10) == 0:
                    gc.collect()
                    sizes.append(resident_megabytes())
                    print(f"{done:8} actions {sizes[-1]:8.1f} MB", flush=True)
    return sizes


def queue(store: FlyteStore, numbers: range) -> None:
    """Queue actions for the pack."""
    for number in numbers:
        store.add_action("", "Memory", "work", number)


def main() -> int:
    """Measure, print, and say by the exit code whether it stayed flat."""
    parser = argument_parser(__doc__ or "", rounds=1)
    parser.add_argument("--actions", type=int, default=100_000, help="a multiple of 5000")
    options = parser.parse_args()
    actions = options.actions
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/flyte.db"
        with FlyteServer(FlyteServerOptions(database=url)) as server:
            database = open_database(url)
            store = FlyteStore(
                database.engine, define(sqlalchemy.MetaData()), reading=database.read, writing=database.write
            )
            sizes = asyncio.run(work_through(server.url, store, actions, Path(folder) / "outbox.sqlite"))
            database.close()
    growth = sizes[-1] - sizes[0]
    flat = growth < sizes[0] * 0.05 + 4
    part = actions // len(sizes)
    rows = [f"| {(tenth + 1) * part:,} | {size:.1f} MB |" for tenth, size in enumerate(sizes)]
    table = "\n".join(["| actions handled | resident memory |", "| --- | --- |", *rows])
    verdict = (
        f"- {growth:+.1f} MB over the last {1 - 1 / len(sizes):.0%}; aim: flat: {'met' if flat else 'MISSED'}"
    )
    report("Packs: memory", [table, verdict], record=options.record)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
