"""Names: whatever a schema calls a thing, Python gets an identifier, no two things get one name, and the package works."""

from __future__ import annotations

import itertools
import keyword
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import build_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.codegen.oracle import Oracle
from tests.codegen.projects import generate_project, imported, write_package, write_project

from penstock_codegen import names
from penstock_codegen.diagnostics import GenerationError, Problems
from penstock_codegen.names import Scope

EXAMPLES = 300 if os.environ.get("PENSTOCK_STRESS") == "1" else 10

ODD = [
    "_2fa", "__x", "_", "__", "_1", "class", "Class", "None", "none", "self", "cls", "from", "from_", "fooBar", "foo_bar", "FOO_BAR",
    "type", "id", "_id", "ID", "get", "query", "refresh", "list", "str", "int", "dict", "property", "model_config", "copy", "json",
    "schema", "values", "client", "match", "await", "async", "import", "Field", "Any", "Literal", "T1", "UUID", "annotations",
    "operations", "overload", "deprecated", "builtins", "Handle", "Resource", "Model", "limit", "offset", "page_size", "first", "after",
    "mro", "name", "value", "print", "object", "type_", "typename", "typename_", "x" * 150, "aB2C", "HTTPServer2", "items", "keys", "cast",
    "url", "execute", "close", "_value", "_find", "_resource", "enums", "inputs", "models", "fragments", "errors", "error", "success",
]  # fmt: skip
graphql_names = st.one_of(st.sampled_from(ODD), st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,12}", fullmatch=True))


@pytest.mark.parametrize(
    "make",
    [
        names.identifier,
        names.class_name,
        names.attribute_name,
        names.method_name,
        names.parameter_name,
        names.module_name,
        names.enum_member,
    ],
)
@given(text=st.one_of(graphql_names, st.text(max_size=200)))
def test_a_name_is_an_identifier(make: Callable[[str], str], text: str) -> None:
    if make is names.enum_member:
        # Its values come from a schema, which has names only.
        text = re.sub(r"\W", "_", text, flags=re.ASCII) or "_"
        text = f"_{text}" if text[0].isdigit() else text
    name = make(text)
    assert name.isidentifier()
    assert name.isascii()
    assert not keyword.iskeyword(name)
    assert name not in ("self", "cls", "__debug__") or make is names.enum_member
    assert not name.startswith("_")
    assert len(name) <= 130
    assert make(text) == name


@given(text=graphql_names)
def test_a_name_hides_nothing(text: str) -> None:
    assert names.class_name(text) not in names.MODULE_NAMES | names.ERROR_NAMES
    assert names.attribute_name(text) not in names.HANDLE_NAMES | names.MODEL_NAMES
    assert names.method_name(text) not in names.HANDLE_NAMES
    assert not hasattr(str, names.enum_member(text))
    assert names.module_name(text) not in ("client", "enums", "inputs", "models")


@given(text=graphql_names)
def test_a_name_in_its_own_form_stays(text: str) -> None:
    for make in (names.attribute_name, names.parameter_name, names.snake):
        assert make(make(text)) == make(text)


@given(
    claims=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.sampled_from(["", "a", "b", "d"])),
        max_size=30,
    )
)
def test_no_two_origins_get_one_name(claims: list[tuple[str, int, str]]) -> None:
    problems = Problems()
    scope = Scope("here", problems, "file")
    given_: dict[str, int] = {}
    for wanted, origin, fallback in claims:
        before = len(problems.errors)
        name = scope.claim(wanted, str(origin), fallback=fallback)
        if len(problems.errors) == before and not any(
            f"{origin} and " in item.message and f"here.{name}." in item.message for item in problems.errors
        ):
            assert given_.setdefault(name, origin) == origin


# ------------------------------------------------------------------------------------------------------- random packages

