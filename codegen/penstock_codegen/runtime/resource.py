"""Resources: handles on objects of the API, their attributes, and the paths that name the attributes.

A handle is an object's identity and, once something was read, its values. `Flow.name` on the class is a path, a thing to pass to `get`;
`flow.name` on a handle is the value. The sync and the async handle share all but the waiting.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Never, Self, TypeVar, cast, overload
from uuid import UUID

from .client import AsyncClient, SyncClient
from .errors import InvalidSelection, NotFound, NotLoaded
from .operation import Operation
from .pages import AsyncPages, Pages, cursor_windows, offset_windows
from .paths import CONDITION, is_condition, selection_text, written
from .unset import UNSET
from .values import convert

if TYPE_CHECKING:
    from .conditions import Condition
    from .subscription import AsyncEventStream, EventStream

Root = TypeVar("Root")
Absent = TypeVar("Absent")
Value = TypeVar("Value", covariant=True)
Start = TypeVar("Start", covariant=True)
Result = TypeVar("Result")
Element = TypeVar("Element")
Event = TypeVar("Event")
Target = TypeVar("Target", bound="Handle")


# ---------------------------------------------------------------------------------------------------------------- paths


class Paths(Generic[Root, Absent]):
    """Where paths through a relation go on: `Flow.project` on the class, with the attributes of a project as paths from a flow.

    `Absent` is None where a relation on the way may be null, so that all that lies behind it may be None as well.
    """

    def __init__(
        self, start: tuple[str, ...], root: ResourceType, target: Callable[[], type[Handle]]
    ) -> None:
        self._start = start
        self._root = root
        self._target = target

    # Hidden from checkers: they know a path's attributes from the generated classes, and reject all others.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            # What the attribute is, the target's class says; here it only gets the way that leads there.
            target = self._target()
            found = getattr(target, name, None)
            if isinstance(found, Field):
                return Field(found.path[-1])._at(self._start + found.path, self._root)
            if isinstance(found, Paths):
                return found._behind(self._start, self._root)
            if name == "on" and self._root._schema().table.is_abstract(self._kind()):
                return self._on
            found = getattr(target, name)
            raise AttributeError(f"{target.__name__}.{name} is not a field or a to-one relation.")

    def _behind(self, start: tuple[str, ...], root: ResourceType) -> Paths[Any, Any]:
        """The same paths from another start, which leads to where they begin."""
        return Paths(start + self._start, root, self._target)

    def _kind(self) -> str:
        """The GraphQL type of what lies here."""
        return self._target()._resource.graphql_type

    # The generated `on` says what each resource's paths are.
    def _on(self, resource: type[Handle]) -> Any:
        """The paths of one of the types that an object here may be; all that lies there is None where it is of another."""
        kind, table = self._kind(), self._root._schema().table
        target = getattr(resource, "_resource", None)
        if not isinstance(target, ResourceType):
            raise TypeError(f"on() takes the class of a resource of this package, and {resource!r} is none.")
        possible = table.possible_types(kind)
        if possible.isdisjoint(table.possible_types(target.graphql_type)):
            import difflib

            near = difflib.get_close_matches(target.graphql_type, sorted(possible), 1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise TypeError(
                f"on({resource.__name__}): {self!r} leads to the type {kind}, which is never a {target.graphql_type}; "
                f"it can be {_listed(sorted(possible))}{hint}"
            )
        return Paths((*self._start, f"{CONDITION}{target.graphql_type}"), self._root, lambda: resource)

    def _example(self) -> str:
        defaults = self._target()._resource.defaults
        return "name" if "name" in defaults else min(defaults)

    def __repr__(self) -> str:
        return f"<path {self._root.name}.{written(self._start)}>"


class AbstractPaths(Paths[Root, Absent]):
    """Where paths through an interface or a union go on: the fields that all its types have, and those of one type behind `on(Type)`.

    The generated classes, one per interface or union, say which those are.
    """

    _type = ""

    def __init__(self, start: tuple[str, ...], root: ResourceType) -> None:
        self._start = start
        self._root = root

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            way = f"{self._root.name}.{written(self._start)}"
            possible = _listed(sorted(self._root._schema().table.possible_types(self._type)))
            if name == "on":
                raise AttributeError(f"{way} can be {possible}, and none of these is a resource.")
            raise AttributeError(
                f"{name} is not a field that all of {self._type} have; {way} can be {possible}: "
                f"name the type that has it, {way}.on(…).{name}."
            )

    def _behind(self, start: tuple[str, ...], root: ResourceType) -> Paths[Any, Any]:
        return type(self)(start + self._start, root)

    def _kind(self) -> str:
        return self._type

    def _example(self) -> str:
        shared = next((name for name, item in vars(type(self)).items() if isinstance(item, SharedField)), "")
        return shared or "on(…).…"


class SharedField(Generic[Root, Value]):
    """A field that all types of an interface have, as a path through it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, obj: Paths[Any, Any], owner: Any) -> Field[Root, Value]:
        return Field[Root, Value](self._name)._at((*obj._start, self._name), obj._root)


