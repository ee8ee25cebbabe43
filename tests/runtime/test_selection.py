"""Raw selections and the table they are checked against: examples of every rule, and graphql-core as the
judge of random ones.
"""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLSchema, build_schema, parse, print_ast, specified_rules, validate
from graphql.language import (
    FieldNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.validation import ValuesOfCorrectTypeRule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock_codegen.runtime.errors import InvalidSelection
from penstock_codegen.runtime.selection import MAXIMUM_DEPTH, Selection, SelectionError, compile_selection
from penstock_codegen.runtime.table import FieldEntry, SchemaTable, compact_type, named_type

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = SchemaTable(
    {
        "flow": (
            "id:uuid! name:String! environment(path:String):jsonb project:project! agent:agent "
            "flow_runs(limit:Int,offset:Int,order_by:[flow_run_order_by!],where:flow_run_bool_exp):[flow_run!]!"
        ),
        "project": "id:uuid! name:String! owner:Node flow(id:uuid!):flow",
        "flow_run": "id:uuid! name:String state:String",
        "agent": "id:uuid! labels:[String!]! score(weights:[[Float!]!]!):Float",
        "Node": "id:uuid!",
        "Search": "",
        "Query": "search(text:String!):[Search!]! node(id:uuid!):Node",
    },
    {"Node": ("project", "flow", "agent"), "Search": ("flow", "agent")},
)


def compiled(text: str, type_name: str = "flow", **variables: object) -> str:
    return compile_selection(text, type_name, TABLE, variables).text


def refused(text: str, type_name: str = "flow", **variables: object) -> SelectionError:
    with pytest.raises(SelectionError) as caught:
        compile_selection(text, type_name, TABLE, variables)
    return caught.value


# What is accepted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id name", "id name"),
        ("{ id, name, }", "id name"),
        ("\ufeff  id # the id\n,,name # end", "id name"),
        ("project { id } agent { id }", "project{id}agent{id}"),
        ("title: name", "title:name"),
        ("__typename", "__typename"),
        ('environment(path: "a b")', 'environment(path:"a b")'),
        (
            'environment(path: "")x: environment(path: "\\"#{")',
            'environment(path:"")x:environment(path:"\\"#{")',
        ),
        (
            'environment(path: """\n  two\n    "lines\\"""\n""")',
            'environment(path:"""\n  two\n    "lines\\"""\n""")',
        ),
        ('environment(path: "\\u00e9 \\u{1F600} \\uD83D\\uDE00 é")', None),
        (
            'flow_runs(where: {name: {_in: ["a", "", null]}, x: -1.5e3, y: true}, limit: 0) { id }',
            'flow_runs(where:{name:{_in:["a","",null]},x:-1.5e3,y:true},limit:0){id}',
        ),
        (
            "flow_runs(order_by: [{name: asc} {state: desc}]) { id }",
            "flow_runs(order_by:[{name:asc},{state:desc}]){id}",
        ),
        ("id @include(if: true) name", "id@include(if:true)name"),
        ("id @skip(if: false) @include(if: true)", "id@skip(if:false)@include(if:true)"),
        ("... { id } ... on flow { name }", "...{id}...on flow{name}"),
        ("... @include(if: true) { id }", "...@include(if:true){id}"),
        ("... on Node { id }", "...on Node{id}"),
        ("id id name: name name", "id id name:name name"),
        ("project { id } project { name }", "project{id}project{name}"),
        ("on: name if: id null: id", "on:name if:id null:id"),
    ],
)
def test_accepted(text: str, expected: str | None) -> None:
    result = compiled(text)
    if expected is not None:
        assert result == expected
    assert compiled(result) == result
    source = text if text.lstrip("\ufeff \n").startswith("{") else f"{{{text}\n}}"
    assert parse(f"{{{result}}}", no_location=True) == parse(source, no_location=True)


def test_selections_on_abstract_types() -> None:
    assert compiled("owner { id ... on flow { name } ... on agent { labels } }", "project") == (
        "owner{id...on flow{name}...on agent{labels}}"
    )
    union = 'search(text: "x") { __typename ... on flow { x: name } ... on Node { id } }'
    assert compiled(union, "Query") == 'search(text:"x"){__typename...on flow{x:name}...on Node{id}}'


