"""SDL as definitions, read by regular expressions: several times as fast as a parse to a syntax tree, and for plain SDL only.

Everything here is cautious. What is wrong, unusual (`extend`), or could be either gives None, and is then read by graphql-core, whose
errors say what and where. What is accepted here is what graphql-core accepts, with the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveLocation,
    GraphQLError,
    Undefined,
    parse_value,
    specified_directives,
)

from .definitions import Definitions, Input, Output, Type, base

_IGNORED = r"(?:[ \t\n\r,\ufeff]++|#[^\n\r]*+)*+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_STRING = r'(?:"""(?:[^"\\]++|\\"""|\\|"(?!""))*+"""|"(?!"")(?:[^"\\\n\r]++|\\[^\n\r])*+")'
_TOLD = rf"{_IGNORED}(?:({_STRING}){_IGNORED})?+"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_END = _compiled(rf"{_IGNORED}\Z")
_KEYWORD = _compiled(
    rf"{_TOLD}(type|interface|input|enum|union|scalar|schema|directive)(?![A-Za-z0-9_]){_IGNORED}"
)
_WORD = _compiled(rf"{_IGNORED}({_NAME})")
_IMPLEMENTS = _compiled(
    rf"{_IGNORED}implements(?![A-Za-z0-9_]){_IGNORED}&?{_IGNORED}({_NAME}(?:{_IGNORED}&{_IGNORED}{_NAME})*+)"
)
_MEMBERS = _compiled(rf"{_IGNORED}={_IGNORED}\|?{_IGNORED}({_NAME}(?:{_IGNORED}\|{_IGNORED}{_NAME})*+)")
_OPEN = _compiled(rf"{_IGNORED}\{{")
_CLOSE = _compiled(rf"{_IGNORED}\}}")
_OPEN_ARGUMENTS = _compiled(rf"{_IGNORED}\(")
_CLOSE_ARGUMENTS = _compiled(rf"{_IGNORED}\)")
_FIELD = _compiled(rf"{_TOLD}({_NAME}){_IGNORED}([:(])")
_INPUT = _compiled(rf"{_TOLD}({_NAME}){_IGNORED}:")
_COLON = _compiled(rf"{_IGNORED}:")
# A type, and whether a directive or a default follows.
_TYPE = _compiled(
    rf"{_IGNORED}((?:\[{_IGNORED})*+{_NAME}(?:{_IGNORED}[\]!])*+){_IGNORED}(?:(?=(@))|(=){_IGNORED})?+"
)
_VALUE_NAME = _compiled(rf"{_TOLD}({_NAME})")
_DIRECTIVE = _compiled(rf"{_IGNORED}@{_IGNORED}({_NAME})({_IGNORED}\()?+")
_ARGUMENT = _compiled(rf"{_IGNORED}({_NAME}){_IGNORED}:{_IGNORED}")
# Values that are one token; a number must not go on as a name or another number.
_SIMPLE = _compiled(
    rf"{_IGNORED}({_STRING}|{_NAME}|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![A-Za-z0-9_.]))"
)
_LIST, _LIST_END = _compiled(rf"{_IGNORED}\["), _compiled(rf"{_IGNORED}\]")
_DEFINED_DIRECTIVE = _compiled(rf"@{_IGNORED}({_NAME})")
_LOCATIONS = _compiled(
    rf"{_IGNORED}(repeatable(?![A-Za-z0-9_]){_IGNORED})?+on(?![A-Za-z0-9_]){_IGNORED}\|?{_IGNORED}"
    rf"({_NAME}(?:{_IGNORED}\|{_IGNORED}{_NAME})*+)"
)
_ROOT = _compiled(rf"{_IGNORED}(query|mutation|subscription)(?![A-Za-z0-9_]){_IGNORED}:{_IGNORED}({_NAME})")
_ALL_NAMES = _compiled(rf"#[^\n\r]*+|({_NAME})")
_BETWEEN = _compiled(_IGNORED)
_SURROGATE = _compiled("[\ud800-\udfff]")
_NEWLINE = _compiled(r"\r\n|[\n\r]")

