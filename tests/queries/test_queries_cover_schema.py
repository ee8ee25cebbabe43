"""The operations under queries/ fit the schema, and every mutation of the schema has its methods."""

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    extend_schema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
    specified_rules,
    validate,
)

ROOT = Path(__file__).resolve().parents[2]
QUERIES = ROOT / "queries"
FILES = sorted(path.relative_to(QUERIES).as_posix() for path in QUERIES.rglob("*.graphql"))
RESOURCES = sorted(path.name for path in QUERIES.iterdir() if path.is_dir())

WITHOUT_TABLE = {"secret", "api_token"}
"""Resources the API lets one change but never read."""

MUTATIONS_WITH_SEVERAL_METHODS = {
    "create_flow_run": {"flow/run", "flow_run/create"},
    "set_flow_run_states": {"flow_run/set_state", "flow_run/set_states"},
    "set_task_run_states": {"task_run/set_state", "task_run/set_states"},
}
"""The mutations that are more than one method, and their files; every other mutation is one file."""

BLOBS = {
    "flow": {"serialized_flow", "storage", "environment", "schedule", "run_config"},
    "flow_group": {"schedule", "run_config"},
    "flow_run": {"context", "run_config", "state_result", "serialized_state"},
    "flow_run_state": {"result", "serialized_state"},
    "task_run": {"state_result", "serialized_state"},
    "task_run_state": {"result", "serialized_state"},
    "cloud_hook": {"config"},
    "log": {"info"},
}
"""Columns too large, or too private, to come with every object of a list; they are read on demand."""


@cache
def client_schema() -> GraphQLSchema:
    """The API's schema with the directives that only the generator understands."""
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    return extend_schema(
        schema, parse("directive @resource(name: String!) on FIELD  directive @only on FIELD")
    )


@cache
def document(file: str) -> DocumentNode:
    return parse((QUERIES / file).read_text(encoding="utf-8"))


@cache
def fragments() -> dict[str, FragmentDefinitionNode]:
    found: dict[str, FragmentDefinitionNode] = {}
    for file in FILES:
        for definition in document(file).definitions:
            if isinstance(definition, FragmentDefinitionNode):
                assert definition.name.value not in found, f"{file} defines a fragment a second time"
                found[definition.name.value] = definition
    return found


def operation(file: str) -> OperationDefinitionNode | None:
    """The operation of a file, or None where the file holds fragments only."""
    operations = [d for d in document(file).definitions if isinstance(d, OperationDefinitionNode)]
    if not operations:
        return None
    assert len(operations) == len(document(file).definitions) == 1, f"{file} holds more than one operation"
    return operations[0]


def selected_root_fields(kind: OperationType) -> dict[str, set[str]]:
    """Root field → the files (without ending) that select it."""
    selected: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        found = operation(file)
        if found is not None and found.operation is kind:
            for selection in found.selection_set.selections:
                assert isinstance(selection, FieldNode)
                selected[selection.name.value].add(file.removesuffix(".graphql"))
    return selected


@pytest.mark.parametrize("file", FILES)
def test_file_validates(file: str) -> None:
    found = operation(file)
    whole = DocumentNode(definitions=(*([found] if found else []), *fragments().values()))
    rules = [rule for rule in specified_rules if rule is not NoUnusedFragmentsRule]
    assert [error.message for error in validate(client_schema(), whole, rules)] == []


@pytest.mark.parametrize("file", FILES)
def test_operation_is_anonymous_and_has_one_root_field(file: str) -> None:
    found = operation(file)
    if found is None:
        assert file == "fragments.graphql" or file.endswith("/fields.graphql")
        return
    assert found.name is None, "the generator names operations after their file"
    assert len(found.selection_set.selections) == 1, "a method is one root field"


def test_every_mutation_is_a_method() -> None:
    mutation_type = client_schema().mutation_type
    assert mutation_type is not None
    selected = selected_root_fields(OperationType.MUTATION)
    assert sorted(set(mutation_type.fields) - set(selected)) == [], "mutations that no file reaches"
    several = {name: files for name, files in selected.items() if len(files) != 1}
    assert several == MUTATIONS_WITH_SEVERAL_METHODS


def test_every_query_that_is_no_table_is_a_method() -> None:
    query_type = client_schema().query_type
    assert query_type is not None
    tables = {name.removesuffix("_by_pk") for name in query_type.fields if name.endswith("_by_pk")}
    dialect = tables | {f"{table}_{suffix}" for table in tables for suffix in ("by_pk", "aggregate")}
    selected = selected_root_fields(OperationType.QUERY)
    assert {name: selected.get(name) for name in set(query_type.fields) - dialect} == {
        "hello": {"hello"},
        "api": {"api"},
        "auth_info": {"auth_info"},
        "reference_data": {"reference_data"},
        "mapped_children": {"task_run/mapped_children"},
        "get_task_run_info": {"task_run/info"},
    }


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_with_a_table_can_be_read(resource: str) -> None:
    methods = {file.removeprefix(f"{resource}/") for file in FILES if file.startswith(f"{resource}/")}
    reads = {"fields.graphql", "get.graphql", "list.graphql", "count.graphql"}
    if resource in WITHOUT_TABLE:
        assert not methods & reads
    else:
        assert reads <= methods


@pytest.mark.parametrize("resource", [name for name in RESOURCES if name not in WITHOUT_TABLE])
def test_mutation_of_one_object_takes_its_identity_first(resource: str) -> None:
    identity = f"{resource}_id"
    for file in FILES:
        found = operation(file)
        if found is None or not file.startswith(f"{resource}/"):
            continue
        names = [variable.variable.name.value for variable in found.variable_definitions]
        if identity in names:
            assert names[0] == identity, f"{file}: ${identity} comes first"
        elif "tenant_id" in names:
            assert names[-1] == "tenant_id", f"{file}: $tenant_id, the client's, comes last"


@pytest.mark.parametrize("fragment", sorted(fragments()))
def test_fragment_is_lean_and_complete(fragment: str) -> None:
    """A default fragment has every plain column but the blobs, and of other objects one or two labels."""
    definition = fragments()[fragment]
    table = definition.type_condition.name.value
    assert fragment == f"{table}_fields"
    table_type = client_schema().type_map[table]
    assert isinstance(table_type, GraphQLObjectType)
    columns = {
        name
        for name, field in table_type.fields.items()
        if not isinstance(get_named_type(field.type), GraphQLObjectType)
    }
    selected: dict[str, FieldNode] = {}
    for selection in definition.selection_set.selections:
        assert isinstance(selection, FieldNode)
        selected[selection.name.value] = selection
    assert set(selected) & columns == columns - BLOBS.get(table, set())
    for name in set(selected) - columns:
        assert not is_list_type(get_nullable_type(table_type.fields[name].type)), "never a list"
        nested = selected[name].selection_set
        assert nested is not None
        labels = [print_ast(label) for label in nested.selections]
        assert labels in (["id", "name"], ["id", "name", "slug"])


def test_success_payloads_are_selected_whole() -> None:
    mutation_type = client_schema().mutation_type
    assert mutation_type is not None
    for name, files in selected_root_fields(OperationType.MUTATION).items():
        if get_named_type(mutation_type.fields[name].type).name != "success_payload":
            continue
        for file in files:
            found = operation(f"{file}.graphql")
            assert found is not None
            root = found.selection_set.selections[0]
            assert isinstance(root, FieldNode) and root.selection_set is not None
            assert [print_ast(leaf) for leaf in root.selection_set.selections] == ["success", "error"]
