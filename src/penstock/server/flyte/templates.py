"""Templates of flows: the Django dialect that flyte flows are written in, evaluated by a sandboxed jinja2.

Flows in the field write ``{{ Event.Payload.message|split:' '|index:2 }}`` and ``{{ a && !b }}``.
``translate`` turns those spellings into jinja2's; what is jinja2 already stays as it is.

The sandbox goes further than jinja2's own: a template reaches keys of JSON values and the functions and
filters below, no attribute or method of anything, and its output is limited. A template author can so read
what the event brought and the datastore holds, and nothing else.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from jinja2 import ChainableUndefined, Template, TemplateError, Undefined
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from penstock.server.flyte.cron import matches as cron_matches
from penstock.server.flyte.errors import TemplateFailed

OUTPUT_LIMIT: Final = 1_000_000
"""Characters a template may produce, and elements a repetition inside one."""

MATCH_LIMIT: Final = 10_000
"""Characters a regular expression is tried on: Python's may take exponential time on long text."""

Datastore = Callable[[str], object]
"""Gives a datastore item's value by its key; raises ``LookupError`` where there is none."""

T = TypeVar("T")

_BLOCK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TOKEN = re.compile(
    r"""
    (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<and>&&)
    |(?P<or>\|\|)
    |(?P<not>!(?!=))
    |\|\s*(?P<filter>\w+)\s*:\s*(?P<argument>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*)
    """,
    re.VERBOSE | re.DOTALL,
)


def translate(source: str) -> str:
    """Rewrite the Django spellings in ``source`` into jinja2's; text outside of ``{{ }}`` and ``{% %}`` is
    untouched."""
    return _BLOCK.sub(lambda block: _TOKEN.sub(_translate_token, block.group()), source)


def _translate_token(token: re.Match[str]) -> str:
    if token["string"]:
        return _translate_string(token["string"])
    if token["and"]:
        return " and "
    if token["or"]:
        return " or "
    if token["not"]:
        return " not "
    argument = token["argument"]
    if argument[0] in "'\"":
        argument = _translate_string(argument)
    return f"|{token['filter']}({argument})"


def _translate_string(literal: str) -> str:
    """Keep backslashes that escape nothing: ``'^\\d+$'`` is written with one in a flow, and jinja2 reads it
    Python's way."""
    text = re.sub(r"\\(['\"\\])", r"\1", literal[1:-1])
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "**", "%"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            return obj.get(argument, obj.get(str(argument), self.undefined(name=str(argument))))
        if isinstance(obj, Sequence):
            try:
                return obj[argument if isinstance(argument, slice) else int(argument)]
            except (LookupError, TypeError, ValueError):
                pass
        return self.undefined(name=str(argument))

    def is_safe_callable(self, obj: Any) -> bool:
        return obj in _FUNCTIONS.values() or isinstance(obj, _Bound)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise TemplateError("text cannot be formatted with %")
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 64):
            raise TemplateError(f"{left} ** {right} is too large")
        if operator == "*":
            sizes = [len(value) for value in (left, right) if isinstance(value, Sequence)]
            counts = [value for value in (left, right) if isinstance(value, int)]
            if sizes and counts and sizes[0] * counts[0] > OUTPUT_LIMIT:
                raise TemplateError(f"the repetition is longer than {OUTPUT_LIMIT} elements")
        return super().call_binop(context, operator, left, right)


def _match(value: object, pattern: str) -> bool:
    return re.search(pattern, _text(value)[:MATCH_LIMIT]) is not None


def _extract_match(value: object, pattern: str) -> str:
    text = _text(value)
    found = re.search(pattern, text[:MATCH_LIMIT])
    return found[1] if found and found.re.groups else text


def _split(value: object, separator: str = " ") -> list[str]:
    return _text(value).split(separator) if separator else list(_text(value))


def _index(value: object, position: int) -> object:
    if isinstance(value, Sequence):
        try:
            return value[position]
        except IndexError:
            return ""
    return ""


def _key(value: object, name: object) -> object:
    return value.get(str(name)) if isinstance(value, Mapping) else None


def _key_value_pairs(value: object) -> dict[str, str]:
    pairs = (pair.split("=") for pair in _text(value).split(","))
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}


def _default(value: object, fallback: object = "") -> object:
    return value or fallback


def _cut(value: object, what: str) -> str:
    return _text(value).replace(what, "")


def _yes_no(value: object, words: str = "yes,no") -> str:
    yes, _, no = words.partition(",")
    return yes if value else no.partition(",")[0]


def _length_is(value: Any, length: int) -> bool:
    return len(value) == int(length)


def _truncate_characters(value: object, length: int) -> str:
    text = _text(value)
    return text if len(text) <= length else text[: max(0, length - 3)] + "..."


def _remove_duplicate_whitespace(value: object) -> str:
    return re.sub(r"\s+", " ", _text(value)).rstrip(" ")


def _safe_copy_paste(value: object) -> str:
    return _text(value).replace("\u00a0", " ")


def _matches_cron(value: object, expression: str) -> bool:
    return cron_matches(expression, datetime.fromisoformat(_text(value)))


def _random_integer(upper_bound: int) -> int:
    return random.randrange(upper_bound)


