"""Plugins: what they can change, that they run only where a person allows it, and what is said where they are wrong."""

# Expected lines stand as they are shown.
# ruff: noqa: E501

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.codegen.golden import CASES, make
from tests.codegen.projects import base_project, imported, write_package, write_project

from penstock_codegen import ir
from penstock_codegen.cache import Cache
from penstock_codegen.cli import main
from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError, Problems
from penstock_codegen.generate import Generated, generate
from penstock_codegen.operations import load_queries
from penstock_codegen.plugin import BasePlugin, Plugin, add_method, drop_method, find_method, rename_method
from penstock_codegen.plugins import plugin_files
from penstock_codegen.resources import build_package
from penstock_codegen.schema import load_schema
from penstock_codegen.sdl import read_schema_text
from penstock_codegen.settle import faults, settle
from penstock_codegen.watch import sources

PLUGIN = """\
from dataclasses import replace

from helpers import SHORT

from penstock_codegen.ir import Package
from penstock_codegen.plugin import BasePlugin, add_method, drop_method, find_method, rename_method

print("it runs")


class Ours(BasePlugin):
    def transform(self, package: Package) -> Package:
        package = rename_method(package, "book.create", "publish")
        package = drop_method(package, "book.delete")
        method = replace(find_method(package, "book.list"), name=SHORT, doc="All of them.")
        return add_method(package, method, folder="book")

    def files(self, package: Package) -> dict[str, str]:
        names = [resource.name for resource in package.resources]
        return {"extras.py": f"NAMES = {names!r}", "NOTES.md": "# Notes\\n"}


def same(package: Package) -> Package:
    return package
"""


def project(root: Path, plugin: str = PLUGIN, names: str = '["ours:Ours", "ours:same"]', **more: str) -> Path:
    files = {**base_project(), "ours.py": plugin, "helpers.py": 'SHORT = "every"\n', **more}
    files["pyproject.toml"] = files["pyproject.toml"].replace(
        "\n\n[tool.penstock.scalars]", f"\nplugins = {names}\n\n[tool.penstock.scalars]"
    )
    return write_project(root, files)


def run(root: Path, cache: Cache | None = None) -> Generated:
    return generate(load_config(root / "pyproject.toml"), cache, plugins="once")


def refused(root: Path) -> list[str]:
    with pytest.raises(GenerationError) as caught:
        run(root)
    return str(caught.value).splitlines()


def test_a_plugin_renames_drops_and_adds(tmp_path: Path) -> None:
    made = run(project(tmp_path))
    assert made.files["extras.py"] == 'NAMES = ["author", "book"]\n'
    assert made.files["NOTES.md"] == "# Notes\n"
    # What nothing sends any more is not in the package.
    assert "delete_book" not in made.files["_operations/book.py"]
    assert "delete_book" not in made.manifest
    write_package(tmp_path / "made" / "shop_api", made.files)
    with imported(tmp_path / "made", "shop_api") as module:
        accessor = module.Client("http://x.test").book
        assert accessor.publish.__doc__
        assert accessor.every.__doc__.startswith("All of them.")
        assert not hasattr(accessor, "create")
        assert not hasattr(module.Book, "delete")
    assert not list(tmp_path.rglob("ours*.pyc")), "a run leaves traces in the project"


def test_nothing_runs_unless_a_person_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PENSTOCK_PLUGINS", raising=False)
    root = project(tmp_path / "project")
    file = str(root / "pyproject.toml")
    assert main(["--config", file]) == 2
    shown = capsys.readouterr()
    assert "it runs" not in shown.out
    assert shown.err.splitlines()[0] == (
        "pyproject.toml:6:1: plugins names code that generating would run (ours:Ours, ours:same), and nothing says that it may. "
        "Read it, then run penstock generate --plugins; --plugins=always remembers that until its code changes. [G001]"
    )
    assert not (root / "shop_api").exists()
    assert main(["--config", file, "--plugins"]) == 0
    assert "it runs" in capsys.readouterr().out
    # Once is once, also where the result is kept.
    assert main(["--config", file, "--check"]) == 2
    monkeypatch.setenv("PENSTOCK_PLUGINS", "once")
    assert main(["--config", file, "--check"]) == 0
    monkeypatch.setenv("PENSTOCK_PLUGINS", "yes")
    assert main(["--config", file, "--check"]) == 2
    assert 'PENSTOCK_PLUGINS is "once", "always" or "no".' in capsys.readouterr().err


