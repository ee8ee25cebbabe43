"""Inputs, variables and scalars: recursive, odd names, defaults of every kind, null, lists, coercion."""

# Documents and answers stand as they are sent.

# Documents and answers stand as they are sent.

from __future__ import annotations

from tests.codegen.corpus import Case, refused, works

_ECHO = "type Query { echo(a: In, b: [In!], n: Int): String }\n"


def _input(name: str, fields: str, given: str, sent: str, more: str = "") -> Case:
    """An input with these fields, given as a dictionary: `sent` is what the server gets, as JSON."""
    return works(
        name,
        f"{_ECHO}input In {{ {fields} }}\n{more}",
        "query ($a: In) { echo(a: $a) }",
        (f"client.odd(a={given})", f'{{"a": {sent}}}'),
    )


def _default(name: str, type_: str, written: str, got: str, more: str = "") -> Case:
    """A variable's default: what the server gets where nothing is given, as JSON; the same as a literal in the operation."""
    return works(
        name,
        f"type Query {{ echo(a: {type_}): String }}\n{more}",
        {
            "odd.graphql": f"query ($a: {type_} = {written}) {{ echo(a: $a) }}",
            "literal.graphql": f"query {{ echo(a: {written}) }}",
        },
        ("client.odd()", f'{{"a": {got}}}'),
        ("client.literal()", f'{{"a": {got}}}'),
        ("(client.odd(), sent[0].variables)[1]", {}),
    )


def _scalar(name: str, type_: str, calls: list[tuple[str, str]], config: str = "") -> Case:
    """A custom scalar as a variable: the arguments of a call, and what is sent for them."""
    return works(
        name,
        f"scalar Odd\ntype Query {{ echo(a: {type_}): String odd: Odd }}",
        {"odd.graphql": f"query ($a: {type_}) {{ echo(a: $a) }}", "read.graphql": "query { odd }"},
        *((f"client.odd({given})", sent) for given, sent in calls),
        config=config,
        answers={"Odd": "2020-01-02"},
    )


_DATE = '[tool.penstock.scalars]\nOdd = "datetime.date"\n'
_D = "__import__('datetime').date(2020, 1, 2)"

