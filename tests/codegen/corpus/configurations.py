"""Configurations: types that name more than types, paths and package names that lead elsewhere, texts that are not what they should be."""

# Documents and answers stand as they are sent.
# ruff: noqa: E501

from __future__ import annotations

import json

from tests.codegen.corpus import Case, refused, works

_SCHEMA = "scalar Odd\ntype Query { odd: Odd! word: String other: Other }\ntype Other { id: ID! word: String name: String }"
_QUERY = "{ odd word other { id word name } }"


def _refused(name: str, config: str, code: str, line: int, gist: str) -> Case:
    """`config` stands from the third line on."""
    return refused(name, _SCHEMA, _QUERY, (code, f"pyproject.toml:{line}:1", gist), config=config)


def _type(text: str) -> Case:
    """A scalar's type that is none."""
    shown = json.dumps(text)
    return refused(
        f"a scalar's type that is {shown[1:60]}",
        _SCHEMA,
        _QUERY,
        ("C006", "pyproject.toml:4:1", "is no Python type"),
        config=f"[tool.penstock.scalars]\nOdd = {shown}\n",
    )


def _project(name: str, toml: str | bytes, *refusals: tuple[str, str, str]) -> Case:
    return refused(name, _SCHEMA, _QUERY, *refusals, files={"pyproject.toml": toml})


_TYPES = [
    "os.system('touch pwned')", "__import__('os')", "str; import os", "str\nimport os", "str if True else int", "[x for x in ()]", "lambda: 0",
    "(yield)", 'Literal["a"]', "f'{1}'", "os.path:join()", "a.b:c.d[0](1)", "str  # comment\nimport os", "from x import y", "x := 1", "*a",
    '"str"', "'''", "str | __import__('os').system('touch pwned')", "list[str]()", "list[lambda: 0]", "{{ 7 * 7 }}", "str\\", "not str", "a.b.", ".a", "a..b",
    "class", "a.class", "1", "-1", "...", "\x00", "str\x1b[31m", "await x", "a[b := c]", "@x", "", " ",
]  # fmt: skip