class Field(Generic[Root, Value]):
    """An attribute that the API calls `name`: a path on the class, its value on a handle."""

    def __init__(self, name: str) -> None:
        self.path: tuple[str, ...] = (name,)
        self._attribute = name
        self._root: ResourceType | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._attribute = name
        self._root = owner._resource

    def _at(self, path: tuple[str, ...], root: ResourceType) -> Field[Any, Any]:
        self.path = path
        self._root = root
        return self

    @overload
    def __get__(self, obj: Handle, owner: Any) -> Value: ...
    @overload
    def __get__(self, obj: Paths[Any, Any] | None, owner: Any) -> Field[Root, Value]: ...
    def __get__(self, obj: Handle | Paths[Any, Any] | None, owner: Any) -> Any:
        if obj is None:
            return self
        handle = cast("Handle", obj)
        try:
            return handle._values[self._attribute]
        except KeyError:
            pass
        return handle._read(self._attribute, self.path[0])

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(
            f"{self._attribute} is read from the API and cannot be set; call the action that changes it."
        )

    def __repr__(self) -> str:
        return f"<path {self._root.name if self._root else '?'}.{written(self.path)}>"


class Relation(Generic[Start, Value]):
    """An attribute that leads to another resource: where paths go on, on the class; the other's handle, on a handle.

    `target` is the other's class as `module:Class`, imported when it is first followed.
    """

    def __init__(self, name: str, target: str) -> None:
        self._name = name
        self._attribute = name
        self._where = target
        self._package = ""
        self._found: type[Handle] | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._attribute = name
        self._package = owner.__module__.rpartition(".")[0]

    def _target(self) -> type[Handle]:
        found = self._found
        if found is None:
            found = self._found = cast("type[Handle]", _imported(self._where, self._package))
        return found

    @overload
    def __get__(self, obj: None, owner: Any) -> Start: ...
    @overload
    def __get__(self, obj: Handle, owner: Any) -> Value: ...
    def __get__(self, obj: Handle | None, owner: Any) -> Any:
        if obj is None:
            return Paths((self._name,), owner._resource, self._target)
        related = obj._related
        if related is None:
            related = obj._related = {}
        if self._attribute not in related:
            related[self._attribute] = obj._relate(self._attribute, self._name, self._target())
        return related[self._attribute]

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(
            f"{self._attribute} is read from the API and cannot be set; call the action that changes it."
        )


