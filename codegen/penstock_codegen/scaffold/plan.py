"""Which files a schema calls for: its resources, how they are found, what they list, and where each mutation belongs.

The decisions, in order: what is a resource (`_resources`), what it loads by default (`selections`), what each root field and each list
of a resource becomes (`_root_field`, `_field_of`), and which object a mutation acts on (`_owner`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_union_type,
)

from .. import names
from ..config import Config
from ..failures import error_types
from .arguments import Call, call_of
from .conventions import (
    Listed,
    error_fields,
    has_fields,
    holds,
    is_default_leaf,
    is_input_object,
    is_many,
    is_required,
    listed,
    node_lookup,
    without,
    words,
)
from .selections import Chooser
from .text import Argument, Selection, Variable, fragment_text, operation_text

_CREATING = frozenset({"create", "new", "register", "add", "make", "start"})
_OWN_METHODS = frozenset({"get", "list", "count", "fields", "query", "refresh"})


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Something in the schema that no file was written for, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Existing:
    """What the queries have already, and is not written again.

    `folders` are the folders that have a `fields.graphql`, by its type: folder and the fragment's name. `fields` are the root fields that
    operations use, as `mutation.createIssue`, and those below them with the operation's folder, as `issue.comments`. `names` are the full
    names of all operations.
    """

    folders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write, by path below the queries, and what has no place."""

    files: Mapping[str, str]
    unplaced: tuple[Unplaced, ...]


@dataclass(slots=True)
class Resource:
    """An object type that can be found: by which root field, and by which variable, that equals which of its fields."""

    type: GraphQLObjectType
    folder: str
    fragment: str
    root: str
    through_node: bool
    identity: tuple[str, ...] = ()
    methods: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        return words(self.type.name)

    @property
    def variable(self) -> str:
        """The name of the variable that a handle binds, where it is one."""
        return self.identity[0] if len(self.identity) == 1 else ""

    def binds(self, variable: str) -> bool:
        """Whether the generator would bind a variable of this name to a handle."""
        own = {
            name
            for key in self.identity
            for name in (key, names.snake(key), f"{self.folder}_{names.snake(key)}")
        }
        return variable in own or names.snake(variable) in own


def plan(
    schema: GraphQLSchema,
    config: Config,
    existing: Existing,
    *,
    only: Iterable[str] = (),
    everything: bool = False,
) -> Plan:
    """The files that a schema calls for.

    `only` names the types that are to be resources, and leaves out all that has to do with none of them; `everything` makes a resource
    of each type that can be found, also of those that nothing acts on.
    """
    return _Planner(schema, config, existing, frozenset(only), everything=everything).plan()


# What is put before the name of a root field where something else has that name.
_VERBS = {"query": "find", "mutation": "do", "subscription": "watch"}


