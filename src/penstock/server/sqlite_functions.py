"""What PostgreSQL has built in and SQLite has not: pattern matching and the operators of `jsonb`.

Each function is registered on every SQLite connection and does what PostgreSQL's does. Letters fold as under
PostgreSQL's collation "C": ASCII only.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

IGNORE_CASE = re.IGNORECASE | re.ASCII | re.DOTALL
MATCH_CASE = re.ASCII | re.DOTALL


@lru_cache(maxsize=512)
def like_pattern(pattern: str, flags: int = MATCH_CASE) -> re.Pattern[str]:
    """The regular expression of a LIKE pattern: `%` any text, `_` one character, backslash escapes."""
    out: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "\\")))
        elif character == "%":
            out.append(".*")
        elif character == "_":
            out.append(".")
        else:
            out.append(re.escape(character))
    return re.compile("".join(out), flags)


@lru_cache(maxsize=512)
def similar_pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression of a SIMILAR TO pattern: LIKE's wildcards and `| * + ? {m,n} ( ) [ ]`.

    Raises re.error for a pattern that is none.
    """
    out: list[str] = []
    characters = iter(pattern)
    in_brackets = False
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "\\")))
        elif in_brackets:
            in_brackets = character != "]"
            out.append("\\[" if character == "[" else character)
        elif character == "[":
            in_brackets = True
            out.append("[")
        elif character == "%":
            out.append(".*")
        elif character == "_":
            out.append(".")
        elif character == "(":
            out.append("(?:")
        elif character in "|*+?{})":
            out.append(character)
        else:
            out.append(re.escape(character))
    return re.compile("".join(out), MATCH_CASE)


@lru_cache(maxsize=512)
def regular_expression(pattern: str, flags: int = re.ASCII) -> re.Pattern[str]:
    """A compiled regular expression; raises re.error for a pattern that is none."""
    return re.compile(pattern, flags)


def text_like(value: str | None, pattern: str | None) -> bool | None:
    """PostgreSQL's `value LIKE pattern`."""
    return None if value is None or pattern is None else like_pattern(pattern).fullmatch(value) is not None


def text_ilike(value: str | None, pattern: str | None) -> bool | None:
    """PostgreSQL's `value ILIKE pattern`."""
    if value is None or pattern is None:
        return None
    return like_pattern(pattern, IGNORE_CASE).fullmatch(value) is not None


def text_similar(value: str | None, pattern: str | None) -> bool | None:
    """PostgreSQL's `value SIMILAR TO pattern`."""
    return None if value is None or pattern is None else similar_pattern(pattern).fullmatch(value) is not None


def text_regex(value: str | None, pattern: str | None) -> bool | None:
    """PostgreSQL's `value ~ pattern`."""
    return None if value is None or pattern is None else regular_expression(pattern).search(value) is not None


def text_iregex(value: str | None, pattern: str | None) -> bool | None:
    """PostgreSQL's `value ~* pattern`."""
    if value is None or pattern is None:
        return None
    return regular_expression(pattern, re.ASCII | re.IGNORECASE).search(value) is not None


def _rank(value: Any) -> int:
    match value:
        case None:
            return 0
        case str():
            return 1
        case bool():
            return 3
        case int() | float():
            return 2
        case list():
            return 4
        case _:
            return 5


def compare_values(left: Any, right: Any, *, top: bool = True) -> int:
    """Order two JSON values as `jsonb` does: -1, 0 or 1.

    null < string < number < boolean < array < object; arrays and objects by size first; an object's keys by length,
    then by text. An empty array at the top level comes before everything: PostgreSQL keeps that for old indices.
    """
    if top and (left == [] or right == []) and isinstance(left, list) != isinstance(right, list):
        return -1 if left == [] else 1 if right == [] else (1 if isinstance(left, list) else -1)
    rank_left, rank_right = _rank(left), _rank(right)
    if rank_left != rank_right:
        return -1 if rank_left < rank_right else 1
    if isinstance(left, list):
        if len(left) != len(right):
            return -1 if len(left) < len(right) else 1
        pairs = zip(left, right, strict=True)
        return next((order for a, b in pairs if (order := compare_values(a, b, top=False))), 0)
    if isinstance(left, dict):
        if len(left) != len(right):
            return -1 if len(left) < len(right) else 1
        keys_left, keys_right = _storage_order(left), _storage_order(right)
        for key_left, key_right in zip_longest(keys_left, keys_right):
            if key_left != key_right:
                return -1 if key_left.encode() < key_right.encode() else 1
            if order := compare_values(left[key_left], right[key_right], top=False):
                return order
        return 0
    if left is None or left == right:
        return 0
    return -1 if left < right else 1


def _storage_order(value: dict[str, Any]) -> list[str]:
    return sorted(value, key=lambda key: (len(key.encode()), key.encode()))


def contains_value(container: Any, contained: Any, *, top: bool = True) -> bool:
    """`container @> contained`, as `jsonb` does it: parts may be missing on the right, and order does not count."""
    if isinstance(container, dict) and isinstance(contained, dict):
        return all(
            key in container and contains_value(container[key], value, top=False)
            for key, value in contained.items()
        )
    if isinstance(container, list) and isinstance(contained, list):
        return all(any(contains_value(item, wanted, top=False) for item in container) for wanted in contained)
    if top and isinstance(container, list) and not isinstance(contained, dict):
        return any(_rank(item) == _rank(contained) and item == contained for item in container)
    if isinstance(container, (dict, list)) or isinstance(contained, (dict, list)):
        return False
    return _rank(container) == _rank(contained) and bool(container == contained)


def has_key(value: Any, key: str) -> bool:
    """`value ? key`: a key of an object, a string of an array, or the string itself."""
    if isinstance(value, str):
        return value == key
    return key in value if isinstance(value, (dict, list)) else False


def jsonb_compare(left: str | None, right: str | None) -> int | None:
    """The order of two JSON texts, or NULL if either is."""
    return None if left is None or right is None else compare_values(json.loads(left), json.loads(right))


def jsonb_contains(container: str | None, contained: str | None) -> bool | None:
    """`container @> contained` of two JSON texts."""
    if container is None or contained is None:
        return None
    return contains_value(json.loads(container), json.loads(contained))


def jsonb_has_keys(value: str | None, keys: str | None, every: int) -> bool | None:
    """Whether a JSON text has any (`every` 0) or all (`every` 1) of the keys in a JSON list."""
    if value is None or keys is None:
        return None
    loaded = json.loads(value)
    return (all if every else any)(has_key(loaded, key) for key in json.loads(keys))


def collate_jsonb(left: str, right: str) -> int:
    """The collation that sorts JSON texts as `jsonb` sorts."""
    return compare_values(json.loads(left), json.loads(right))


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "text_like": (2, text_like),
    "text_ilike": (2, text_ilike),
    "text_similar": (2, text_similar),
    "text_regex": (2, text_regex),
    "text_iregex": (2, text_iregex),
    "jsonb_compare": (2, jsonb_compare),
    "jsonb_contains": (2, jsonb_contains),
    "jsonb_has_keys": (3, jsonb_has_keys),
}


def register(connection: sqlite3.Connection) -> None:
    """Make every function and the collation `jsonb` known to a connection."""
    for name, (arity, function) in FUNCTIONS.items():
        connection.create_function(name, arity, function, deterministic=True)
    connection.create_collation("jsonb", collate_jsonb)
