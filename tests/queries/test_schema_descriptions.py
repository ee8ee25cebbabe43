"""Every part of the schema says what it is: the texts become docstrings and editor hovers."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    validate_schema,
)

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema.graphql"


@cache
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))


def described_parts(api: GraphQLSchema) -> Iterator[tuple[str, str, str | None]]:
    """Each (coordinate, own name, description) of a schema."""
    yield "schema", "schema", api.description
    for name, named_type in api.type_map.items():
        if is_introspection_type(named_type) or is_specified_scalar_type(named_type):
            continue
        yield name, name, named_type.description
        if isinstance(named_type, GraphQLEnumType):
            for value_name, value in named_type.values.items():
                yield f"{name}.{value_name}", value_name, value.description
        elif isinstance(named_type, GraphQLInputObjectType):
            for field_name, input_field in named_type.fields.items():
                yield f"{name}.{field_name}", field_name, input_field.description
        elif isinstance(named_type, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in named_type.fields.items():
                yield f"{name}.{field_name}", field_name, field.description
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name}:)", argument_name, argument.description


def words(text: str) -> list[str]:
    """The words that say something, in lower case."""
    found = re.findall(r"[a-z0-9]+", text.lower())
    return [word for word in found if word not in {"a", "an", "the", "of"}]


def faults(api: GraphQLSchema) -> list[str]:
    """One sentence for each part of a schema that is described badly or not at all."""
    found = []
    for coordinate, name, description in described_parts(api):
        if not description:
            found.append(f"{coordinate} has no description")
            continue
        if not description.endswith(".") or not (description[0].isupper() or description[0] in "`0123456789"):
            found.append(f"{coordinate} is not described in a sentence")
        if set(words(description)) <= set(words(name.replace("_", " "))):
            found.append(f"{coordinate}'s description only repeats its name")
    return found


def test_the_schema_is_valid() -> None:
    assert validate_schema(schema()) == []


def test_everything_is_described() -> None:
    assert faults(schema()) == []


@pytest.mark.parametrize(
    "table", sorted(n.removesuffix("_bool_exp") for n in schema().type_map if "_bool_exp" in n)
)
def test_a_column_reads_the_same_wherever_it_is_named(table: str) -> None:
    row, columns = schema().type_map[table], schema().type_map[f"{table}_select_column"]
    assert isinstance(row, GraphQLObjectType) and isinstance(columns, GraphQLEnumType)
    for name, column in columns.values.items():
        assert column.description == row.fields[name].description


def test_a_bare_schema_is_found_out() -> None:
    bare = build_schema(
        '"""What can be read."""  type Query { """The flow name.""" flow_name("""a flow""" id: ID): Colour }'
        "  enum Colour { RED }"
    )
    assert faults(bare) == [
        "schema has no description",
        "Query.flow_name's description only repeats its name",
        "Query.flow_name(id:) is not described in a sentence",
        "Colour has no description",
        "Colour.RED has no description",
    ]