def test_what_is_allowed_always_is_allowed_until_the_code_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PENSTOCK_PLUGINS", raising=False)
    root = project(tmp_path / "project")
    file = str(root / "pyproject.toml")
    assert main(["--config", file, "--plugins=always"]) == 0
    assert main(["--config", file]) == 0
    # Also that of a module which the plugin imports.
    (root / "helpers.py").write_text('SHORT = "all_of_them"\n', encoding="utf-8")
    assert main(["--config", file]) == 2
    assert "[G001]" in capsys.readouterr().err
    # The same files elsewhere are another project.
    other = project(tmp_path / "other")
    assert main(["--config", str(other / "pyproject.toml")]) == 2


def test_a_change_of_a_plugin_is_a_change_of_the_package(tmp_path: Path) -> None:
    root, cache = project(tmp_path / "project"), Cache(tmp_path / "cache")
    assert "def every(" in run(root, cache).files["book.py"]
    assert "def every(" in run(root, cache).files["book.py"]
    before = sources(root / "pyproject.toml")
    (root / "helpers.py").write_text('SHORT = "all_of_them"\n', encoding="utf-8")
    assert sources(root / "pyproject.toml") != before
    assert "def all_of_them(" in run(root, cache).files["book.py"]


def test_the_files_of_plugins_are_found_without_running_them(tmp_path: Path) -> None:
    files = {
        "tools/__init__.py": "raise SystemExit\n",
        "tools/one.py": "from . import two\nfrom .deep.three import x\n",
        "tools/two.py": "",
        "tools/deep/__init__.py": "",
        "tools/deep/three.py": "import helpers\n",
        "tools/unrelated.py": "",
    }
    root = project(tmp_path, names='["tools.one:Plugin"]', **files)
    found = {
        path for path in plugin_files(load_config(root / "pyproject.toml")) if not Path(path).is_absolute()
    }
    assert found == {*files, "helpers.py"} - {"tools/unrelated.py"}