def test_a_selection_is_a_value() -> None:
    selection = compile_selection("id", "flow", TABLE)
    assert selection == Selection("id", {})
    with pytest.raises(FrozenInstanceError):
        selection.text = "name"  # type: ignore[misc]


# Variables


def test_variables_have_the_type_of_their_place() -> None:
    text = (
        "flow_runs(limit: $limit, where: $where, order_by: [$first, {name: asc}]) { id @include(if: $more) }"
    )
    values: dict[str, object] = {"limit": 1, "where": {}, "first": {"name": "asc"}, "more": True}
    assert compile_selection(text, "flow", TABLE, values) == Selection(
        "flow_runs(limit:$limit,where:$where,order_by:[$first,{name:asc}]){id@include(if:$more)}",
        {"limit": "Int", "where": "flow_run_bool_exp", "first": "flow_run_order_by!", "more": "Boolean!"},
    )
    nested = compile_selection("score(weights: [$row, [1.5, $one]])", "agent", TABLE, {"row": [], "one": 1})
    assert nested.variable_types == {"row": "[Float!]!", "one": "Float!"}


def test_a_variable_used_twice_is_as_strict_as_its_strictest_place() -> None:
    table = SchemaTable({"T": "a(x:Int):Int b(x:Int!):Int c(x:[Int!]):Int d(x:[Int]!):Int e(x:String):Int"})
    assert compile_selection("a(x: $v) b(x: $v)", "T", table, {"v": 1}).variable_types == {"v": "Int!"}
    assert compile_selection("d(x: $v) c(x: $v)", "T", table, {"v": [1]}).variable_types == {"v": "[Int!]!"}
    for text in ("a(x: $v) e(x: $v)", "a(x: $v) c(x: $v)"):
        with pytest.raises(SelectionError, match=r"1:15: \$v is a Int further up"):
            compile_selection(text, "T", table, {"v": 1})


def test_variables_that_do_not_match_the_text() -> None:
    assert '1:18: $limit is used here, and no value is given for it; add "limit" to variables.' in str(
        refused("flow_runs(limit: $limit) { id }")
    )
    assert refused("flow_runs(limit: $limit) { id }", limti=1).hint == 'did you mean "limti"?'
    unused = refused("id", limit=1)
    assert (unused.line, unused.column) == (1, 1)
    assert 'a value is given for the variable "limit"' in unused.message
    with pytest.raises(SelectionError, match="without the"):
        compile_selection("flow_runs(limit: $n) { id }", "flow", TABLE, {"n": 1, "$n": 1})


def test_a_variable_inside_an_object_is_refused() -> None:
    for text in (
        "flow_runs(where: {name: {_eq: $name}}) { id }",
        "flow_runs(order_by: [{name: $name}]) { id }",
    ):
        assert refused(text, name="x").hint == "pass the whole argument as a variable"
    assert (
        refused("flow_runs(limit: [$name]) { id }", name="x").hint == "pass the whole argument as a variable"
    )


