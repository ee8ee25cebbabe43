"""Plugins: what a project changes about its generated package, as functions over the IR. See docs/extending.md.

A plugin is an object with `transform` and `files` (`Plugin`); `BasePlugin` has both, so that one can be left out. A function that takes a
package and gives one is a plugin, too. The configuration names it, and a person allows it:

    [tool.penstock]
    plugins = ["my_plugins:Renamed"]

    penstock generate --plugins

The IR (`penstock_codegen.ir`) is made of frozen dataclasses: `dataclasses.replace` makes changed ones. The functions here do what is
wanted most. What a plugin gives is checked as if it had been generated: names, and that nothing is sent that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from .ir import Method, Operation, Package, Resource

__all__ = [
    "BasePlugin",
    "Plugin",
    "add_method",
    "change_methods",
    "drop_method",
    "find_method",
    "rename_method",
]


@runtime_checkable
class Plugin(Protocol):
    """What a plugin has. It gets no paths and no configuration; what it raises is told in one sentence."""

    def transform(self, package: Package) -> Package:
        """The package as it should be."""
        ...

    def files(self, package: Package) -> Mapping[str, str]:
        """More files of the package: path in it → text. Python files are formatted. None may replace a generated file."""
        ...


class BasePlugin:
    """A plugin that changes nothing: a base for those that do one thing."""

    def transform(self, package: Package) -> Package:
        """The package as it is."""
        return package

    def files(self, package: Package) -> Mapping[str, str]:
        """No files."""
        return {}


def change_methods(package: Package, change: Callable[[Resource | None, Method], Method | None]) -> Package:
    """The package with every method changed: what `change` gives for it, or without it where that is None.

    `change` gets the method's resource, None for those of the client, and is called for methods of handles, then of accessors.
    """

    def changed(resource: Resource | None, methods: tuple[Method, ...]) -> tuple[Method, ...]:
        found = (change(resource, method) for method in methods)
        return tuple(method for method in found if method is not None)

    return replace(
        package,
        methods=changed(None, package.methods),
        resources=tuple(
            replace(
                resource,
                methods=changed(resource, resource.methods),
                accessor_methods=changed(resource, resource.accessor_methods),
            )
            for resource in package.resources
        ),
    )


def find_method(package: Package, name: str) -> Method:
    """A method by its folder and name, as `flow.archive`, or by its name where it is the client's. Raises `KeyError`."""
    found: list[Method] = []

    def look(resource: Resource | None, method: Method) -> Method:
        if _full(resource, method) == name:
            found.append(method)
        return method

    change_methods(package, look)
    if not found:
        raise KeyError(f"there is no method {name}")
    return found[0]


def rename_method(package: Package, name: str, new: str) -> Package:
    """The package with a method under another name; `name` is its folder and name, as `flow.archive`. Raises `KeyError`."""
    find_method(package, name)
    old = name.rpartition(".")[2]

    def change(resource: Resource | None, method: Method) -> Method:
        folder = resource.folder if resource else ""
        if folder != name.rpartition(".")[0]:
            return method
        if method.calls == old:
            return replace(method, calls=new, deprecated=f"This is {new} now.")
        return replace(method, name=new) if method.name == old else method

    return change_methods(package, change)


def drop_method(package: Package, name: str) -> Package:
    """The package without a method, and without the old names that it is called by. Raises `KeyError`."""
    find_method(package, name)
    folder, _, own = name.rpartition(".")

    def change(resource: Resource | None, method: Method) -> Method | None:
        here = (resource.folder if resource else "") == folder
        return None if here and own in (method.name, method.calls) else method

    return change_methods(package, change)


def add_method(package: Package, method: Method, *, folder: str = "", handle: bool = False) -> Package:
    """The package with one more method: the client's, or that of a folder's accessor, or of its handle.

    Its operation is added where that is new. Raises `KeyError` where there is no such folder.
    """
    if not folder:
        operations = _with(package.operations, method)
        return replace(package, methods=(*package.methods, method), operations=operations)
    if not any(resource.folder == folder for resource in package.resources):
        raise KeyError(f"there is no folder {folder}")
    return replace(
        package,
        resources=tuple(
            resource
            if resource.folder != folder
            else replace(
                resource,
                methods=(*resource.methods, method) if handle else resource.methods,
                accessor_methods=resource.accessor_methods
                if handle
                else (*resource.accessor_methods, method),
                operations=_with(resource.operations, method),
            )
            for resource in package.resources
        ),
    )


def _with(operations: tuple[Operation, ...], method: Method) -> tuple[Operation, ...]:
    known = any(item.constant == method.operation.constant for item in operations)
    return operations if known else (*operations, method.operation)


def _full(resource: Resource | None, method: Method) -> str:
    return f"{resource.folder}.{method.name}" if resource else method.name
