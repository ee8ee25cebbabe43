"""`penstock init`: the configuration that it writes, from flags, from answers, and from a running API."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, graphql_sync

from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError, Problems
from penstock_codegen.init import Answers, configuration, main
from penstock_codegen.schema import load_schema
from penstock_codegen.sdl import read_schema_text

SDL = (
    "scalar DateTime\nscalar Odd\ndirective @oneOf on INPUT_OBJECT\n"
    "type Thing { id: ID! made: DateTime }\ninput One { a: Int b: Int }\n"
    "type Query { thing(id: ID!): Thing find(by: One): Odd }\n"
)


def _given(root: Path, *more: str) -> list[str]:
    return ["--config", str(root / "pyproject.toml"), "--output", "thing_api", *more]


def test_flags_write_a_section_and_keep_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "schema.graphql").write_text(SDL, encoding="utf-8")
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "x" # kept\n', encoding="utf-8")
    assert main(_given(tmp_path)) == 0
    assert file.read_text(encoding="utf-8") == (
        '[project]\nname = "x" # kept\n\n[tool.penstock]\nschema = "schema.graphql"\nqueries = "queries"\noutput = "thing_api"\n\n'
        '[tool.penstock.scalars]\nDateTime = { input = "datetime.datetime | str", output = "pydantic.AwareDatetime" }\n'
    )
    assert "Without a Python type yet, so Any: Odd." in capsys.readouterr().out
    load_config(file)
    before = file.read_bytes()
    assert main(_given(tmp_path)) == 2
    assert "has a configuration of penstock already" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_questions_are_asked_for_what_no_flag_says(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text(SDL, encoding="utf-8")
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "made/api" if "package" in question else ""

    assert main(["--config", str(tmp_path / "penstock.toml")], ask) == 0
    assert len(asked) == 4
    config = load_config(tmp_path / "penstock.toml")
    assert (config.schema, config.output, config.queries.name) == (
        ("schema.graphql",),
        tmp_path / "made/api",
        "queries",
    )
    # The last question was whether to write the queries, and the default is yes.
    assert (tmp_path / "queries/thing/get.graphql").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--schema", "missing.graphql"], "The schema cannot be read: No such file or directory."),
        ([], "No schema was named. Pass --schema FILE or --schema URL."),
        (["--schema", "bad.graphql"], "The schema is not GraphQL"),
        (["--schema", "bad.json"], "this file holds no answer to an introspection query"),
        (
            ["--schema", "good.graphql", "--header", "nothing"],
            '"nothing" is no header. Write --header NAME=VALUE.',
        ),
        (
            ["--schema", "http://127.0.0.1:9/", "--header", "Authorization=${PENSTOCK_UNSET}"],
            "PENSTOCK_UNSET, which is not set",
        ),
    ],
)
def test_what_cannot_be_writes_nothing(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.graphql").write_text("type {", encoding="utf-8")
    (tmp_path / "bad.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "good.graphql").write_text(SDL, encoding="utf-8")
    assert main(_given(tmp_path, *flags)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.toml"))
    assert not list(tmp_path.glob(".*"))


def _answer(query: str) -> dict[str, Any]:
    data = graphql_sync(build_schema(SDL), query).data
    assert data is not None
    return data


class _API:
    def __init__(self) -> None:
        self.headers: list[str | None] = []
        # A field that it refuses to be asked for.
        self.refuses = ""

    @contextmanager
    def serving(self) -> Iterator[str]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
                api.headers.append(self.headers["authorization"])
                if api.refuses and api.refuses in body["query"]:
                    told = {"errors": [{"message": f"Cannot query field '{api.refuses}' on type '__Type'."}]}
                    self._send(json.dumps(told).encode())
                    return
                data = _answer(body["query"])
                for type_ in data["__schema"]["types"]:
                    type_["isOneOf"] = type_["name"] == "One"
                self._send(json.dumps({"data": data}).encode())

            def _send(self, content: bytes) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as http:
            thread = threading.Thread(target=http.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{http.server_port}/graphql"
            finally:
                http.shutdown()
                thread.join()


def test_a_running_api_is_asked_with_the_environments_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PENSTOCK_TEST_TOKEN", "s3cret")
    api = _API()
    with api.serving() as url:
        header = "Authorization=Bearer ${PENSTOCK_TEST_TOKEN}"
        assert main(_given(tmp_path, "--schema", url, "--header", header)) == 0
        (tmp_path / "pyproject.toml").rename(tmp_path / "from_url.toml")
        assert (
            main(_given(tmp_path, "--schema", url, "--header", header, "--save-schema", "schema.graphql"))
            == 0
        )
    assert api.headers == ["Bearer s3cret", "Bearer s3cret"]
    written = (tmp_path / "from_url.toml").read_text(encoding="utf-8")
    assert '"Authorization" = "Bearer ${PENSTOCK_TEST_TOKEN}"' in written
    assert "s3cret" not in written + "".join(capsys.readouterr())
    # What is kept generates without the API, and knows of @oneOf, which introspection's older readers drop.
    config = load_config(tmp_path / "pyproject.toml")
    assert config.schema == ("schema.graphql",)
    assert not config.headers
    problems = Problems()
    text = read_schema_text(config, problems)
    assert "input One @oneOf {" in text.texts[0]
    assert load_schema(text, problems).get_type("Thing") is not None


def test_an_api_that_does_not_know_of_one_of_is_asked_without(tmp_path: Path) -> None:
    api = _API()
    api.refuses = "isOneOf"
    with api.serving() as url:
        assert main(_given(tmp_path, "--schema", url, "--save-schema", "schema.graphql")) == 0
    assert len(api.headers) == 2
    assert "type Thing" in (tmp_path / "schema.graphql").read_text(encoding="utf-8")


def test_a_kept_introspection_answer_is_a_schema(tmp_path: Path) -> None:
    from graphql import get_introspection_query

    data = _answer(get_introspection_query())
    for name, content in (("a.json", {"data": data}), ("b.json", data)):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        (tmp_path / f"{name}.toml").write_text(f'schema = "{name}"\noutput = "x"\n', encoding="utf-8")
        problems = Problems()
        schema = load_schema(read_schema_text(load_config(tmp_path / f"{name}.toml"), problems), problems)
        assert schema.get_type("Thing") is not None


def test_what_is_written_is_toml_whatever_it_holds(tmp_path: Path) -> None:
    hostile = 'a"b\\c\n[tool]\x7f\x00é'
    file = tmp_path / "pyproject.toml"
    path = hostile.replace("\x00", "")  # which no path can hold
    text = configuration(Answers(path, "api", "q", {hostile: hostile}), {}, section="tool.penstock")
    file.write_text(text, encoding="utf-8")
    config = load_config(file)
    assert config.schema == (path,)
    assert dict(config.headers) == {hostile: hostile}


def test_the_generator_alone_has_the_same_commands(tmp_path: Path) -> None:
    def run(*command: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "penstock_codegen", *command]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    (tmp_path / "schema.graphql").write_text(SDL, encoding="utf-8")
    assert run("init", "--output", "thing_api", "--scaffold").returncode == 0
    assert run("generate").returncode == 0
    assert run("diff", ".").returncode == 0
    unknown = run("scafold")
    assert unknown.returncode == 2
    assert (
        unknown.stderr == 'There is no command "scafold". The commands are generate, init, scaffold, diff.\n'
    )


def test_a_field_defined_twice_alike_is_a_warning_and_otherwise_an_error(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('schema = "s.graphql"\noutput = "x"\n', encoding="utf-8")
    schema = tmp_path / "s.graphql"
    config = load_config(tmp_path / "p.toml")
    problems = Problems()
    schema.write_text('type Query {\n  a(b: Int): Int\n  "Again."\n  a(b: Int): Int\n}\n', encoding="utf-8")
    load_schema(read_schema_text(config, problems), problems)
    assert [item.code for item in problems.warnings] == ["W003"]
    schema.write_text("type Query {\n  a(b: Int): Int\n  a: String\n}\n", encoding="utf-8")
    with pytest.raises(GenerationError, match="can only be defined once"):
        load_schema(read_schema_text(config, problems), problems)