# What is refused


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("id nmae", 4, 'flow has no field "nmae"', 'did you mean "name"?'),
        ("x: nmae", 4, 'flow has no field "nmae"', 'did you mean "name"?'),
        ("zz", 1, 'flow has no field "zz"', "it has id, name, environment, project, agent, flow_runs"),
        ("query { id }", 1, 'flow has no field "query"', "write only what is to be selected, as id"),
        ("flow_runs(lmit: 1) { id }", 11, 'no argument "lmit"', 'did you mean "limit"?'),
        ("name(x: 1)", 6, 'no argument "x"', "it has none"),
        ("flow_runs(limit: 1, limit: 2) { id }", 21, 'the argument "limit" stands here twice', ""),
        ("project { flow { id } }", 11, 'project.flow needs the argument "id", a uuid!', "write flow(id: …)"),
        ("project { flow(id: null) { id } }", 20, "cannot be null", ""),
        ("name { first }", 6, "flow.name is a String and has nothing to select from", "leave the braces out"),
        ("project", 1, "flow.project is a project, and nothing is selected", "say what, as project { id }"),
        ("project { }", 9, "this selects nothing of project", "name a field, as id"),
        ("", 1, "this selects nothing of flow", "name a field, as id"),
        ("{ }", 1, "this selects nothing of flow", "name a field, as id"),
        ("... { }", 5, "this selects nothing of flow", "name a field, as id"),
        ("... on project { id }", 8, "a flow is never a project", "leave it out"),
        ("... on Flow { id }", 8, 'no object, interface or union "Flow"', 'did you mean "flow"?'),
        ("...Parts", 1, '"... Parts" is a fragment\'s name', "write its fields here, or an inline fragment"),
        ("name: id name", 10, '"name" stands here and at 1:7', "give one of them an alias: other_name: name"),
        (
            "project { x: id } project { x: name }",
            32,
            '"x" stands here and at 1:14',
            "give one of them an alias",
        ),
        ('environment environment(path: "a")', 13, "their arguments differ", "give one of them an alias"),
        ("id @cached", 5, "not @cached", ""),
        ("id @includ(if: true)", 5, "not @includ", 'did you mean "include"?'),
        ("id @skip(if: true) @skip(if: true)", 21, "@skip stands here twice", ""),
        ("id @skip(if: 1)", 14, 'should be true, false or a variable, not "1"', ""),
        ("id @skip", 9, 'should be "(" and a condition', ""),
        ("id @skip(unless: true)", 10, 'should be "if"', ""),
        ("{ id", 5, 'a "}" is missing at the end', "it closes the brace at 1:1"),
        ("id }", 4, 'should be a field\'s name, not "}"', ""),
        ("{ id } name", 8, "nothing can follow", ""),
        ("id { { name } }", 4, "flow.id is a uuid", "leave the braces out"),
        ("{ { name } }", 3, "a brace follows the field", ""),
        ("flow_runs(limit: 01) { id }", 18, "this is no number", ""),
        ("flow_runs(limit: 1x) { id }", 18, "this is no number", ""),
        ("flow_runs(limit: -) { id }", 18, "this is no number", ""),
        ("flow_runs(limit: ) { id }", 18, 'should be a value, not ")"', ""),
        ("flow_runs() { id }", 11, "should be an argument's name", ""),
        ("flow_runs(limit 5) { id }", 17, 'should be ":" and a value', ""),
        ("flow_runs(limit: [1", 20, 'a "]" is missing', "it closes the list at 1:18"),
        ("flow_runs(where: {a: 1", 23, 'a "}" is missing', "it closes the object at 1:18"),
        ("flow_runs(where: {a: 1, a: 2}) { id }", 25, 'the key "a" stands in this object twice', ""),
        ("environment(path: 'a')", 19, "a string stands in double quotes", ""),
        ('environment(path: "a)', 19, "this string has no end on its line", ""),
        (
            'environment(path: "\\q")',
            19,
            "an escape that GraphQL does not have",
            "a backslash in it is written \\\\",
        ),
        ('environment(path: "\\uD800")', 19, "an escape that GraphQL does not have", ""),
        ('environment(path: "\\u{110000}")', 19, "an escape that GraphQL does not have", ""),
        ('environment(path: """a")', 19, "this block string has no end", 'close it with """'),
        ("project.name", 8, "a single . means nothing here", "project { name }"),
        ("id ; name", 4, "';' means nothing here", ""),
        ("naïve", 3, "'ï' means nothing here", ""),
        ('environment(path: "\ud800")', 20, "half of a surrogate pair", ""),
        ("id $name", 4, 'should be a field\'s name, not "$"', ""),
    ],
)
def test_refused(text: str, column: int, message: str, hint: str) -> None:
    error = refused(text)
    assert message in error.message
    assert (error.line, error.column) == (1, column)
    assert hint in error.hint


