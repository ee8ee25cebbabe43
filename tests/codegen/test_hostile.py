"""Nothing in a schema, an operation or a configuration ever runs: hostile texts end up as texts, or are refused."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.codegen.golden import FOLDER
from tests.codegen.projects import base_project, generate_project, write_package, write_project

from penstock_codegen.diagnostics import GenerationError

# Each would leave a file behind if any layer took it for code: Python, a template, a format, an import, a shell.
PAYLOADS = [
    """__import__('pathlib').Path('pwned').touch()""",
    '''""" + __import__("pathlib").Path("pwned").touch() + """''',
    """''' + str(__import__('pathlib').Path('pwned').touch()) + '''""",
    '''"); __import__("pathlib").Path("pwned").touch(); ("''',
    """'); __import__('pathlib').Path('pwned').touch(); ('""",
    """\\""\\"; import pathlib; pathlib.Path('pwned').touch() #""",
    """{{ cycler.__init__.__globals__.os.system('touch pwned') }}""",
    """{% set x = cycler.__init__.__globals__.os.system('touch pwned') %}""",
    """{self.__class__.__init__.__globals__} %s %(x)s ${IFS} $(touch pwned) `touch pwned`""",
    """\\N{LATIN SMALL LETTER A}\\x41\\u0041\\101 \\""",
    """\r\n\x0c\x85\u2028\u2029import pathlib\rpathlib.Path('pwned').touch()""",
    """# -*- coding: utf-7 -*-\n+AG8-""",
]


def string(text: str) -> str:
    """A GraphQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def hostile_project(payload: str) -> dict[str, str]:
    files = base_project()
    said = string(payload)
    schema = files["schema.graphql"]
    for old in (
        "type Book {",
        "  title: String!\n  color: Color\n  pages",
        "enum Color {",
        "  RED",
        "type Query {",
    ):
        assert old in schema
        schema = schema.replace(old, f"{said}\n{old}", 1)
    schema = schema.replace("  pages: Int\n", f"  pages: Int @deprecated(reason: {said})\n")
    schema = schema.replace("title: String): [Book", f"{said} title: String = {said}): [Book")
    schema = schema.replace(
        "input BookInput {", f"{said}\ninput BookInput {{\n  {said} note: String = {said}"
    )
    files["schema.graphql"] = schema
    create = files["queries/book/create.graphql"]
    files["queries/book/create.graphql"] = create.replace(
        "$title: String!", f"$title: String = {said}"
    ).replace("title: $title", f"title: {said} note: $title")
    files["queries/find.graphql"] = (
        f"query ($t: String = {said}) {{ books(title: {said}) {{ id }} more: books(title: $t) {{ id }} }}"
    )
    return files


_CALL = """
import inspect, pkgutil, sys
from importlib import import_module
import shop_api
from shop_api import Client
class Carrier:
    def build_request(self, method, url, *, content, headers, timeout):
        return content
    def send(self, request, /, **options):
        raise ConnectionError(request.decode())
    def close(self):
        pass
for item in pkgutil.walk_packages(shop_api.__path__, "shop_api."):
    for value in list(vars(import_module(item.name)).values()):
        inspect.getdoc(value)
client = Client("http://nowhere.test", http_client=Carrier(), retries=0)
for call in (lambda: client.find(), lambda: client.book.create(), lambda: client.book.list().first()):
    try:
        call()
    except Exception:
        pass
    else:
        sys.exit("nothing was sent")
"""


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_text_stays_a_text(payload: str, tmp_path: Path) -> None:
    files = generate_project(write_project(tmp_path / "project", hostile_project(payload))).files
    for path, text in files.items():
        if path.endswith(".py"):
            ast.parse(text, path)
    write_package(tmp_path / "out" / "shop_api", files)
    done = subprocess.run(
        [sys.executable, "-c", _CALL],
        cwd=tmp_path / "out",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path / "out")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shop_api"]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_default_is_sent_as_it_was_written(payload: str, tmp_path: Path) -> None:
    from graphql import OperationDefinitionNode, StringValueNode, parse

    files = generate_project(write_project(tmp_path, hostile_project(payload))).files
    module = ast.parse(files["_operations/client.py"])
    texts = [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    document = parse(next(text for text in texts if text.startswith("query find")))
    definition = document.definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    default = definition.variable_definitions[0].default_value
    assert isinstance(default, StringValueNode)
    assert default.value == payload


CONFIGURED = [
    "os.system('touch pwned')",
    "__import__('os')",
    "str; import os",
    "str\nimport os",
    "str if True else int",
    "[x for x in ()]",
    "lambda: 0",
    "(yield)",
    'Literal["a"]',
    "f'{1}'",
    "os.path:join()",
    "a.b:c.d[0](1)",
    "str  # comment\nimport os",
    "from x import y",
    "x := 1",
    "*a",
]


@pytest.mark.parametrize("text", CONFIGURED)
def test_a_type_in_the_configuration_is_only_ever_a_type(text: str, tmp_path: Path) -> None:
    files = base_project()
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    files["pyproject.toml"] = files["pyproject.toml"].replace('output = "uuid.UUID"', f"output = {quoted}")
    with pytest.raises(GenerationError) as raised:
        generate_project(write_project(tmp_path, files))
    assert [item.code for item in raised.value.diagnostics] == ["C006"]


def test_no_file_of_the_odd_package_does_more_than_define() -> None:
    """Its modules hold imports, definitions and assignments, and no call but those that the templates write."""
    allowed = {
        "Field", "Nested", "Relation", "Operation", "Problems", "Flag", "ResourceType", "Lookup", "Identity", "Schema",
        "TypedDict", "TypeVar", "deprecated",
    }  # fmt: skip
    for path in sorted((FOLDER / "odd" / "expected").rglob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            for node in _outside_functions(statement):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else ""
                    assert name in allowed, f"{path.name}:{node.lineno}: {ast.unparse(node)[:80]}"


def _outside_functions(node: ast.AST) -> list[ast.AST]:
    found = [node]
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or child in getattr(
            node, "decorator_list", []
        ):
            found += _outside_functions(child)
    return found
