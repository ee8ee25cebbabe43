"""The schema of the API: where its text is, and what its tables are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_ast_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
)

COLUMN_KINDS = frozenset({"uuid", "timestamptz", "interval", "jsonb", "String", "Int", "Boolean"})

# A to-many relationship is found by the column `<table>_id` of its target, but for these.
TO_MANY_COLUMNS = {
    ("task", "downstream_edges"): "upstream_task_id",
    ("task", "upstream_edges"): "downstream_task_id",
}


@dataclass(frozen=True, slots=True)
class ColumnModel:
    """A column of a table, as the schema declares it. `kind` is the name of its scalar."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class RelationshipModel:
    """How rows of one table lead to rows of another: `local` equals `remote` of `target`."""

    name: str
    target: str
    many: bool
    local: str
    remote: str


@dataclass(frozen=True, slots=True)
class TableModel:
    """A table that the schema exposes, with its columns and relationships by name."""

    name: str
    columns: dict[str, ColumnModel]
    relationships: dict[str, RelationshipModel] = field(default_factory=dict)

    @property
    def tenant_column(self) -> str:
        """The column whose value is the tenant that a row belongs to."""
        return "id" if self.name == "tenant" else "tenant_id"


def schema_path() -> Path:
    """Where `schema.graphql` is: beside this module in an installed package, else at the project's root."""
    here = Path(__file__).resolve()
    for candidate in (here.with_name("schema.graphql"), here.parents[3] / "schema.graphql"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"schema.graphql is missing beside {here}; reinstall penstock with the extra `server`."
    )


@cache
def schema_text() -> str:
    """The schema definition, as text."""
    return schema_path().read_text(encoding="utf-8")


def table_models(schema: GraphQLSchema) -> dict[str, TableModel]:
    """The tables of the schema, by name: every type that the root query can fetch by primary key."""
    query = schema.query_type
    if query is None:
        raise ValueError("The schema has no query type.")
    names = [name.removesuffix("_by_pk") for name in query.fields if name.endswith("_by_pk")]
    return {name: _table_model(schema, name, frozenset(names)) for name in names}


def _table_model(schema: GraphQLSchema, name: str, tables: frozenset[str]) -> TableModel:
    declared = schema.type_map[name]
    if not isinstance(declared, GraphQLObjectType):
        raise ValueError(f"{name} has a by_pk query, and is no object type.")
    columns: dict[str, ColumnModel] = {}
    relationships: dict[str, RelationshipModel] = {}
    for field_name, declaration in declared.fields.items():
        named = get_named_type(declaration.type)
        if is_leaf_type(named):
            if named.name not in COLUMN_KINDS:
                raise ValueError(f"{name}.{field_name} is a {named.name}, which no column can hold.")
            columns[field_name] = ColumnModel(field_name, named.name, not is_non_null_type(declaration.type))
        elif named.name in tables:
            many = is_list_type(get_nullable_type(declaration.type))
            remote = TO_MANY_COLUMNS.get((name, field_name), f"{name}_id")
            relationships[field_name] = RelationshipModel(
                name=field_name,
                target=named.name,
                many=many,
                local="id" if many else f"{field_name}_id",
                remote=remote if many else "id",
            )
    return TableModel(name, columns, relationships)


@cache
def api_schema() -> GraphQLSchema:
    """The packaged schema, built once. Resolvers are bound to it by `penstock.server.execution`."""
    document = parse(schema_text(), no_location=True)
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


@cache
def declared_tables() -> dict[str, TableModel]:
    """The tables of the packaged schema."""
    return table_models(api_schema())
