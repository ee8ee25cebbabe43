"""Completion: what an editor offers, and shows beside it, as pyright's language server tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.types.language_server import LanguageServer, language_server

import penstock
import penstock_api
from penstock.registration import FlowAccessor
from penstock_api._runtime.resource import Field, Relation
from penstock_api.inputs import FlowBoolExp, StringComparisonExp

PROGRAM = """from uuid import UUID

from penstock import AsyncClient, Client, Flow, FlowRun

client = Client()
aclient = AsyncClient()
flow = client.flow(id=UUID(int=1))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """One language server for all questions: each is about a file of its own."""
    with language_server(tmp_path_factory.mktemp("completion")) as running:
        yield running


def public(names: object) -> set[str]:
    """The names that are for users."""
    return {str(name) for name in names if not str(name).startswith("_")}  # type: ignore[attr-defined]


def offered(server: LanguageServer, typed: str) -> dict[str, dict[str, Any]]:
    """What is offered behind `typed`, without what begins with an underscore."""
    name = f"question_{abs(hash(typed))}.py"
    found = server.complete(name, PROGRAM + typed)
    return {label: item for label, item in found.items() if not label.startswith("_")}


def strings(found: Mapping[str, object]) -> set[str]:
    """The contents of the string literals that are offered."""
    return {label.strip("\"'") for label in found}


def fields(kind: type[penstock.Flow] | type[penstock.Project]) -> set[str]:
    """The names of a resource's fields."""
    return {name for name in dir(kind) if isinstance(getattr(kind, name), Field)}


def relations(kind: type[penstock.Flow] | type[penstock.Project]) -> set[str]:
    """The names of a resource's relations to one other."""
    return {
        name for owner in kind.__mro__ for name, value in vars(owner).items() if isinstance(value, Relation)
    }


RESOURCES = {
    "agent", "agent_config", "api_token", "cloud_hook", "flow", "flow_group", "flow_run", "log", "message", "project",
    "secret", "task", "task_run", "task_run_artifact", "task_tag_limit", "tenant",
}  # fmt: skip


@pytest.mark.parametrize("name", ["client", "aclient"])
def test_a_client_offers_resources_and_operations(server: LanguageServer, name: str) -> None:
    kind = penstock.Client if name == "client" else penstock.AsyncClient
    found = offered(server, f"{name}.")
    assert set(found) == public(dir(kind))
    generated = penstock_api.Client if name == "client" else penstock_api.AsyncClient
    assert (
        set(found)
        >= public(dir(generated))
        >= RESOURCES | {"hello", "auth_info", "execute", "close", "with_options"}
    )
    for resource_name in RESOURCES:
        assert "(property)" in server.documentation(found[resource_name])
    assert "A flow: one registered version of a workflow" in server.documentation(found["flow"])
    assert "Who the caller is" in server.documentation(found["auth_info"])


def test_an_accessor_offers_what_concerns_the_kind(server: LanguageServer) -> None:
    found = offered(server, "client.flow.")
    assert set(found) == public(dir(FlowAccessor))
    assert set(found) == {"count", "create", "create_from_compressed_string", "list", "register"}
    assert "The flows that match, in the order asked for." in server.documentation(found["list"])


@pytest.mark.parametrize("typed", ["client.flow(id=UUID(int=1)).", "aclient.flow(id=UUID(int=1))."])
def test_a_handle_offers_fields_relations_and_actions_all_documented(
    server: LanguageServer, typed: str
) -> None:
    kind = penstock.Flow if typed.startswith("client") else penstock.AsyncFlow
    found = offered(server, typed)
    assert set(found) == public(dir(kind))
    assert set(found) >= fields(penstock.Flow) | {
        "project",
        "run",
        "runs",
        "archive",
        "get",
        "query",
        "refresh",
    }
    for label, item in found.items():
        said = server.documentation(item)
        signature, _, text = said.partition("\n---\n")
        assert label in signature
        assert len(text.strip()) > 10, f"{label} is shown without a word about it"
    assert "The name that the flow's author gave it." in server.documentation(found["name"])
    assert "a used `idempotency_key`" in server.documentation(found["run"]).replace("\n", " ")


@pytest.mark.parametrize("typed", ['flow.get("', 'aclient.flow(id=UUID(int=1)).get("'])
def test_get_offers_the_names_of_the_fields(server: LanguageServer, typed: str) -> None:
    found = offered(server, typed)
    assert strings(found) == fields(penstock.Flow)
    assert len(found) == 20


@pytest.mark.parametrize(
    "typed", ["Flow.project.", "flow.get(Flow.name, Flow.project.", "FlowRun.flow.project."]
)
def test_a_path_goes_on_with_the_fields_of_the_other(server: LanguageServer, typed: str) -> None:
    found = offered(server, typed)
    assert set(found) == fields(penstock.Project) | relations(penstock.Project)
    assert set(found) == {"id", "tenant_id", "created", "name", "description", "updated", "tenant"}
    assert "The project's name; unique within its tenant." in server.documentation(found["name"])


def test_a_filter_offers_columns_and_their_comparisons(server: LanguageServer) -> None:
    columns = server.complete("where.py", PROGRAM + 'client.flow.list(where={"')
    assert strings(columns) == set(FlowBoolExp.__annotations__)
    # Pyright shows a key's type beside it; it has no words for keys of a TypedDict.
    types = {label.strip("\"'"): item["detail"] for label, item in columns.items()}
    assert types["name"].startswith("StringComparisonExp")
    assert types["project"].startswith("ProjectBoolExp")
    comparisons = strings(server.complete("name.py", PROGRAM + 'client.flow.list(where={"name": {"'))
    assert comparisons == set(StringComparisonExp.__annotations__)
    assert {"_eq", "_in", "_like", "_is_null"} <= comparisons


def test_the_package_offers_its_public_names(server: LanguageServer) -> None:
    found = server.complete("names.py", "from penstock import ")
    offered_names = {label for label in found if not label.startswith("_")}
    assert offered_names >= public(penstock.__all__)