def _random_letters(length: int) -> str:
    return "".join(random.choices(string.ascii_letters, k=min(int(length), 1000)))


def _base64_encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _base64_decode(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def _unmarshal_json(text: str) -> object:
    return json.loads(text)


_FILTERS: dict[str, Callable[..., object]] = {
    "match": _match,
    "extractMatch": _extract_match,
    "split": _split,
    "index": _index,
    "key": _key,
    "kvp": _key_value_pairs,
    "matchesCron": _matches_cron,
    "removedupwhitespaces": _remove_duplicate_whitespace,
    "safecopypaste": _safe_copy_paste,
    "default": _default,
    "cut": _cut,
    "yesno": _yes_no,
    "length_is": _length_is,
    "truncatechars": _truncate_characters,
}
_BUILT_IN_FILTERS = [
    "abs",
    "batch",
    "capitalize",
    "count",
    "escape",
    "e",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
]
_FUNCTIONS: dict[str, Callable[..., object]] = {
    "randomInt": _random_integer,
    "randomAlpha": _random_letters,
    "base64Encode": _base64_encode,
    "base64Decode": _base64_decode,
    "unmarshalJson": _unmarshal_json,
}


class _Bound:
    """A function that depends on the request: the datastore, and templates in templates that may read it."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)


def _text(value: object) -> str:
    """How a value reads in a template's output: nothing for null, JSON for objects and lists."""
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=_json_default)
    return str(value)


def _json_default(value: object) -> object:
    return None if isinstance(value, Undefined) else str(value)


def _build_environment() -> _Environment:
    environment = _Environment(
        autoescape=False, undefined=ChainableUndefined, finalize=_text, keep_trailing_newline=True
    )
    built_in = {name: environment.filters[name] for name in _BUILT_IN_FILTERS}
    environment.filters.clear()
    environment.filters.update(built_in)
    environment.filters.update(_FILTERS)
    environment.filters["integer"] = environment.filters["int"]
    environment.globals.clear()
    environment.globals.update(_FUNCTIONS)
    return environment


_ENVIRONMENT = _build_environment()
_WHOLE = re.compile(r"\s*\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)


@lru_cache(maxsize=4096)
def _compile(source: str) -> Template:
    return _ENVIRONMENT.from_string(translate(source))


@lru_cache(maxsize=4096)
def _compile_expression(source: str) -> Callable[..., object] | None:
    """The value of a template that is one expression and nothing else; ``None`` for any other template."""
    if not _WHOLE.fullmatch(source):
        return None
    expression = translate(source).strip()[2:-2].strip("-+ \t\n")
    return _ENVIRONMENT.compile_expression(expression, undefined_to_none=True)


def check(source: str) -> None:
    """Raise ``TemplateFailed`` where ``source`` is no template."""
    try:
        if "{{" in source or "{%" in source:
            _compile(source)
    except TemplateError as error:
        raise TemplateFailed(f"the template {source!r} cannot be read: {error.message}") from None


def render(source: str, variables: Mapping[str, object], datastore: Datastore) -> str:
    """Evaluate ``source`` to text.

    Raises ``TemplateFailed`` where it cannot be read, fails, or yields more than ``OUTPUT_LIMIT`` characters.
    """
    if "{{" not in source and "{%" not in source:
        return source
    return _guard(source, lambda: _collect(_compile(source).generate(_with_functions(variables, datastore))))


def resolve(value: object, variables: Mapping[str, object], datastore: Datastore) -> object:
    """Evaluate every string inside a JSON value, keys excepted.

    A template gives text. Only where a string is one expression that yields an object or a list does it give
    that: as text those could be of no use to a command.
    """
    if isinstance(value, str):
        if "{{" not in value and "{%" not in value:
            return value
        expression = _guard(value, lambda: _compile_expression(value))
        if expression is not None:
            found = _guard(value, lambda: expression(_with_functions(variables, datastore)))
            if isinstance(found, (dict, list)):
                return json.loads(json.dumps(found, default=_json_default))
            return _limited(_text(found))
        return render(value, variables, datastore)
    if isinstance(value, list):
        return [resolve(item, variables, datastore) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, variables, datastore) for key, item in value.items()}
    return value


def _with_functions(variables: Mapping[str, object], datastore: Datastore) -> dict[str, object]:
    def template(source: str, context: Mapping[str, object] | None = None) -> str:
        return render(source, context or {}, datastore)

    return {**variables, "datastore": _Bound(datastore), "template": _Bound(template)}


def _collect(parts: Iterable[str]) -> str:
    collected: list[str] = []
    length = 0
    for part in parts:
        collected.append(part)
        length += len(part)
        if length > OUTPUT_LIMIT:
            raise TemplateFailed(f"its output is longer than {OUTPUT_LIMIT} characters")
    return "".join(collected)


def _limited(text: str) -> str:
    return _collect([text])


def _guard(source: str, evaluate: Callable[[], T]) -> T:
    try:
        return evaluate()
    except TemplateFailed as error:
        raise TemplateFailed(f"the template {source!r} fails: {error}") from None
    except TemplateError as error:
        raise TemplateFailed(f"the template {source!r} fails: {error.message}") from None
    except (
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
        re.error,
        RecursionError,
    ) as error:
        raise TemplateFailed(f"the template {source!r} fails: {error}") from None