class Nested(Generic[Value]):
    """An attribute that holds an object of its own, part of the default fields: its model on a handle."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._attribute = name

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._attribute = name

    @overload
    def __get__(self, obj: Handle, owner: Any) -> Value: ...
    @overload
    def __get__(self, obj: None, owner: Any) -> Self: ...
    def __get__(self, obj: Handle | None, owner: Any) -> Any:
        if obj is None:
            return self
        return obj._value(self._attribute, self._name)

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(
            f"{self._attribute} is read from the API and cannot be set; call the action that changes it."
        )


class AbstractRelation(Generic[Start]):
    """An attribute that leads to an interface or a union, or on from one: paths and nothing else.

    `paths` is the class of the paths, or of the resource's handle, as `module:Class`, imported when it is first followed.
    """

    def __init__(self, name: str, paths: str) -> None:
        self._name = name
        self._attribute = name
        self._where = paths
        self._package = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._attribute = name
        self._package = owner.__module__.rpartition(".")[0]

    def __get__(self, obj: Paths[Any, Any] | None, owner: Any) -> Start:
        if isinstance(obj, Handle):
            kind, shown = obj._resource.name, f"{type(obj).__name__}.{self._attribute}"
            raise NotLoaded(
                f"{self._attribute} is not among the default fields, and can be of several types: read what you need of it by a "
                f"path, `{kind}.get({shown}.…)` or `{kind}.get({shown}.on(…).…)`, or with query()."
            )
        before, root = ((), owner._resource) if obj is None else (obj._start, obj._root)
        start = (*before, self._name)
        target = _imported(self._where, self._package)
        if issubclass(target, Handle):
            return cast("Start", Paths(start, root, lambda: target))
        return cast("Start", target(start, root))

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(f"{self._attribute} is a path and cannot be set.")


class AbstractNested(Generic[Start, Value]):
    """An attribute that is an interface or a union and part of the default fields: paths on the class, a model on a handle."""

    def __init__(self, name: str, paths: str) -> None:
        self._name = name
        self._attribute = name
        self._where = paths
        self._package = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._attribute = name
        self._package = owner.__module__.rpartition(".")[0]

    @overload
    def __get__(self, obj: None, owner: Any) -> Start: ...
    @overload
    def __get__(self, obj: Handle, owner: Any) -> Value: ...
    def __get__(self, obj: Handle | None, owner: Any) -> Any:
        if obj is None:
            return _imported(self._where, self._package)((self._name,), owner._resource)
        return obj._value(self._attribute, self._name)

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(
            f"{self._attribute} is read from the API and cannot be set; call the action that changes it."
        )


def _imported(where: str, package: str) -> type[Any]:
    module, _, name = where.partition(":")
    return cast("type[Any]", getattr(importlib.import_module(f".{module}", package), name))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


# ------------------------------------------------------------------------------------------------ what is known beforehand


@dataclass(frozen=True, slots=True)
class Identity:
    """One variable of a lookup: its name as a parameter, the attribute that holds the same value, and its type here."""

    variable: str
    parameter: str
    attribute: str
    type: type[Any]

    def accept(self, value: Any) -> Any:
        """The value as the type; raises a sentence where it cannot be one."""
        if isinstance(value, self.type):
            return value
        if self.type is UUID and isinstance(value, str):
            try:
                return UUID(value)
            except ValueError:
                raise ValueError(f"{self.parameter} is a UUID, and {value!r} is none.") from None
        if value is None or value is UNSET:
            raise TypeError(f"{self.parameter} is missing.")
        return value


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way of finding an object: the operation that loads its default fields, and the frame for any other selection."""

    operation: Operation[Any]
    identities: tuple[Identity, ...]
    variables: str
    before: str
    after: str
    path: tuple[str | int, ...]

    @property
    def names(self) -> frozenset[str]:
        """The parameters that it takes."""
        return frozenset(identity.parameter for identity in self.identities)