_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
_NO_VALUES = frozenset({"true", "false", "null"})
_LOCATION_NAMES = frozenset(item.name for item in DirectiveLocation)


class _UnlikelyError(Exception):
    """This is not for here."""


def scan(texts: Iterable[str]) -> Definitions | None:
    """The definitions in SDL texts; None where they are not plain, or not valid for all that can be told without building types.

    Warnings are fields that a type defines twice in the same way: the text's index, the offset, `type.field`.
    """
    found = _Found()
    try:
        for index, text in enumerate(texts):
            _Scanner(text, index, found).definitions()
        return found.definitions()
    except (_UnlikelyError, GraphQLError, RecursionError):
        return None


@dataclass(slots=True)
class _Found:
    types: dict[str, Type] = field(default_factory=dict)
    directives: dict[str, list[Any]] = field(default_factory=dict)
    roots: dict[str, str] | None = None
    description: str | None = None
    warnings: list[list[Any]] = field(default_factory=list)
    # Names of types that are used, and how directives are used: name, location, arguments.
    named: set[str] = field(default_factory=set)
    used: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)

    def definitions(self) -> Definitions:
        if not self.named <= self.types.keys() | _SCALARS:
            raise _UnlikelyError
        self._check_directives()
        roots = self.roots
        if roots is None:
            roots = {
                kind: name
                for kind, name in (
                    ("query", "Query"),
                    ("mutation", "Mutation"),
                    ("subscription", "Subscription"),
                )
                if name in self.types
            }
        return Definitions(self.types, self.directives, roots, self.description, self.warnings)

    def _check_directives(self) -> None:
        known: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str], bool]] = {
            item.name: (
                frozenset(location.name for location in item.locations),
                frozenset(item.args),
                frozenset(
                    name
                    for name, argument in item.args.items()
                    if str(argument.type).endswith("!") and argument.default_value is Undefined
                ),
                item.is_repeatable,
            )
            for item in specified_directives
        }
        for name, (_, locations, arguments, repeatable) in self.directives.items():
            required = frozenset(
                key for key, item in arguments.items() if str(item[0]).endswith("!") and item[3] is None
            )
            known[name] = frozenset(locations), frozenset(arguments), required, repeatable
        for name, location, given in self.used:
            if name not in known:
                raise _UnlikelyError
            locations, arguments, required, _ = known[name]
            if location not in locations or not required <= set(given) <= arguments:
                raise _UnlikelyError
        if any(not known[name][3] for name in self.repeated):
            raise _UnlikelyError


# A directive as it is used: its name and its arguments as text.
_Use = tuple[str, Mapping[str, str]]
_NO_USES: tuple[_Use, ...] = ()
_references: dict[str, str] = {}


