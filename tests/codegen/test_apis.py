"""Several APIs in one project: generated, checked, compared and used together or one by one, and what they must not share."""

# Expected lines stand as they are shown.
# ruff: noqa: E501

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.codegen.projects import QUERIES, SCHEMA, imported, write_project

from penstock_codegen.cli import main
from penstock_codegen.config import load_config, load_configs
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.evolve.cli import main as diff
from penstock_codegen.init import main as init
from penstock_codegen.scaffold.cli import main as scaffold
from penstock_codegen.watch import sources

CONFIG = """\
[tool.penstock.scalars]
UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }

[tool.penstock.apis.shop]
schema = "shop.graphql"
queries = "shop/queries"
output = "made/shop_api"
manifest = "made/shop.json"
context = ["tenant_id"]

[tool.penstock.apis.notes]
schema = "notes.graphql"
output = "made/notes_api"

[tool.penstock.apis.notes.scalars]
Text = "str"
"""
NOTES = "scalar Text type Note { id: ID! text: Text } type Query { note(id: ID!): Note }"


def project(root: Path, config: str = CONFIG) -> Path:
    files = {
        "pyproject.toml": config,
        "shop.graphql": SCHEMA,
        "notes.graphql": NOTES,
        "queries/notes/read.graphql": "query ($id: ID!) { note(id: $id) { text } }",
        **{f"shop/queries/{path}": text for path, text in QUERIES.items()},
    }
    return write_project(root, files) / "pyproject.toml"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))