CASES: list[Case] = [
    _input(
        "an input that holds itself",
        "in: In, ins: [In!], n: Int",
        '{"in": {"in": {"n": 1}}, "ins": [{"n": 2}, {}]}',
        '{"in": {"in": {"n": 1}}, "ins": [{"n": 2}, {}]}',
    ),
    _input(
        "inputs that hold each other",
        "other: Other",
        '{"other": {"in": {"other": {}}}}',
        '{"other": {"in": {"other": {}}}}',
        "input Other { in: In, self: Other }",
    ),
    _input(
        "an input's fields that are keywords",
        "class: Int, from: Int, None: Int, self: Int",
        '{"class": 1, "from": 2, "None": 3, "self": 4}',
        '{"None": 3, "class": 1, "from": 2, "self": 4}',
    ),
    _input(
        "an input's fields that are builtins",
        "str: String, int: Int, list: [Int], dict: String, type: String, id: ID",
        '{"str": "x", "int": 1, "list": [2], "dict": "d", "type": "t", "id": "i"}',
        '{"dict": "d", "id": "i", "int": 1, "list": [2], "str": "x", "type": "t"}',
    ),
    _input(
        "an input's fields that are a dictionary's",
        "keys: Int, items: Int, get: Int, update: Int, values: Int, copy: Int",
        '{"keys": 1, "items": 2, "get": 3, "update": 4, "values": 5, "copy": 6}',
        '{"copy": 6, "get": 3, "items": 2, "keys": 1, "update": 4, "values": 5}',
    ),
    _input(
        "an input's fields that meet",
        "fooBar: Int, foo_bar: Int, _id: Int, id: Int, from: Int, from_: Int",
        '{"fooBar": 1, "foo_bar": 2, "_id": 3, "id": 4, "from": 5, "from_": 6}',
        '{"_id": 3, "fooBar": 1, "foo_bar": 2, "from": 5, "from_": 6, "id": 4}',
    ),
    _input(
        "an input's field of 300 characters",
        f"{'a' * 300}: Int",
        f'{{"{"a" * 300}": 1}}',
        f'{{"{"a" * 300}": 1}}',
    ),
    _input("an input's fields with null and without", "n: Int, m: Int", '{"n": None}', '{"n": null}'),
    _input(
        "an input's defaults",
        'i: Int = 3, s: String = "a\\"b\\\\", l: [Int!] = [1, 2], n: Int = null, f: Float = 1e10, e: E = A',
        "{}",
        '{"e": "A", "f": 10000000000.0, "i": 3, "l": [1, 2], "n": null, "s": "a\\"b\\\\"}',
        "enum E { A }",
    ),
    refused(
        "inputs that need each other without an end",
        f"{_ECHO}input In {{ other: Other! }}\ninput Other {{ in: In! }}",
        "query ($a: In) { echo(a: $a) }",
        ("S002", "schema.graphql:2:12", "Cannot reference Input Object"),
    ),
    *(
        works(
            f"an input named {input_}",
            f"type Query {{ echo(a: {input_}!): String }}\ninput {input_} {{ n: Int! m: {input_} }}",
            f"query ($a: {input_}!) {{ echo(a: $a) }}",
            ('client.odd(a={"n": 1, "m": {"n": 2}})', '{"a": {"m": {"n": 2}, "n": 1}}'),
            (f"package.inputs.{class_}(n=1)", {"n": 1}),
        )
        for input_, class_ in {
            "BaseModel": "BaseModel",
            "TypedDict": "TypedDict_",
            "Required": "Required_",
            "dict": "Dict",
            "Optional": "Optional",
            "Mapping": "Mapping_",
            "Input": "Input",
            "NotRequired": "NotRequired_",
            "Client": "Client_",
            "_2": "N2",
            "object": "Object",
        }.items()
    ),
    # ------------------------------------------------------------------------------------------------------------ defaults
    _default("a default of Int", "Int", "-2147483648", "-2147483648"),
    _default("a default of Float", "Float", "1.5e300", "1.5e+300"),
    _default("a default of a Float without a point", "Float", "3", "3.0"),
    _default("a default of Boolean", "Boolean", "false", "false"),
    _default(
        "a default of ID from a number",
        "ID",
        "123456789012345678901234567890",
        '"123456789012345678901234567890"',
    ),
    _default("a default of null", "Int", "null", "null"),
    _default("a default of an enum", "E", "None", '"None"', "enum E { None }"),
    _default("a default of a list", "[[Int!]!]", "[[1, 2], []]", "[[1, 2], []]"),
    _default("a default of one for a list", "[Int!]", "3", "[3]"),
    _default("a default of one for a list of lists", "[[Int]]", "3", "[[3]]"),
    _default(
        "a default of an input",
        "In",
        '{s: "x", in: {l: [1]}}',
        '{"in": {"l": [1], "s": "d"}, "s": "x"}',
        'input In { s: String = "d" in: In l: [Int] }',
    ),
    _default("a default of an empty input", "In", "{}", '{"n": 1}', "input In { n: Int = 1 }"),
    _default("a default of an empty list", "[Int]", "[]", "[]"),
    _default("a default of a list with null", "[Int]", "[1, null]", "[1, null]"),
    _default("a default of an empty text", "String", '""', '""'),
    works(
        "a variable that is not null and has a default",
        "type Query { echo(a: Int! b: [In!]!): String }\ninput In { n: Int! = 5 }",
        "query ($i: Int! = 3 $l: [In!]! = [{n: 1}, {}]) { echo(a: $i b: $l) }",
        ("client.odd()", '{"a": 3, "b": [{"n": 1}, {"n": 5}]}'),
        ("client.odd(i=4)", '{"a": 4, "b": [{"n": 1}, {"n": 5}]}'),
        ('(client.odd(i=4, l=[{"n": 2}]), sent[0].variables)[1]', {"i": 4, "l": [{"n": 2}]}),
    ),
    works(
        "a nullable variable with a default where null is not taken",
        "type Query { echo(a: Int! = 1): String }",
        "query ($i: Int = 3) { echo(a: $i) }",
        ("client.odd()", '{"a": 3}'),
        ("client.odd(i=4)", '{"a": 4}'),
    ),
    works(
        "null is not the same as nothing",
        "type Query { echo(a: Int = 1 b: Int = 2): String }",
        "query ($a: Int $b: Int) { echo(a: $a b: $b) }",
        ("client.odd()", '{"a": 1, "b": 2}'),
        ("client.odd(a=None)", '{"a": null, "b": 2}'),
        ("client.odd(a=package.UNSET, b=3)", '{"a": 1, "b": 3}'),
    ),
    works(
        "lists of nullable elements",
        "type Query { echo(a: [Int]! b: [[String]!] c: [In]): String list: [Int]! lists: [[Int]!]! }\ninput In { l: [Int]! }",
        {
            "odd.graphql": "query ($a: [Int]! $b: [[String]!] $c: [In]) { echo(a: $a b: $b c: $c) }",
            "read.graphql": "query { list lists }",
        },
        (
            'client.odd([1, None], b=[["x", None], []], c=[None, {"l": [None]}])',
            '{"a": [1, null], "b": [["x", null], []], "c": [null, {"l": [null]}]}',
        ),
        ("client.read()", {"list": [1, None], "lists": [[None], []]}),
        answers={"Query.list": [1, None], "Query.lists": [[None], []]},
    ),
    refused(
        "an Int that is too large",
        "type Query { echo(a: Int): String }",
        "query { echo(a: 2147483648) }",
        ("Q008", "queries/odd.graphql:1:17", "32-bit"),
    ),
    refused(
        "a default of another type",
        "type Query { echo(a: Int): String }",
        'query ($a: Int = "3") { echo(a: $a) }',
        ("Q008", "queries/odd.graphql:1:18", "Int cannot represent"),
    ),
    refused(
        "a default of null where null is not taken",
        "type Query { echo(a: Int!): String }",
        "query ($a: Int! = null) { echo(a: $a) }",
        ("Q008", "queries/odd.graphql:1:19", "null"),
    ),
    # graphql-core does not look at a schema's defaults, and we send none of them: they are the server's.
    works(
        "a schema's default of another type",
        'type Query { echo(a: In): String }\ninput In { n: Int = "x" e: E = B }\nenum E { A }',
        "query ($a: In) { echo(a: $a) }",
        ('client.odd(a={"n": 1, "e": "A"})', '{"a": {"e": "A", "n": 1}}'),
        ("(client.odd(a={}), sent[0].variables)[1]", {"a": {}}),
    ),
    # ------------------------------------------------------------------------------------------------------------- scalars
    _scalar(
        "a scalar without a type",
        "Odd",
        [('a={"x": [1]}', '{"a": {"x": [1]}}'), ("a=None", '{"a": null}'), ("", "Query.echo")],
    ),
    _scalar(
        "a scalar that may be null",
        "Odd",
        [(f"a={_D}", '{"a": "2020-01-02"}'), ("a=None", '{"a": null}'), ("", "Query.echo")],
        _DATE,
    ),
    _scalar(
        "a scalar in a list",
        "[Odd!]",
        [(f"a=[{_D}]", '{"a": ["2020-01-02"]}'), ("a=None", '{"a": null}'), ("a=[]", '{"a": []}')],
        _DATE,
    ),
    _scalar(
        "a scalar in a list with null",
        "[[Odd]]",
        [(f"a=[[{_D}, None], None]", '{"a": [["2020-01-02", null], null]}')],
        _DATE,
    ),
    *(
        works(
            f"a scalar named {scalar}",
            f"scalar {scalar}\ntype Query {{ echo(a: {scalar}): String odd: {scalar} many: [{scalar}!] }}",
            {"odd.graphql": f"query ($a: {scalar}) {{ echo(a: $a) }}", "read.graphql": "query { odd many }"},
            ('client.odd(a="x")', '{"a": "x"}'),
            ("client.read()", {"odd": "v", "many": ["v", "v"]}),
            answers={scalar: "v"},
            config=config,
        )
        for scalar, config in {
            "Optional": '[tool.penstock.scalars]\nOptional = "str"\n',
            "str": '[tool.penstock.scalars]\nstr = "str"\n',
            "Any": "",
            "Literal": '[tool.penstock.scalars]\nLiteral = "str | int"\n',
            "None": "",
            "_": '[tool.penstock.scalars]\n_ = "str"\n',
        }.items()
    ),
    works(
        "a scalar whose type is one of the package's names",
        "scalar Odd\ntype Query { odd(a: Odd): Odd field: Field }\ntype Field { odd: Odd! date: Odd }",
        {"odd.graphql": "query ($a: Odd) { odd(a: $a) }", "field.graphql": "query { field { odd date } }"},
        (f"client.odd(a={_D})", "2020-01-02"),
        ("client.field()", {"odd": "2020-01-02", "date": "2020-01-02"}),
        ("type(client.field().date).__name__", "date"),
        config=_DATE,
        answers={"Odd": "2020-01-02"},
    ),
]