def test_an_error_is_one_sentence_and_the_place() -> None:
    error = refused("id\n\tproject { nmae }")
    assert isinstance(error, ValueError)
    assert isinstance(error, InvalidSelection)
    assert str(error) == (
        '2:12: project has no field "nmae"; did you mean "name"?\n  \tproject { nmae }\n  \t          ^'
    )
    assert (error.line, error.column, error.hint) == (2, 12, 'did you mean "name"?')


def test_lines_end_as_graphql_says_they_do() -> None:
    assert (refused("id\r\nid\rid\nxx").line, refused("id\r\nid\rid\nxx").column) == (4, 1)


def test_a_long_line_is_cut_around_the_place() -> None:
    error = refused("id " * 100 + "nmae " + "id " * 100)
    shown, caret = str(error).splitlines()[1:]
    assert len(shown) < 110
    assert shown.startswith("  …")
    assert shown.endswith("…")
    assert shown[caret.index("^") :].startswith("nmae")
    assert len(str(refused("n" * 1_000_000))) < 400


def test_depth_is_limited() -> None:
    table = SchemaTable({"T": "t:T! n(v:J):Int"})

    def nested(depth: int) -> str:
        return "t{" * (depth - 1) + "n" + "}" * (depth - 1)

    assert compile_selection(nested(MAXIMUM_DEPTH), "T", table).text == nested(MAXIMUM_DEPTH)
    for text in (nested(MAXIMUM_DEPTH + 1), "t{" * 100_000, "...{" * 100_000, "... on T {" * 1_000):
        with pytest.raises(SelectionError, match="50 deep"):
            compile_selection(text, "T", table)
    for value in ("[" * 100_000, "{a:" * 100_000, "[{a:" * 1_000):
        with pytest.raises(SelectionError, match="50 deep"):
            compile_selection(f"n(v: {value}", "T", table)


def test_contrived_overlaps_end_at_a_limit() -> None:
    # Each level doubles the sets of fields that could meet on one object: 2 ** 20 of them, in a text of a few
    # kilobytes.
    table = SchemaTable({"A": "n:N", "B": "n:N", "N": "n:N x:Int"}, {"N": ("A", "B")})
    text = "x:__typename"
    for level in range(20):
        shared = text if level < 5 else "__typename"
        text = f"n{{{text}}}...on A{{n{{{shared}}}}}...on B{{n{{__typename}}}}"
    with pytest.raises(SelectionError, match="response keys"):
        compile_selection(text, "N", table)


def test_an_unknown_type_is_the_callers_mistake() -> None:
    for name in ("Flow", "String"):
        with pytest.raises(LookupError, match=name):
            compile_selection("id", name, TABLE)


# The table


def test_the_table() -> None:
    entry = TABLE.field("flow", "flow_runs")
    assert entry is not None
    assert (entry.type, entry.named_type) == ("[flow_run!]!", "flow_run")
    assert dict(entry.arguments) == {
        "limit": "Int",
        "offset": "Int",
        "order_by": "[flow_run_order_by!]",
        "where": "flow_run_bool_exp",
    }
    assert TABLE.field("flow", "nmae") is None
    assert TABLE.field("Search", "__typename") == FieldEntry("__typename", "String!", "String", {})
    assert [*TABLE.fields("flow_run")] == ["id", "name", "state"]
    assert TABLE.fields("Search") == {}
    assert (TABLE.is_leaf("uuid"), TABLE.is_leaf("Search"), TABLE.is_abstract("Search")) == (
        True,
        False,
        True,
    )
    assert TABLE.possible_types("Node") == {"project", "flow", "agent"}
    assert TABLE.possible_types("flow") == {"flow"}
    assert TABLE.possible_types("uuid") == frozenset()


def test_resolve() -> None:
    assert TABLE.resolve("flow", ()) == "flow"
    assert TABLE.resolve("flow", ("flow_runs", "name")) == "String"
    assert TABLE.resolve("flow", ("project", "owner", "id")) == "uuid!"
    for path in (("nmae",), ("name", "first"), ("project", "nmae")):
        with pytest.raises(LookupError):
            TABLE.resolve("flow", path)