CASES: list[Case] = [
    *(_type(text) for text in _TYPES),
    _refused(
        "a field's type that runs",
        '[tool.penstock.types]\n"Other.word" = "os.system(\'touch pwned\')"\n',
        "C006",
        4,
        "is no Python type",
    ),
    _refused(
        "a field's name with code in it",
        '[tool.penstock.names]\n"Other.word" = "x = __import__(\'os\')"\n',
        "C005",
        4,
        "cannot be the name of an attribute",
    ),
    _refused(
        "a field's name that is a keyword",
        '[tool.penstock.names]\n"Other.word" = "class"\n',
        "C005",
        4,
        "cannot be the name of an attribute",
    ),
    _refused(
        "a field's name that is a dunder",
        '[tool.penstock.names]\n"Other.word" = "__class__"\n',
        "C005",
        4,
        "cannot be the name of an attribute",
    ),
    _refused(
        "a key with code in it",
        '[tool.penstock.types]\n"Other.x\\"; import os #" = "str"\n',
        "C007",
        3,
        "Other has no field",
    ),
    _refused(
        "a scalar's name with quotes",
        '[tool.penstock.scalars]\n"Odd\\"\\n" = "str"\n',
        "C007",
        3,
        "The schema has no scalar",
    ),
    _refused(
        "a renamed method with code in it",
        '[tool.penstock.renamed]\n"odd();import os" = "odd"\n',
        "C011",
        4,
        "do not both name a method",
    ),
    _refused(
        "a context of a name with code in it",
        "context = [\"x: int = __import__('os')\"]\n",
        "C008",
        3,
        "no operation has a variable",
    ),
    _refused(
        "an error field that is no list",
        "[tool.penstock.errors]\nsuccess = {}\n",
        "C005",
        4,
        "success is a list of strings",
    ),
    _refused("headers that are a list", 'headers = ["X-A: b"]\n', "C005", 3, "headers is a table"),
    _refused("a schema that is a number", "schema = 3\n", "C005", 3, "schema is a path"),
    _refused("a schema that is an empty list", "schema = []\n", "C005", 3, "schema is a path"),
    *(
        _project(
            f"a package named {json.dumps(output)}",
            f"[tool.penstock]\noutput = {json.dumps(output)}\n",
            (code, "pyproject.toml:2:1", gist),
        )
        for output, code, gist in [
            ("a.b", "C005", "cannot be imported"),
            ("a b", "C005", "cannot be imported"),
            ("2fa", "C005", "cannot be imported"),
            ("..", "C005", "cannot be imported"),
            ("/", "C005", "cannot be imported"),
            ("x/import os;", "C005", "cannot be imported"),
            ("api\n", "C005", "cannot be imported"),
            ("None", "C005", "cannot be imported"),
        ]
    ),
    works(
        "a package named like a letter beyond ASCII",
        _SCHEMA,
        "{ word }",
        ("client.odd()", "Query.word"),
        files={"pyproject.toml": '[tool.penstock]\noutput = "äpi"\n'},
    ),
    _project(
        "a configuration that is an array",
        "[[tool.penstock]]\noutput = 'x'\n",
        ("C003", "pyproject.toml:1:1", "is a table"),
    ),
    _project(
        "a configuration with a key twice",
        "[tool.penstock]\noutput = 'x'\noutput = 'y'\n",
        ("C002", "pyproject.toml:3:13", "This is not TOML"),
    ),
    _project(
        "a configuration with a NUL byte",
        b"[tool.penstock]\noutput = 'x\x00'\n",
        ("C002", "pyproject.toml:2:12", "This is not TOML"),
    ),
    _project(
        "a configuration of 100,000 brackets",
        "[tool.penstock]\nschema = " + "[" * 100_000,
        ("C002", "pyproject.toml", "nested too deeply"),
    ),
    _project("an empty configuration", "", ("C003", "pyproject.toml", "There is no [tool.penstock] section")),
    _project(
        "a schema outside of everything",
        '[tool.penstock]\noutput = "x"\nschema = "../../nothing/*.graphql"\n',
        ("S003", "pyproject.toml:3:1", "No file matches"),
    ),
    _project(
        "a schema with a NUL byte in its name",
        '[tool.penstock]\noutput = "x"\nschema = "a\\u0000b"\n',
        ("C005", "pyproject.toml:3:1", "NUL"),
    ),
    _project(
        "queries with a NUL byte in their name",
        '[tool.penstock]\noutput = "x"\nqueries = "a\\u0000b"\n',
        ("C005", "pyproject.toml:3:1", "NUL"),
    ),
    _project(
        "queries that are a file",
        '[tool.penstock]\noutput = "x"\nqueries = "schema.graphql"\n',
        ("Q001", "schema.graphql", "no such folder"),
    ),
    _project(
        "a URL that is none",
        '[tool.penstock]\noutput = "x"\nschema = "http://[::1"\n',
        ("S004", "http://[::1", "cannot be had by introspection"),
    ),
    _project(
        "a header with line ends",
        '[tool.penstock]\noutput = "x"\nschema = "http://127.0.0.1:9/"\n[tool.penstock.headers]\nX = "a\\r\\nY: b"\n',
        ("S004", "http://127.0.0.1:9/", "cannot be had by introspection"),
    ),
    _project(
        "a header of a variable that is not set",
        '[tool.penstock]\noutput = "x"\nschema = "http://127.0.0.1:9/"\n[tool.penstock.headers]\nX = "${PENSTOCK_NOT_SET}"\n',
        ("C010", "pyproject.toml:5:1", "PENSTOCK_NOT_SET"),
    ),
    works(
        "a context variable of an odd name",
        "type Query { echo(a: String): String word: String }",
        {"odd.graphql": "query ($class: String) { echo(a: $class) }", "w.graphql": "{ word }"},
        ('client.odd(class_="x")', '{"a": "x"}'),
        config='context = ["class"]\n',
    ),
]