_LEAVES = ["Int", "String", "Boolean", "Float", "ID", "Odd", "Color"]


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """A small API with odd names and its operations, valid by construction."""
    types = draw(st.lists(graphql_names.filter(_is_type_name), min_size=1, max_size=3, unique_by=str.lower))
    values = draw(st.lists(graphql_names.filter(_is_value), min_size=1, max_size=5, unique=True))
    schema = [f"scalar Odd\nenum Color {{ {' '.join(values)} }}"]
    query, files = [], {}
    for index, type_ in enumerate(types):
        found = draw(st.lists(graphql_names.filter(_is_field), min_size=1, max_size=8, unique=True))
        fields = {name: draw(_reference(_LEAVES)) for name in found if name != "id"}
        relations = {
            f"to{target}{number}": target for number, target in enumerate(types) if draw(st.booleans())
        }
        lines = ["id: ID!", *(f"{name}: {kind}" for name, kind in fields.items())]
        lines += [f"{name}: {target}" for name, target in relations.items()]
        schema.append(f"type {type_} {{\n  " + "\n  ".join(lines) + "\n}")
        query += [f"get{index}(id: ID!): {type_}", f"list{index}(limit: Int, offset: Int): [{type_}!]!"]
        chosen = ["id", *(name for name in fields if draw(st.booleans()))]
        chosen += [f"{name} {{ id }}" for name in relations if draw(st.booleans())]
        folder = f"queries/{type_}"
        files[f"{folder}/fields.graphql"] = f"fragment F{index} on {type_} {{ {' '.join(chosen)} }}"
        files[f"{folder}/get.graphql"] = f"query ($id: ID!) {{ get{index}(id: $id) {{ ...F{index} }} }}"
        files[f"{folder}/list.graphql"] = (
            f"query ($limit: Int, $offset: Int) {{ list{index}(limit: $limit, offset: $offset) {{ ...F{index} }} }}"
        )
    arguments = draw(st.lists(graphql_names.filter(_is_field), max_size=4, unique=True))
    kinds = {name: draw(_reference([*_LEAVES, "Input"])) for name in arguments}
    schema.append(
        "input Input {\n  id: ID\n  "
        + "\n  ".join(f"{name}: {draw(_reference(_LEAVES))}" for name in arguments if name != "id")
        + "\n}"
    )
    if arguments:
        declared = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
        query.append(f"call({declared}): [{types[0]}]")
        variables = ", ".join(f"${name}: {kind}" for name, kind in kinds.items())
        passed = ", ".join(f"{name}: ${name}" for name in kinds)
        method = draw(graphql_names)
        files[f"queries/{method}.graphql"] = (
            f"query ({variables}) {{ call({passed}) {{ __typename ...F0 }} }}"
        )
    schema.append("type Query {\n  " + "\n  ".join(query) + "\n}")
    files["schema.graphql"] = "\n\n".join(schema)
    return files


def _is_field(name: str) -> bool:
    return not name.startswith("__")


def _is_type_name(name: str) -> bool:
    taken = {"Query", "Mutation", "Odd", "Color", "Input", "Int", "Float", "String", "Boolean", "ID"}
    return _is_field(name) and name not in taken and len(name) < 100


def _is_value(name: str) -> bool:
    return _is_field(name) and name not in ("true", "false", "null")


def _reference(leaves: list[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda leaf, form: form.format(leaf),
        st.sampled_from(leaves),
        st.sampled_from(["{}", "{}!", "[{}!]", "[{}]!"]),
    )


_numbers = itertools.count()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    # A package takes a second: shrinking one would take minutes, and what fails is small as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(files=projects())
def test_a_random_api_gives_a_package_that_works_or_a_clash_that_is_named(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        name = f"random_api_{next(_numbers)}"
        config = f'[tool.penstock]\noutput = "{name}"\n[tool.penstock.scalars]\nOdd = "str"\n'
        root = write_project(Path(folder) / "project", {**files, "pyproject.toml": config})
        try:
            generated = generate_project(root)
        except GenerationError as error:
            # Names that meet are refused, with both named; nothing else is wrong with these projects.
            assert {item.code for item in error.diagnostics} <= {"N001", "Q004", "R002", "R006"}, str(error)
            return
        write_package(Path(folder) / "out" / name, generated.files)
        with imported(Path(folder) / "out", name) as module:
            oracle = Oracle(module, build_schema(files["schema.graphql"]))
            assert list(oracle.package.modules())
            assert oracle.run().failures == []


@pytest.mark.parametrize("name", ["test_run", "unit_test", "conftest"])
def test_no_inner_module_is_taken_for_a_file_of_tests(name: str) -> None:
    assert names.inner_module(name) == f"_{name}"
    assert names.inner_module(f"a_{name}_b") == f"a_{name}_b"
