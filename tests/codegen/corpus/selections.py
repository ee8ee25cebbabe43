"""Selections: what an answer has, whatever the fragments, aliases and conditions that it was selected through."""

# Documents and answers stand as they are sent.
# ruff: noqa: E501

from __future__ import annotations

from tests.codegen.corpus import Case, refused, works

_ZOO = """\
interface Node { id: ID! }
interface Animal implements Node { id: ID! name: String friend: Animal }
type Cat implements Animal & Node { id: ID! name: String friend: Animal lives: Int }
type Dog implements Animal & Node { id: ID! name: String friend: Animal tricks: [String!]! }
type Rock { weight: Float }
union Thing = Cat | Dog | Rock
type Query { animal: Animal! animals: [Animal!]! thing: Thing! things: [Thing!]! node(id: ID!): Node cat: Cat! nothing: Cat }
"""
_CAT = {"__typename": "Cat", "id": "c", "name": "Tom", "lives": 9}
_DOG = {"__typename": "Dog", "id": "d", "name": "Rex", "tricks": ["sit"]}
_ROCK = {"__typename": "Rock", "weight": 2.5}
_ALL: dict[str, object] = {
    "Query.animal": _CAT, "Query.animals": [_CAT, _DOG], "Query.thing": _DOG, "Query.things": [_ROCK, _CAT, _DOG], "Query.cat": _CAT,
    "Query.node": _CAT, "Query.nothing": None, "Cat.friend": _DOG, "Dog.friend": None,
}  # fmt: skip


def _zoo(name: str, query: str, *gives: tuple[str, object]) -> Case:
    return works(name, _ZOO, query, *gives, answers=_ALL)


def _if(name: str, query: str, *gives: tuple[str, object]) -> Case:
    """Selections on an object that may or may not be there."""
    schema = "type Query { a: A! }\ntype A { x: String! y: String! b: B! bs: [B!]! }\ntype B { x: String! y: String! a: A! }"
    return works(name, schema, query, *gives)


_X, _Y = "A.x", "A.y"

