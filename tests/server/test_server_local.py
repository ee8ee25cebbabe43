"""The server in the client's own process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.server.api import Api, Refused

from penstock.server.local import async_local_transport, local_transport

if TYPE_CHECKING:
    from pathlib import Path

HELLO = {"query": "{ hello tenant { slug } }"}


def default_tenant(api: Api) -> str:
    """The tenant that a new database has."""
    key: str = api.ask("{ tenant { id } }")["tenant"][0]["id"]
    return key


def test_it_does_what_a_remote_server_does() -> None:
    with Api("http://local", transport=local_transport()) as api:
        api.tenant_id = default_tenant(api)
        run = api.run()
        api.set_run(run, "Running")
        assert api.by_id("flow_run", run, "state flow { name }") == {
            "state": "Running",
            "flow": {"name": "etl"},
        }
        with pytest.raises(Refused, match="already been submitted"):
            for _ in range(2):
                api.set_run(run, "Submitted")
        assert api.http.get("/health").json() == {"status": "ok"}


def test_a_file_keeps_what_memory_forgets(tmp_path: Path) -> None:
    for path, kept in ((":memory:", []), (str(tmp_path / "a.db"), ["p"])):
        with Api("http://local", transport=local_transport(path)) as api:
            api.do("create_project", tenant_id=default_tenant(api), name="p")
        with Api("http://local", transport=local_transport(path)) as api:
            assert [row["name"] for row in api.ask("{ project { name } }")["project"]] == kept


def test_two_in_memory_are_two(tmp_path: Path) -> None:
    first, second = (Api("http://local", transport=local_transport()) for _ in range(2))
    with first, second:
        first.do("create_project", tenant_id=default_tenant(first), name="p")
        assert second.ask("{ project { name } }") == {"project": []}


def test_threads_share_one(tmp_path: Path) -> None:
    with Api("http://local", transport=local_transport()) as api:
        tenant_id = default_tenant(api)

        def work(number: int) -> None:
            for step in range(5):
                api.do("create_project", tenant_id=tenant_id, name=f"{number}-{step}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(api.ask("{ project { id } }")["project"]) == 30


def test_closed_is_closed() -> None:
    transport = local_transport()
    with httpx.Client(transport=transport) as client:
        assert client.post("http://local/graphql", json=HELLO).json()["data"]["tenant"] == [
            {"slug": "default"}
        ]
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.handle_request(httpx.Request("POST", "http://local/graphql", json=HELLO))


def test_a_read_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from penstock.server import database

    monkeypatch.setattr(database, "READ_SECONDS", 0.0)
    monkeypatch.setattr(database, "PROGRESS_STEPS", 10)
    transport = local_transport(tmp_path / "a.db")
    with Api("http://local", transport=transport) as api:
        with pytest.raises(Refused, match="took too long") as refused:
            api.ask("{ flow { project { flows { tasks { id } } } } tenant { id } }")
        assert refused.value.code == "TIMEOUT"
        assert api.do("create_tenant", name="x", slug="writes-are-not-given-up")


def test_the_asynchronous_twin() -> None:
    async def main() -> list[object]:
        async with httpx.AsyncClient(transport=async_local_transport(), base_url="http://local") as client:
            answers = await asyncio.gather(*(client.post("/graphql", json=HELLO) for _ in range(20)))
            return [answer.json()["data"]["tenant"] for answer in answers]

    assert asyncio.run(main()) == [[{"slug": "default"}]] * 20


def test_a_program_that_forgets_to_close_still_ends() -> None:
    program = (
        "import httpx\n"
        "from penstock.server.local import local_transport\n"
        "client = httpx.Client(transport=local_transport(), base_url='http://local')\n"
        "print(client.post('/graphql', json={'query': '{ hello }'}).status_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr


def test_a_file_of_rubbish_is_refused_with_a_sentence(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_text("this is no database, however long the text may be" * 100)
    command = [sys.executable, "-m", "penstock.server", "migrate", "--database-url", f"sqlite:///{rubbish}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
    assert "Traceback" not in done.stderr
