"""Two packages, as data, side by side: every difference that a user of the SDK could meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .. import ir
from ..models import ModelClass
from . import variance
from .rules import Change, change

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: the package, its models by name, and the operations that had to be left out, each with the reason.

    `unfit` has the method's file below the queries, without its ending.
    """

    package: ir.Package
    models: Mapping[str, ModelClass]
    unfit: Mapping[str, str]


def compare(old: Side, new: Side) -> list[Change]:
    """All differences, in the order of the package."""
    found: list[Change] = []
    if old.package.name != new.package.name:
        found.append(change("import", "package-renamed", old=old.package.name, new=new.package.name))
    found += _context(old.package.context, new.package.context)
    found += _methods("client", "", old.package.methods, new.package.methods, new)
    for _, before, after in _pairs(old.package.resources, new.package.resources, lambda item: item.name):
        found += _resource(before, after, new)
    for name, gone, came in _pairs(
        old.package.abstract_paths, new.package.abstract_paths, lambda item: item.graphql_type
    ):
        # Where one is new or gone, the attributes that lead to it are told.
        if gone is not None and came is not None:
            found += _paths(f"paths through {name}", gone, came)
    for name, one, two in _pairs(old.package.inputs, new.package.inputs, lambda item: item.name):
        found += _input(f"inputs.{name}", one, two)
    for name, first, second in _pairs(old.package.enums, new.package.enums, lambda item: item.name):
        found += _enum(f"enums.{name}", first, second)
    for name in sorted(old.models.keys() | new.models.keys()):
        found += _model(f"models.{name}", old.models.get(name), new.models.get(name))
    return found


def _pairs(
    old: Iterable[Item], new: Iterable[Item], key: Callable[[Item], str]
) -> Iterator[tuple[str, Item | None, Item | None]]:
    before, after = {key(item): item for item in old}, {key(item): item for item in new}
    for name in sorted(before.keys() | after.keys()):
        yield name, before.get(name), after.get(name)


def _context(old: Iterable[ir.Parameter], new: Iterable[ir.Parameter]) -> Iterator[Change]:
    for name, before, after in _pairs(old, new, lambda item: item.name):
        if after is None:
            yield change("Client()", "context-removed", name=name)
        elif before is None:
            yield change("Client()", "context-added", name=name)
        else:
            yield from _taken("Client()", "parameter", name, before.type.text, after.type.text)


# --------------------------------------------------------------------------------------------------------------- resources


def _resource(old: ir.Resource | None, new: ir.Resource | None, side: Side) -> Iterator[Change]:
    if old is None:
        assert new is not None
        yield change(f"client.{new.name}", "resource-added")
        return
    what = f"client.{old.name}"
    if new is None:
        yield change(what, "resource-removed", hint=_why_unfit(side, old.name))
        return
    if old.has_handle and not new.has_handle:
        yield change(what, "handle-removed", hint=_why_unfit(side, old.name))
    elif new.has_handle and not old.has_handle:
        yield change(what, "handle-added")
    else:
        yield from _lookups(what, old.lookups, new.lookups)
        yield from _attributes(old, new)
    yield from _methods(old.classes.handle, old.name, old.methods, new.methods, side)
    yield from _methods(what, old.name, old.accessor_methods, new.accessor_methods, side)


def _why_unfit(side: Side, folder: str) -> str:
    return next((why for path, why in side.unfit.items() if path.startswith(f"{folder}/")), "")


def _lookups(what: str, old: Iterable[ir.Lookup], new: Iterable[ir.Lookup]) -> Iterator[Change]:
    def key(item: ir.Lookup) -> str:
        return ", ".join(sorted(identity.parameter for identity in item.identities)) or "nothing"

    for name, before, after in _pairs(old, new, key):
        if after is None:
            yield change(f"{what}()", "lookup-removed", name=name)
        elif before is None:
            yield change(f"{what}()", "lookup-added", name=name)
        else:
            types = {item.parameter: item.type.text for item in after.identities}
            for identity in before.identities:
                yield from _taken(
                    f"{what}()",
                    "parameter",
                    identity.parameter,
                    identity.type.text,
                    types[identity.parameter],
                )


@dataclass(frozen=True, slots=True)
class _Shown:
    """An attribute or a relation, as a reader of a handle sees it. The type is empty where it is a path and nothing else."""

    name: str
    type: str
    default: bool
    path: bool
    deprecated: str | None
    # The interface or union through which paths go on.
    leads: str = ""