def test_a_damaged_entry_is_refused() -> None:
    for entry in ("id", "id:", "id:Int  name:Int", "id:Int name", "id(:Int", " id:Int"):
        with pytest.raises(ValueError, match="damaged"):
            SchemaTable({"T": entry}).fields("T")


NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,6}", fullmatch=True)
REFERENCES = st.recursive(
    st.tuples(NAMES, st.sampled_from(["", "!"])).map("".join),
    lambda inner: st.tuples(inner, st.sampled_from(["", "!"])).map(lambda pair: f"[{pair[0]}]{pair[1]}"),
    max_leaves=3,
)


@given(
    st.dictionaries(NAMES, st.tuples(st.dictionaries(NAMES, REFERENCES, max_size=3), REFERENCES), max_size=6)
)
def test_what_is_written_compactly_is_read_back(fields: dict[str, tuple[dict[str, str], str]]) -> None:
    written = compact_type((name, arguments, reference) for name, (arguments, reference) in fields.items())
    read = SchemaTable({"T": written}).fields("T")
    assert [(entry.name, dict(entry.arguments), entry.type) for entry in read.values()] == [
        (name, arguments, reference) for name, (arguments, reference) in fields.items()
    ]
    assert all(entry.named_type == named_type(entry.type) for entry in read.values())


@given(st.text(max_size=8), st.sampled_from(["name", "argument", "type", "argument's type"]))
def test_nothing_but_names_and_types_is_written(text: str, place: str) -> None:
    try:
        written = compact_type(
            [
                (
                    text if place == "name" else "f",
                    {text if place == "argument" else "a": text if place == "argument's type" else "Int"},
                    text if place == "type" else "Int",
                )
            ]
        )
    except ValueError:
        return
    assert len(SchemaTable({"T": written}).fields("T")) == 1


# Random selections, judged by graphql-core

OBJECTS = ("A", "B", "C")
ABSTRACT = {"I": ("A", "B"), "U": ("B", "C")}
COMPOSITES = (*OBJECTS, *ABSTRACT)
FIELD_NAMES = ("a", "b", "id", "on")
ARGUMENT_TYPES = ("S", "S!", "[S!]", "[[S]]!", "E")


@st.composite
def tables(draw: st.DrawFn) -> dict[str, str]:
    def fields() -> dict[str, tuple[dict[str, str], str]]:
        chosen = draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=1, unique=True))
        return {
            name: (
                draw(
                    st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(ARGUMENT_TYPES), max_size=2)
                ),
                draw(st.sampled_from(["S", "S!", "[S!]!", "E", "A", "B!", "[C!]", "I", "[U]!"])),
            )
            for name in chosen
        }

    interface = fields()
    types = {name: fields() for name in OBJECTS}
    # An object has its interface's fields; the type may be stricter, which is where overlapping fields of one
    # key differ in shape.
    for name in ABSTRACT["I"]:
        types[name] |= interface
    types["I"] = interface
    types["U"] = {}
    return {
        name: compact_type((field, arguments, reference) for field, (arguments, reference) in each.items())
        for name, each in types.items()
    }


def graphql_schema(types: Mapping[str, str]) -> GraphQLSchema:
    table = SchemaTable(types, ABSTRACT)
    parts = ["scalar S", "enum E { e }", "union U = B | C", "type Query { root: A }"]
    for name in (*OBJECTS, "I"):
        lines = []
        for entry in table.fields(name).values():
            arguments = ", ".join(f"{argument}: {type_}" for argument, type_ in entry.arguments.items())
            lines.append(
                f"{entry.name}({arguments}): {entry.type}" if arguments else f"{entry.name}: {entry.type}"
            )
        kind = (
            "interface I" if name == "I" else f"type {name} implements I" if name in "AB" else f"type {name}"
        )
        parts.append(f"{kind} {{ {' '.join(lines)} }}")
    return build_schema("\n".join(parts), assume_valid=True)


def ignored() -> st.SearchStrategy[str]:
    return st.sampled_from([" ", " ", " ", "\n", ", ", "\t", "\r\n", " # a { comment\n", "\ufeff "])


