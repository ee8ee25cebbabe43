"""Enums: values that Python's enums give a meaning, and enums named like what the package uses."""

# Documents and answers stand as they are sent.

# Documents and answers stand as they are sent.

from __future__ import annotations

from tests.codegen.corpus import Case, works


def _values(name: str, members: dict[str, str]) -> Case:
    """An enum of these values, each with its member's name: read, sent, and told apart."""
    calls: list[tuple[str, object]] = []
    for value, member in members.items():
        calls += [
            (f"package.enums.Odd.{member}.value", value),
            (f"client.odd(value=package.enums.Odd.{member})", f'{{"value": "{value}"}}'),
            (f'client.odd(value="{value}")', f'{{"value": "{value}"}}'),
        ]
    return works(
        name,
        f"type Query {{ echo(value: Odd): String odd: Odd! odds: [Odd!]! }}\nenum Odd {{ {' '.join(members)} }}",
        {"odd.graphql": "query ($value: Odd) { echo(value: $value) }", "read.graphql": "query { odds }"},
        *calls,
        ("client.read()", list(members)),
        (f"client.read()[0] is package.enums.Odd.{next(iter(members.values()))}", True),
        answers={"Query.odds": list(members)},
    )


def _enum(name: str, enum: str, class_: str) -> Case:
    """An enum of an awkward name, in an answer, in a variable, and within an input."""
    return works(
        name,
        f"type Query {{ one: {enum} many(of: [{enum}!], by: By): String thing: Thing! }}\n"
        f"enum {enum} {{ A B }}\ninput By {{ value: {enum}! = A values: [{enum}] }}\ntype Thing {{ x: {enum} y: {enum}! }}",
        {
            "one.graphql": "query { one }",
            "thing.graphql": "query { thing { x y } }",
            "many.graphql": f"query ($of: [{enum}!] $by: By) {{ many(of: $of, by: $by) }}",
        },
        ("client.one()", "A"),
        (f"type(client.one()) is package.enums.{class_}", True),
        ("client.thing()", {"x": "A", "y": "A"}),
        (
            'client.many(of=["B"], by={"values": ["A", None]})',
            '{"by": {"value": "A", "values": ["A", null]}, "of": ["B"]}',
        ),
    )


CASES: list[Case] = [
    _values(
        "enum values that are dunders and sunders",
        {
            "_value_": "value_value_",
            "_name_": "value_name_",
            "_missing_": "value_missing_",
            "_ignore_": "value_ignore_",
            "_order_": "value_order_",
            "_x": "value_x",
            "_": "value_",
            "_generate_next_value_": "value_generate_next_value_",
        },
    ),
    _values(
        "enum values that an enum has",
        {"mro": "mro_", "name": "name_", "value": "value_", "is_known": "is_known_", "self": "self"},
    ),
    _values(
        "enum values that are keywords",
        {
            "class": "class_",
            "class_": "class__",
            "None": "None_",
            "True": "True_",
            "def": "def_",
            "match": "match",
        },
    ),
    _values(
        "enum values that are a string's methods",
        {
            "upper": "upper_",
            "format": "format_",
            "join": "join_",
            "count": "count_",
            "index": "index_",
            "encode": "encode_",
            "title": "title_",
        },
    ),
    _values("enum values that differ in case", {"RED": "RED", "red": "red", "Red": "Red", "rED": "rED"}),
    _values(
        "enum values that meet three times", {"_A": "value_A", "value_A_": "value_A_", "value_A": "value_A_2"}
    ),
    _values(
        "enum values that start with an underscore and a digit",
        {"_1": "value_1", "_2FA": "value_2FA", "V1": "V1"},
    ),
    _values(
        "enum values of 300 characters", {"A" * 300: "A" * 120, "A" * 299 + "B": "A" * 120 + "_", "B": "B"}
    ),
    *(
        _enum(f"an enum named {enum}", enum, class_)
        for enum, class_ in {
            "Optional": "Optional",
            "Enum": "Enum",
            "OpenEnum": "OpenEnum_",
            "Literal": "Literal_",
            "str": "Str",
            "Any": "Any_",
            "Client": "Client_",
            "Model": "Model_",
            "Unset": "Unset_",
            "Value": "Value",
            "None": "None_",
            "TypeAlias": "TypeAlias_",
            "_Hidden": "Hidden",
            "type": "Type",
        }.items()
    ),
    works(
        "two enums that are one class",
        "type Query { a: foo_bar b: FooBar c: FooBarValue }\nenum foo_bar { A }\nenum FooBar { B }\nenum FooBarValue { C }",
        "query { a b c }",
        ("client.odd()", {"a": "A", "b": "B", "c": "C"}),
    ),
    works(
        "an enum, an input and a type that are one class",
        "type Query { a(by: foo): foo_ b: Foo }\nenum foo_ { A }\ninput foo { x: Int }\ntype Foo { y: foo_ }",
        "query ($by: foo) { a(by: $by) b { y } }",
        ('client.odd(by={"x": 1})', {"a": "A", "b": {"y": "A"}}),
    ),
    works(
        "a value that the enum does not know yet",
        "type Query { odd: Odd! odds: [Odd]! }\nenum Odd { A }",
        {"odd.graphql": "query { odd }", "odds.graphql": "query { odds odd }"},
        ("client.odd()", "A"),
        ('package.enums.Odd("B").value', "B"),
        ('package.enums.Odd("B").is_known', False),
        ('package.enums.Odd("B") == "B"', True),
    ),
]
