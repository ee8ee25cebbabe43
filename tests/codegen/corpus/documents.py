"""Files: byte order marks, line ends, encodings, emptiness, comments, syntax at its edges."""

# Documents and answers stand as they are sent.
# ruff: noqa: E501

from __future__ import annotations

from tests.codegen.corpus import Case, refused, works

_SCHEMA = "type Query { word(a: String): String! number: Int }"
_WORD = ("client.odd()", "Query.word")
_PASS = '{"a": "x"}'


def _file(name: str, query: str | bytes, *gives: tuple[str, object]) -> Case:
    return works(name, _SCHEMA, query, *(gives or (_WORD,)))


def _bad(name: str, query: str | bytes, code: str, place: str, gist: str) -> Case:
    return refused(
        name,
        _SCHEMA,
        {"odd.graphql": query, "fine.graphql": "{ word }"},
        (code, f"queries/odd.graphql{place}", gist),
    )


CASES: list[Case] = [
    _file("a byte order mark in an operation", b"\xef\xbb\xbfquery { word }"),
    works("a byte order mark in the schema", b"\xef\xbb\xbf" + _SCHEMA.encode(), "{ word }", _WORD),
    works(
        "a byte order mark in the configuration",
        _SCHEMA,
        "{ word }",
        _WORD,
        files={"pyproject.toml": b'\xef\xbb\xbf[tool.penstock]\noutput = "odd_api"\n'},
    ),
    _file(
        "carriage returns",
        b"query (\r\n  $a: String\r\n) {\r\n  word(a: $a)\r\n}\r\n",
        ('client.odd(a="x")', _PASS),
    ),
    _file("old carriage returns alone", b"query {\r  # a comment\r  word\r}\r"),
    works("carriage returns in the schema", _SCHEMA.replace(" ", "\r\n").encode(), "{ word }", _WORD),
    _file("no line's end at the end", "{ word }"),
    _file("commas, tabs and blank lines", "\n\n,,query,,{\t,word,,\t}\n\n,,"),
    _file("comments everywhere", "#!/bin/sh\n# touch pwned\nquery # {\n{ # }\n  word # \"\n} # '''\n# end"),
    _file(
        "a comment of code",
        '# """\n__import__("pathlib").Path("pwned").touch()\n'.replace("\n_", "\n# _") + "{ word }",
    ),
    _file("a comment with escapes and bidi", "{ word # \u202e dlrow \u200b \ufeff\n}"),
    _file("an operation's description is a comment", "# Says a word.\nquery { word }"),
    _bad("an operation of invalid UTF-8", b'{ word(a: "\xff\xfe") }', "Q001", "", "not UTF-8"),
    _bad("an operation in UTF-16", "{ word }".encode("utf-16"), "Q001", "", "not UTF-8"),
    _bad("an operation in Latin-1", '{ word(a: "é") }'.encode("latin-1"), "Q001", "", "not UTF-8"),
    _bad("an operation of nothing", b"", "Q002", "", "This file is empty."),
    _bad("an operation of white space", b" \n\t\r\n ", "Q002", "", "This file is empty."),
    _bad("an operation of a byte order mark", b"\xef\xbb\xbf", "Q002", "", "This file is empty."),
    _bad("an operation of comments", b"# one\n# two", "Q002", ":2:6", "unexpected <EOF>"),
    _bad("an operation of NUL bytes", b"\x00\x00", "Q002", ":1:1", "U+0000"),
    _bad("a NUL byte within", b"{ word\x00 }", "Q002", ":1:7", "U+0000"),
    _bad("a control character within", b"{ word\x1b[31m }", "Q002", ":1:7", "U+001B"),
    _bad("a name that is no ASCII", "{ wörd }", "Q002", ":1:4", "U+00F6"),
    _bad("a lone surrogate", b'{ word(a: "\xed\xa0\x80") }', "Q001", "", "not UTF-8"),
    _bad("a lone surrogate's escape", '{ word(a: "\\uD800") }', "Q002", ":1:12", "invalid Unicode escape"),
    _bad("a text without an end", '{ word(a: "x', "Q002", ":1:13", "unterminated string"),
    _bad("a block string without an end", '{ word(a: """x', "Q002", ":1:15", "unterminated string"),
    _bad("a comma where a brace is", "{ word ,", "Q002", ":1:9", "<EOF>"),
    _bad("another language", "SELECT * FROM words;", "Q002", ":1:1", "SELECT"),
    _bad("JSON", '{"query": "{ word }"}', "Q002", ":1:2", "String"),
    _bad("Python", "import os\nos.system('touch pwned')", "Q002", ":1:1", "import"),
    _bad("a selection of nothing", "{ }", "Q002", ":1:3", "}"),
    _bad("a subscription", "subscription { word }", "Q009", ":1:1", "no type Subscription"),
    _bad("a directive of another server", "{ word @live }", "Q008", ":1:8", 'Unknown directive "@live"'),
    _bad("a directive twice", "{ word @skip(if: true) @skip(if: false) }", "Q008", ":1:8", "@skip"),
    _bad("a directive of ours where it cannot stand", "query @only { word }", "Q008", ":1:7", "@only"),
    _bad("a variable twice", "query ($a: String, $a: String) { word(a: $a) }", "Q008", ":1:9", "$a"),
    refused(
        "a variable of an object's type",
        _SCHEMA,
        "query ($a: Query) { word(a: $a) }",
        ("Q008", "queries/odd.graphql:1:8", "expecting type"),
        ("Q008", "queries/odd.graphql:1:12", "non-input type"),
    ),
    _bad(
        "a fragment on nothing",
        "{ word ...F }\nfragment F on Nothing { word }",
        "Q008",
        ":2:15",
        "Unknown type",
    ),
    _bad(
        "a fragment within itself",
        "{ ...F }\nfragment F on Query { word ...F }",
        "Q008",
        ":2:28",
        "within itself",
    ),
    _bad(
        "fragments in a circle",
        "{ ...F }\nfragment F on Query { ...G }\nfragment G on Query { word ...F }",
        "Q008",
        ":2:23",
        "within itself",
    ),
    _bad("a fragment named on", "{ ...on }\nfragment on on Query { word }", "Q002", ":1:9", "expected"),
    works(
        "fragments named like Python's words",
        _SCHEMA,
        "query odd { ...None ...class ...self ...Client }\nfragment None on Query { word }\n"
        "fragment class on Query { a: word }\nfragment self on Query { b: word }\nfragment Client on Query { c: word }",
        ("client.odd()", {"word": "Query.word", "a": "Query.word", "b": "Query.word", "c": "Query.word"}),
    ),
    works(
        "fragments that differ in case",
        _SCHEMA,
        "query odd { ...fooBar ...foo_bar ...FooBar }\nfragment fooBar on Query { word }\n"
        "fragment foo_bar on Query { a: word }\nfragment FooBar on Query { b: word }",
        ("client.odd()", {"word": "Query.word", "a": "Query.word", "b": "Query.word"}),
    ),
    works(
        "a query's file of another ending",
        _SCHEMA,
        {"odd.gql": "{ word }", "notes.txt": "{ nothing", "x.graphqls": "type"},
        _WORD,
    ),
    refused(
        "two files that are one operation",
        _SCHEMA,
        {"odd.gql": "{ word }", "odd.graphql": "{ number }"},
        ("Q004", "queries/odd.gql:1:1", 'are both named "odd"'),
    ),
    refused(
        "a schema of invalid UTF-8",
        b"type Query { word: String } # \xff",
        "{ word }",
        ("S003", "schema.graphql", "not UTF-8"),
    ),
    refused(
        "a schema of comments", "# nothing\n", "{ word }", ("S001", "schema.graphql:2:1", "unexpected <EOF>")
    ),
    refused("a schema of operations", "{ word }", "{ word }", ("S002", "schema.graphql", "no type Query")),
    refused(
        "a schema with a NUL byte",
        "type Query {\x00 word: String }",
        "{ word }",
        ("S001", "schema.graphql:1:13", "U+0000"),
    ),
    refused(
        "a type without fields",
        "type Query { word: String e: Empty }\ntype Empty",
        "{ word }",
        ("S002", "schema.graphql:2:1", "must define one or more fields"),
    ),
    refused(
        "an input without fields",
        "type Query { word(a: Empty): String }\ninput Empty",
        "{ word }",
        ("S002", "schema.graphql:2:1", "must define one or more fields"),
    ),
    refused(
        "an enum without values",
        "type Query { word: E }\nenum E",
        "{ word }",
        ("S002", "schema.graphql:2:1", "must define one or more values"),
    ),
    refused(
        "a union without members",
        "type Query { word: U }\nunion U",
        "{ word }",
        ("S002", "schema.graphql:2:1", "must define one or more member"),
    ),
    refused(
        "a type's fields in empty braces",
        "type Query { word: E }\ntype E { }",
        "{ word }",
        ("S001", "schema.graphql:2:10", "expected Name"),
    ),
    refused(
        "names that GraphQL keeps for itself",
        "type Query { __word: String }",
        "{ __word }",
        ("S002", "schema.graphql:1:14", "reserved"),
    ),
    refused(
        "a type defined twice",
        "type Query { a: A }\ntype A { x: Int }\ntype A { y: Int }",
        "{ a { x } }",
        ("S002", "schema.graphql:2:6", "only one type named"),
    ),
    refused(
        "an interface that is not met",
        "type Query { a: A }\ninterface I { x: Int }\ntype A implements I { y: Int }",
        "{ a { y } }",
        ("S002", "schema.graphql:2:15", "expected but A does not provide it"),
    ),
    refused(
        "an interface that is its own",
        "type Query { a: I }\ninterface I implements I { x: Int }",
        "{ a { x } }",
        ("S002", "schema.graphql:2:24", "implement itself"),
    ),
    works(
        "a schema that is extended",
        "extend type Query { number: Int }\ntype Query { word: String }\nextend schema @x\ndirective @x on SCHEMA",
        "{ word number }",
        ("client.odd()", {"word": "Query.word", "number": 7}),
    ),
    works(
        "a schema in two files",
        _SCHEMA,
        "{ word extra { x } }",
        ("client.odd()", {"word": "Query.word", "extra": {"x": 7}}),
        config='schema = ["schema.graphql", "more.graphql"]\n',
        files={"more.graphql": "extend type Query { extra: E! }\ntype E { x: Int }"},
    ),
    works(
        "directives of the schema's own",
        'directive @d(a: String = "\\"", b: [Int] = [1]) repeatable on FIELD | OBJECT | QUERY\ntype Query @d(a: "x") { word: String number: Int }',
        'query @d { word @d(a: "pw\'ned") @d number }',
        ("client.odd()", {"word": "Query.word", "number": 7}),
        ("'@d(a:\"pw' in (client.odd(), sent[0].document)[1].replace(' ', '')", True),
    ),
    refused(
        "a schema's own @resource and @only",
        "directive @only on FIELD\ntype Query { word: String }",
        "{ word }",
        ("S005", "schema.graphql:1:1", "@only is a directive of the queries' own"),
    ),
]