@st.composite
def literals(draw: st.DrawFn, *, nullable: bool, depth: int = 0) -> str:
    kind = draw(st.integers(0, 8 if depth < 3 else 6))
    if kind == 0:
        return draw(st.sampled_from(["0", "-1", "42", "1.5", "-0.25e-3", "1E10"]))
    if kind == 1:
        return draw(st.sampled_from(["true", "false", "e", "on", "nulls"]))
    if kind == 2 and nullable:
        return "null"
    if kind in (3, 4):
        return json.dumps(
            draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
            ensure_ascii=draw(st.booleans()),
        )
    if kind == 5:
        text = draw(st.text(st.sampled_from(' "\\\n\r\ta#é{}'), max_size=8))
        return '"""' + text.replace('"""', '\\"""').rstrip('"\\') + '"""'
    if kind == 7:
        items = draw(st.lists(literals(nullable=True, depth=depth + 1), max_size=3))
        return "[" + draw(ignored()).join(items) + "]"
    if kind == 8:
        # In the order of their names: keys in another order count as other arguments here, and not in
        # graphql-core.
        keys = sorted(draw(st.sets(st.sampled_from(["k", "l", "_in"]), max_size=2)))
        values = [f"{key}:{draw(ignored())}{draw(literals(nullable=True, depth=depth + 1))}" for key in keys]
        return "{" + draw(ignored()).join(values) + "}"
    return '""'


@st.composite
def selections(draw: st.DrawFn, types: Mapping[str, str], *, faulty: bool) -> str:
    """A selection on A; a `faulty` one may break any rule, another only by fields that cannot be one."""
    table = SchemaTable(types, ABSTRACT)

    def chance(of: int) -> bool:
        return draw(st.integers(0, of - 1)) == of - 1

    def flaw() -> bool:
        return faulty and chance(15)

    def value(reference: str) -> str:
        if chance(4):
            return "$" + "v_" + "".join({"[": "l", "]": "", "!": "r"}.get(each, each) for each in reference)
        return draw(literals(nullable=not reference.endswith("!")))

    def directive() -> str:
        names = draw(
            st.lists(st.sampled_from(["include", "skip"]), min_size=1, max_size=2, unique=not flaw())
        )
        return draw(ignored()).join(
            f"@{name}(if: {draw(st.sampled_from(['true', 'false', '$flag']))})" for name in names
        )

    def field(type_name: str, depth: int) -> str:
        fields = table.fields(type_name)
        usable = [entry for entry in fields.values() if depth < 4 or table.is_leaf(entry.named_type)]
        name = draw(st.sampled_from([entry.name for entry in usable] or ["__typename"]))
        entry = table.field(type_name, "nope" if flaw() else name)
        if entry is None:
            return "nope"
        parts = [f"{draw(st.sampled_from(['a', 'k', 'id']))}{draw(ignored())}: {name}" if chance(4) else name]
        arguments = {
            argument: value(reference)
            for argument, reference in entry.arguments.items()
            if (reference.endswith("!") and not flaw()) or chance(2)
        }
        if flaw():
            arguments["z"] = "1"
        if arguments:
            written = [f"{argument}{draw(ignored())}:{given}" for argument, given in arguments.items()]
            parts.append("(" + draw(ignored()).join(draw(st.permutations(written))) + ")")
        if chance(8):
            parts.append(directive())
        if table.is_leaf(entry.named_type) is flaw():
            parts.append(braces(entry.named_type if entry.named_type in COMPOSITES else "A", depth + 1))
        return draw(ignored()).join(parts)

    def fragment(type_name: str, depth: int) -> str:
        fitting = [
            name
            for name in COMPOSITES
            if table.possible_types(name) & table.possible_types(type_name) or faulty
        ]
        condition = draw(st.sampled_from(["", *fitting]))
        on = f"on{draw(ignored())}{condition}" if condition else ""
        return f"...{on} {directive() if chance(5) else ''}{braces(condition or type_name, depth + 1)}"

    def braces(type_name: str, depth: int) -> str:
        return "{" + draw(ignored()) + inside(type_name, depth) + draw(ignored()) + "}"

    def inside(type_name: str, depth: int) -> str:
        parts = [
            fragment(type_name, depth) if depth < 4 and chance(4) else field(type_name, depth)
            for _ in range(draw(st.integers(1, 4)))
        ]
        return draw(ignored()).join(parts)

    return braces("A", 1) if chance(3) else inside("A", 1)