def _attributes(old: ir.Resource, new: ir.Resource) -> Iterator[Change]:
    for name, before, after in _pairs(_shown(old), _shown(new), lambda item: item.name):
        what = f"{old.classes.handle}.{name}"
        if after is None:
            yield change(what, "attribute-removed")
            continue
        if before is None:
            yield change(what, "attribute-added")
            continue
        if before.leads and after.leads:
            yield from _given(what, "path", name, before.leads, after.leads)
        elif before.leads or after.leads:
            yield change(what, "path-ended" if before.leads else "path-begun")
        if before.type and after.type:
            yield from _given(what, "attribute", name, before.type, after.type)
        elif before.type:
            yield change(what, "attribute-valueless")
        if before.default and not after.default:
            yield change(what, "attribute-unloaded", hint="Add it to fields.graphql to load it as before.")
        elif after.default and not before.default:
            yield change(what, "attribute-loaded")
        if before.path and not after.path:
            yield change(what, "attribute-pathless")
        elif after.path and not before.path:
            yield change(what, "attribute-pathful")
        if after.deprecated and not before.deprecated:
            yield change(what, "attribute-deprecated", why=after.deprecated)
        elif before.deprecated and not after.deprecated:
            yield change(what, "attribute-kept")


def _shown(resource: ir.Resource) -> Iterator[_Shown]:
    for item in resource.attributes:
        # Of an interface or a union that is not loaded, there are paths only.
        shown = "" if item.abstract and not item.default else item.type.text
        leads = f"{item.abstract} | None" if item.abstract and item.nullable else item.abstract
        yield _Shown(item.name, shown, item.default, item.path, item.deprecated, leads)
    for relation in resource.relations:
        type_ = f"list[{relation.target}]" if relation.many else relation.target
        yield _Shown(
            relation.name, f"{type_} | None" if relation.nullable else type_, relation.default, True, None
        )


def _paths(what: str, old: ir.AbstractPaths, new: ir.AbstractPaths) -> Iterator[Change]:
    """What paths through an interface or a union go on by."""
    before, after = dict(_ways(old)), dict(_ways(new))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield change(what, "path-removed", name=name)
        elif name not in before:
            yield change(what, "path-added", name=name)
        else:
            yield from _given(what, "path", name, before[name], after[name])


def _ways(paths: ir.AbstractPaths) -> Iterator[tuple[str, str]]:
    for item in paths.attributes:
        type_ = f"{item.abstract} | None" if item.nullable else item.abstract
        yield item.name, type_ or item.type.text
    for relation in paths.relations:
        yield relation.name, f"{relation.target} | None" if relation.nullable else relation.target
    for folder in paths.on:
        yield f"on({folder})", folder


# ----------------------------------------------------------------------------------------------------------------- methods


def _methods(
    what: str, folder: str, old: Iterable[ir.Method], new: Iterable[ir.Method], side: Side
) -> Iterator[Change]:
    before, after = {item.name: item for item in old}, {item.name: item for item in new}
    added = {name: item for name, item in after.items() if name not in before}
    for name, method in before.items():
        shown = f"{what}.{name}()"
        if name in after:
            yield from _method(shown, method, after[name])
            continue
        unfit = side.unfit.get(f"{folder}/{name}" if folder else name)
        if unfit:
            yield change(shown, "method-unfit", why=unfit)
            continue
        same = [other for other, item in added.items() if _document(item) == _document(method)]
        if same:
            key = f"{folder}.{name}" if folder else name
            value = f"{folder}.{same[0]}" if folder else same[0]
            hint = f'To keep the old name for now: [tool.penstock.renamed] "{key}" = "{value}".'
            yield change(shown, "method-renamed", hint=hint, new=f"{what}.{same[0]}()")
            del added[same[0]]
            continue
        yield change(shown, "method-removed")
    for name in added:
        yield change(f"{what}.{name}()", "method-added")


def _document(method: ir.Method) -> str:
    """What a method sends, without the name that its file gives it."""
    return method.operation.text.replace(method.operation.name, "", 1)


def _method(what: str, old: ir.Method, new: ir.Method) -> Iterator[Change]:
    yield from _parameters(what, old.parameters, new.parameters)
    before, after = _given_by(old), _given_by(new)
    if before == "None" != after:
        yield change(what, "result-added", new=after)
    else:
        yield from _given(what, "result", "", before, after)
    if old.operation.kind != new.operation.kind and not (old.streams or new.streams):
        yield change(what, "method-reads" if new.operation.kind == "query" else "method-writes")
    if old.result.failure is None and new.result.failure is not None:
        yield change(what, "failure-added")
    elif old.result.failure is not None and new.result.failure is None:
        yield change(what, "failure-removed")
    if new.deprecated and not old.deprecated:
        yield change(what, "method-deprecated", why=new.deprecated)
    elif old.deprecated and not new.deprecated:
        yield change(what, "method-kept")


