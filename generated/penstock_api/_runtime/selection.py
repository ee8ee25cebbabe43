"""Raw selections: the text between `{` and `}` of a GraphQL query, checked against the schema before anything
is sent.

A selection is what a user writes where no generated method fits: `id runs(limit: 5) { name state }`. The
whole grammar of selection sets is here (GraphQL, October 2021, section 2.4 ff.) but for fragment spreads,
which would need a definition elsewhere. Section numbers in comments are the specification's.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from .errors import InvalidSelection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .table import FieldEntry, SchemaTable

MAXIMUM_DEPTH: Final = 50
"""How deep selections, and lists and objects in arguments, may nest: far beyond any use, and well within
Python's own stack.
"""

_MAXIMUM_COMPARISONS: Final = 100_000
_SHOWN_NAME: Final = 80
_SHOWN_LINE: Final = 100

_NAME, _PUNCTUATOR, _NUMBER, _STRING, _END, _BAD = 1, 2, 3, 4, 5, 6

# Quantifiers are possessive (`++`, `*+`), so that no text can make the match try one beginning in many ways.
_TOKEN = re.compile(
    r"(?:[ \t\n\r,\ufeff]++|#[^\n\r]*+)*+(?:"
    r"([_A-Za-z][_0-9A-Za-z]*+)"
    r"|(\.\.\.|[!$&()=@:\[\]{}|])"
    r"|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![.0-9_A-Za-z]))"
    r'|("""(?:[^"\\]++|\\"""|\\|"(?!""))*+"""'
    r'|"(?!"")(?:[^"\\\n\r]++|\\["\\/bfnrt]'
    # A code point that is no surrogate, a pair of surrogates, or a code point in braces (2.9.4).
    r"|\\u(?:(?![dD][89a-fA-F])[0-9a-fA-F]{4}|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\{(?=[0-9a-fA-F]{1,8}\})0*+(?![dD][89a-fA-F][0-9a-fA-F]{2}\})(?:10[0-9a-fA-F]{4}|[0-9a-fA-F]{0,5})\})"
    r')*+")'
    r"|(\Z)"
    r"|(.))",
    re.DOTALL,
)
_LINE_END = re.compile(r"\r\n|\n|\r")

_Token = tuple[int, str, int]


class SelectionError(InvalidSelection):
    """A selection that is no GraphQL, or does not fit the schema.

    `message` is what is wrong and `hint` what to do (or ""); `line` and `column` count from 1. As a string:
    one sentence that begins with the place, then the source's line with a caret under the place.
    """

    def __init__(self, message: str, *, source: str, offset: int, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        self.line, self.column, shown = _locate(source, offset)
        sentence = f"{message}; {hint}" if hint else message
        ending = "" if sentence.endswith("?") else "."
        super().__init__(f"{self.line}:{self.column}: {sentence}{ending}\n{shown}")


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection that fits the schema.

    `text` is the minified selection without braces around it, ready to stand between `{` and `}`.
    `variable_types` has the type reference of each variable in it, by name without `$`.
    """

    text: str
    variable_types: Mapping[str, str]


def compile_selection(
    text: str, type_name: str, table: SchemaTable, variables: Mapping[str, object] | None = None
) -> Selection:
    """Check a selection on the type `type_name`, and make it ready to be sent.

    `text` is a selection set, with or without braces around it. `variables` are the values that will be sent
    with it: exactly the variables that the text uses, by name without `$`. A variable takes the place of a
    whole argument, or of an element of a list.

    Raises `SelectionError` where the text is no selection set, does not fit the schema, nests deeper than
    `MAXIMUM_DEPTH`, or uses other variables than those; `LookupError` where the schema has no object,
    interface or union named `type_name`.
    """
    table.fields(type_name)
    parser = _Parser(text, table)
    compiled = parser.parse(type_name)
    parser.check_variables(variables or {})
    return Selection(compiled, parser.variable_types)


class _Field:
    """A field as it stands in a selection: what has to be known to tell whether two of the same response key
    can be one.
    """

    __slots__ = ("arguments", "children", "entry", "key", "offset", "parent")

    def __init__(
        self,
        parent: str,
        key: str,
        entry: FieldEntry,
        arguments: dict[str, str] | None,
        children: list[_Field],
        offset: int,
    ) -> None:
        self.parent = parent
        self.key = key
        self.entry = entry
        self.arguments = arguments
        self.children = children
        self.offset = offset


class _Parser:
    """One pass over the tokens: it parses, checks and writes the minified text at once."""

    __slots__ = (
        "_at",
        "_comparisons",
        "_overlaps",
        "_table",
        "_text",
        "_tokens",
        "_used",
        "_written",
        "variable_types",
    )

    def __init__(self, text: str, table: SchemaTable) -> None:
        self._text = text
        self._table = table
        self._at = 0
        self._tokens = self._split()
        self._written: list[str] = []
        self._overlaps = False
        self._comparisons = 0
        self.variable_types: dict[str, str] = {}
        self._used: dict[str, int] = {}

    def parse(self, type_name: str) -> str:
        braces = self._tokens[0][1] == "{"
        if braces:
            self._at = 1
        fields = self._selections(type_name, 1, braces=braces)
        kind, token, offset = self._tokens[self._at]
        if kind != _END:
            self._fail(
                f'nothing can follow the selection\'s closing brace, and here is "{_short(token)}"', offset
            )
        if self._overlaps:
            self._check_shapes(fields)
            self._check_same(fields)
        return "".join(self._written)

    def check_variables(self, variables: Mapping[str, object]) -> None:
        if not variables and not self._used:
            return
        for name, offset in self._used.items():
            if name not in variables:
                self._fail(
                    f"${_short(name)} is used here, and no value is given for it",
                    offset,
                    _did_you_mean(name, (given for given in variables if given not in self._used))
                    or f'add "{_short(name)}" to variables',
                )
        for name in variables:
            if name not in self._used:
                self._fail(
                    f'a value is given for the variable "{_short(name)}", and the selection does not use it',
                    0,
                    "write its name without the $"
                    if name.removeprefix("$") in self._used
                    else _did_you_mean(name, self._used)
                    or f"write ${_short(name)} where it belongs, or leave it out",
                )

    # Tokens

    def _split(self) -> list[_Token]:
        text = self._text
        tokens: list[_Token] = []
        append = tokens.append
        for match in _TOKEN.finditer(text):
            kind = match.lastindex or _BAD
            append((kind, match[kind], match.start(kind)))
            if kind >= _END:
                break
        kind, token, offset = tokens[-1]
        if kind == _BAD:
            self._fail_token(token, offset)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                self._fail("half of a surrogate pair is no character and cannot be sent", error.start)
        return tokens

    def _fail_token(self, token: str, offset: int) -> NoReturn:
        if token == '"':
            opening = self._text[offset : offset + 3]
            self._fail(
                "this block string has no end"
                if opening == '"""'
                else "this string has no end on its line, or holds an escape that GraphQL does not have",
                offset,
                'close it with """'
                if opening == '"""'
                else 'close it with "; a backslash in it is written \\\\',
            )
        if token == "'":
            self._fail("a string stands in double quotes in GraphQL", offset)
        if token == "-" or token.isdecimal():
            self._fail("this is no number", offset)
        if token == ".":
            self._fail(
                "a single . means nothing here",
                offset,
                "fields of a relation stand in braces: project { name }",
            )
        self._fail(f"{token!r} means nothing here", offset)

    def _fail(self, message: str, offset: int, hint: str = "") -> NoReturn:
        raise SelectionError(message, source=self._text, offset=offset, hint=hint)

    def _fail_expected(self, expected: str, token: _Token) -> NoReturn:
        found = "the end of the text" if token[0] == _END else f'"{_short(token[1])}"'
        self._fail(f"here should be {expected}, not {found}", token[2])

    def _expect(self, punctuator: str, purpose: str) -> None:
        token = self._tokens[self._at]
        if token[1] != punctuator:
            self._fail_expected(f'"{punctuator}" {purpose}', token)
        self._at += 1

    def _name(self, what: str) -> tuple[str, int]:
        token = self._tokens[self._at]
        if token[0] != _NAME:
            self._fail_expected(what, token)
        self._at += 1
        return token[1], token[2]

    # Selections

    def _selections(self, type_name: str, depth: int, *, braces: bool = True) -> list[_Field]:
        """Selections up to the closing brace (or, of a text without braces, to the end); the opening one is
        behind.
        """
        tokens = self._tokens
        opened = tokens[self._at - 1][2] if braces else 0
        if depth > MAXIMUM_DEPTH:
            self._fail(f"selections may nest {MAXIMUM_DEPTH} deep, and this is deeper", opened)
        fields: list[_Field] = []
        write = self._written.append
        separate = False
        while True:
            kind, token, offset = tokens[self._at]
            if kind == _NAME:
                if separate:
                    write(" ")
                fields.append(self._field(type_name, depth))
            elif token == "...":
                fields += self._inline_fragment(type_name, depth)
            elif (token == "}") if braces else (kind == _END):
                break
            elif kind == _END:
                self._fail(
                    'a "}" is missing at the end', offset, f"it closes the brace at {self._place(opened)}"
                )
            elif token == "{":
                self._fail("a brace follows the field that it selects from, and here is none", offset)
            else:
                self._fail_expected("a field's name", tokens[self._at])
            # Only words run together: `a b`, but `a{b}c`.
            separate = self._written[-1][-1] not in ")}"
        if not self._written or self._written[-1] == "{":
            self._fail(
                f"this selects nothing of {type_name}",
                opened,
                f"name a field, as {self._example(type_name)}" if braces or tokens[0][0] == _END else "",
            )
        self._at += braces
        if len(fields) > 1 and len({field.key for field in fields}) != len(fields):
            self._overlaps = True
        return fields

    def _field(self, type_name: str, depth: int) -> _Field:
        tokens = self._tokens
        write = self._written.append
        _, name, offset = tokens[self._at]
        self._at += 1
        key = name
        if tokens[self._at][1] == ":":
            self._at += 1
            name, offset = self._name("the name of the field that the alias is for")
            write(key)
            write(":")
        write(name)
        entry = self._table.field(type_name, name)
        if entry is None:
            self._fail_field(type_name, name, offset)
        arguments: dict[str, str] | None = None
        token = tokens[self._at][1]
        if token == "(":
            arguments = self._arguments(type_name, entry)
            token = tokens[self._at][1]
        elif entry.arguments:
            self._check_required(type_name, entry, (), offset)
        if token == "@":
            self._directives()
            token = tokens[self._at][1]
        children: list[_Field] = []
        leaf = self._table.is_leaf(entry.named_type)
        if token == "{":
            if leaf:
                self._fail(
                    f"{type_name}.{name} is a {entry.named_type} and has nothing to select from",
                    tokens[self._at][2],
                    "leave the braces out",
                )
            self._at += 1
            write("{")
            children = self._selections(entry.named_type, depth + 1)
            write("}")
        elif not leaf:
            self._fail(
                f"{type_name}.{name} is a {entry.named_type}, and nothing is selected of it",
                offset,
                f"say what, as {name} {{ {self._example(entry.named_type)} }}",
            )
        return _Field(type_name, key, entry, arguments, children, offset)

    def _inline_fragment(self, type_name: str, depth: int) -> list[_Field]:
        tokens = self._tokens
        write = self._written.append
        start = tokens[self._at][2]
        self._at += 1
        write("...")
        kind, token, _ = tokens[self._at]
        if kind == _NAME and token != "on":
            self._fail(
                f'"... {_short(token)}" is a fragment\'s name, and a raw selection has no named fragments',
                start,
                "write its fields here, or an inline fragment: ... on Type { … }",
            )
        if kind == _NAME:
            self._at += 1
            condition, offset = self._name("the type that the fragment is for")
            self._check_condition(type_name, condition, offset)
            write("on ")
            write(condition)
            type_name = condition
        if tokens[self._at][1] == "@":
            self._directives()
        self._expect("{", "and the fragment's fields")
        write("{")
        fields = self._selections(type_name, depth + 1)
        write("}")
        return fields

    def _check_condition(self, type_name: str, condition: str, offset: int) -> None:
        if condition == type_name:
            return
        table = self._table
        possible = table.possible_types(type_name)
        if table.is_leaf(condition):
            self._fail(
                f'the schema has no object, interface or union "{_short(condition)}"',
                offset,
                _did_you_mean(condition, sorted(possible | {type_name})),
            )
        if possible.isdisjoint(table.possible_types(condition)):
            self._fail(
                f"a {type_name} is never a {condition}, so this fragment would never apply",
                offset,
                f"it can be {_list(sorted(possible))}" if table.is_abstract(type_name) else "leave it out",
            )

    def _arguments(self, type_name: str, entry: FieldEntry) -> dict[str, str]:
        tokens = self._tokens
        write = self._written.append
        offset = tokens[self._at - 1][2]
        self._at += 1
        write("(")
        given: dict[str, str] = {}
        while True:
            token = tokens[self._at]
            if token[1] == ")" and given:
                break
            name, at = self._name("an argument's name")
            reference = entry.arguments.get(name)
            if reference is None:
                self._fail(
                    f'{type_name}.{entry.name} has no argument "{_short(name)}"',
                    at,
                    _did_you_mean(name, entry.arguments)
                    or (f"it has {_list(entry.arguments)}" if entry.arguments else "it has none"),
                )
            if name in given:
                self._fail(f'the argument "{_short(name)}" stands here twice', at)
            self._expect(":", f'and a value for the argument "{_short(name)}"')
            if reference[-1] == "!" and tokens[self._at][1] == "null":
                self._fail(
                    f'the argument "{name}" of {type_name}.{entry.name} is a {reference} and cannot be null',
                    tokens[self._at][2],
                )
            value = self._value(reference, 1)
            write(f",{name}:{value}" if given else f"{name}:{value}")
            given[name] = value
        self._at += 1
        write(")")
        self._check_required(type_name, entry, given, offset)
        return given

    def _check_required(self, type_name: str, entry: FieldEntry, given: Iterable[str], offset: int) -> None:
        for name, reference in entry.arguments.items():
            if reference[-1] == "!" and name not in given:
                self._fail(
                    f'{type_name}.{entry.name} needs the argument "{name}", a {reference}',
                    offset,
                    f"write {entry.name}({name}: …)",
                )

    def _directives(self) -> None:
        """`@include(if: …)` and `@skip(if: …)`, each at most once: the two that every server has (3.13)."""
        tokens = self._tokens
        seen: set[str] = set()
        while tokens[self._at][1] == "@":
            self._at += 1
            name, offset = self._name("a directive's name")
            if name not in ("include", "skip"):
                self._fail(
                    f"a raw selection can have the directives @include and @skip, not @{_short(name)}",
                    offset,
                    _did_you_mean(name, ("include", "skip")),
                )
            if name in seen:
                self._fail(f"@{name} stands here twice", offset)
            seen.add(name)
            self._expect("(", f"and a condition, as @{name}(if: $detailed)")
            argument = tokens[self._at]
            if argument[1] != "if":
                self._fail_expected(f'"if", the argument of @{name},', argument)
            self._at += 1
            self._expect(":", "and true, false or a variable")
            kind, token, at = tokens[self._at]
            if token != "$" and not (kind == _NAME and token in ("true", "false")):
                self._fail_expected("true, false or a variable", (kind, token, at))
            self._written.append(f"@{name}(if:{self._value('Boolean!', 1)})")
            self._expect(")", f"and the end of @{name}")

    # Values

    def _value(self, reference: str | None, depth: int) -> str:
        """A value, minified. `reference` is the type of its place, or None where the table does not say it:
        inside an object.
        """
        kind, token, offset = self._tokens[self._at]
        self._at += 1
        if kind in (_NUMBER, _STRING, _NAME):
            return token
        if kind == _PUNCTUATOR:
            if token == "$":
                return self._variable(reference, offset)
            if depth > MAXIMUM_DEPTH and token in "[{":
                self._fail(f"values may nest {MAXIMUM_DEPTH} deep, and this is deeper", offset)
            if token == "[":
                return self._list(reference, depth, offset)
            if token == "{":
                return self._object(depth, offset)
        return self._fail_expected("a value", (kind, token, offset))

    def _list(self, reference: str | None, depth: int, opened: int) -> str:
        inner = reference.removesuffix("!") if reference else ""
        element = inner[1:-1] if inner.startswith("[") else None
        values: list[str] = []
        while True:
            kind, token, offset = self._tokens[self._at]
            if token == "]":
                self._at += 1
                return f"[{','.join(values)}]"
            if kind == _END:
                self._fail('a "]" is missing', offset, f"it closes the list at {self._place(opened)}")
            values.append(self._value(element, depth + 1))

    def _object(self, depth: int, opened: int) -> str:
        values: dict[str, str] = {}
        while True:
            kind, token, offset = self._tokens[self._at]
            if token == "}":
                self._at += 1
                return f"{{{','.join(f'{name}:{value}' for name, value in values.items())}}}"
            if kind == _END:
                self._fail('a "}" is missing', offset, f"it closes the object at {self._place(opened)}")
            name, at = self._name("the name of a key")
            if name in values:
                self._fail(f'the key "{_short(name)}" stands in this object twice', at)
            self._expect(":", f'and a value for "{_short(name)}"')
            values[name] = self._value(None, depth + 1)

    def _variable(self, reference: str | None, offset: int) -> str:
        name, _ = self._name("a variable's name")
        if reference is None:
            self._fail(
                f"${_short(name)} stands inside a value whose type is not known here",
                offset,
                "pass the whole argument as a variable",
            )
        known = self.variable_types.get(name)
        merged = reference if known is None else _stricter(known, reference)
        if merged is None:
            self._fail(
                f"${_short(name)} is a {known} further up and would be a {reference} here",
                offset,
                "use two variables",
            )
        self.variable_types[name] = merged
        self._used.setdefault(name, offset)
        return f"${name}"

    # Fields of the same response key (5.3.2): an answer has room for one value per key, so they have to be
    # the same field. The two checks are the specification's two halves, each over a whole level at a time
    # rather than over pairs, so that the work stays proportional to the text in all but contrived cases;
    # those end at a limit. Arguments are compared as they are written, which refuses a little more than the
    # specification does: `{a: 1, b: 2}` and `{b: 2, a: 1}` count as two.

    def _check_shapes(self, fields: list[_Field]) -> None:
        """Whatever type the object turns out to have, a key's value must have one shape."""
        for group in self._groups(fields):
            first = group[0].entry
            shape = self._shape(first)
            for other in group:
                if self._shape(other.entry) != shape:
                    self._fail_conflict(
                        group[0], other, f"they are of different types, {first.type} and {other.entry.type}"
                    )
            self._check_shapes([child for field in group for child in field.children])

    def _check_same(self, fields: list[_Field]) -> None:
        """Fields that can stand on one object must be the same field with the same arguments."""
        for group in self._groups(fields):
            anywhere = [field for field in group if self._table.is_abstract(field.parent)]
            parents = {field.parent: None for field in group if not self._table.is_abstract(field.parent)}
            for parent in parents or (None,):
                together = (
                    [*anywhere, *(field for field in group if field.parent == parent)] if parent else anywhere
                )
                first = together[0]
                for other in together:
                    if other.entry.name != first.entry.name:
                        self._fail_conflict(
                            first,
                            other,
                            f"they are different fields, {first.entry.name} and {other.entry.name}",
                        )
                    if (other.arguments or {}) != (first.arguments or {}):
                        self._fail_conflict(first, other, "their arguments differ")
                self._check_same([child for field in together for child in field.children])

    def _groups(self, fields: list[_Field]) -> Iterable[list[_Field]]:
        self._comparisons += len(fields)
        if self._comparisons > _MAXIMUM_COMPARISONS:
            self._fail("too many fields of this selection share their response keys", 0, "give them aliases")
        groups: dict[str, list[_Field]] = {}
        for field in fields:
            groups.setdefault(field.key, []).append(field)
        return groups.values()

    def _shape(self, entry: FieldEntry) -> str:
        if self._table.is_leaf(entry.named_type):
            return entry.type
        # Where there is more to select, what is selected decides, not the type's name.
        return entry.type.replace(entry.named_type, "{}")

    # Words

    def _fail_conflict(self, one: _Field, other: _Field, because: str) -> NoReturn:
        first, second = sorted((one, other), key=lambda field: field.offset)
        self._fail(
            f'"{_short(second.key)}" stands here and at {self._place(first.offset)}, and {because}',
            second.offset,
            f"give one of them an alias: other_{_short(second.key)}: {_short(second.entry.name)}",
        )

    def _fail_field(self, type_name: str, name: str, offset: int) -> NoReturn:
        fields = self._table.fields(type_name)
        hint = _did_you_mean(name, fields)
        if (
            not hint
            and offset == self._tokens[0][2]
            and name in ("query", "mutation", "subscription", "fragment")
        ):
            hint = f"write only what is to be selected, as {self._example(type_name)}"
        if not hint:
            hint = f"it has {_list(fields)}" if fields else "it is a union: select inside ... on Type { … }"
        self._fail(f'{type_name} has no field "{_short(name)}"', offset, hint)

    def _example(self, type_name: str) -> str:
        """A field of the type that can be selected as it is."""
        plain = [
            entry.name
            for entry in self._table.fields(type_name).values()
            if self._table.is_leaf(entry.named_type)
            and not any(reference.endswith("!") for reference in entry.arguments.values())
        ]
        return "id" if "id" in plain else plain[0] if plain else "__typename"

    def _place(self, offset: int) -> str:
        line, column, _ = _locate(self._text, offset)
        return f"{line}:{column}"


def _stricter(one: str, other: str) -> str | None:
    """The type of a variable that stands where `one` is expected and where `other` is: required where either
    is (5.8.5).

    None where no type fits both.
    """
    required = "!" if one.endswith("!") or other.endswith("!") else ""
    one, other = one.removesuffix("!"), other.removesuffix("!")
    if one == other:
        return one + required
    if one.startswith("[") and other.startswith("["):
        inner = _stricter(one[1:-1], other[1:-1])
        return None if inner is None else f"[{inner}]{required}"
    return None


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:_SHOWN_NAME], known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def _list(names: Iterable[str]) -> str:
    """At most eight names, and how many more there are."""
    names = list(names)
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN_NAME else f"{name[:_SHOWN_NAME]}…"


def _locate(source: str, offset: int) -> tuple[int, int, str]:
    """Line and column, both from 1, and the line with a caret under the place; of a long line, what is around
    it.
    """
    line, start = 1, 0
    for match in _LINE_END.finditer(source, 0, offset):
        line, start = line + 1, match.end()
    ending = _LINE_END.search(source, start)
    text = source[start : ending.start() if ending else len(source)]
    column = offset - start
    left = max(0, column - _SHOWN_LINE // 2) if len(text) > _SHOWN_LINE else 0
    shown = text[left : left + _SHOWN_LINE]
    before = "…" if left else ""
    after = "…" if left + _SHOWN_LINE < len(text) else ""
    # Tabs before the caret stay tabs, so that it stands under its place however wide they are shown.
    margin = "".join("\t" if character == "\t" else " " for character in before + shown[: column - left])
    shown = "".join(character if character.isprintable() or character == "\t" else "�" for character in shown)
    return line, column + 1, f"  {before}{shown}{after}\n  {margin}^"
