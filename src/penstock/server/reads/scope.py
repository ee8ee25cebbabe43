"""What one statement under construction knows: its parameters, its aliases, and whose rows it may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql.execution.collect_fields import collect_sub_fields
from graphql.execution.values import get_argument_values

from penstock.server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, GraphQLObjectType, GraphQLSchema

    from penstock.server.access import Principal
    from penstock.server.reads.dialects import SqlDialect
    from penstock.server.schema import RelationshipModel, TableModel


@dataclass(frozen=True, slots=True)
class Document:
    """The parts of a request that a selection is read from."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, Any]
    raw_variables: Mapping[str, object]

    def subfields(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> dict[str, list[FieldNode]]:
        """The fields selected below the nodes, by response name, after fragments, @skip and @include."""
        return collect_sub_fields(self.schema, self.fragments, self.variables, parent, list(nodes))

    def arguments(self, declaration: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """The arguments of a field, read and checked."""
        return get_argument_values(declaration, node, self.variables) if node.arguments else {}


@dataclass(slots=True)
class Scope:
    """A statement under construction."""

    dialect: SqlDialect
    tables: dict[str, TableModel]
    principal: Principal
    document: Document
    row_limit: int
    parameters: dict[str, object] = field(default_factory=dict)
    _aliases: int = 0

    def alias(self) -> str:
        """A table alias that nothing else in the statement uses."""
        self._aliases += 1
        return f"t{self._aliases}"

    def bind(self, value: object, kind: str) -> str:
        """Bind a value, and refer to it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = self.dialect.bind(value, kind)
        return self.dialect.parameter(name, kind)

    def bind_list(self, values: Sequence[object], kind: str) -> str:
        """Bind a list of values, and refer to it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = self.dialect.bind_list(values, kind)
        return self.dialect.parameter_list(name, kind)

    def bind_path(self, keys: Sequence[str | int]) -> str:
        """Bind a path into a JSON value, and refer to it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = self.dialect.bind_path(keys)
        return self.dialect.parameter_list(name, "String")

    def confinement(self, model: TableModel, alias: str, *, reached: bool) -> str | None:
        """The condition under which a row is the caller's to see; None where the caller sees everything.

        Every reference to a table in a statement carries it, so nothing leaks through relationships, filters,
        orders or aggregates. `reached`: another condition leads to few rows already, so the tenant's index, which
        leads to nearly all of them, is not to be used.
        """
        if self.principal.tenant_id is None:
            return None
        if model.name == "tenant":
            visible = sorted(self.principal.visible_tenants)
            if len(visible) > 1:
                return self.dialect.member(
                    f"{alias}.id", "uuid", self.bind_list(visible, "uuid"), negated=False
                )
        if "tenant" not in self.parameters:
            self.parameters["tenant"] = self.dialect.bind(self.principal.tenant_id, "uuid")
        column = f"{alias}.{model.tenant_column}"
        if reached:
            column = self.dialect.without_index(column)
        return f"{column} = {self.dialect.parameter('tenant', 'uuid')}"

    def related(self, link: RelationshipModel, source_alias: str, target_alias: str) -> list[str]:
        """The conditions that tie rows of a relationship's target to a row of its source."""
        conditions = [f"{target_alias}.{link.remote} = {source_alias}.{link.local}"]
        if confinement := self.confinement(self.tables[link.target], target_alias, reached=True):
            conditions.append(confinement)
        return conditions

    def check_limit(self, limit: int | None, name: str) -> int | None:
        """A limit or offset as it may stand in a statement; raises ApiError for one that may not."""
        if limit is None:
            return None
        if limit < 0:
            raise ApiError(f"`{name}` is {limit}; it must be 0 or more.")
        if name == "limit" and limit > self.row_limit:
            raise ApiError(
                f"`limit` is {limit}; this server gives at most {self.row_limit} rows at once. Page through them "
                "with `limit` and `offset`."
            )
        return limit