class _Planner:
    def __init__(
        self,
        schema: GraphQLSchema,
        config: Config,
        existing: Existing,
        only: frozenset[str],
        *,
        everything: bool,
    ) -> None:
        self._schema = schema
        self._config = config
        self._existing = existing
        self._only = only
        self._files: dict[str, str] = {}
        self._unplaced: dict[str, str] = {}
        self._names = set(existing.names)
        self._everything = everything
        self._error_types = error_types(schema, config.errors.types)
        self._resources = self._find_resources()
        self._by_folder = {resource.folder: resource for resource in self._resources.values()}
        self._by_words = {resource.words: resource for resource in self._resources.values()}
        self._chooser = Chooser(
            schema,
            {name: (resource.fragment, resource.identity) for name, resource in self._resources.items()},
        )

    def plan(self) -> Plan:
        for resource in self._resources.values():
            self._resource(resource)
        roots = (
            ("query", self._schema.query_type),
            ("mutation", self._schema.mutation_type),
            ("subscription", self._schema.subscription_type),
        )
        for kind, root in roots:
            for name, item in root.fields.items() if root is not None else ():
                self._root_field(kind, name, item)
        return Plan(
            dict(sorted(self._files.items())), tuple(Unplaced(*item) for item in self._unplaced.items())
        )

    def _skip(self, what: str, why: str) -> None:
        self._unplaced.setdefault(what, why)

    # --------------------------------------------------------------------------------------------------------- resources

    def _find_resources(self) -> dict[str, Resource]:
        """The resources by type: those with a lookup of their own in the schema's order, then those that `node(id:)` finds."""
        found: dict[str, Resource] = {}
        folders: dict[str, str] = {}

        def add(
            type_: GraphQLObjectType, root: str, identity: tuple[str, ...], *, through_node: bool
        ) -> None:
            if self._only and type_.name not in self._only:
                return
            if all(type_.fields[key].deprecation_reason is not None for key in identity):
                self._skip(type_.name, "It is deprecated.")
                return
            folder, fragment = self._existing.folders.get(
                type_.name, (names.snake(type_.name), f"{names.snake(type_.name)}_fields")
            )
            other = folders.setdefault(folder, type_.name)
            if other != type_.name:
                self._skip(type_.name, f"Its folder would be {folder}, which is {other}'s.")
                return
            found[type_.name] = Resource(type_, folder, fragment, root, through_node, identity)

        for name, item in self._query_fields():
            type_ = get_named_type(item.type)
            identity = _identity(type_, item)
            if not isinstance(type_, GraphQLObjectType) or not identity:
                continue
            known = found.get(type_.name)
            if known is None or (known.identity != ("id",) and identity == ("id",)):
                found.pop(type_.name, None)
                folders = {key: value for key, value in folders.items() if value != type_.name}
                add(type_, name, identity, through_node=False)
        node = node_lookup(self._schema)
        if node is not None:
            root, interface = node
            wanted = self._acted_on()
            for type_ in sorted(self._schema.get_possible_types(interface), key=lambda item: item.name):
                known = found.get(type_.name)
                if known is not None and (known.identity == ("id",) or len(known.identity) == 1):
                    continue
                asked_for = (
                    self._everything or type_.name in self._only or (not self._only and type_.name in wanted)
                )
                if asked_for and "id" in type_.fields and not is_required(type_.fields["id"]):
                    add(type_, root, ("id",), through_node=True)
        for name in sorted(self._only - found.keys()):
            self._skip(name, self._why_no_resource(name))
        return found

    def _query_fields(self) -> Iterable[tuple[str, GraphQLField]]:
        root = self._schema.query_type
        return [
            (name, item)
            for name, item in (root.fields.items() if root else ())
            if item.deprecation_reason is None
        ]

    def _why_no_resource(self, name: str) -> str:
        type_ = self._schema.get_type(name)
        if type_ is None:
            return "The schema has no such type."
        if not isinstance(type_, GraphQLObjectType):
            return "A resource is an object type."
        return "No field of Query finds one by fields of its own."

    def _acted_on(self) -> set[str]:
        """The types that mutations take ids of or give, and that root fields give."""
        by_words = {words(name): name for name in self._schema.type_map}
        found: set[str] = set()
        root = self._schema.mutation_type
        for item in root.fields.values() if root is not None else ():
            for name in _input_names(item):
                parts = words(name)
                if parts[-1:] == ("id",) and parts[:-1] in by_words:
                    found.add(by_words[parts[:-1]])
            payload = get_named_type(item.type)
            found.add(payload.name)
            for below in payload.fields.values() if has_fields(payload) else ():
                found.add(get_named_type(below.type).name)
        for _, item in self._query_fields():
            many = listed(item.type)
            found.add(many.element.name if many else get_named_type(item.type).name)
        return found

    def _resource(self, resource: Resource) -> None:
        folder = resource.folder
        if resource.type.name not in self._existing.folders:
            fields = self._chooser.defaults(resource.type, resource.identity)
            self._files[f"{folder}/fields.graphql"] = fragment_text(
                resource.fragment, resource.type.name, fields
            )
            self._lookup(resource, "get", resource.root, resource.identity)
        seen = {resource.identity}
        for name, item in self._query_fields():
            if get_named_type(item.type) is not resource.type:
                continue
            identity = _identity(resource.type, item)
            if identity and identity not in seen and name != resource.root:
                seen.add(identity)
                self._lookup(resource, f"get_by_{'_and_'.join(map(names.snake, identity))}", name, identity)
        for name, item in resource.type.fields.items():
            self._field_of(resource, name, item)

    def _lookup(self, resource: Resource, method: str, root: str, identity: tuple[str, ...]) -> None:
        assert self._schema.query_type is not None
        field_ = self._schema.query_type.fields[root]
        variables = tuple(Variable(name, _required(field_.args[name].type)) for name in identity)
        call = tuple(Argument(name, name) for name in identity)
        body = Selection(root, (Selection(f"...{resource.fragment}"),), call)
        self._write(resource.folder, method, operation_text("query", variables, (body,)))

    def _field_of(self, resource: Resource, name: str, item: GraphQLField) -> None:
        """A resource's lists of resources, and what of it needs arguments, as its methods."""
        if item.deprecation_reason is not None or not resource.variable:
            return
        if f"{resource.folder}.{name}" in self._existing.fields:
            return
        many = listed(item.type)
        element = many.element if many else get_named_type(item.type)
        if element.name not in self._resources or (many is None and not is_required(item)):
            return
        call = call_of(item, flatten=False, taken=resource.binds)
        below = self._chooser.list_of(item.type, many) if many else self._chooser.result(element)
        assert self._schema.query_type is not None
        root = self._schema.query_type.fields[resource.root]
        own = Variable(resource.variable, _required(root.args[resource.variable].type))
        inner = Selection(name, below, call.arguments)
        if resource.through_node:
            inner = Selection(f"... on {resource.type.name}", (inner,))
        body = Selection(resource.root, (inner,), (Argument(resource.variable, own.name),))
        method = self._method(resource, names.snake(name), (), bound=True)
        if method:
            text = operation_text("query", (own, *call.variables), (body,))
            self._write(resource.folder, method, text)

    # ------------------------------------------------------------------------------------------------------- root fields

    def _root_field(self, kind: str, name: str, item: GraphQLField) -> None:
        what = f"{kind}.{name}"
        if what in self._existing.fields or item.deprecation_reason is not None:
            return
        many = listed(item.type)
        element = many.element if many else get_named_type(item.type)
        resource = self._resources.get(element.name)
        if kind == "query":
            if (
                resource is not None
                and many is None
                and (name == resource.root or _identity(resource.type, item))
            ):
                return
            node = node_lookup(self._schema)
            if node is not None and name in (node[0], f"{node[0]}s"):
                return
        owner, call = self._owner(kind, name, item, resource)
        folder_of = owner or resource or self._named(name)
        if self._only and folder_of is None:
            return
        below = self._payload(item, many, folder_of)
        if below is None:
            self._skip(what, f"{element.name} has nothing that could be selected without arguments.")
            return
        body = Selection(name, below, call.arguments)
        text = operation_text(kind, call.variables, (body,))
        if folder_of is None:
            method = names.snake(name)
            while method in self._by_folder or method in names.CLIENT_NAMES or method in self._names:
                method = f"{_VERBS[kind]}_{method}"
            self._write("", method, text)
            return
        wanted = self._wanted(kind, name, folder_of, many, call)
        found = self._method(folder_of, wanted, words(name), bound=owner is not None)
        if found is None:
            self._skip(
                what, f"{folder_of.type.name} has a field or a method of each name that it could have."
            )
            return
        self._write(folder_of.folder, found, text)

    def _wanted(self, kind: str, name: str, resource: Resource, many: Listed | None, call: Call) -> str:
        """The name that a root field should have as a method of a resource."""
        if kind == "query" and many is not None and many.element is resource.type:
            plural = holds(words(name), resource.words) == 0 and len(words(name)) == len(resource.words)
            if plural and not any(variable.required for variable in call.variables):
                return "list"
        left = without(words(name), resource.words)
        if not left:
            required = [names.snake(variable.name) for variable in call.variables if variable.required]
            return f"find_by_{'_and_'.join(required)}" if 0 < len(required) <= 3 else "find"
        return "_".join(left)

    def _method(self, resource: Resource, wanted: str, full: tuple[str, ...], *, bound: bool) -> str | None:
        """The first name that nothing else in the folder has: what is wanted, else in full, else with the resource's own in it."""
        attributes = self._chooser.attributes(resource.type) if bound else frozenset[str]()
        tries = [wanted, "_".join(full), f"{wanted}_{resource.folder}", f"{wanted}_now"]
        for name in tries:
            clean = names.method_name(name) if name else ""
            reserved = name in _OWN_METHODS and not (name == "list" and wanted == "list")
            if (
                not clean
                or reserved
                or name.startswith("get_by_")
                or clean in attributes
                or (bound and name == "list")
                or f"{resource.folder}/{name}.graphql" in self._files
                or f"{resource.folder}_{name}" in self._names
            ):
                continue
            return name
        return None

    def _owner(
        self, kind: str, name: str, item: GraphQLField, gives: Resource | None
    ) -> tuple[Resource | None, Call]:
        """The resource whose handle a root field is a method of, with the variable that its identity goes into; None where it is none's.

        The object that it acts on is the one whose id it requires. Of several, the one that the field is named after, else the first.
        What creates something acts on nothing that there is: it is its accessor's.
        """
        flatten = kind == "mutation"
        call = call_of(item, flatten=flatten)
        named = self._named(name)
        created = named or gives or self._given(item)
        creates = (
            created is not None
            and words(name)[:1] + words(name)[-1:]
            and bool(set(without(words(name), created.words)) <= _CREATING)
        )
        if kind == "mutation" and creates and created is not None:
            return None, call_of(item, flatten=flatten, taken=created.binds)
        candidates = list(self._candidates(call, name, item))
        candidates.sort(key=lambda each: -len(each[0].words) if holds(words(name), each[0].words) >= 0 else 0)
        for resource, variable in candidates[:1]:
            bound = call_of(item, flatten=flatten, bind=(variable, resource.variable), taken=resource.binds)
            return resource, bound
        lands = gives or named
        return None, call_of(item, flatten=flatten, taken=lands.binds) if lands else call

    def _candidates(self, call: Call, name: str, item: GraphQLField) -> Iterable[tuple[Resource, str]]:
        for variable in call.variables:
            leaf = variable.type.rstrip("!")
            if not variable.required or leaf.startswith("[") or not is_leaf_type(self._schema.get_type(leaf)):
                continue
            parts = words(variable.name)
            if parts == ("id",):
                resource = self._named(name) or self._given(item)
                given = self._given_types(item)
                if (
                    resource is not None
                    and resource.variable == "id"
                    and (not given or resource.type.name in given)
                ):
                    yield resource, variable.name
                continue
            for size in range(1, len(parts)):
                resource = self._by_words.get(parts[:size])
                if resource is not None and resource.variable and parts[size:] == words(resource.variable):
                    yield resource, variable.name

    def _named(self, name: str) -> Resource | None:
        """The resource that a root field is named after: the longest name that stands in it."""
        parts = words(name)
        found: Resource | None = None
        for own, resource in self._by_words.items():
            at = holds(parts, own)
            if at >= 0 and (found is None or len(own) > len(found.words)):
                found = resource
        return found

    def _given_types(self, item: GraphQLField) -> set[str]:
        """The object types that a mutation's payload holds beside its errors."""
        payload = get_named_type(item.type)
        if isinstance(payload, GraphQLUnionType):
            succeeded = [each for each in payload.types if each.name not in self._error_types]
            return (
                set().union(*(self._given_by(each) for each in succeeded)) if self._fails(payload) else set()
            )
        return self._given_by(payload)

    def _given_by(self, payload: GraphQLNamedType) -> set[str]:
        if not isinstance(payload, GraphQLObjectType):
            return set()
        if payload.name in self._resources:
            return {payload.name}
        told = error_fields(payload, self._config.errors).names
        found = set()
        for name, below in payload.fields.items():
            named = get_named_type(below.type)
            if name not in told and has_fields(named) and listed(below.type) is None and "id" in named.fields:
                found.add(named.name)
        return found

    def _given(self, item: GraphQLField) -> Resource | None:
        """The one resource that a mutation's payload holds."""
        found = [name for name in self._given_types(item) if name in self._resources]
        return self._resources[found[0]] if len(found) == 1 else None

    def _payload(
        self, item: GraphQLField, many: Listed | None, owner: Resource | None
    ) -> tuple[Selection, ...] | None:
        """What to select of a root field: nothing of a leaf, a resource's fields, or errors and what comes with them."""
        named = get_named_type(item.type)
        if is_leaf_type(named):
            return ()
        if many is not None:
            return self._chooser.list_of(item.type, many)
        if isinstance(named, GraphQLUnionType) and self._fails(named):
            return self._outcomes(named, owner)
        if named.name in self._resources or is_union_type(named) or not has_fields(named):
            return self._chooser.result(named)
        errors = error_fields(named, self._config.errors)
        told = errors.selections
        rest = self._chooser.payload(named, errors.names, owner.type if owner else None)
        if not told and not rest:
            return self._chooser.result(named) or None
        return told + rest

    def _fails(self, type_: GraphQLUnionType) -> bool:
        """Whether some members of a union are errors, and others are not."""
        failing = [item for item in type_.types if item.name in self._error_types]
        return 0 < len(failing) < len(type_.types)

    def _outcomes(self, type_: GraphQLUnionType, owner: Resource | None) -> tuple[Selection, ...]:
        """What to select of a union of successes and errors: of the one what a payload brings, of the others their values."""
        types: dict[str, set[str]] = {}
        for member in type_.types:
            for name, field_ in member.fields.items():
                types.setdefault(name, set()).add(str(field_.type))
        found = []
        for member in type_.types:
            if member.name in self._error_types:
                # Under one name, answers of one type only are valid.
                below = tuple(
                    Selection(name)
                    for name, field_ in member.fields.items()
                    if len(types[name]) == 1 and is_default_leaf(name, field_, member)
                )
            elif member.name in self._resources:
                below = self._chooser.result(member)
            else:
                below = self._chooser.payload(member, frozenset(), owner.type if owner else None)
            if below:
                found.append(Selection(f"... on {member.name}", below))
        return tuple(found)

    def _write(self, folder: str, method: str, text: str) -> None:
        path = f"{folder}/{method}.graphql" if folder else f"{method}.graphql"
        full = f"{folder}_{method}" if folder else method
        if full not in self._names:
            self._names.add(full)
            self._files[path] = text


