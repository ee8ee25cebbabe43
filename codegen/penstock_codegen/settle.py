"""A package that a plugin has changed, checked as if it had been generated: names, and that nothing is sent that is not there."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphql import GraphQLError, GraphQLSchema, parse, validate

from . import ir, names

_CONSTANT_RESERVED = frozenset({"RESOURCE"})


def settle(package: ir.Package) -> ir.Package:
    """The package without operations that nothing sends any more."""
    return replace(
        package,
        operations=_sent(package.operations, package.methods),
        resources=tuple(
            replace(
                resource,
                operations=_sent(
                    resource.operations,
                    (*resource.methods, *resource.accessor_methods),
                    frozenset(item.operation.constant for item in resource.lookups),
                ),
            )
            for resource in package.resources
        ),
    )


def _sent(
    operations: tuple[ir.Operation, ...],
    methods: tuple[ir.Method, ...],
    more: frozenset[str] = frozenset(),
) -> tuple[ir.Operation, ...]:
    used = more | {method.operation.constant for method in methods}
    return tuple(item for item in operations if item.constant in used)


def faults(package: ir.Package, before: ir.Package, schema: GraphQLSchema) -> Iterator[str]:
    """What is wrong with a package, as sentences. `before` is what it was: operations that were there are valid."""
    folders = {resource.folder: resource for resource in package.resources}
    client = [*names.CLIENT_NAMES, *(item.name for item in package.resources)]
    yield from _names("the client", (*client, *(item.name for item in package.methods)))
    classes = [name for item in package.resources for name in _classes(item)]
    classes += [item.name for item in package.enums] + [item.name for item in package.inputs]
    classes += [item.name for item in package.errors] + [item.name for item in package.abstract_paths]
    yield from _names("the package's classes", classes)
    yield from _names("the package's modules", [item.module for item in package.resources])
    for item in package.resources:
        if item.module in ("client", "enums", "inputs", "models") or item.module.startswith("_"):
            yield f"{item.folder} has the module {item.module}, which is the package's own."
    yield from _methods("the client", package.methods, package.operations, folders)
    passed = {item.graphql_type for item in package.abstract_paths}
    for paths in package.abstract_paths:
        members = [*(item.name for item in paths.attributes), *(item.name for item in paths.relations)]
        yield from _names(paths.name, ("on", *members))
        for target in (*paths.on, *(item.target for item in paths.relations)):
            if target not in folders or not folders[target].has_handle:
                yield f"{paths.name} leads to {target}, and there are no handles of that."
    for resource in package.resources:
        for attribute in resource.attributes:
            if attribute.abstract and attribute.abstract not in passed:
                yield f"{resource.folder}.{attribute.name} leads to {attribute.abstract}, and no paths go through that."
        handle = [item.name for item in resource.attributes]
        handle += [item.name for item in resource.relations] + [item.name for item in resource.methods]
        own = names.HANDLE_NAMES if resource.has_handle else frozenset[str]()
        yield from _names(f"a {resource.folder}", (*own, *handle))
        yield from _names(f"client.{resource.name}", [item.name for item in resource.accessor_methods])
        for relation in resource.relations:
            if relation.target not in folders or not folders[relation.target].has_handle:
                yield f"{resource.folder}.{relation.name} leads to {relation.target}, and there are no handles of that."
        methods = (*resource.methods, *resource.accessor_methods)
        yield from _methods(resource.folder, methods, resource.operations, folders)
    yield from _documents(package, before, schema)


def _classes(resource: ir.Resource) -> tuple[str, ...]:
    classes = resource.classes
    accessors = (classes.accessor, classes.async_accessor)
    if not resource.has_handle:
        return accessors
    return (classes.handle, classes.async_handle, classes.attributes, classes.paths, *accessors)


def _names(where: str, given: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in given:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            yield f'"{name}" cannot be a name of {where}.'
        elif name in seen:
            yield f"{where} would have {name} twice."
        seen.add(name)


def _methods(
    where: str,
    methods: tuple[ir.Method, ...],
    operations: tuple[ir.Operation, ...],
    folders: dict[str, ir.Resource],
) -> Iterator[str]:
    constants = {item.constant: item for item in operations}
    yield from _names(
        f"the operations of {where}", [*_CONSTANT_RESERVED, *(item.constant for item in operations)]
    )
    known = {item.name for item in methods}
    for method in methods:
        yield from _names(f"{where}.{method.name}()", ["self", *(item.name for item in method.parameters)])
        if method.operation.constant not in constants:
            yield f"{where}.{method.name} sends {method.operation.constant}, and {where} has no such operation."
        if method.calls and (method.calls not in known or method.calls == method.name):
            yield f"{where}.{method.name} calls {method.calls}, and there is no such method."
        target = method.result.resource
        if target and (target not in folders or not folders[target].has_handle):
            yield f"{where}.{method.name} gives a {target}, and there are no handles of that."


def _documents(package: ir.Package, before: ir.Package, schema: GraphQLSchema) -> Iterator[str]:
    """Whether operations that are new, and fragments, can be sent."""
    fragments = {item.constant: item.text for item in package.fragments}
    old = {(item.name, item.text, item.fragments) for item in _operations(before)}
    unchanged = package.fragments == before.fragments
    by_name: dict[str, ir.Operation] = {}
    for item in _operations(package):
        other = by_name.setdefault(item.name, item)
        if other.text != item.text:
            yield f'Two operations are named "{item.name}".'
        missing = [name for name in item.fragments if name not in fragments]
        if missing:
            yield f"The operation {item.name} spreads {missing[0]}, and there is no such fragment."
        elif not unchanged or (item.name, item.text, item.fragments) not in old:
            try:
                document = parse("".join([item.text, *(fragments[name] for name in item.fragments)]))
                wrong = validate(schema, document)
            except GraphQLError as error:
                wrong = [error]
            if wrong:
                yield f"The operation {item.name} is not valid: {wrong[0].message}"


def _operations(package: ir.Package) -> Iterator[ir.Operation]:
    yield from package.operations
    for resource in package.resources:
        yield from resource.operations