class _Scanner:
    def __init__(self, text: str, index: int, found: _Found) -> None:
        if _SURROGATE.search(text):
            raise _UnlikelyError
        self._text = text
        self._index = index
        self._found = found
        self._at = 0

    def definitions(self) -> None:
        """Reads the text to its end."""
        text, found = self._text, self._found
        empty = True
        while not _END.match(text, self._at):
            match = self._take(_KEYWORD)
            told, keyword = match[1], match[2]
            description = _string(told) if told else None
            if keyword == "schema":
                self._schema(description)
            elif keyword == "directive":
                self._directive_definition(description)
            else:
                name = self._take(_WORD)[1]
                if name in found.types or name in _SCALARS or name.startswith("__"):
                    raise _UnlikelyError
                found.types[name] = self._type(keyword, name, description)
            empty = False
        if empty:
            raise _UnlikelyError

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _UnlikelyError
        self._at = match.end()
        return match

    def _try(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _type(self, keyword: str, name: str, description: str | None) -> Type:
        if keyword in ("type", "interface"):
            interfaces: list[str] = []
            if match := self._try(_IMPLEMENTS):
                interfaces = _names(match[1])
                self._found.named.update(interfaces)
            self._directives("OBJECT" if keyword == "type" else "INTERFACE")
            return [
                "object" if keyword == "type" else "interface",
                description,
                interfaces,
                self._fields(name),
            ]
        if keyword == "input":
            uses = self._directives("INPUT_OBJECT")
            self._take(_OPEN)
            fields = self._inputs(_CLOSE, "INPUT_FIELD_DEFINITION")
            return ["input", description, any(use[0] == "oneOf" for use in uses), fields]
        if keyword == "enum":
            self._directives("ENUM")
            return ["enum", description, self._values()]
        if keyword == "union":
            self._directives("UNION")
            members = _names(self._take(_MEMBERS)[1])
            self._found.named.update(members)
            return ["union", description, members]
        uses = self._directives("SCALAR")
        url = next((_literal(use[1].get("url")) for use in uses if use[0] == "specifiedBy"), None)
        return ["scalar", description, url]

    def _fields(self, owner: str) -> dict[str, Output]:
        self._take(_OPEN)
        fields: dict[str, Output] = {}
        uses_by_name: dict[str, tuple[_Use, ...]] = {}
        while not self._try(_CLOSE):
            match = self._take(_FIELD)
            told, name, mark = match.groups()
            arguments: dict[str, Input] = {}
            if mark == "(":
                arguments = self._inputs(_CLOSE_ARGUMENTS, "ARGUMENT_DEFINITION")
                self._take(_COLON)
            type_ = self._take(_TYPE)
            if type_[3]:
                raise _UnlikelyError
            uses = self._directives("FIELD_DEFINITION") if type_[2] else _NO_USES
            made: Output = [
                self._reference(type_[1]),
                _string(told) if told else None,
                _deprecation(uses) if uses else None,
                arguments,
            ]
            first = fields.setdefault(name, made)
            if first is not made:
                if [first[0], first[3], uses_by_name.get(name, _NO_USES)] != [made[0], arguments, uses]:
                    raise _UnlikelyError
                start = match.start(1) if told else match.start(2)
                self._found.warnings.append([self._index, start, f"{owner}.{name}"])
            elif uses:
                uses_by_name[name] = uses
        if not fields:
            raise _UnlikelyError
        return fields

    def _inputs(self, end: re.Pattern[str], location: str) -> dict[str, Input]:
        inputs: dict[str, Input] = {}
        while not self._try(end):
            told, name = self._take(_INPUT).groups()
            type_ = self._take(_TYPE)
            default = self._value() if type_[3] else None
            uses = self._directives(location) if type_[2] or type_[3] else _NO_USES
            if name in inputs:
                raise _UnlikelyError
            inputs[name] = [
                self._reference(type_[1]),
                _string(told) if told else None,
                _deprecation(uses) if uses else None,
                default,
            ]
        if not inputs:
            raise _UnlikelyError
        return inputs

    def _values(self) -> dict[str, list[str | None]]:
        self._take(_OPEN)
        values: dict[str, list[str | None]] = {}
        while not self._try(_CLOSE):
            told, name = self._take(_VALUE_NAME).groups()
            if name in values or name in _NO_VALUES:
                raise _UnlikelyError
            uses = self._directives("ENUM_VALUE")
            values[name] = [_string(told) if told else None, _deprecation(uses) if uses else None]
        if not values:
            raise _UnlikelyError
        return values

    def _schema(self, description: str | None) -> None:
        found = self._found
        if found.roots is not None:
            raise _UnlikelyError
        found.roots, found.description = {}, description
        self._directives("SCHEMA")
        self._take(_OPEN)
        while not self._try(_CLOSE):
            kind, name = self._take(_ROOT).groups()
            if kind in found.roots:
                raise _UnlikelyError
            found.roots[kind] = name
            found.named.add(name)

    def _directive_definition(self, description: str | None) -> None:
        name = self._take(_DEFINED_DIRECTIVE)[1]
        arguments = (
            self._inputs(_CLOSE_ARGUMENTS, "ARGUMENT_DEFINITION") if self._try(_OPEN_ARGUMENTS) else {}
        )
        repeatable, locations = self._take(_LOCATIONS).groups()
        places = _names(locations)
        if name in self._found.directives or not _LOCATION_NAMES.issuperset(places):
            raise _UnlikelyError
        self._found.directives[name] = [description, places, arguments, bool(repeatable)]

    def _directives(self, location: str) -> tuple[_Use, ...]:
        match = self._try(_DIRECTIVE)
        if match is None:
            return _NO_USES
        uses: list[_Use] = []
        while match is not None:
            name = match[1]
            arguments: dict[str, str] = {}
            if match[2]:
                while not self._try(_CLOSE_ARGUMENTS):
                    key = self._take(_ARGUMENT)[1]
                    if key in arguments:
                        raise _UnlikelyError
                    arguments[key] = self._value()
                if not arguments:
                    raise _UnlikelyError
            if any(use[0] == name for use in uses):
                self._found.repeated.add(name)
            uses.append((name, arguments))
            self._found.used.add((name, location, tuple(arguments)))
            match = self._try(_DIRECTIVE)
        return tuple(uses)

    def _value(self) -> str:
        """The text of a constant."""
        if match := self._try(_SIMPLE):
            if '"' in match[1]:
                _string(match[1])
            return match[1]
        if match := self._try(_LIST):
            while not self._try(_LIST_END):
                self._value()
        else:
            match = self._take(_OPEN)
            keys: set[str] = set()
            while not self._try(_CLOSE):
                key = self._take(_ARGUMENT)[1]
                if key in keys:
                    raise _UnlikelyError
                keys.add(key)
                self._value()
        return self._text[match.end() - 1 : self._at]

    def _reference(self, shown: str) -> str:
        """A type as graphql-core prints it."""
        found = _references.get(shown)
        if found is None:
            found = _BETWEEN.sub("", shown)
            inner = found
            while not inner.isidentifier():
                inner = inner.removesuffix("!")
                if inner.startswith("[") != inner.endswith("]") or inner.endswith("!"):
                    raise _UnlikelyError
                if inner.startswith("["):
                    inner = inner[1:-1]
            _references[shown] = found
        self._found.named.add(base(found))
        return found


def _names(text: str) -> list[str]:
    return [name for name in _ALL_NAMES.findall(text) if name]


def _deprecation(uses: tuple[_Use, ...]) -> str | None:
    for name, arguments in uses:
        if name == "deprecated":
            reason = arguments.get("reason")
            return _NO_REASON if reason is None else _literal(reason)
    return None


_NO_REASON = "No longer supported"


def _literal(text: str | None) -> str:
    """The value of a string; what is none is left to graphql-core."""
    if text is None or not text.startswith('"'):
        raise _UnlikelyError
    return _string(text)


def _string(token: str) -> str:
    """The value of a string's token."""
    if token.startswith('"""'):
        raw = token[3:-3]
        if "\\" in raw:
            raw = raw.replace('\\"""', '"""')
        if "\n" not in raw and "\r" not in raw:
            # The first line keeps its indentation, and a blank one is none.
            return raw if raw.strip(" \t") else ""
        return _dedented(_NEWLINE.split(raw) if "\r" in raw else raw.split("\n"))
    if "\\" in token:
        return str(parse_value(token, no_location=True).value)  # type: ignore[attr-defined]  # a string's token gives a string's node
    return token[1:-1]


def _dedented(lines: list[str]) -> str:
    """The lines of a block string without their common indentation and without blank lines around them."""
    filled = [index for index, line in enumerate(lines) if line.strip(" \t")]
    if not filled:
        return ""
    indent = min(
        (len(lines[index]) - len(lines[index].lstrip(" \t")) for index in filled if index), default=0
    )
    kept = [line[indent:] if index else line for index, line in enumerate(lines)]
    return "\n".join(kept[filled[0] : filled[-1] + 1])
