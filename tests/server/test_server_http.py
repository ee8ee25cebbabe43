"""The server around the API: paths, limits, switches, logs, metrics, GraphiQL, an orderly end."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from tests.server.api import Api, Refused
from tests.server.conftest import NO_SERVICES

from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def strict(new_database: Callable[[str], str]) -> Iterator[ServerProcess]:
    """A server with small limits, without introspection and GraphiQL, that logs JSON."""
    options = (
        "--depth-limit",
        "4",
        "--row-limit",
        "5",
        "--body-limit",
        "20000",
        "--no-introspection",
        "--no-graphiql",
    )
    logging = ("--log-format", "json", "--log-level", "info")
    with ServerProcess(new_database("sqlite"), *options, *logging, *NO_SERVICES) as process:
        yield process


@pytest.fixture
def strict_api(strict: ServerProcess) -> Iterator[Api]:
    with Api(strict.url) as api:
        api.tenant_id = api.ask("{ tenant { id } }")["tenant"][0]["id"]
        yield api


class TestRequests:
    @pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/alpha"])
    @pytest.mark.parametrize("variables", [None, "null", "", {}, "{}"])
    def test_every_client_generation_finds_the_api(
        self, server: ServerProcess, path: str, variables: object
    ) -> None:
        answer = httpx.post(server.url + path, json={"query": "{ hello }", "variables": variables})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"data"}

    def test_variables_may_come_as_json_in_a_string(self, api: Api) -> None:
        variables = json.dumps({"slug": None, "id": api.tenant_id})
        query = (
            "query ($slug: String, $id: uuid) { tenant(where: {slug: {_eq: $slug}, id: {_eq: $id}}) { id } }"
        )
        assert api.ask(query, variables) == {"tenant": [{"id": api.tenant_id}]}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"{", 400),
            (b"[]", 400),
            (b'{"query": 5}', 400),
            (b'{"query": ""}', 400),
            (b'{"query": "{ hello }", "variables": "{"}', 400),
            (b'{"query": "{ hello }", "variables": [1]}', 400),
            (b'{"query": "{ hello }", "operationName": 7}', 400),
            (b'{"query": "{ hello"}', 400),
            (b'{"query": "{ nothing }"}', 400),
            (b'{"query": "subscription { hello }"}', 400),
            (b'{"query": "query a { hello } query b { hello }"}', 400),
            (b'{"query": "query ($id: uuid!) { flow_by_pk(id: $id) { id } }"}', 400),
            (b'{"query": "{ flow_by_pk(id: \\"x\\") { id } }"}', 400),
            (b'{"query": "{ flow(where: {name: {_eq: \\"\\\\u0000\\"}}) { id } }"}', 400),
            (b"[" * 100_000, 400),
            (b'{"query": "' + b"{flow" * 5000 + b'"}', 400),
        ],
    )
    def test_what_cannot_be_executed_is_400_with_a_graphql_error(
        self, server: ServerProcess, body: bytes, status: int
    ) -> None:
        answer = httpx.post(
            f"{server.url}/graphql", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
        errors = answer.json()["errors"]
        assert errors
        assert all(
            isinstance(error["message"], str) and "Traceback" not in error["message"] for error in errors
        )

    def test_pages_of_other_sites_get_nothing(self, server: ServerProcess) -> None:
        body = b'{"query": "mutation { send_feedback(input: {message: \\"m\\"}) { success } }"}'
        for headers, status in (
            ({"Content-Type": "text/plain"}, 415),
            ({}, 415),
            ({"Content-Type": "application/json", "Origin": "https://elsewhere.example"}, 403),
            ({"Content-Type": "application/json", "Origin": "null"}, 403),
            ({"Content-Type": "application/json", "Origin": server.url}, 200),
            ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ):
            assert httpx.post(f"{server.url}/graphql", content=body, headers=headers).status_code == status, (
                headers
            )

    def test_a_broken_rule_is_200_and_leaves_the_other_fields(self, api: Api) -> None:
        status, answer = api.send("{ hello flow(limit: -1) { id } }")
        assert status == 200
        assert answer["data"] is None
        assert answer["errors"][0]["path"] == ["flow"]
        status, answer = api.send(
            f'{{ hello mapped_children(task_run_id: "{UUID(int=1)}") {{ state_counts }} }}'
        )
        assert (status, answer["data"]["mapped_children"]) == (200, None)
        assert answer["data"]["hello"]

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            ('{name: {_regex: "("}}', "not a pattern"),
            ('{name: {_similar: "["}}', "not a pattern"),
            ('{name: {_like: "%s"}}' % ("a" * 1001), "over 1000 characters"),
        ],
    )
    def test_a_pattern_that_is_none_is_said_to_be_none(self, api: Api, where: str, words: str) -> None:
        with pytest.raises(Refused, match=words):
            api.ask(f"{{ flow(where: {where}) {{ id }} }}")

    def test_half_a_surrogate_pair_is_refused(self, api: Api) -> None:
        body = b'{"query": "query ($n: String) { flow(where: {name: {_eq: $n}}) { id } }", "variables": {"n": "\\ud800"}}'
        answer = api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200
        assert "surrogate" in answer.json()["errors"][0]["message"]

    def test_literals_variables_fragments_directives_and_aliases(self, api: Api) -> None:
        api.do(
            "create_project",
            tenant_id=api.tenant_id,
            name='p\u00e9 "q" \\ \u2028 \U0001f600',
            description=None,
        )
        answer = api.ask(
            """
            query ($no: Boolean!, $limit: Int = 3) {
              ...roots
              project(limit: $limit, order_by: {name: asc, created: desc}) @include(if: true) {
                ...names
                id @include(if: $no)
                ... on project { description @skip(if: $no) }
                ... @skip(if: true) { created }
                tenant { projects_aggregate { __typename aggregate { __typename count } } }
                tenant { id }
              }
            }
            fragment names on project { again: name name kind: __typename }
            fragment roots on Query { __typename }
            """,
            {"no": False},
        )
        name = 'p\u00e9 "q" \\ \u2028 \U0001f600'
        aggregate = {"__typename": "project_aggregate_fields", "count": 1}
        assert answer == {
            "__typename": "Query",
            "project": [
                {
                    "again": name,
                    "name": name,
                    "kind": "project",
                    "description": None,
                    "tenant": {
                        "projects_aggregate": {"__typename": "project_aggregate", "aggregate": aggregate},
                        "id": api.tenant_id,
                    },
                }
            ],
        }

    def test_keys_of_an_order_count_as_written(self, api: Api) -> None:
        for name, description in (("a", "2"), ("b", "1"), ("c", "2")):
            api.do("create_project", tenant_id=api.tenant_id, name=name, description=description)
        literal = api.ask("{ project(order_by: {description: desc, name: desc}) { name } }")["project"]
        assert [row["name"] for row in literal] == ["c", "a", "b"]
        query = "query ($by: [project_order_by!]) { project(order_by: $by) { name } }"
        for by in ({"description": "desc", "name": "desc"}, [{"description": "desc", "name": "desc"}]):
            assert [row["name"] for row in api.ask(query, {"by": by})["project"]] == ["c", "a", "b"]
        mixed = "query ($way: order_by) { project(order_by: [{description: $way}, {name: desc}]) { name } }"
        assert [row["name"] for row in api.ask(mixed, {"way": "desc"})["project"]] == ["c", "a", "b"]

    def test_json_literals_are_quoted_json(self, api: Api) -> None:
        key = api.run(parameters={"x": {"deep": [1, {"a": None}]}})
        mutation = 'mutation { create_flow_run(input: {flow_id: "%s", parameters: "{\\"x\\": [1]}"}) { id } }'
        flow_id = api.by_id("flow_run", key, "flow_id")["flow_id"]
        other = api.ask(mutation % flow_id)["create_flow_run"]["id"]
        for where in ('"{\\"x\\": [1]}"', "{x: [1]}"):
            found = api.ask(
                f"{{ flow_run(where: {{parameters: {{_contains: {where}}}}}) {{ id parameters }} }}"
            )
            assert found["flow_run"] == [{"id": other, "parameters": {"x": [1]}}]
        assert api.by_id("flow_run", key, 'd: parameters(path: "$.x.deep[1]")')["d"] == {"a": None}
        with pytest.raises(Refused, match="is not JSON") as refused:
            api.ask('{ flow_run(where: {parameters: {_contains: "plain"}}) { id } }')
        assert refused.value.status == 400
        with pytest.raises(Refused, match="is not a path"):
            api.ask('{ flow_run { parameters(path: "$[") } }')


class TestLimits:
    def test_depth(self, strict_api: Api) -> None:
        assert strict_api.ask("{ flow { project { tenant { id } } } }") == {"flow": []}
        with pytest.raises(Refused, match="5 levels deep; this server takes 4") as refused:
            strict_api.ask("{ flow { ...f } } fragment f on flow { project { tenant { projects { id } } } }")
        assert refused.value.code == "DEPTH_LIMIT"
        assert refused.value.status == 400

    def test_rows(self, strict_api: Api) -> None:
        for position in range(6):
            strict_api.do("create_project", tenant_id=strict_api.tenant_id, name=f"p{position}")
        for query in ("{ project { id } }", "{ project(order_by: {name: asc}, offset: 0) { id } }"):
            with pytest.raises(Refused, match="more than 5 rows"):
                strict_api.ask(query)
        with pytest.raises(Refused, match="`limit` is 6"):
            strict_api.ask("{ project(limit: 6) { id } }")
        assert len(strict_api.ask("{ project(limit: 5) { id } }")["project"]) == 5
        assert (
            strict_api.ask("{ project_aggregate { aggregate { count } } }")["project_aggregate"]["aggregate"][
                "count"
            ]
            == 6
        )

    def test_size(self, strict: ServerProcess) -> None:
        long = json.dumps({"query": "{ hello }", "variables": {"x": "y" * 20000}}).encode()
        as_json = {"Content-Type": "application/json"}
        assert httpx.post(f"{strict.url}/graphql", content=long, headers=as_json).status_code == 413

        def pieces() -> Iterator[bytes]:
            yield from (long[start : start + 1000] for start in range(0, len(long), 1000))

        answer = httpx.post(f"{strict.url}/graphql", content=pieces(), headers=as_json)
        assert answer.status_code == 413
        assert "20000 bytes" in answer.json()["errors"][0]["message"]

    def test_introspection_can_be_switched_off(self, strict_api: Api, api: Api) -> None:
        with pytest.raises(Refused, match="introspection"):
            strict_api.ask("{ __schema { queryType { name } } }")
        assert strict_api.ask("{ __typename }") == {"__typename": "Query"}
        from graphql import build_client_schema, get_introspection_query, print_schema

        schema = build_client_schema(api.ask(get_introspection_query(schema_description=True)))  # type: ignore[arg-type]
        from penstock.server.schema import api_schema

        assert print_schema(schema) == print_schema(api_schema())

    def test_graphiql_is_served_by_the_server_alone(
        self, server: ServerProcess, strict: ServerProcess
    ) -> None:
        page = httpx.get(f"{server.url}/graphql")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(links) == 5
        for link in links:
            assert link.startswith("/graphiql/")
            asset = httpx.get(server.url + link)
            assert asset.status_code == 200
            assert asset.headers["content-encoding"] == "gzip"
            assert asset.headers["content-type"].startswith(
                "text/css" if link.endswith("css") else "text/javascript"
            )
            plain = httpx.get(server.url + link, headers={"Accept-Encoding": "identity"})
            assert plain.content == asset.content
            assert len(plain.content) > 100
        assert httpx.get(f"{server.url}/graphiql/nothing.js").status_code == 404
        assert httpx.get(f"{strict.url}/graphql").status_code == 405


class TestOperation:
    def test_metrics_are_what_prometheus_reads(self, strict: ServerProcess, strict_api: Api) -> None:
        from prometheus_client.parser import text_string_to_metric_families

        strict_api.ask("{ hello }")
        text = httpx.get(f"{strict.url}/metrics").text
        families = {family.name: family for family in text_string_to_metric_families(text)}
        ok = [
            s.value for s in families["penstock_graphql_requests"].samples if s.labels.get("status") == "200"
        ]
        assert sum(ok) >= 1
        assert "penstock_graphql_request_seconds" in families
        assert "penstock_database_connections_in_use" in families

    def test_the_log_is_json_and_holds_no_secret(self, strict: ServerProcess) -> None:
        with Api(strict.url, token="hush-token") as api:
            api.send(
                'mutation named ($v: JSON!) { set_secret(input: {name: "N", value: $v}) { success } }',
                {"v": "hush-value"},
            )
            api.http.post("/graphql", json={"query": "query named { hello }", "operationName": "named"})
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not any(
            '"operation": "named"' in line for line in strict.output
        ):
            time.sleep(0.02)
        lines = [json.loads(line) for line in strict.output if line.startswith("{")]
        named = [line for line in lines if line.get("operation") == "named"]
        assert named[-1]["event"] == "graphql"
        assert named[-1]["status"] == 200
        assert named[-1]["milliseconds"] >= 0
        assert "hush" not in "\n".join(strict.output)

    def test_health(self, server: ServerProcess) -> None:
        assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}

    def test_the_flyte_side_answers_on_the_same_port(self, server: ServerProcess) -> None:
        rels = [link["rel"] for link in httpx.get(f"{server.url}/v1").json()["links"]]
        assert any(rel.endswith("pack/listPacks") for rel in rels)
        assert httpx.get(f"{server.url}/v1/packs").status_code == 200
        assert httpx.get(f"{server.url}/").status_code == 200

    def test_requests_under_way_are_finished_when_it_is_told_to_stop(
        self, database_kind: str, new_database: Callable[[str], str]
    ) -> None:
        process = ServerProcess(new_database(database_kind)).start()
        tasks = [{"slug": f"t{position}", "name": "t"} for position in range(2000)]
        with Api(process.url) as api:
            api.tenant_id = api.ask("{ tenant { id } }")["tenant"][0]["id"]
            project_id = api.project()
            outcome: list[Any] = []
            flow = {"name": "wide", "parameters": [], "tasks": tasks, "edges": []}
            thread = threading.Thread(
                target=lambda: outcome.append(api.flow(project_id=project_id, serialized=flow))
            )
            thread.start()
            time.sleep(0.05)
            assert process.stop() == 0
            thread.join(30)
        assert len(outcome) == 1
        assert process.output[-1] == "Stopped."
        UUID(outcome[0])


class TestCommands:
    def run(self, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "penstock.server", *arguments]
        environment = {"PENSTOCK_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home)}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    def test_migrate_token_and_reset(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        first = self.run("migrate", home=home)
        assert (first.returncode, "from empty" in first.stderr) == (0, True)
        assert "already" in self.run("migrate", home=home).stderr
        assert (home / "server.db").stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
        token = self.run("token", "--scope", "TENANT", home=home)
        assert token.returncode == 0
        assert re.fullmatch(r"pk_[\w-]{43}\n", token.stdout)
        unknown = self.run("token", "--tenant", "nobody", home=home)
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "No tenant has the slug 'nobody'; there are default." in unknown.stderr
        with sqlite3.connect(home / "server.db") as connection:
            assert connection.execute("SELECT count(*) FROM api_token").fetchone() == (1,)
        connection.close()
        assert self.run("reset", "--yes", home=home).returncode == 0
        with sqlite3.connect(home / "server.db") as connection:
            assert connection.execute("SELECT count(*) FROM api_token").fetchone() == (0,)
            assert connection.execute("SELECT slug FROM tenant").fetchall() == [("default",)]
        connection.close()

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("nonsense", "is not one"),
            ("mysql://root@localhost/x", "is not supported"),
            ("postgresql://nobody:hush@127.0.0.1:9/x", "cannot be used"),
        ],
    )
    def test_a_database_that_cannot_be_used_is_one_sentence(
        self, tmp_path: Path, url: str, words: str
    ) -> None:
        for command in ("start", "migrate"):
            done = self.run(command, "--database-url", url, home=tmp_path)
            assert done.returncode == 2
            assert words in done.stderr
            assert "Traceback" not in done.stderr
            assert "hush" not in done.stderr

    def test_a_port_that_is_taken_is_one_sentence(self, server: ServerProcess, tmp_path: Path) -> None:
        port = server.url.rpartition(":")[2]
        done = self.run("start", "--port", port, home=tmp_path)
        assert done.returncode == 2
        assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_database_of_a_newer_release_is_left_alone(self, tmp_path: Path) -> None:
        self.run("migrate", home=tmp_path)
        with sqlite3.connect(tmp_path / "server.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        done = self.run("start", home=tmp_path)
        assert done.returncode == 2
        assert "revision 9999" in done.stderr

    def test_tokens_are_asked_for_by_default_where_others_can_reach_it(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'server.db'}"
        for options, status in (((), 401), (("--no-auth",), 200)):
            with ServerProcess(url, "--host", "0.0.0.0", *options, *NO_SERVICES) as process:
                port = process.url.rpartition(":")[2]
                answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ hello }"})
                assert answer.status_code == status
                assert any("everybody who reaches" in line for line in process.output) is (status == 200)

    def test_it_stops_on_an_interrupt_and_leaves_one_file(self, tmp_path: Path) -> None:
        process = ServerProcess(f"sqlite:///{tmp_path / 'server.db'}").start()
        assert httpx.get(f"{process.url}/health").status_code == 200
        os.kill(process.pid, signal.SIGINT)
        assert process._process is not None
        assert process._process.wait(20) == 0
        assert not (tmp_path / "server.db-wal").exists()


class TestMigrations:
    def test_the_migrations_make_the_tables_that_are_declared(
        self, new_database: Callable[[str], str], database_kind: str
    ) -> None:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext
        from alembic.script import ScriptDirectory

        from penstock.server import migrations
        from penstock.server.database import open_database
        from penstock.server.setup import prepare
        from penstock.server.tables import metadata

        database = open_database(new_database(database_kind))
        prepare(database)
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        script = ScriptDirectory.from_config(migrations.alembic_config())
        assert script.get_current_head() == migrations.HEAD
        database.close()

    def test_they_can_be_taken_back(self, new_database: Callable[[str], str], database_kind: str) -> None:
        import sqlalchemy as sa
        from alembic import command

        from penstock.server import migrations
        from penstock.server.database import open_database
        from penstock.server.setup import prepare

        database = open_database(new_database(database_kind))
        prepare(database)
        with database.write() as connection:
            config = migrations.alembic_config()
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        with database.read() as connection:
            assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        prepare(database)
        database.close()
