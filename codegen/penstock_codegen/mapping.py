"""GraphQL types as Python types: what an answer gives, what an argument takes, and which inputs and enums that needs."""

from __future__ import annotations

import re
from functools import lru_cache

from graphql import (
    DEFAULT_DEPRECATION_REASON,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    get_named_type,
    is_leaf_type,
    is_required_input_field,
)

from . import ir, names
from .config import Config, setting_place
from .diagnostics import Diagnostic, Problems, did_you_mean, printable
from .names import Scope
from .types import ANY, UPLOAD, Import, PythonType

_BUILTIN = {
    "String": PythonType("str"),
    "ID": PythonType("str"),
    "Int": PythonType("int"),
    "Float": PythonType("float"),
    "Boolean": PythonType("bool"),
}


class TypeMapping:
    """Maps types, and remembers which enums and inputs were asked for: only those are generated."""

    def __init__(self, schema: GraphQLSchema, config: Config, classes: Scope, problems: Problems) -> None:
        self._schema = schema
        self._config = config
        self._classes = classes
        self._problems = problems
        self._enums: dict[str, tuple[str, str]] = {}
        self._inputs: dict[str, str] = {}
        self._unmapped: set[str] = set()
        self._ruled: dict[str, bool] = {}
        self._attributes: dict[str, dict[str, str]] = {}
        self._check_overrides()

    @property
    def path(self) -> str:
        """The file that a clash of names is told at where no better place is known."""
        return self._config.file.name

    def _check_overrides(self) -> None:
        for section, key in [("types", key) for key in self._config.types] + [
            ("names", key) for key in self._config.names
        ]:
            type_name, _, field = key.rpartition(".")
            owner = self._schema.get_type(type_name)
            fields = getattr(owner, "fields", None)
            if fields is None:
                message, hint = (
                    f'"{key}": the schema has no type "{type_name}" with fields.',
                    did_you_mean(type_name, self._schema.type_map),
                )
            elif field not in fields:
                message, hint = f'"{key}": {type_name} has no field "{field}".', did_you_mean(field, fields)
            else:
                continue
            self._problems.add(setting_place(self._config, (section, key), message, "C007", hint))
        for name in self._config.scalars:
            # What several APIs share need not be in each.
            if ("scalars", name) in self._config.shared:
                continue
            if not isinstance(self._schema.get_type(name), GraphQLScalarType):
                scalars = [
                    item
                    for item, type_ in self._schema.type_map.items()
                    if isinstance(type_, GraphQLScalarType)
                ]
                message = f'The schema has no scalar "{name}".'
                hint = did_you_mean(name, scalars)
                self._problems.add(setting_place(self._config, ("scalars", name), message, "C007", hint))

    def attribute(self, type_: GraphQLNamedType | None, field: str) -> str:
        """The Python name of a type's field: the same on handles, in paths and in models."""
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return names.attribute_name(field)
        if type_.name not in self._attributes:
            scope = Scope(type_.name, self._problems, self._config.file.name)
            given = {name: self._config.names.get(f"{type_.name}.{name}") for name in type_.fields}
            for name, wanted in given.items():
                if wanted:
                    key = f"{type_.name}.{name}"
                    before = len(self._problems.errors)
                    scope.claim(wanted, key, place=setting_place(self._config, ("names", key), "", ""))
                    if len(self._problems.errors) > before:
                        given[name] = None
            self._attributes[type_.name] = {
                name: wanted or scope.distinct(names.attribute_name(name), f"{type_.name}.{name}")
                for name, wanted in given.items()
            }
        return self._attributes[type_.name].get(field) or names.attribute_name(field)

    # ------------------------------------------------------------------------------------------------- what answers give

    def output(self, type_: GraphQLType, field: str = "") -> PythonType:
        """The type of a leaf in an answer, None included where it may be null. `field` is `type.field`, for a type of its own."""
        own = self._config.types.get(field)
        if own is not None:
            return own if isinstance(type_, GraphQLNonNull) else own.optional()
        return self._wrap(type_, "list", self.leaf(get_named_type(type_)))

    def leaf(self, type_: GraphQLNamedType) -> PythonType:
        """The type of a scalar or enum in an answer."""
        if isinstance(type_, GraphQLEnumType):
            name, _ = self._enum(type_)
            return PythonType(name, frozenset({Import("enums", name, local=True)}))
        return self._scalar(type_.name, output=True)

    def _wrap(self, type_: GraphQLType, container: str, leaf: PythonType) -> PythonType:
        if isinstance(type_, GraphQLNonNull):
            return self._wrap_non_null(type_.of_type, container, leaf)
        return self._wrap_non_null(type_, container, leaf).optional()

    def _wrap_non_null(self, type_: GraphQLType, container: str, leaf: PythonType) -> PythonType:
        if isinstance(type_, GraphQLList):
            inner = self._wrap(type_.of_type, container, leaf)
            imports = (Import("collections.abc", container),) if container == "Sequence" else ()
            return inner.inside(container, *imports)
        return leaf

    # ------------------------------------------------------------------------------------------------ what arguments take

    def input(self, type_: GraphQLType, field: str = "") -> PythonType:
        """The type of an argument or an input's field, None included where it may be null."""
        own = self._config.types.get(field)
        if own is not None:
            return own if isinstance(type_, GraphQLNonNull) else own.optional()
        named = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            _, alias = self._enum(named)
            leaf = PythonType(alias, frozenset({Import("enums", alias, local=True)}))
        elif isinstance(named, GraphQLInputObjectType):
            name = self._input(named)
            leaf = PythonType(name, frozenset({Import("inputs", name, local=True)}))
        else:
            leaf = self._scalar(named.name, output=False)
        return self._wrap(type_, "Sequence", leaf)

    def required_input(self, type_: GraphQLType, field: str = "") -> PythonType:
        """The type of an argument that must be given and cannot be null."""
        shown = self.input(type_, field)
        return PythonType(shown.text.removesuffix(" | None"), shown.imports)

    def _scalar(self, name: str, *, output: bool) -> PythonType:
        if name in self._config.scalars:
            scalar = self._config.scalars[name]
            return scalar.output if output else scalar.input
        if name in _BUILTIN:
            return _BUILTIN[name]
        if name == UPLOAD.text:
            return ANY if output else UPLOAD
        if name not in self._unmapped:
            self._unmapped.add(name)
            self._problems.add(
                Diagnostic(
                    self._config.file.name,
                    0,
                    0,
                    f"The scalar {name} has no Python type, so its values are Any.",
                    "W001",
                    f'Map it: [tool.penstock.scalars] {name} = "…".',
                    level="warning",
                )
            )
        return ANY

    def _enum(self, type_: GraphQLEnumType) -> tuple[str, str]:
        if type_.name not in self._enums:
            origin = f"the enum {type_.name}"
            wanted = names.class_name(type_.name)
            name = self._classes.claim(wanted, origin, fallback=f"{wanted}Enum")
            alias = self._classes.claim(f"{name}Value", f"the values of {origin}", fallback=f"{name}Literal")
            self._enums[type_.name] = (name, alias)
        return self._enums[type_.name]

    def _input(self, type_: GraphQLInputObjectType) -> str:
        if type_.name not in self._inputs:
            wanted = names.class_name(type_.name)
            self._inputs[type_.name] = self._classes.claim(
                wanted, f"the input {type_.name}", fallback=f"{wanted}Input"
            )
        return self._inputs[type_.name]

    # ------------------------------------------------------------------------------------------------------- what was used

    def input_types(self) -> tuple[ir.InputType, ...]:
        """The inputs that were asked for, and those they need, by name."""
        done: dict[str, ir.InputType] = {}
        while waiting := [name for name in self._inputs if name not in done]:
            for graphql_name in waiting:
                type_ = self._schema.get_type(graphql_name)
                assert isinstance(type_, GraphQLInputObjectType)
                done[graphql_name] = self._input_type(type_)
        return tuple(sorted(done.values(), key=lambda item: item.name))

    def _input_type(self, type_: GraphQLInputObjectType) -> ir.InputType:
        fields = []
        one_of = is_one_of(type_)
        own = self._inputs[type_.name]
        for name, field in type_.fields.items():
            origin = f"{type_.name}.{name}"
            said = [text(field.description), _deprecation(field.deprecation_reason)]
            fields.append(
                ir.InputField(
                    name,
                    # The one that is given cannot be null, though the schema has to say that each may be left out.
                    self.required_input(field.type, origin) if one_of else self.input(field.type, origin),
                    one_of or is_required_input_field(field),
                    "\n\n".join(filter(None, said)),
                    reason(field.deprecation_reason),
                    self._classes.distinct(names.class_name(f"{own}_{name}"), origin) if one_of else "",
                )
            )
        functional = any(
            names.identifier(item.name, public=False) != item.name or item.name.startswith("__")
            for item in fields
        )
        return ir.InputType(own, type_.name, text(type_.description), tuple(fields), functional, one_of)

    def has_rules(self, name: str) -> bool:
        """Whether an input, or one that it can hold, is checked when it is sent."""
        if name not in self._ruled:
            # Only what it leads to is looked into: types are built as they are.
            reached, waiting = {name}, [name]
            found = False
            while waiting and not found:
                type_ = self._schema.get_type(waiting.pop())
                if not isinstance(type_, GraphQLInputObjectType):
                    continue
                fields = type_.fields.values()
                found = is_one_of(type_) or any(field.deprecation_reason is not None for field in fields)
                below = {get_named_type(field.type).name for field in fields} - reached
                reached |= below
                waiting += below
            self._ruled[name] = found
        return self._ruled[name]

    def input_rules(self) -> tuple[ir.InputRule, ...]:
        """The rules of the inputs that were asked for, by name. Ask after `input_types`."""
        found = []
        for name in sorted(filter(self.has_rules, self._inputs)):
            type_ = self._schema.get_type(name)
            assert isinstance(type_, GraphQLInputObjectType)
            nested = {key: get_named_type(field.type).name for key, field in type_.fields.items()}
            found.append(
                ir.InputRule(
                    name,
                    tuple(type_.fields) if is_one_of(type_) else (),
                    tuple((key, below) for key, below in nested.items() if self.has_rules(below)),
                    tuple(
                        (key, said)
                        for key, field in type_.fields.items()
                        if (said := reason(field.deprecation_reason)) is not None
                    ),
                )
            )
        return tuple(found)

    def enum_types(self) -> tuple[ir.EnumType, ...]:
        """The enums that were asked for, by name. Ask after `input_types`, which may ask for more."""
        found = []
        modules = Scope("enums", self._problems, self._config.file.name)
        modules.claim("importlib", "what the package imports its modules with")
        for graphql_name, (name, alias) in sorted(self._enums.items()):
            type_ = self._schema.get_type(graphql_name)
            assert isinstance(type_, GraphQLEnumType)
            scope = Scope(name, self._problems, self._config.file.name)
            members = []
            for value, definition in type_.values.items():
                member = scope.distinct(names.enum_member(value), f"{graphql_name}.{value}")
                deprecated = reason(definition.deprecation_reason)
                said = [text(definition.description), _deprecation(definition.deprecation_reason)]
                members.append(ir.EnumMember(member, value, "\n\n".join(filter(None, said)), deprecated))
            module = modules.distinct(names.inner_module(names.module_name(name)), name)
            found.append(
                ir.EnumType(name, graphql_name, alias, module, text(type_.description), tuple(members))
            )
        return tuple(sorted(found, key=lambda item: item.name))

    def runtime_leaf(self, type_: GraphQLNamedType) -> PythonType | None:
        """The type that `get` converts a leaf to, or None where the JSON value is the value."""
        if not is_leaf_type(type_):
            return None
        leaf = self.leaf(type_)
        return None if leaf.is_any else leaf


