"""How fast a pack works through queued actions with a 10 ms handler, against two others, in one run.

- *one at a time*: what the Python flyte client does, take, handle, post, each on a connection of its own,
with a
  handler that blocks. (Written with the standard library's HTTP client, which costs less than that client's.)
- *protocol*: take and post with nothing in between, as many at once as the pack has takers: as fast as the
API and
  the HTTP client allow.

    python -m benchmarks.packs_throughput [--actions 10000] [--rounds 3] [--record]

Everything is one API process on SQLite and one process of workers on the same machine, so that on two cores
the figures are bound by both. Times are wall-clock; CPU is the workers' process.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy

from benchmarks._measure import Comparison, Run, aim, argument_parser, report
from penstock.packs import Event, EventDef, FlyteClient, Pack
from penstock.server.database import open_database
from penstock.server.flyte.store import FlyteStore
from penstock.server.flyte.tables import define
from penstock.testing.flyte_server import FlyteServer, FlyteServerOptions

ONE_AT_A_TIME, PROTOCOL, PACK = "one at a time", "protocol", "pack"
HANDLER_SECONDS = 0.010
TAKERS = 16
Done = EventDef("Done")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one way came to."""

    actions_per_second: float
    cpu_milliseconds: float


def measure(actions: int, began: tuple[float, float]) -> Figure:
    """The figure of ``actions`` handled since ``began`` (wall, CPU)."""
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return Figure(actions / wall, cpu / actions * 1000)


def now() -> tuple[float, float]:
    """Wall and CPU clocks."""
    return time.perf_counter(), time.process_time()


def one_at_a_time(url: str, actions: int) -> Figure:
    """The Python flyte client's way."""

    def post(path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    began = now()
    for _ in range(actions):
        status, content = post("/v1/packs/Bench/actions/take", None)
        assert status == 200, status
        action = json.loads(content)
        time.sleep(HANDLER_SECONDS)
        result = {"event": "Done", "payload": action["input"], "createdAt": "2026-01-01T00:00:00Z"}
        status, _ = post(urlsplit(action["links"][0]["href"]).path, json.dumps(result).encode())
        assert status == 202, status
    return measure(actions, began)


def protocol(url: str, actions: int) -> Figure:
    """Take and post, nothing in between."""

    async def main() -> Figure:
        async with FlyteClient(url, max_connections=TAKERS) as client:
            pack = await client.create_pack({"name": "Bench"})

            async def work() -> int:
                done = 0
                while (action := await client.take_action(pack)) is not None:
                    await client.complete_action(action, Done(action.input))
                    done += 1
                return done

            began = now()
            done = sum(await asyncio.gather(*(work() for _ in range(TAKERS))))
            assert done == actions, done
            return measure(done, began)

    return asyncio.run(main())


def with_pack(url: str, actions: int, outbox: Path) -> Figure:
    """A pack with all it promises: its outbox on disk, every result once."""

    async def main() -> Figure:
        async with FlyteClient(url, max_connections=TAKERS * 2) as client:
            pack = Pack("Bench", client, outbox=outbox, health_port=False, takers=TAKERS, max_concurrency=64)
            left = actions
            finished = asyncio.Event()

            @pack.command("work", outputs=[Done])
            async def work(value: Any) -> Event:
                nonlocal left
                await asyncio.sleep(HANDLER_SECONDS)
                left -= 1
                if left == 0:
                    finished.set()
                return Done(value)

            began = now()
            async with pack.running():
                await finished.wait()
            return measure(actions, began)

    return asyncio.run(main())


def one_round(actions: int) -> dict[str, Figure]:
    """All three ways on one server, one after the other."""
    single = max(100, actions // 20)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/flyte.db"
        with FlyteServer(FlyteServerOptions(database=url, lease=3600)) as server:
            database = open_database(url)
            metadata = sqlalchemy.MetaData()
            store = FlyteStore(
                database.engine, define(metadata), reading=database.read, writing=database.write
            )

            def queue(count: int) -> None:
                for number in range(count):
                    store.add_action("", "Bench", "work", {"number": number})

            asyncio.run(_register(FlyteClient(server.url)))
            queue(single)
            upstream = one_at_a_time(server.url, single)
            queue(actions)
            limit = protocol(server.url, actions)
            queue(actions)
            ours = with_pack(server.url, actions, Path(folder) / "outbox.sqlite")
            counts = store.count_actions("")
            assert counts == {"SUCCESS": single + 2 * actions}, counts
            database.close()
    return {ONE_AT_A_TIME: upstream, PROTOCOL: limit, PACK: ours}


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__ or "", rounds=3)
    parser.add_argument("--actions", type=int, default=10_000, help="actions for the pack and the protocol")
    options = parser.parse_args()
    rounds = [one_round(options.actions) for _ in range(options.rounds)]
    runs = {
        name: tuple(
            Run(1 / figures[name].actions_per_second, figures[name].cpu_milliseconds / 1000)
            for figures in rounds
        )
        for name in (ONE_AT_A_TIME, PROTOCOL, PACK)
    }
    comparison = Comparison(
        f"One action with a {HANDLER_SECONDS * 1000:.0f} ms handler, of {options.actions:,} queued",
        PACK,
        runs,
    )
    report(
        "Packs: throughput",
        [
            comparison.table(),
            "\n".join(
                [
                    aim("times one at a time", comparison.ratio(ONE_AT_A_TIME), 20, at_least=True),
                    aim("of the protocol's limit", comparison.ratio(PROTOCOL), 0.8, at_least=True),
                ]
            ),
        ],
        record=options.record,
    )


async def _register(client: FlyteClient) -> None:
    await client.create_pack({"name": "Bench"})
    await client.aclose()


if __name__ == "__main__":
    main()
