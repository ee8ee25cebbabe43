"""Texts: whatever a description, a reason, a default, a literal or a comment holds stays a text, to the letter where it is sent."""

# Documents and answers stand as they are sent.
# ruff: noqa: E501

from __future__ import annotations

import json

from tests.codegen.corpus import Case, works

# Each would leave a file behind if any layer took it for code: Python, a template, a format, an import, a shell.
PAYLOADS = {
    "an expression": """__import__('pathlib').Path('pwned').touch()""",
    "a docstring's end": '''""" + __import__("pathlib").Path("pwned").touch() + """''',
    "another docstring's end": """''' + str(__import__('pathlib').Path('pwned').touch()) + '''""",
    "a call's end": '''"); __import__("pathlib").Path("pwned").touch(); ("''',
    "another call's end": """'); __import__('pathlib').Path('pwned').touch(); ('""",
    "a docstring's end, escaped": """\\""\\"; import pathlib; pathlib.Path('pwned').touch() #""",
    "a template's expression": """{{ cycler.__init__.__globals__.os.system('touch pwned') }}""",
    "a template's statement": """{% set x = cycler.__init__.__globals__.os.system('touch pwned') %}{# x #}{% raw %}""",
    "formats and a shell": """{self.__class__.__init__.__globals__} {0} {} %s %(x)s ${IFS} $(touch pwned) `touch pwned`""",
    "escapes": """\\N{LATIN SMALL LETTER A}\\x41\\u0041\\101\\ \\""",
    "line ends of every kind": """\r\n\x0c\x0b\x1c\x85\u2028\u2029import pathlib\rpathlib.Path('pwned').touch()""",
    "another encoding": """# -*- coding: utf-7 -*-\n+AG8-import os+ADs-os.system('touch pwned')""",
    "a terminal's escapes": "\x1b[31m\x1b]0;pwned\x07\x1b[2J\x08\x7f\x9b31m",
    "bidi and what cannot be seen": "\u202e\u2066 dlrow \u2069\u200b\ufeff\u00ad\U000e0041",
    "a NUL and other control characters": "a\x00b\x01\x02\x1f",
    "emoji and letters beyond the first plane": "🚀 𐍈 漢字 é e\u0301 \U0010fffd",
    "quotes alone": "\"'`\"\"\"'''",
    "a quote at the end": 'ends in a quote "',
    "quotes at both ends": '"both"',
    "a backslash at the end": "ends in a backslash \\",
    "backslashes alone": "\\\\\\",
    "white space at both ends": "  \t both \t  ",
    "blank lines": "\n\n  one\n\n\n    two\n  three\n\n",
    "a comment's start": "# no comment\n#: nor this",
    "a doctest": ">>> __import__('os').system('touch pwned')\n>>> 1 / 0",
    "a directive of tools": "# type: ignore\n# noqa\n# fmt: off\n# ruff: noqa",
    "a docstring's sections": "Args:\n    client: no\nReturns:\nRaises:\n    pwned",
    "markup": "<script>touch('pwned')</script> [x](javascript:pwned) ![](x) | a | b |\n|--|--|",
    "nothing": "",
}  # fmt: skip


