"""How an API seems to carry errors as data: read off the payloads of its mutations, for the configuration that `penstock init` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from ..failures import matches, tells_problems
from .conventions import has_fields, is_many, is_required

_FLAGS = ("success", "ok", "succeeded", "successful", "isSuccess", "is_success")
_TEXTS = ("error", "errorMessage", "error_message", "message")
_LISTS = re.compile(r"(?i:(.*[a-z_])?(errors?|problems?|violations?))")
_ERROR = re.compile(r".*(Error|Errors|Failure|Problem|Exception)")


def seen_errors(schema: GraphQLSchema) -> Mapping[str, tuple[str, ...]]:
    """The settings of `[tool.penstock.errors]` that the schema calls for; empty where its mutations show no convention.

    A name counts only where its type fits, and a member of a union only where others of the union are none.
    """
    flags: dict[str, None] = {}
    texts: dict[str, None] = {}
    problems: dict[str, None] = {}
    types: dict[str, None] = {}
    for payload in _payloads(schema):
        if isinstance(payload, GraphQLUnionType | GraphQLInterfaceType):
            types.update(dict.fromkeys(_error_members(payload, schema)))
        if not has_fields(payload):
            continue
        for name, field in payload.fields.items():
            if is_required(field) or not _LISTS.fullmatch(name) or not tells_problems(field):
                continue
            named = get_named_type(field.type)
            if not is_leaf_type(named) or (is_many(field.type) and named.name == "String"):
                problems[name] = None
        flag = next((name for name in _FLAGS if _leaf(payload, name) == "Boolean"), "")
        if flag:
            flags[flag] = None
            texts.update(dict.fromkeys([name for name in _TEXTS if _leaf(payload, name) == "String"][:1]))
    found = {
        "success": tuple(flags),
        "message": tuple(texts),
        "problems": tuple(_grouped(problems)),
        "types": tuple(types),
    }
    return {key: value for key, value in found.items() if value}


def _payloads(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    """What mutations give, and the unions that queries do, each once."""
    seen: set[str] = set()
    roots = (schema.mutation_type, schema.query_type)
    for root in roots:
        for field in root.fields.values() if root is not None else ():
            named = get_named_type(field.type)
            abstract = isinstance(named, GraphQLUnionType)
            if (
                named.name not in seen
                and (root is schema.mutation_type or abstract)
                and not is_many(field.type)
            ):
                seen.add(named.name)
                yield named


def _error_members(payload: GraphQLUnionType | GraphQLInterfaceType, schema: GraphQLSchema) -> Iterator[str]:
    """The names under which a union's errors go: an interface that they share, else what their names end in."""
    members = schema.get_possible_types(payload)
    told = {item.name for item in members if _is_error(item)}
    if not told or len(told) == len(members):
        return
    for member in members:
        if member.name not in told:
            continue
        shared = next((item.name for item in member.interfaces if _ERROR.fullmatch(item.name)), "")
        yield shared or member.name


def _is_error(type_: GraphQLObjectType) -> bool:
    return bool(_ERROR.fullmatch(type_.name)) or any(_ERROR.fullmatch(item.name) for item in type_.interfaces)


def _grouped(names: Mapping[str, None]) -> Iterator[str]:
    """The names, those of a kind under one pattern: `mediaUserErrors` and `customerUserErrors` as `*UserErrors`."""
    several = [name for name in names if matches(name, ("*UserErrors",))]
    yield from ["*UserErrors"] if several else []
    yield from (name for name in names if name not in several)


def _leaf(payload: GraphQLObjectType | GraphQLInterfaceType, name: str) -> str:
    field = payload.fields.get(name)
    return str(field.type).removesuffix("!") if field is not None and not is_required(field) else ""