def _identity(type_: GraphQLNamedType, item: GraphQLField) -> tuple[str, ...]:
    """The arguments by which a root field finds one object, each named like a field of it; empty where it does not find one so."""
    if not isinstance(type_, GraphQLObjectType) or is_many(item.type):
        return ()
    required = [name for name, argument in item.args.items() if is_required_argument(argument)]
    # One optional `id` and nothing else is the same in APIs that leave everything nullable.
    if not required and list(item.args)[:1] == ["id"] and not isinstance(item.type, GraphQLNonNull):
        required = ["id"]
    for name in required:
        field_ = type_.fields.get(name)
        argument = get_named_type(item.args[name].type)
        if (
            field_ is None
            or is_required(field_)
            or not is_leaf_type(get_named_type(field_.type))
            or not is_leaf_type(argument)
        ):
            return ()
        if is_many(field_.type) or is_many(item.args[name].type):
            return ()
    return tuple(required)


def _required(type_: object) -> str:
    return f"{str(type_).removesuffix('!')}!"


def _input_names(item: GraphQLField) -> Iterable[str]:
    for name, argument in item.args.items():
        yield name
        named = get_named_type(argument.type)
        if isinstance(named, GraphQLInputObjectType) and is_input_object(argument.type):
            yield from named.fields