class ResourceType:
    """A kind of object: how it is found, and what of it is loaded when nothing more is said.

    `schema` gives the package's table of types and its leaves' Python types; both are loaded when first needed.
    """

    def __init__(
        self,
        name: str,
        graphql_type: str,
        lookups: tuple[Lookup, ...],
        defaults: tuple[str, ...],
        schema: Callable[[], Any],
    ) -> None:
        self.name: Final = name
        self.graphql_type: Final = graphql_type
        self.lookups: Final = lookups
        self.defaults: Final = frozenset(defaults)
        self._schema = schema
        self._selectors: dict[tuple[Lookup, tuple[tuple[str, ...], ...]], Selector] = {}

    def __repr__(self) -> str:
        return f"<resource {self.name}>"

    def lookup(self, key: Mapping[str, Any]) -> Lookup:
        """The lookup that takes exactly these names."""
        names = {name for name, value in key.items() if value is not UNSET}
        for lookup in self.lookups:
            if lookup.names == names:
                return lookup
        ways = "; or ".join(" and ".join(sorted(lookup.names)) for lookup in self.lookups)
        given = f", not by {' and '.join(sorted(names))}" if names else ""
        raise TypeError(f"A {self.name} is found by {ways}{given}.")

    def leaf(self, path: tuple[str, ...]) -> Any:
        """The Python type of what lies at the end of a path."""
        return self._schema().leaf(self.graphql_type, path)

    def selector(self, lookup: Lookup, paths: tuple[tuple[str, ...], ...]) -> Selector:
        """The operation that reads exactly these paths, made once."""
        key = (lookup, paths)
        selector = self._selectors.get(key)
        if selector is None:
            types = tuple(map(self.leaf, paths))
            steps: tuple[tuple[str | Condition, ...], ...] = paths
            if any(is_condition(name) for path in paths for name in path):
                from .conditions import conditional_selection

                text, steps = conditional_selection(paths, self.graphql_type, self._schema().table)
            else:
                text = selection_text(paths)
            selector = self._selectors[key] = Selector(self._select(lookup, text, ""), paths, types, steps)
        return selector

    def compile(self, lookup: Lookup, selection: str, variables: Mapping[str, Any] | None) -> Operation[Any]:
        """The operation that reads a raw selection. Raises `InvalidSelection` where it does not fit the schema."""
        from .selection import SelectionError, compile_selection

        try:
            compiled = compile_selection(selection, self.graphql_type, self._schema().table, variables)
        except SelectionError as error:
            raise InvalidSelection(f"{self.name}.query: {error}") from None
        taken = {identity.variable for identity in lookup.identities} & compiled.variable_types.keys()
        if taken:
            raise InvalidSelection(
                f"{self.name}.query: ${min(taken)} is the variable that finds the {self.name}; give yours another name."
            )
        extra = "".join(f",${name}:{reference}" for name, reference in compiled.variable_types.items())
        return self._select(lookup, compiled.text, extra)

    def _select(self, lookup: Lookup, selection: str, extra: str) -> Operation[Any]:
        name = f"{self.name}_select"
        variables = (lookup.variables + extra).lstrip(",")
        document = (
            f"query {name}{f'({variables})' if variables else ''}{lookup.before}{selection}{lookup.after}"
        )
        found = lookup.operation
        return Operation(
            name,
            "query",
            document,
            lookup.path,
            types=found.types,
            conditional=found.conditional,
            nullable=True,
            failure=found.failure,
            problems=found.problems,
        )