RULES = [rule for rule in specified_rules if rule is not ValuesOfCorrectTypeRule]
VARIABLE_TYPES = {
    "flag": "Boolean!",
    "v_S": "S",
    "v_Sr": "S!",
    "v_lSr": "[S!]",
    "v_llSr": "[[S]]!",
    "v_E": "E",
}


def judged(source: str, types: Mapping[str, str]) -> bool:
    """Whether graphql-core accepts the selection, and if so, that it means what the compiled text means."""
    used = {name: VARIABLE_TYPES[name] for name in variables_in(source)}
    definitions = ", ".join(f"${name}: {reference}" for name, reference in used.items())
    braced = source if source.startswith("{") else f"{{{source}\n}}"
    document = f"query{f'({definitions})' if definitions else ''} {{ root {braced} }}"
    expected = not validate(graphql_schema(types), parse(document), RULES)
    try:
        selection = compile_selection(source, "A", SchemaTable(types, ABSTRACT), dict.fromkeys(used))
    except SelectionError as error:
        assert not expected, f"{error}\n{source}"
        return False
    assert expected, source
    assert selection.variable_types == used
    assert parse(f"{{{selection.text}}}", no_location=True) == parse(braced, no_location=True)
    return True


def variables_in(source: str) -> set[str]:
    found: set[str] = set()

    class Collect(Visitor):
        def enter_variable(self, node: VariableNode, *_: object) -> None:
            found.add(node.name.value)

    visit(parse(source if source.startswith("{") else f"{{{source}\n}}"), Collect())
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_selections_are_judged_as_graphql_core_judges_them(data: st.DataObject) -> None:
    types = data.draw(tables())
    judged(data.draw(selections(types, faulty=data.draw(st.booleans()))), types)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_selections_without_overlaps_compile(data: st.DataObject) -> None:
    """Aliases that are all different leave nothing to conflict, so that a selection made by the rules must be
    accepted.
    """
    types = data.draw(tables())
    table = SchemaTable(types, ABSTRACT)
    source = data.draw(selections(types, faulty=False))
    document = parse(source if source.startswith("{") else f"{{{source}\n}}")
    counter = iter(range(10_000))

    def rename(selection_set: SelectionSetNode | None) -> None:
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                node.alias = NameNode(value=f"k{next(counter)}")
            if isinstance(node, FieldNode | InlineFragmentNode):
                rename(node.selection_set)

    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    rename(operation.selection_set)
    text = print_ast(operation.selection_set)
    selection = compile_selection(text, "A", table, dict.fromkeys(variables_in(text)))
    assert parse(f"{{{selection.text}}}", no_location=True) == parse(text, no_location=True)


PIECES = [
    *"{}()[]:$@!|&=.,\"'#\\-01 \n\t\ufeff",
    *("...", '"""', "on", "a", "id", "b", "null", "$v", "@include(if:"),
    *('"\\u', "é", "\ud800", "1.", "e5", "on I", "{a}"),
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.text(max_size=30)))
def test_garbage_raises_nothing_but_selection_errors(text: str) -> None:
    table = SchemaTable({"A": "a(x:[S!]):A b:S id(y:S):S!", "I": "b:S"}, {"I": ("A",)})
    try:
        selection = compile_selection(text, "A", table, {"v": 1} if "$v" in text else None)
    except SelectionError as error:
        lines = str(error).splitlines()
        assert error.line >= 1
        assert error.column >= 1
        assert lines[0].startswith(f"{error.line}:{error.column}: ")
        assert lines[-1].endswith("^")
    else:
        parse(f"{{{selection.text}}}")
