"""A field's arguments as variables, written flat: what an input object holds stands beside the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    Undefined,
    ast_from_value,
    get_named_type,
    print_ast,
)

from .. import names
from .conventions import is_input_object, is_left_out, is_paging_back
from .text import Argument, Variable

# They would be a method's own parameter, whatever they are to the schema.
_PYTHONS_OWN = frozenset({"self", "cls"})


@dataclass(frozen=True, slots=True)
class Call:
    """The variables of an operation, and the arguments that they fill."""

    variables: tuple[Variable, ...]
    arguments: tuple[Argument, ...]


def call_of(
    item: GraphQLField,
    *,
    flatten: bool,
    bind: tuple[str, str] | None = None,
    taken: Callable[[str], bool] = lambda name: False,
) -> Call:
    """The call of a field with all of its arguments that are of use.

    With `flatten`, a required input object, or the only one, is written flat. `bind` names a variable and what it is to be called, so
    that a handle fills it in; any other variable for which `taken` is true gets another name, so that none does.
    """
    given = {
        name: argument
        for name, argument in item.args.items()
        if not is_left_out(name, argument) and not is_paging_back(name, item)
    }
    flat = _flat_argument(given) if flatten else ""
    variables: list[Variable] = []
    used: set[str] = set()

    def variable(name: str, definition: GraphQLArgument | GraphQLInputField) -> str:
        wanted = name
        if bind is not None and name == bind[0]:
            wanted = bind[1]
        elif taken(name) or name in _PYTHONS_OWN:
            wanted = f"new_{name}" if name == names.snake(name) else f"new{name[:1].upper()}{name[1:]}"
        while names.snake(wanted) in used:
            wanted += "_"
        used.add(names.snake(wanted))
        variables.append(Variable(wanted, str(definition.type), _default(definition)))
        return wanted

    arguments: list[Argument] = []
    for name, argument in given.items():
        if name != flat:
            arguments.append(Argument(name, variable(name, argument)))
            continue
        inner = get_named_type(argument.type)
        assert isinstance(inner, GraphQLInputObjectType)
        fields = tuple(
            Argument(key, variable(key, definition))
            for key, definition in inner.fields.items()
            if not is_left_out(key, definition)
        )
        arguments.append(Argument(name, fields=fields))
    # Required ones first: they are the method's positional parameters, and the bound one is what the reader looks for.
    bound = bind[1] if bind else ""
    variables.sort(key=lambda each: (each.name != bound, not each.required))
    return Call(tuple(variables), tuple(arguments))


def _flat_argument(given: dict[str, GraphQLArgument]) -> str:
    """The one argument whose input object is written flat; empty where there is none."""
    objects = [name for name, argument in given.items() if is_input_object(argument.type)]
    required = [name for name in objects if isinstance(given[name].type, GraphQLNonNull)]
    chosen = required if len(required) == 1 else objects
    if len(chosen) != 1 or (not required and len(given) > 1):
        return ""
    inner = get_named_type(given[chosen[0]].type)
    assert isinstance(inner, GraphQLInputObjectType)
    fields = [name for name, definition in inner.fields.items() if not is_left_out(name, definition)]
    others = {names.snake(name) for name in given if name != chosen[0]}
    clash = len({names.snake(name) for name in fields} - others) != len(fields)
    return "" if clash or not fields else chosen[0]


def _default(definition: GraphQLArgument | GraphQLInputField) -> str:
    if definition.default_value is Undefined or definition.default_value is None:
        return ""
    node = ast_from_value(definition.default_value, definition.type)
    return print_ast(node) if node is not None else ""