class Selector:
    """An operation that reads some paths, and how to take them out of its answer: the steps to each, and its type."""

    # No dataclass: making one takes half a millisecond of each import.
    __slots__ = ("operation", "paths", "steps", "types")

    def __init__(
        self,
        operation: Operation[Any],
        paths: tuple[tuple[str, ...], ...],
        types: tuple[Any, ...],
        steps: tuple[tuple[str | Condition, ...], ...],
    ) -> None:
        self.operation: Final = operation
        self.paths: Final = paths
        self.types: Final = types
        self.steps: Final = steps

    def values(self, answer: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values at the paths, in their order."""
        found = []
        for path, type_, steps in zip(self.paths, self.types, self.steps, strict=True):
            value: Any = answer
            for step in steps:
                if value is None:
                    break
                if isinstance(step, str):
                    value = value[step]
                elif not step.holds(value):
                    value = None
            found.append(convert(value, type_, path=written(path), operation=self.operation.name))
        return tuple(found)


# -------------------------------------------------------------------------------------------------------------- handles


class Handle:
    """An object of the API, known by its identity: making one sends nothing."""

    # Lists make thousands of handles: slots keep each one object.
    __slots__ = ("_client", "_complete", "_key", "_lookup", "_related", "_values")

    _resource: ResourceType
    # Deprecated fields are properties, so that checkers see the deprecation: attribute → the API's name.
    _deprecated: Mapping[str, str] = {}
    _values: dict[str, Any]
    _related: dict[str, Any] | None
    _key: dict[str, Any] | None
    _lookup: Lookup
    _complete: bool
    # SyncClient or AsyncClient: the two kinds of handle below say which.
    _client: Any

    def __init__(
        self, client: Any, lookup: Lookup, key: dict[str, Any] | None, values: dict[str, Any], complete: bool
    ) -> None:
        self._client = client
        self._lookup = lookup
        self._key = key
        self._values = values
        self._related = None
        self._complete = complete

    @classmethod
    def _find(cls, client: Any, **key: Any) -> Self:
        """A handle on the object with this key; values that are UNSET do not count."""
        lookup = cls._resource.lookup(key)
        accepted = {
            identity.variable: identity.accept(key[identity.parameter]) for identity in lookup.identities
        }
        values = {
            identity.attribute: accepted[identity.variable]
            for identity in lookup.identities
            if isinstance(getattr(cls, identity.attribute, None), Field)
        }
        return cls(client, lookup, accepted, values, False)

    @classmethod
    def _loaded(cls, client: Any, values: dict[str, Any]) -> Self:
        """A handle that holds what was loaded: the values of the resource's default fields."""
        return cls(client, cls._resource.lookups[0], None, values, True)

    @classmethod
    def _load_all(cls, client: Any, found: list[dict[str, Any]]) -> list[Self]:
        """A handle for each."""
        lookup = cls._resource.lookups[0]
        return [cls(client, lookup, None, values, True) for values in found]

    @classmethod
    def _partly(cls, client: Any, values: dict[str, Any]) -> Self:
        """A handle that holds some of the default fields, its identity among them."""
        return cls(client, cls._resource.lookups[0], None, values, False)

    def _identity(self) -> dict[str, Any]:
        if self._key is None:
            self._key = {
                identity.variable: self._values[identity.attribute] for identity in self._lookup.identities
            }
        return self._key

    def _known(self, attribute: str) -> Any:
        """An identity's value if no request is needed for it, else UNSET."""
        return self._values.get(attribute, UNSET)

    def _take(self, values: dict[str, Any]) -> None:
        """Takes the values of the default fields as what is loaded."""
        self._values = values
        self._related = None
        self._complete = True
        self._settle()

    def _absorb(self, values: dict[str, Any]) -> Self:
        self._take(values)
        return self

    def _same(self, other: Handle) -> Self:
        """This handle where the other, of its own kind, names the same object."""
        return self if self == other else cast("Self", other)

    def _settle(self) -> None:
        """Once the first lookup's identity is known, the object is found by it: what else it was found by may change."""
        first = self._resource.lookups[0]
        if self._lookup is not first and all(
            identity.attribute in self._values for identity in first.identities
        ):
            self._lookup = first
            self._key = None

    def _forget(self) -> None:
        self._identity()
        self._settle()
        kept = {identity.attribute for identity in self._lookup.identities}
        self._identity()
        self._values = {name: value for name, value in self._values.items() if name in kept}
        self._related = None
        self._complete = False

    def _found(self, answer: Any) -> Any:
        if answer is None:
            raise NotFound(self._resource.name, self._identity())
        return answer

    def _selector(self, fields: tuple[Any, ...]) -> Selector:
        if not fields:
            raise TypeError("get() takes a field's name, or one to eight paths such as Flow.name.")
        return self._resource.selector(self._lookup, tuple(self._path(field) for field in fields))

    def _path(self, field: Any) -> tuple[str, ...]:
        if isinstance(field, Field):
            if field._root is not self._resource:
                raise TypeError(f"{field!r} does not start at {self._resource.name}.")
            return field.path
        attribute = getattr(type(self), field, None) if isinstance(field, str) else None
        if isinstance(attribute, Field):
            return attribute.path
        if isinstance(field, Paths):
            way = f"{type(self).__name__}.{written(field._start)}"
            raise TypeError(
                f"{way} is a relation; name what to read of it, such as {way}.{field._example()}."
            )
        if isinstance(field, str) and field in self._deprecated:
            return (self._deprecated[field],)
        import difflib

        known = [name for name in dir(type(self)) if isinstance(getattr(type(self), name, None), Field)]
        near = difflib.get_close_matches(str(field), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise AttributeError(f"{self._resource.name} has no field {field!r}{hint}")

    def _keep(self, fields: tuple[Any, ...], values: tuple[Any, ...]) -> None:
        """Keeps what `get` read of the object itself, so that the attribute need not be read again."""
        for field, value in zip(fields, values, strict=True):
            attribute = (
                field if isinstance(field, str) else field._attribute if len(field.path) == 1 else None
            )
            if attribute is not None:
                # The dict may be a model's own: what was loaded and what was read on demand stay apart there.
                self._values = {**self._values, attribute: value}

    def _value(self, attribute: str, name: str) -> Any:
        """An attribute's value, read where it is not there yet."""
        return self._values[attribute] if attribute in self._values else self._read(attribute, name)

    def _read(self, attribute: str, name: str) -> Any:
        """The value of an attribute that is not there yet."""
        raise NotImplementedError

    def _relate(self, attribute: str, name: str, target: type[Handle]) -> Any:
        """The handle that a relation leads to, or None."""
        if attribute not in self._values:
            return self._read_relation(attribute, name, target)
        return _related(self._client, target, self._values[attribute])

    def _read_relation(self, attribute: str, name: str, target: type[Handle]) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={str(value)!r}" for name, value in self._identity().items())
        return f"{type(self).__name__}({shown})"

    def _serialize(self) -> str:
        from pydantic_core import to_jsonable_python

        return json.dumps(
            to_jsonable_python(self._values, fallback=str, by_alias=True), indent=2, ensure_ascii=False
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Handle):
            return NotImplemented
        return (
            self._resource is other._resource
            and self._lookup is other._lookup
            and self._identity() == other._identity()
            and self._client._options.url == other._client._options.url
        )

    def __hash__(self) -> int:
        # What an object was found by may change, and does at the latest when it is loaded; a hash must not.
        self._settle()
        if self._lookup is not self._resource.lookups[0]:
            names = " and ".join(self._lookup.names)
            raise TypeError(
                f"A {self._resource.name} found by {names} can be hashed once it is loaded: call refresh() first."
            )
        return hash((self._resource.name, *map(str, self._identity().values())))


def as_models(client: Any, found: list[Element]) -> list[Element]:
    """A page of models as it came: what `_load_all` is for handles."""
    return found


def _related(client: Any, target: type[Target], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [target._partly(client, dict(item.__dict__)) for item in value]
    return target._partly(client, dict(value.__dict__))


def _relation_paths(name: str, target: type[Handle]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, identity.attribute) for identity in target._resource.lookups[0].identities)


class Resource(Handle):
    """A handle whose reads and actions wait for their answer."""

    _client: SyncClient

    def refresh(self) -> Self:
        """Loads the default fields again, whatever was loaded before. Raises `NotFound` where there is no such object."""
        self._take(self._found(self._client._send(self._lookup.operation, dict(self._identity()))))
        return self

    def query(self, selection: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Reads a raw selection of this object's fields, such as `"name project { name }"`, and gives the JSON as it came.

        The selection is checked against the schema before anything is sent; `variables` are the values of the `$names` in its
        arguments, whose types the schema says. Raises `InvalidSelection` (nothing was sent), `NotFound`.
        """
        operation = self._resource.compile(self._lookup, selection, variables)
        answer = self._client._send(operation, {**self._identity(), **(variables or {})})
        return cast("dict[str, Any]", self._found(answer))

    def _get(self, fields: tuple[Any, ...]) -> Any:
        selector = self._selector(fields)
        values = selector.values(self._found(self._client._send(selector.operation, dict(self._identity()))))
        self._keep(fields, values)
        return values[0] if len(values) == 1 else values

    def _read(self, attribute: str, name: str) -> Any:
        if not self._complete and attribute in self._resource.defaults:
            self.refresh()
        else:
            selector = self._resource.selector(self._lookup, ((name,),))
            (value,) = selector.values(
                self._found(self._client._send(selector.operation, dict(self._identity())))
            )
            self._values = {**self._values, attribute: value}
        return self._values[attribute]

    def _read_relation(self, attribute: str, name: str, target: type[Handle]) -> Any:
        if not self._complete and attribute in self._resource.defaults:
            self.refresh()
            return _related(self._client, target, self._values[attribute])
        paths = _relation_paths(name, target)
        selector = self._resource.selector(self._lookup, paths)
        answer = self._found(self._client._send(selector.operation, dict(self._identity())))
        if answer[name] is None:
            return None
        values = selector.values(answer)
        return target._partly(self._client, dict(zip((path[-1] for path in paths), values, strict=True)))

    def _identify(self, attribute: str) -> Any:
        value = self._known(attribute)
        return self._read(attribute, attribute) if value is UNSET else value

    def _bind(self, operation: Operation[Any], variables: dict[str, Any]) -> dict[str, Any]:
        for variable, attribute in operation.binds:
            variables[variable] = self._identify(attribute)
        return variables

    def _act(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        """Sends an operation on this object; an action forgets what was loaded, since it may have changed it."""
        result = self._client._send(operation, self._bind(operation, variables))
        if operation.kind == "mutation":
            self._forget()
        elif result is None and not operation.nullable:
            raise NotFound(self._resource.name, self._identity())
        return result

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> EventStream[Event]:
        from .subscription import EventStream

        def bound() -> dict[str, Any]:
            return self._bind(operation, dict(variables))

        return EventStream(self._client, operation, bound, wrap, resume)

    def _pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> Pages[Element]:
        def fetch(window: dict[str, Any]) -> Any:
            return self._act(operation, {**variables, **window})

        return Pages(fetch, partial(wrap, self._client), offset_windows(limit, offset, page_size))

    def _cursor_pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        after: str | None,
        page_size: int,
    ) -> Pages[Element]:
        def fetch(window: dict[str, Any]) -> Any:
            return self._act(operation, {**variables, **window})

        return Pages(fetch, partial(wrap, self._client), cursor_windows(limit, after, page_size))

    def __str__(self) -> str:
        if not self._complete:
            self.refresh()
        return self._serialize()


class AsyncResource(Handle):
    """A handle whose reads and actions are awaited; awaiting the handle itself loads its default fields."""

    _client: AsyncClient

    def __await__(self) -> Generator[Any, None, Self]:
        return self._load().__await__()

    async def _load(self) -> Self:
        return self if self._complete else await self.refresh()

    async def refresh(self) -> Self:
        """Loads the default fields again, whatever was loaded before. Raises `NotFound` where there is no such object."""
        self._take(self._found(await self._client._send(self._lookup.operation, dict(self._identity()))))
        return self

    async def query(self, selection: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Reads a raw selection of this object's fields, such as `"name project { name }"`, and gives the JSON as it came.

        The selection is checked against the schema before anything is sent; `variables` are the values of the `$names` in its
        arguments, whose types the schema says. Raises `InvalidSelection` (nothing was sent), `NotFound`.
        """
        operation = self._resource.compile(self._lookup, selection, variables)
        answer = await self._client._send(operation, {**self._identity(), **(variables or {})})
        return cast("dict[str, Any]", self._found(answer))

    async def _get(self, fields: tuple[Any, ...]) -> Any:
        selector = self._selector(fields)
        values = selector.values(
            self._found(await self._client._send(selector.operation, dict(self._identity())))
        )
        self._keep(fields, values)
        return values[0] if len(values) == 1 else values

    def _read(self, attribute: str, name: str) -> Any:
        kind = self._resource.name
        if not self._complete and attribute in self._resource.defaults:
            raise NotLoaded(
                f"{attribute} is not loaded: `{kind} = await {kind}` loads the default fields, "
                f"`await {kind}.get({attribute!r})` reads this one."
            )
        raise NotLoaded(
            f"{attribute} is not among the default fields: `await {kind}.get({attribute!r})` reads it."
        )

    def _read_relation(self, attribute: str, name: str, target: type[Handle]) -> Any:
        kind = self._resource.name
        if not self._complete and attribute in self._resource.defaults:
            raise NotLoaded(
                f"{attribute} is not loaded: `{kind} = await {kind}` loads it with the default fields."
            )
        raise NotLoaded(
            f"{attribute} is not among the default fields: read what you need of it by a path, "
            f"`await {kind}.get({type(self).__name__}.{attribute}.…)`, or with query()."
        )

    async def _identify(self, attribute: str) -> Any:
        value = self._known(attribute)
        if value is UNSET:
            await self._load()
            value = self._values[attribute]
        return value

    async def _bind(self, operation: Operation[Any], variables: dict[str, Any]) -> dict[str, Any]:
        for variable, attribute in operation.binds:
            variables[variable] = await self._identify(attribute)
        return variables

    async def _act(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        """Sends an operation on this object; an action forgets what was loaded, since it may have changed it."""
        result = await self._client._send(operation, await self._bind(operation, variables))
        if operation.kind == "mutation":
            self._forget()
        elif result is None and not operation.nullable:
            raise NotFound(self._resource.name, self._identity())
        return result

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> AsyncEventStream[Event]:
        from .subscription import AsyncEventStream

        async def bound() -> dict[str, Any]:
            return await self._bind(operation, dict(variables))

        return AsyncEventStream(self._client, operation, bound, wrap, resume)

    def _pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> AsyncPages[Element]:
        async def fetch(window: dict[str, Any]) -> Any:
            return await self._act(operation, {**variables, **window})

        return AsyncPages(fetch, partial(wrap, self._client), offset_windows(limit, offset, page_size))

    def _cursor_pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        after: str | None,
        page_size: int,
    ) -> AsyncPages[Element]:
        async def fetch(window: dict[str, Any]) -> Any:
            return await self._act(operation, {**variables, **window})

        return AsyncPages(fetch, partial(wrap, self._client), cursor_windows(limit, after, page_size))

    def __str__(self) -> str:
        return self._serialize() if self._complete else f"{self!r} (not loaded)"


# ------------------------------------------------------------------------------------------------------------ accessors


class Accessor:
    """What `client.flow` is: makes handles, and holds what concerns the kind rather than one object of it."""

    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def _send(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        return self._client._send(operation, variables)

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> EventStream[Event]:
        return self._client._stream(operation, variables, wrap, resume)

    def _pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> Pages[Element]:
        def fetch(window: dict[str, Any]) -> Any:
            return self._client._send(operation, {**variables, **window})

        return Pages(fetch, partial(wrap, self._client), offset_windows(limit, offset, page_size))

    def _cursor_pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        after: str | None,
        page_size: int,
    ) -> Pages[Element]:
        def fetch(window: dict[str, Any]) -> Any:
            return self._client._send(operation, {**variables, **window})

        return Pages(fetch, partial(wrap, self._client), cursor_windows(limit, after, page_size))


class AsyncAccessor:
    """`Accessor`, for the async client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _send(self, operation: Operation[Result], variables: dict[str, Any]) -> Result:
        return await self._client._send(operation, variables)

    def _stream(
        self,
        operation: Operation[Result],
        variables: dict[str, Any],
        wrap: Callable[[Result], Event],
        resume: Callable[[Event], Mapping[str, Any]] | None = None,
    ) -> AsyncEventStream[Event]:
        return self._client._stream(operation, variables, wrap, resume)

    def _pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> AsyncPages[Element]:
        async def fetch(window: dict[str, Any]) -> Any:
            return await self._client._send(operation, {**variables, **window})

        return AsyncPages(fetch, partial(wrap, self._client), offset_windows(limit, offset, page_size))

    def _cursor_pages(
        self,
        operation: Operation[Any],
        variables: dict[str, Any],
        wrap: Callable[[Any, Any], list[Element]],
        *,
        limit: int | None,
        after: str | None,
        page_size: int,
    ) -> AsyncPages[Element]:
        async def fetch(window: dict[str, Any]) -> Any:
            return await self._client._send(operation, {**variables, **window})

        return AsyncPages(fetch, partial(wrap, self._client), cursor_windows(limit, after, page_size))
