"""The generator's small parts one by one: types, places in a configuration, docstrings, literals, results."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.codegen.projects import base_project, write_project

from penstock_codegen import names
from penstock_codegen.config import ErrorFields, load_config, locate
from penstock_codegen.diagnostics import Problems
from penstock_codegen.operations import load_queries
from penstock_codegen.results import find_result
from penstock_codegen.schema import load_schema
from penstock_codegen.sdl import read_schema_text
from penstock_codegen.types import TypeSyntaxError, parse_type
from penstock_codegen.views import docstring, literal

_ALLOWED = (ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.Load)


@given(
    text=st.one_of(
        st.text(max_size=40),
        st.text(alphabet="strinlUDu.:[]|, ()'\"*=\n#_", max_size=40),
        st.sampled_from(
            [
                "list[str]",
                "a.b:C | None",
                "dict[str, Any]",
                "tuple[int, ...]",
                "f(x)",
                "x.y[0]()",
                "a if b else c",
            ]
        ),
    )
)
def test_a_type_is_names_and_brackets_or_refused(text: str) -> None:
    try:
        type_ = parse_type(text)
    except TypeSyntaxError:
        return
    for node in ast.walk(ast.parse(type_.text, mode="eval")):
        constant = isinstance(node, ast.Constant) and (node.value is None or node.value is Ellipsis)
        assert isinstance(node, _ALLOWED) or constant, ast.dump(node)
    for item in type_.imports:
        assert all(part.isidentifier() for part in (*item.module.split("."), item.name))


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (("tool", "penstock"), (1, 1)),
        (("tool", "penstock", "schema"), (2, 1)),
        (("tool", "penstock", "missing"), (1, 1)),
        (("tool", "penstock", "scalars", "UUID"), (5, 1)),
        (("tool", "penstock", "types", "Book.title"), (7, 3)),
        (("tool", "penstock", "errors", "success"), (9, 1)),
    ],
)
def test_a_setting_is_found_where_it_stands(key: tuple[str, ...], place: tuple[int, int]) -> None:
    text = (
        '[tool.penstock]\nschema = "x"\n\n[tool.penstock.scalars]\nUUID = "str"\n'
        '[tool.penstock.types]\n  "Book.title" = "str"\n[tool.penstock.errors]\nsuccess = "ok"\n'
    )
    assert locate(text, key) == place


texts = st.one_of(st.text(), st.text(alphabet="\"\\'\n abN{}x\x1b\r\x85\u2028", max_size=60))


@given(text=texts, indent=st.sampled_from([0, 4, 8]))
def test_a_docstring_is_one_string(text: str, indent: int) -> None:
    source = docstring(text, indent)
    module = ast.parse(f"x = {source}\n")
    (statement,) = module.body
    assert isinstance(statement, ast.Assign)
    value = ast.literal_eval(statement.value)
    assert isinstance(value, str)
    # Every word of the text is there, in its order: only white space is ours.
    if text.isprintable():
        assert "".join(value.split()) == "".join(text.split())


data = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
)


@given(value=data)
def test_a_literal_is_its_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


RESULTS = [
    ("query { books { id title } }", "model", ("books",), True),
    ("query { books { title } }", "model", ("books",), True),
    ("query { books { ...book_fields } }", "spread", ("books",), True),
    ('query { book(id: "1") { title } }', "leaf", ("book", "title"), False),
    ('query { book(id: "1") { t: title } }', "leaf", ("book", "t"), False),
    ('query { book(id: "1") { author { name id } } }', "model", ("book", "author"), False),
    ('query { book(id: "1") { id @resource(name: "book") } }', "handle", ("book", "id"), False),
    ('query { a: book(id: "1") { id } b: books { id } }', "data", (), False),
    ('mutation { delete_book(id: "1") { success error } }', "nothing", ("delete_book",), False),
    ('mutation { delete_book(id: "1") { success error id } }', "leaf", ("delete_book", "id"), False),
    ('mutation { delete_book(id: "1") { error } }', "leaf", ("delete_book", "error"), False),
    ("query { books @only { title } }", "leaf", ("books", 0, "title"), False),
]


@pytest.mark.parametrize(("text", "kind", "path", "many"), RESULTS, ids=[item[0] for item in RESULTS])
def test_a_result_is_what_the_operation_leads_to(
    text: str, kind: str, path: tuple[str | int, ...], many: bool, tmp_path: Path
) -> None:
    root = write_project(tmp_path, {**base_project(), "queries/one.graphql": text})
    config, problems = load_config(root / "pyproject.toml"), Problems()
    schema = load_schema(read_schema_text(config, problems), problems)
    queries = load_queries(config, schema, problems)
    document = next(item for item in queries.documents if item.name == "one")
    found = find_result(document, schema, queries, ErrorFields(), frozenset({"book_fields"}))
    assert (found.kind, found.path, found.many) == (kind, path, many)


@pytest.mark.parametrize("folder", ["async", "resource", "async_resource", "pages", "accessor"])
def test_no_class_of_a_resource_hides_what_its_module_imports(folder: str) -> None:
    base = names.handle_class_name(folder)
    made = {
        base,
        f"Async{base}",
        f"{base}Attributes",
        f"{base}Paths",
        f"{base}Accessor",
        f"Async{base}Accessor",
    }
    assert made.isdisjoint(names.MODULE_NAMES)
