"""Comparing types as text: which of two takes, or gives, more."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["same", "narrower", "wider", "other", "untyped"]

# A number of the first kind is one of the second to checkers (PEP 484, "The numeric tower").
_WIDER = {("bool", "int"), ("bool", "float"), ("int", "float")}
# Heads of types that are read-only containers of what they hold, so that they vary as their items do.
_COVARIANT = frozenset({"list", "Sequence", "Mapping", "Pages", "tuple", "Literal"})


def compare(old: str, new: str) -> Verdict:
    """Whether a new annotation means the same as the old, less, more, or something else. To and from Any is `untyped`."""
    if old == new:
        return "same"
    if "Any" in (old, new):
        return "untyped"
    down, up = is_part(new, old), is_part(old, new)
    if down and up:
        return "same"
    return "narrower" if down else "wider" if up else "other"


def is_part(part: str, whole: str) -> bool:
    """Whether every value of one type is a value of the other, as far as the texts tell."""
    members = split(whole)
    return all(any(_fits(item, member) for member in members) for item in split(part))


def _fits(item: str, member: str) -> bool:
    if item == member or member == "Any" or (item, member) in _WIDER:
        return True
    head, arguments = _generic(item)
    other, others = _generic(member)
    if not arguments or head != other or head not in _COVARIANT:
        return False
    if head == "Literal":
        return set(arguments) <= set(others)
    return len(arguments) == len(others) and all(
        is_part(one, two) for one, two in zip(arguments, others, strict=True)
    )


def split(text: str, separator: str = "|") -> list[str]:
    """The parts of a type between separators that stand in no bracket and no string."""
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def _generic(text: str) -> tuple[str, list[str]]:
    head, bracket, rest = text.partition("[")
    return (head, split(rest[:-1], ",")) if bracket and text.endswith("]") else (text, [])