CASES: list[Case] = [
    # -------------------------------------------------------------------------------------------------- one key several times
    _if("a leaf selected twice", "{ a { x x y x } }", ("client.odd()", {"x": _X, "y": _Y})),
    _if(
        "an object selected twice",
        "{ a { b { x } y b { y } } }",
        ("client.odd()", {"b": {"x": "B.x", "y": "B.y"}, "y": _Y}),
    ),
    _if(
        "an object selected twice, once in an inline fragment",
        "{ a { b { x } ... on A { b { y } x } } }",
        ("client.odd()", {"b": {"x": "B.x", "y": "B.y"}, "x": _X}),
    ),
    _if(
        "an object selected in two fragments and directly",
        "query odd { a { ...F ...G b { a { x } } } }\nfragment F on A { b { x } }\nfragment G on A { b { y } x }",
        ("client.odd()", {"b": {"x": "B.x", "y": "B.y", "a": {"x": _X}}, "x": _X}),
    ),
    _if(
        "a fragment spread twice",
        "query odd { a { ...F ...F b { a { ...F } } } }\nfragment F on A { x y }",
        ("client.odd()", {"x": _X, "y": _Y, "b": {"a": {"x": _X, "y": _Y}}}),
    ),
    _if(
        "aliases that swap names",
        "{ a { x: y y: x b { y: x } } }",
        ("client.odd()", {"x": _Y, "y": _X, "b": {"y": "B.x"}}),
        ("[client.odd().x, client.odd().y]", [_Y, _X]),
    ),
    _if(
        "aliases that are keywords, pydantic's and our own",
        "{ a { class: x model_config: x json: x copy: y self: y __x: x _2: y get: x } }",
        (
            "client.odd()",
            {
                "class": _X,
                "model_config": _X,
                "json": _X,
                "copy": _Y,
                "self": _Y,
                "__x": _X,
                "_2": _Y,
                "get": _X,
            },
        ),
        ("client.odd().class_", _X),
    ),
    _if(
        "aliases that meet a field",
        "{ a { x_: y x X: y } }",
        ("client.odd()", {"x_": _Y, "x": _X, "X": _Y}),
    ),
    _if(
        "aliases that meet a base class's field",
        "query odd { a { ...F from_: x From: y } }\nfragment F on A { from: x b { x } }",
        ("client.odd()", {"from": _X, "b": {"x": "B.x"}, "from_": _X, "From": _Y}),
        ("[client.odd().from_, client.odd().from__, client.odd().from__2]", [_X, _X, _Y]),
    ),
    _if(
        "aliases that meet the field of a class that is a base",
        "query odd { a { ...F from_: x From: y } __typename b: a { y } }\nfragment F on A { from: x b { x } }",
        ("client.odd().a", {"from": _X, "b": {"x": "B.x"}, "from_": _X, "From": _Y}),
    ),
    _if(
        "a fragment's class that a nested one's would be",
        "query odd { a { b { ...oddAB x } } c: a { y x } }\nfragment oddAB on B { a { ...OddC } y }\nfragment OddC on A { y }",
        ("client.odd()", {"a": {"b": {"a": {"y": _Y}, "y": "B.y", "x": "B.x"}}, "c": {"y": _Y, "x": _X}}),
    ),
    _if(
        "an operation that spreads a fragment of its own name among others",
        "query Thing { a { ...Thing bs { x y } } b: a { ...Thing } }\nfragment Thing on A { x b { x } }",
        ("client.thing().a.b", {"x": "B.x"}),
        ("client.thing().b", {"x": _X, "b": {"x": "B.x"}}),
    ),
    works(
        "a handle's lists of lists",
        "type Query { a(id: ID!): A }\ntype A { id: ID! m: [[A!]] n: [[B]!]! k: [[Int]] }\ntype B { x: Int }",
        {
            "a/fields.graphql": "fragment F on A { id m { id } n { x } k }",
            "a/get.graphql": "query ($id: ID!) { a(id: $id) { ...F } }",
            "m.graphql": "query ($id: ID!) { a(id: $id) { m { ...F } } }",
        },
        ('client.a(id="1").refresh().k', [[7, 7], [7, 7]]),
        ('[[item.x for item in row] for row in client.a(id="1").refresh().n]', [[7, 7], [7, 7]]),
    ),
    _if(
        "one field under many aliases with other selections",
        "{ a { one: b { x } two: b { y } b { a { x } } } }",
        ("client.odd()", {"one": {"x": "B.x"}, "two": {"y": "B.y"}, "b": {"a": {"x": _X}}}),
    ),
    _if(
        "nested classes that meet",
        "{ a { aB: b { a { x y } x } a_b: b { x y } ab: b { y x } b { a { x y } y } } }",
        (
            "client.odd()",
            {
                "aB": {"a": {"x": _X, "y": _Y}, "x": "B.x"},
                "a_b": {"x": "B.x", "y": "B.y"},
                "ab": {"y": "B.y", "x": "B.x"},
                "b": {"a": {"x": _X, "y": _Y}, "y": "B.y"},
            },
        ),
    ),
    # ------------------------------------------------------------------------------------------------------------ __typename
    _if("an alias of __typename", "{ a { kind: __typename x } }", ("client.odd()", {"kind": "A", "x": _X})),
    _if(
        "__typename and two aliases of it",
        "{ a { __typename kind: __typename type: __typename typename_: x } }",
        ("client.odd()", {"__typename": "A", "kind": "A", "type": "A", "typename_": _X}),
    ),
    _if("__typename at the root", "{ __typename a { x y } }", ("client.odd()", {"x": _X, "y": _Y})),
    _zoo(
        "an alias of __typename on a union",
        "{ things { kind: __typename ... on Cat { lives } ... on Dog { t: tricks } } }",
        (
            "client.odd()",
            [
                {"__typename": "Rock", "kind": "Rock"},
                {"__typename": "Cat", "kind": "Cat", "lives": 9},
                {"__typename": "Dog", "kind": "Dog", "t": ["sit"]},
            ],
        ),
    ),
    _zoo(
        "an alias of __typename on an interface without fragments",
        "{ animals { kind: __typename name } }",
        (
            "[[item['kind'], item['name']] for item in (each.model_dump(by_alias=True) for each in client.odd())]",
            [["Cat", "Tom"], ["Dog", "Rex"]],
        ),
    ),
    # ------------------------------------------------------------------------------------------------------ abstract types
    _zoo(
        "an interface's own fields alone",
        "{ animals { id name } }",
        ("[item.name for item in client.odd()]", ["Tom", "Rex"]),
    ),
    _zoo(
        "an interface with a fragment on one member",
        "{ animals { id ... on Cat { lives } } }",
        ("[item.id for item in client.odd()]", ["c", "d"]),
        ("client.odd()[0].lives", 9),
        ("hasattr(client.odd()[1], 'lives')", False),
    ),
    _zoo(
        "a fragment on an interface",
        "query odd { animal { ...A ... on Dog { tricks } } }\nfragment A on Animal { name friend { id ... on Dog { tricks } } }",
        ("client.odd().name", "Tom"),
        ("client.odd().friend.tricks", ["sit"]),
    ),
    _zoo(
        "a fragment on an interface of the interface",
        "query odd { cat { ...N ...A lives } things { ...N ...A } }\nfragment N on Node { id }\nfragment A on Animal { id name }",
        ("client.odd().cat", {"__typename": "Cat", "id": "c", "name": "Tom", "lives": 9}),
        ("[getattr(item, 'name', None) for item in client.odd().things]", [None, "Tom", "Rex"]),
    ),
    _zoo(
        "a fragment on its own type and on another",
        "query odd { cat { ...C friend { ...C id } } animal { ...C } thing { ...C ... on Rock { weight } } }\nfragment C on Cat { lives name }",
        ("client.odd().cat.lives", 9),
        ("client.odd().animal.lives", 9),
        ("client.odd().cat.friend.id", "d"),
    ),
    _zoo(
        "a fragment on a union",
        "query odd { things { ...T } thing { ...T ... on Dog { name } } }\nfragment T on Thing { ... on Cat { lives } ... on Dog { tricks } }",
        ("[item.typename_ for item in client.odd().things]", ["Rock", "Cat", "Dog"]),
        ("[client.odd().thing.tricks, client.odd().thing.name]", [["sit"], "Rex"]),
    ),
    _zoo(
        "a union on a member's interface",
        "{ things { ... on Animal { name friend { name } } ... on Rock { weight } } }",
        ("client.odd()[0].weight", 2.5),
        ("[item.name for item in client.odd()[1:]]", ["Tom", "Rex"]),
        ("client.odd()[1].friend.name", "Rex"),
    ),
    _zoo(
        "fragments within fragments on types that an object is anyway",
        "{ cat { ... on Animal { ... on Node { id ... on Cat { lives } } ... on Dog { tricks } } } }",
        ("client.odd()", {"id": "c", "lives": 9}),
    ),
    _zoo(
        "a key of another type in each member",
        "{ things { ... on Cat { value: lives } ... on Rock { size: weight } ... on Dog { values: tricks } } }",
        ("[item.model_dump(by_alias=True) for item in client.odd()][1]", {"__typename": "Cat", "value": 9}),
    ),
    _zoo(
        "one field of a node",
        "query ($id: ID!) { node(id: $id) { ... on Cat { lives } } }",
        ('client.odd("c")', 9),
    ),
    _zoo(
        "two possible types of a node",
        "query ($id: ID!) { node(id: $id) { id ... on Cat { lives } ... on Dog { tricks } } }",
        ('client.odd("c")', {"__typename": "Cat", "id": "c", "lives": 9}),
    ),
    _zoo("an object that is null", "{ nothing { id name } }", ("client.odd()", None)),
    refused(
        "a fragment that can never be",
        _ZOO,
        "{ cat { ... on Dog { tricks } } }",
        ("Q008", "queries/odd.graphql:1:9", "can never be of type"),
    ),
    refused(
        "fields of two types under one key",
        _ZOO,
        "{ thing { ... on Cat { value: lives } ... on Dog { value: tricks } } }",
        ("Q008", "queries/odd.graphql:1:24", 'Fields "value" conflict'),
    ),
    # ------------------------------------------------------------------------------------------------------------ conditions
    _if(
        "a condition on a field",
        "query ($with: Boolean!) { a { x @include(if: $with) y @skip(if: $with) } }",
        ("client.odd(True).x", _X),
        ("client.odd(True).y", None),
        ("client.odd(False).x", None),
    ),
    _if(
        "a condition on a spread",
        "query odd($with: Boolean!) { a { ...F @include(if: $with) y } }\nfragment F on A { x b { x y } }",
        ("client.odd(True).x", _X),
        ("client.odd(True).b", {"x": "B.x", "y": "B.y"}),
        ("[client.odd(False).x, client.odd(False).b, client.odd(False).y]", [None, None, _Y]),
    ),
    _if(
        "a condition on an inline fragment without a type",
        "query ($with: Boolean!) { a { ... @include(if: $with) { x b { x } } y } }",
        ("client.odd(True)", {"x": _X, "b": {"x": "B.x"}, "y": _Y}),
        ("client.odd(False).b", None),
    ),
    _if(
        "a key with a condition and without",
        "query odd($with: Boolean!) { a { x ...F @skip(if: $with) y } }\nfragment F on A { x y }",
        ("client.odd(True)", {"x": _X, "y": _Y}),
        ("client.odd(False)", {"x": _X, "y": _Y}),
    ),
    _if(
        "an object with a condition on some of its fields",
        "query ($with: Boolean!) { a { b { x } b @include(if: $with) { y } } }",
        ("client.odd(True).b.y", "B.y"),
        ("[client.odd(False).b.x, client.odd(False).b.y]", ["B.x", None]),
    ),
    works(
        "a key that may be missing beside one of its attribute's name",
        "type Query { a: A! }\ntype A { fooBar: Int foo_bar: [String!] x: Int }",
        "query ($with: Boolean!) { a { fooBar @include(if: $with) foo_bar x } }",
        ("client.odd(True)", {"fooBar": 7, "foo_bar": ["A.foo_bar"] * 2, "x": 7}),
        (
            "client.odd(False).model_dump(by_alias=True)",
            {"fooBar": None, "foo_bar": ["A.foo_bar"] * 2, "x": 7},
        ),
    ),
    _zoo(
        "__typename in a member alone, and last",
        "{ animals { name ... on Dog { tricks __typename } ... on Cat { lives } __typename } }",
        ("[type(item).__name__ for item in client.odd()]", ["OddAnimalsCat", "OddAnimalsDog"]),
        ("[item.typename_ for item in client.odd()]", ["Cat", "Dog"]),
    ),
    _if(
        "conditions within conditions",
        "query ($one: Boolean!, $two: Boolean = false) { a { ... @include(if: $one) { b @skip(if: $two) { x @include(if: $one) y } } x } }",
        ("client.odd(True).b", {"x": "B.x", "y": "B.y"}),
        ("client.odd(True, two=True).b", None),
        ("client.odd(False).b", None),
    ),
    _if(
        "conditions that are always true or never",
        "{ a { x @include(if: true) y @include(if: false) b @skip(if: true) { x } } }",
        ("[client.odd().x, client.odd().y, client.odd().b]", [_X, None, None]),
    ),
    _if(
        "both conditions on one field",
        "query ($a: Boolean!, $b: Boolean!) { a { x @include(if: $a) @skip(if: $b) y } }",
        ("client.odd(True, False).x", _X),
        ("client.odd(True, True).x", None),
    ),
    _if(
        "a condition on the way to the result",
        "query ($with: Boolean!) { a @include(if: $with) { b { x } } }",
        ("client.odd(True)", {"a": {"b": {"x": "B.x"}}}),
        ("client.odd(False).a", None),
    ),
    # ---------------------------------------------------------------------------------------------------------- introspection
    refused(
        "the schema asked for itself",
        "type Query { a: Int }",
        '{ a __schema { queryType { name } } t: __type(name: "Int") { kind } }',
        ("Q010", "queries/odd.graphql:1:5", "client.execute"),
        ("Q010", "queries/odd.graphql:1:37", "client.execute"),
    ),
    works(
        "the schema asked for itself as a text",
        "type Query { a: Int }",
        "{ a }",
        (
            'client.execute("{ __schema { queryType { name } } }")',
            {"__schema": {"queryType": {"name": "Query"}}},
        ),
    ),
    # ------------------------------------------------------------------------------------------------------------ odd shapes
    works(
        "lists of lists of objects",
        "type Query { m: [[A!]!]! n: [[A]] }\ntype A { x: String! m: [[A]] }",
        "{ m { x } n { x } }",
        ("client.odd()", {"m": [[{"x": _X}] * 2] * 2, "n": [[{"x": _X}] * 2] * 2}),
    ),
    works(
        "a list of lists of objects as the result",
        "type Query { m: [[A!]] }\ntype A { x: String! y: Int }",
        "{ m { x y } }",
        ("client.odd()", {"m": [[{"x": _X, "y": 7}], None]}),
        answers={"Query.m": [[{}], None]},
    ),
    works(
        "a type that holds itself",
        "type Query { a: A! }\ntype A { x: Int! a: A as: [A!]! }",
        "{ a { x a { a { a { x } } as { as { x } } } } }",
        ("client.odd()", {"x": 7, "a": {"a": {"a": {"x": 7}}, "as": [{"as": [{"x": 7}] * 2}] * 2}}),
    ),
    works(
        "a mutation and a query of one name and shape",
        "type Query { a: A }\ntype Mutation { a: A }\ntype A { x: Int y: Int }",
        {"q.graphql": "{ a { x y } }", "m.graphql": "mutation { a { y x } }"},
        ("client.q()", {"x": 7, "y": 7}),
        ("client.m()", {"y": 7, "x": 7}),
    ),
    works(
        "root types of other names",
        "schema { query: Q mutation: M }\ntype Q { a: Int b: Int }\ntype M { a: Int b: Int }",
        {"q.graphql": "{ a b }", "m.graphql": "mutation { a b }"},
        ("client.q()", {"a": 7, "b": 7}),
        ("client.m()", {"a": 7, "b": 7}),
    ),
    works(
        "one type for queries and mutations",
        "schema { query: Q mutation: Q }\ntype Q { a: Int q: Q }",
        {"q.graphql": "{ q { q { a } } }", "m.graphql": "mutation { q { a q { a } } }"},
        ("client.q()", 7),
        ("client.m()", {"a": 7, "q": {"a": 7}}),
    ),
]