@lru_cache(maxsize=65536)
def text(description: str | None) -> str:
    """A description as paragraphs: the line breaks that only kept the schema's own lines short are taken out."""
    paragraphs: list[str] = []
    for line in (description or "").strip().splitlines():
        # A blank line, a list's item or an indented line starts anew; all else goes on.
        goes_on = (
            paragraphs and paragraphs[-1] and line.strip() and not re.match(r"\s|[-*+#>|`]|\d+[.)]\s", line)
        )
        if goes_on and not paragraphs[-1].startswith((" ", "\t", "|", "#", "`")):
            paragraphs[-1] += f" {line.strip()}"
        else:
            paragraphs.append(line.rstrip())
    return "\n".join(map(printable, paragraphs))


def reason(deprecated: str | None) -> str | None:
    """Why something is deprecated, on one line; None where it is not. A reason of nothing is GraphQL's own for none."""
    if deprecated is None:
        return None
    return printable(" ".join(deprecated.split())) or DEFAULT_DEPRECATION_REASON


def _deprecation(deprecated: str | None) -> str:
    """What a description says of it."""
    why = reason(deprecated)
    return f"Deprecated: {why}" if why else ""


def is_one_of(type_: GraphQLInputObjectType) -> bool:
    """Whether exactly one of an input's fields is to be given (`@oneOf`)."""
    if getattr(type_, "is_one_of", False):
        return True
    # Not every graphql-core that we work with knows the directive.
    nodes = [node for node in (type_.ast_node, *type_.extension_ast_nodes) if node is not None]
    return any(item.name.value == "oneOf" for node in nodes for item in node.directives or ())