def _given_by(method: ir.Method) -> str:
    """What a sync method gives, or its events are, as an annotation."""
    text = returned(method.result)
    return f"EventStream[{text}]" if method.streams else text


def returned(result: ir.Result) -> str:
    """What a sync method gives, as an annotation."""
    text = result.type.text
    if result.pages:
        return f"Pages[{text}]"
    if result.kind == "nothing":
        return "None"
    if result.kind == "leaf":
        return text
    if result.many:
        text = f"list[{text}]"
    return f"{text} | None" if result.nullable and "None" not in variance.split(text) else text


def _parameters(what: str, old: tuple[ir.Parameter, ...], new: tuple[ir.Parameter, ...]) -> Iterator[Change]:
    before, after = {item.name: item for item in old}, {item.name: item for item in new}
    by_variable = {item.variable: item for item in new if item.name not in before}
    renamed: set[str] = set()
    for name, parameter in before.items():
        other = after.get(name)
        if other is not None:
            if other.required and not parameter.required:
                yield change(what, "parameter-required", name=name)
            elif parameter.required and not other.required:
                yield change(what, "parameter-optional", name=name)
            yield from _taken(what, "parameter", name, parameter.type.text, other.type.text)
        elif parameter.variable in by_variable:
            now = by_variable[parameter.variable].name
            renamed.add(now)
            yield change(what, "parameter-renamed", old=name, new=now)
        else:
            yield change(what, "parameter-removed", name=name)
    for name, parameter in after.items():
        if name not in before and name not in renamed:
            rule = "parameter-added-required" if parameter.required else "parameter-added-optional"
            yield change(what, rule, name=name)
    one = [item.name for item in old if item.required and item.name in after and after[item.name].required]
    two = [item.name for item in new if item.required and item.name in one]
    if one != two:
        yield change(what, "parameter-order", old=", ".join(one), new=", ".join(two))


# ------------------------------------------------------------------------------------------------------------------- types


def _taken(what: str, kind: str, name: str, old: str, new: str) -> Iterator[Change]:
    """A type that users give: to take more is safe, to take less is not."""
    verdict = variance.compare(old, new)
    if verdict == "untyped":
        verdict = "wider" if new == "Any" else "narrower"
    if verdict != "same":
        rule = {"narrower": "narrowed", "wider": "widened", "other": "changed"}[verdict]
        yield change(what, f"{kind}-{rule}", name=name, old=old, new=new)


def _given(what: str, kind: str, name: str, old: str, new: str) -> Iterator[Change]:
    """A type that users get: to give less is safe, to give more is not. What was not checked and now is may be another value."""
    verdict = variance.compare(old, new)
    if verdict == "untyped":
        rule = "untyped" if new == "Any" else "changed"
    else:
        rule = {"same": "", "narrower": "narrowed", "wider": "widened", "other": "changed"}[verdict]
    if rule:
        yield change(what, f"{kind}-{rule}", name=name, old=old, new=new)


def _input(what: str, old: ir.InputType | None, new: ir.InputType | None) -> Iterator[Change]:
    if old is None or new is None:
        yield change(what, "input-added" if old is None else "input-removed")
        return
    for name, before, after in _pairs(old.fields, new.fields, lambda item: item.name):
        if after is None:
            yield change(what, "input-field-removed", name=name)
        elif before is None:
            rule = "input-field-added-required" if after.required else "input-field-added-optional"
            yield change(what, rule, name=name)
        else:
            if after.required != before.required:
                rule = "input-field-required" if after.required else "input-field-optional"
                yield change(what, rule, name=name)
            yield from _taken(what, "input-field", name, before.type.text, after.type.text)


def _enum(what: str, old: ir.EnumType | None, new: ir.EnumType | None) -> Iterator[Change]:
    if old is None or new is None:
        yield change(what, "enum-added" if old is None else "enum-removed")
        return
    for name, before, after in _pairs(old.members, new.members, lambda item: item.name):
        if after is None:
            yield change(what, "enum-member-removed", name=name)
        elif before is None:
            yield change(what, "enum-member-added", name=name)
        elif before.value != after.value:
            yield change(what, "enum-member-changed", name=name, old=before.value, new=after.value)
        elif after.deprecated and not before.deprecated:
            yield change(what, "enum-member-deprecated", name=name, why=after.deprecated)


def _model(what: str, old: ModelClass | None, new: ModelClass | None) -> Iterator[Change]:
    if old is None or new is None:
        yield change(what, "model-added" if old is None else "model-removed")
        return
    for name, before, after in _pairs(old.fields, new.fields, lambda item: item.name):
        if after is None:
            yield change(what, "model-field-removed", name=name)
        elif before is None:
            yield change(what, "model-field-added", name=name)
        else:
            yield from _given(what, "model-field", name, before.type.text, after.type.text)