def test_generate_makes_all_or_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path)
    assert main(["--config", str(file), "--check"]) == 1
    assert main(["--config", str(file), "--api", "notes"]) == 0
    assert not (tmp_path / "made/shop_api").exists()
    capsys.readouterr()
    assert main(["--config", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["shop_api: 2 resources", "notes_api: 0 resources"]
    assert (tmp_path / "made/shop.json").is_file()
    assert main(["--config", str(file), "--check", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: report["changes"] for name, report in told["apis"].items()} == {"shop": [], "notes": []}
    assert {Path(name).name for name in sources(file)} >= {"shop.graphql", "notes.graphql", "read.graphql"}
    assert main(["--config", str(file), "--manifest", "x.json"]) == 2
    assert "name the API with --api" in capsys.readouterr().err


def test_nothing_is_written_where_one_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path)
    (tmp_path / "queries/notes/read.graphql").write_text("{ nothing }", encoding="utf-8")
    assert main(["--config", str(file)]) == 2
    assert capsys.readouterr().err.startswith("queries/notes/read.graphql:1:3: ")
    assert not (tmp_path / "made").exists()


def test_both_are_used_in_one_program_and_checked_together(tmp_path: Path) -> None:
    assert main(["--config", str(project(tmp_path))]) == 0
    program = (
        "import uuid\nimport notes_api\nimport shop_api\n\n"
        "def copy(shop: shop_api.Client, notes: notes_api.Client) -> str | None:\n"
        "    title: str = shop.book(id=uuid.uuid4()).title\n"
        "    return notes.read(title)\n\n"
        "wrong: int = notes_api.Client('http://x.test').read('1')\n"
    )
    (tmp_path / "made/program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "program.py", "shop_api", "notes_api"],
        cwd=tmp_path / "made",
        env={**os.environ, "MYPYPATH": "", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stdout
    assert lines[0].startswith("program.py:9: error: Incompatible types in assignment")
    with imported(tmp_path / "made", "shop_api") as shop, imported(tmp_path / "made", "notes_api") as notes:
        assert shop.ActionFailed is not notes.ActionFailed
        with shop.Client("http://x.test") as one, notes.Client("http://x.test") as other:
            assert hasattr(one, "book")
            assert hasattr(other, "read")


def test_what_is_shared_need_not_be_in_each(tmp_path: Path) -> None:
    shop, notes = load_configs(project(tmp_path))
    assert sorted(shop.scalars) == ["UUID"]
    assert sorted(notes.scalars) == ["Text", "UUID"]
    assert notes.queries == tmp_path / "queries/notes"


def test_commands_for_one_api_ask_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path)
    asks = "pyproject.toml:4:1: There are several APIs here. Name one with --api: shop, notes. [C013]"
    with pytest.raises(GenerationError) as caught:
        load_config(file)
    assert str(caught.value) == asks
    assert scaffold(["--config", str(file), "--dry-run"]) == 2
    assert asks in capsys.readouterr().err
    assert scaffold(["--config", str(file), "--api", "notes"]) == 0
    assert (tmp_path / "queries/notes/note/get.graphql").is_file()
    (tmp_path / "new.graphql").write_text(NOTES.replace("text: Text", "title: Text"), encoding="utf-8")
    (tmp_path / "queries/notes/ping.graphql").write_text("{ __typename }", encoding="utf-8")
    capsys.readouterr()
    assert diff([str(file), str(tmp_path / "new.graphql"), "--config", str(file), "--api", "notes"]) == 1
    assert "read" in capsys.readouterr().out


def test_init_adds_an_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.graphql").write_text(NOTES, encoding="utf-8")
    file = tmp_path / "pyproject.toml"
    common = ["--config", str(file), "--schema", "notes.graphql"]
    assert init([*common, "--output", "one_api", "--api", "one", "--scaffold"]) == 0
    assert init([*common, "--output", "two_api", "--api", "two", "--scaffold"]) == 0
    assert "[tool.penstock.apis.two]\n" in file.read_text(encoding="utf-8")
    assert main(["--config", str(file)]) == 0
    assert (tmp_path / "one_api/note.py").is_file()
    assert (tmp_path / "two_api/note.py").is_file()
    capsys.readouterr()
    assert init([*common, "--output", "x", "--api", "two"]) == 2
    assert "This file has the API two already." in capsys.readouterr().err
    assert init([*common, "--output", "x"]) == 2
    single = tmp_path / "penstock.toml"
    single.write_text('output = "x"\n', encoding="utf-8")
    assert init(["--config", str(single), "--schema", "notes.graphql", "--output", "y", "--api", "y"]) == 2
    assert "This file has one API, without a name." in capsys.readouterr().err


WRONG = [
    ("unknown", CONFIG.replace("[tool.penstock.scalars]", "[tool.penstock]\nscalar = 1\n[tool.penstock.scalars]"),
     'pyproject.toml:2:1: There is no setting "scalar". Did you mean "scalars"? [C004]'),
    ("misplaced", f'[tool.penstock]\noutput = "x"\n{CONFIG}',
     "pyproject.toml:2:1: output belongs to one API, and this file has apis. "
     "Move it under [tool.penstock.apis.NAME]; scalars, errors, plugins, templates may stand here for all. [C013]"),
    ("none", "[tool.penstock.apis]\n", "pyproject.toml:1:1: There are no APIs here. Write [tool.penstock.apis.NAME]. [C013]"),
    ("no table", "[tool.penstock.apis]\nx = 1\n", "pyproject.toml:2:1: x is a table, and this is a number. [C005]"),
    ("name", CONFIG.replace("apis.notes]", 'apis."a b"]'), 'pyproject.toml:11:1: "a b" cannot be the name of an API. Letters, digits and underscores. [C013]'),
    ("schema", CONFIG.replace('schema = "notes.graphql"\n', ""), 'pyproject.toml:11:1: schema is missing. Such as schema = "notes.graphql". [C005]'),
    ("output", CONFIG.replace("notes_api", "shop_api"), "pyproject.toml:13:1: output is that of shop, or within it. Give each its own folder. [C013]"),
    ("import name", CONFIG.replace("made/notes_api", "also/shop_api"),
     "pyproject.toml:13:1: output ends in shop_api, as that of shop: one program cannot import both. "
     "Its last part is the package's import name. [C013]"),
    ("queries", CONFIG.replace('"shop/queries"', '"queries"'),
     "pyproject.toml:11:1: queries is the folder of shop, or one is within the other. Such as queries = \"queries/notes\". [C013]"),
    ("manifest", CONFIG.replace('"made/notes_api"\n', '"made/notes_api"\nmanifest = "made/shop.json"\n'),
     "pyproject.toml:14:1: manifest is that of shop. Give each its own file. [C013]"),
    ("shared", CONFIG.replace('output = "uuid.UUID" }', 'output = "uuid.UUID(" }'),
     'pyproject.toml:2:1: "uuid.UUID(" is no Python type: it is not an expression. Such as "uuid.UUID | str", "list[str]". [C006]'),
    ("own", CONFIG.replace('Text = "str"', 'Test = "str"'),
     'pyproject.toml:16:1: The schema has no scalar "Test". Did you mean "Text"? [C007]'),
]  # fmt: skip


@pytest.mark.parametrize(("config", "line"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_at_its_line(
    config: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(project(tmp_path, config)), "--no-cache"]) == 2
    assert line in capsys.readouterr().err.splitlines()


def test_an_api_that_is_not_there(tmp_path: Path) -> None:
    file = project(tmp_path / "several")
    for path, line in (
        (file, 'pyproject.toml:4:1: There is no API "note". Did you mean "notes"? [C013]'),
        (
            project(tmp_path / "one", '[tool.penstock]\noutput = "x"\n'),
            'pyproject.toml:1:1: There is no API "note": this file has one, without a name. Leave --api out. [C013]',
        ),
    ):
        with pytest.raises(GenerationError) as caught:
            load_configs(path, "note")
        assert str(caught.value) == line