def string(text: str) -> str:
    """A GraphQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escape(c) for c in escaped) + '"'


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


def _everywhere(name: str, payload: str) -> Case:
    """A project that says a text wherever one can be said."""
    said = string(payload)
    schema = f"""
{said} schema {{ query: Query mutation: Mutation }}
{said} directive @d({said} a: String = {said}) on FIELD
{said} scalar Text @specifiedBy(url: {said})
{said} enum Color {{ {said} RED {said} GREEN @deprecated(reason: {said}) }}
{said} interface Node {{ {said} id: ID! }}
{said} union Either = Thing | Other
{said} input In {{ {said} text: String = {said} {said} more: [String!] = [{said}] }}
{said} type Thing implements Node {{
  {said} id: ID!
  {said} name: String
  {said} color: Color
  {said} old: String @deprecated(reason: {said})
  {said} either: Either
  {said} things({said} after: String = {said}): [Thing!]
}}
{said} type Other {{ {said} text: Text }}
{said} type Query {{
  {said} thing({said} id: ID!): Thing
  {said} things({said} text: String = {said}): [Thing!]!
  {said} echo({said} a: String = {said} {said} b: In {said} c: [String] = [{said}]): String
  {said} same: String
}}
{said} type Mutation {{ {said} change({said} id: ID!, {said} text: String): Payload }}
{said} type Payload {{ {said} success: Boolean! {said} error: String {said} thing: Thing }}
"""
    queries = {
        "thing/fields.graphql": "fragment thing_fields on Thing { id name color old either { ... on Other { text } } }",
        "thing/get.graphql": "query ($id: ID!) { thing(id: $id) { ...thing_fields } }",
        "thing/list.graphql": f"query ($text: String = {said}) {{ things(text: $text) {{ ...thing_fields }} }}",
        "thing/change.graphql": f"mutation ($id: ID!) {{ change(id: $id, text: {said}) {{ success error }} }}",
        "echo.graphql": f"query ($a: String = {said}, $b: In = {{text: {said}}}, $c: [String] = [{said}]) {{ echo(a: $a, b: $b, c: $c) @d(a: {said}) }}",
        "literal.graphql": f"{{ echo(a: {said}, b: {{text: {said}, more: [{said}]}}, c: {said}) }}",
        "same.graphql": "{ same }",
    }
    # What a schema gives as a default, a server knows: arguments of directives and of fields are sent as they stand in the operation.
    got = json.dumps(
        {"a": payload, "b": {"text": payload, "more": [payload]}, "c": [payload]},
        sort_keys=True,
        ensure_ascii=False,
    )
    return works(
        name,
        schema,
        queries,
        ("client.echo()", got),
        ("client.literal()", got),
        ("(client.echo(a='x'), sent[0].variables)[1]", {"a": "x"}),
        (f"(client.echo(a={payload!r}), sent[0].variables)[1]", {"a": payload}),
        ("client.same()", payload),
        ('client.thing(id="1").refresh().name', payload),
        ('client.thing(id="1").change()', None),
        ("[item.name for item in client.thing.list()]", [payload, payload]),
        answers={
            "Query.same": payload,
            "Thing.name": payload,
            "Payload.success": True,
            "Payload.error": None,
            "Thing.either": {"__typename": "Other"},
            "Text": payload,
        },
        config='[tool.penstock.scalars]\nText = "str"\n',
    )


def _literal(name: str, written: str, value: str) -> Case:
    """A string as it is written in an operation, and what the server gets."""
    return works(
        name,
        "type Query { echo(a: String): String }",
        {
            "odd.graphql": f"{{ echo(a: {written}) }}",
            "default.graphql": f"query ($a: String = {written}) {{ echo(a: $a) }}",
        },
        ("client.odd()", json.dumps({"a": value}, ensure_ascii=False)),
        ("client.default()", json.dumps({"a": value}, ensure_ascii=False)),
    )


CASES: list[Case] = [
    *(_everywhere(f"{name} wherever a text can be", payload) for name, payload in PAYLOADS.items()),
    _literal("an apostrophe", '"it\'s"', "it's"),
    _literal("a line's end in a string", r'"a\nb"', "a\nb"),
    _literal("every escape", r'"\" \\ \/ \b \f \n \r \t \u00e9 \uD83D\uDE80"', '" \\ / \b \f \n \r \t é 🚀'),
    _literal("a block string", '"""\n    one\n      two\n    """', "one\n  two"),
    _literal("a block string with quotes", '"""say "hello" and \'bye\' """', "say \"hello\" and 'bye' "),
    _literal("a block string with its own end in it", '"""a \\""" b"""', 'a """ b'),
    _literal("a block string with backslashes", '"""\\n \\u0041 \\ """', "\\n \\u0041 \\ "),
    _literal("a block string of nothing", '""""""', ""),
    _literal("a block string of blank lines", '"""\n\n\n"""', ""),
    _literal("a block string with carriage returns", '"""\r\n  a\r\n    b\r  c\r\n"""', "a\n  b\nc"),
    _literal("a block string that ends in a backslash", '"""a \\\\ \n"""', "a \\\\ "),
    _literal("a block string with a hash", '"""# no comment\n  # nor this"""', "# no comment\n# nor this"),
    _literal("a string with commas and braces", '"a,  b  {c} $d @e # f"', "a,  b  {c} $d @e # f"),
    _literal("a string of white space", '"  \\t  "', "  \t  "),
    works(
        "descriptions as block strings",
        'type Query {\n  """\n  Says "it".\n\n      indented \\n \\""" \n  """\n  word: String\n  """ends in \\\\\n"""\n  other: String\n}',
        "{ word other }",
        ("client.odd()", {"word": "Query.word", "other": "Query.other"}),
    ),
]