WRONG = [
    ("raise", "def same(package):\n    return 1 / 0\n", "The plugin ours:same failed at ours.py:2: ZeroDivisionError: division by zero. --traceback shows where it comes from. [G002]"),
    ("import", "import nowhere\n", "The plugin ours:same cannot be imported at ours.py:1: ModuleNotFoundError: No module named 'nowhere'. --traceback shows where it comes from. [G002]"),
    ("no object", "", "The plugin ours:same cannot be imported: AttributeError: module 'ours' has no attribute 'same'. --traceback shows where it comes from. [G002]"),
    ("no plugin", "same = 3\n", "ours:same is no plugin: it has no transform, and is no function. See penstock_codegen.plugin.Plugin. [G003]"),
    ("no package", "def same(package):\n    pass\n", "The plugin ours:same gives NoneType, where it is to give the package. End transform with `return package`. [G003]"),
    ("twice", "from penstock_codegen.plugin import rename_method\ndef same(p):\n    return rename_method(p, 'book.create', 'list')\n", "The package that the plugin ours:same gives cannot be: client.book would have list twice. [G004]"),
    ("name", "from penstock_codegen.plugin import rename_method\ndef same(p):\n    return rename_method(p, 'book.delete', 'a b')\n", 'The package that the plugin ours:same gives cannot be: "a b" cannot be a name of a book. [G004]'),
    ("taken", "from penstock_codegen.plugin import rename_method\ndef same(p):\n    return rename_method(p, 'book.delete', 'title')\n", "The package that the plugin ours:same gives cannot be: a book would have title twice. [G004]"),
    ("no operation", "from dataclasses import replace\ndef same(p):\n    return replace(p, resources=tuple(replace(r, operations=()) for r in p.resources if r.folder == 'author') + tuple(replace(r, operations=r.operations[:1]) for r in p.resources if r.folder == 'book'))\n", "The package that the plugin ours:same gives cannot be: book.delete sends DELETE, and book has no such operation. [G004]"),
    ("no handles", "from dataclasses import replace\ndef same(p):\n    return replace(p, resources=tuple(r for r in p.resources if r.folder == 'book'))\n", "The package that the plugin ours:same gives cannot be: book.author leads to author, and there are no handles of that. [G004]"),
    ("invalid", "from dataclasses import replace\nfrom penstock_codegen.plugin import *\ndef same(p):\n    m = find_method(p, 'book.create')\n    o = replace(m.operation, constant='X', name='x', text='mutation x{nothing}', fragments=())\n    return add_method(p, replace(m, name='x', operation=o), folder='book')\n", "The package that the plugin ours:same gives cannot be: The operation x is not valid: Cannot query field 'nothing' on type 'Mutation'. [G004]"),
    ("generated", "class same:\n    def transform(self, p): return p\n    def files(self, p): return {'client.py': ''}\n", "The plugin ours:same adds client.py, which is generated. Give it another name, or replace its template. [G005]"),
    ("outside", "class same:\n    def transform(self, p): return p\n    def files(self, p): return {'../x.py': ''}\n", 'The plugin ours:same adds "../x.py", which is no path in the package. Such as "extras.py". [G005]'),
    ("no Python", "class same:\n    def transform(self, p): return p\n    def files(self, p): return {'x.py': 'def'}\n", "x.py, which the plugin ours:same adds, is not Python: invalid syntax (<unknown>, line 1). [G005]"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "line"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_a_plugin_does_wrong(code: str, line: str, tmp_path: Path) -> None:
    lines = refused(project(tmp_path, code, '["ours:same"]'))
    assert f"pyproject.toml:6:1: {line}" in lines


def test_what_is_no_name_of_a_plugin(tmp_path: Path) -> None:
    assert refused(project(tmp_path, names='["ours.py"]')) == [
        'pyproject.toml:6:1: "ours.py" names no plugin. Write the module and the object in it: "my_plugins:Renamed". [C005]'
    ]


def test_a_traceback_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, "def same(package):\n    return 1 / 0\n", '["ours:same"]')
    assert main(["--config", str(root / "pyproject.toml"), "--no-cache", "--plugins", "--traceback"]) == 2
    assert "    return 1 / 0" in capsys.readouterr().err


def build(case: str) -> tuple[ir.Package, object]:
    config, problems = make(case).config, Problems()
    schema = load_schema(read_schema_text(config, problems), problems)
    return build_package(config, schema, load_queries(config, schema, problems), problems)[0], schema


@pytest.mark.parametrize("case", CASES)
def test_what_is_generated_has_no_faults(case: str) -> None:
    package, schema = build(case)
    assert list(faults(package, package, schema)) == []  # type: ignore[arg-type]  # a schema of graphql-core
    assert settle(package) == package


def test_the_helpers_say_what_is_not_there() -> None:
    package, _ = build("tables")
    assert isinstance(BasePlugin(), Plugin)
    assert BasePlugin().transform(package) is package
    for change in (
        lambda: find_method(package, "job.nothing"),
        lambda: rename_method(package, "job.nothing", "x"),
        lambda: drop_method(package, "nothing.at_all"),
        lambda: add_method(package, find_method(package, "job.list"), folder="nothing"),
    ):
        with pytest.raises(KeyError, match="there is no"):
            change()


def test_the_module_that_plugins_import_needs_nothing_heavy() -> None:
    import penstock_codegen.plugin as public

    tree = ast.parse(Path(public.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "collections.abc", "dataclasses", "typing", "ir"}
