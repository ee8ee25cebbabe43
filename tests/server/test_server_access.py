"""Tokens, tenants, and that nothing of one tenant is another's to see or change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from tests.server.api import FLOW, Api, Refused
from tests.server.conftest import NO_SERVICES
from tests.server.dataset import insert_rows, make_rows

from penstock.server.database import open_database
from penstock.server.schema import api_schema, declared_tables
from penstock.server.setup import make_token, prepare
from penstock.server.tables import api_token, metadata, tenant
from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODELS = declared_tables()
ROWS, OURS = make_rows(seed=11)
THEIRS = next(row["id"] for row in ROWS["tenant"] if row["id"] != OURS)


def ids_of(table: str, tenant_id: str) -> set[str]:
    """The ids of a tenant's rows."""
    column = MODELS[table].tenant_column
    return {row["id"] for row in ROWS[table] if row[column] == tenant_id}


@pytest.fixture(scope="module")
def secured_url(database_kind: str, new_database: Callable[[str], str]) -> str:
    """A database with two tenants full of rows; some of ours point at theirs, which no client could have made."""
    url = new_database(database_kind)
    database = open_database(url)
    prepare(database)
    with database.write() as connection:
        insert_rows(connection, ROWS)
        for model in MODELS.values():
            for link in model.relationships.values():
                if link.many or link.local == "tenant_id":
                    continue
                ours = sorted(ids_of(model.name, OURS))[-1]
                theirs = sorted(ids_of(link.target, THEIRS))[0]
                table = metadata.tables[model.name]
                if (model.name, link.local) != ("task_run", "task_id"):
                    connection.execute(table.update().where(table.c.id == ours).values({link.local: theirs}))
    database.close()
    return url


@pytest.fixture(scope="module")
def token(secured_url: str) -> str:
    """A token of our tenant that may do the most."""
    database = open_database(secured_url)
    slug = next(row["slug"] for row in ROWS["tenant"] if row["id"] == OURS)
    made = make_token(database, tenant_slug=slug, name="test", scope="USER")
    database.close()
    return made


@pytest.fixture(scope="module")
def secured(secured_url: str) -> Iterator[ServerProcess]:
    """A server that wants tokens."""
    with ServerProcess(secured_url, "--auth", *NO_SERVICES) as process:
        yield process


@pytest.fixture
def ours(secured: ServerProcess, token: str) -> Iterator[Api]:
    """A client of our tenant."""
    with Api(secured.url, token=token) as api:
        api.tenant_id = OURS
        yield api


def ids_in(value: Any) -> set[str]:
    """Every id in an answer."""
    if isinstance(value, dict):
        own = {value["id"]} if isinstance(value.get("id"), str) else set()
        return own.union(*(ids_in(item) for item in value.values()))
    return set().union(*(ids_in(item) for item in value)) if isinstance(value, list) else set()


def everything(url: str, tenant_id: str) -> dict[str, list[str]]:
    """All rows of a tenant in all tables, as text."""
    database = open_database(url)
    out: dict[str, list[str]] = {}
    with database.read() as connection:
        for table in metadata.sorted_tables:
            column = table.c.get("tenant_id", table.c.id if table.name == "tenant" else None)
            if column is not None:
                rows = connection.execute(sa.select(table).where(column == tenant_id)).mappings().all()
                out[table.name] = sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in rows)
    database.close()
    return out


THEIR_IDS = set().union(*(ids_of(table, THEIRS) for table in ROWS))


class TestIsolation:
    @pytest.mark.parametrize("table", sorted(MODELS))
    def test_no_root_field_shows_their_rows(self, ours: Api, table: str) -> None:
        answer = ours.ask(
            f"{{ {table} {{ id }} {table}_aggregate {{ aggregate {{ count }} nodes {{ id }} }} "
            f"biased: {table}(where: {{_or: [{{id: {{_is_null: false}}}}, {{id: {{_is_null: true}}}}]}}) {{ id }} "
            f"ordered: {table}(order_by: {{id: desc}}, limit: 500, distinct_on: [id]) {{ id }} }}"
        )
        mine = ids_of(table, OURS)
        assert {row["id"] for row in answer[table]} == mine
        assert answer[f"{table}_aggregate"]["aggregate"]["count"] == len(mine)
        assert ids_in(answer).isdisjoint(THEIR_IDS)
        for key in sorted(ids_of(table, THEIRS)):
            found = ours.ask(f"query ($id: uuid!) {{ {table}_by_pk(id: $id) {{ id }} }}", {"id": key})
            assert found == {f"{table}_by_pk": None}

    @pytest.mark.parametrize("table", sorted(MODELS))
    def test_no_relationship_leads_to_their_rows(self, ours: Api, table: str) -> None:
        for link in MODELS[table].relationships.values():
            if link.many:
                field = f"{link.name} {{ id }} {link.name}_aggregate {{ aggregate {{ count max {{ id }} }} nodes {{ id }} }}"
                order = (
                    f"{{{link.name}_aggregate: {{max: {{id: desc}}}}}}"
                    if link.target != "task"
                    else "{id: asc}"
                )
            else:
                field, order = f"{link.name} {{ id }}", f"{{{link.name}: {{id: asc}}}}"
            status, answer = ours.send(f"{{ {table}(order_by: {order}) {{ {field} }} }}")
            assert status == 200
            assert ids_in(answer).isdisjoint(THEIR_IDS), link
            assert not any(key in json.dumps(answer) for key in ids_of(link.target, THEIRS)), link
            for key in sorted(ids_of(link.target, THEIRS)):
                where = {link.name: {"id": {"_eq": key}}}
                document = f"query ($where: {table}_bool_exp) {{ {table}(where: $where) {{ id }} }}"
                assert ours.ask(document, {"where": where}) == {table: []}, link

    def test_queries_by_id_do_not_find_their_rows(self, ours: Api) -> None:
        key = sorted(ids_of("task_run", THEIRS))[0]
        for field in (
            "mapped_children(task_run_id: $id) { state_counts }",
            "get_task_run_info(task_run_id: $id) { id }",
        ):
            with pytest.raises(Refused, match="No task run") as refused:
                ours.ask(f"query ($id: UUID!) {{ {field} }}", {"id": key})
            assert refused.value.code == "NOT_FOUND"

    def test_no_mutation_takes_their_ids_or_changes_their_rows(self, ours: Api, secured_url: str) -> None:
        mutations = api_schema().mutation_type
        assert mutations is not None
        before = everything(secured_url, THEIRS)
        tried = 0
        for name in mutations.fields:
            for fields, foreign in variants(f"{name}_input"):
                tried += 1
                payload = get_named_type(mutations.fields[name].type).name
                selection = "__typename"
                status, answer = ours.send(
                    f"mutation ($input: {name}_input!) {{ {name}(input: $input) {{ {selection} }} }}",
                    {"input": fields},
                )
                errors = answer.get("errors") or []
                if foreign:
                    assert errors, (name, fields, payload)
                    assert errors[0]["extensions"]["code"] in ("NOT_FOUND", "FORBIDDEN"), (
                        name,
                        fields,
                        errors,
                    )
                    assert status == 200
        assert tried > 80
        with pytest.raises(Refused, match="no flow"):
            group = next(
                row["version_group_id"]
                for row in ROWS["flow"]
                if row["tenant_id"] == THEIRS and row["version_group_id"]
            )
            ours.do("create_flow_run", version_group_id=f"{group}-not-ours")
        assert everything(secured_url, THEIRS) == before

    def test_their_version_group_is_not_ours(self, ours: Api, secured_url: str) -> None:
        group = f"shared-{uuid4().hex}"
        database = open_database(secured_url)
        slug = next(row["slug"] for row in ROWS["tenant"] if row["id"] == THEIRS)
        their_token = make_token(database, tenant_slug=slug, name="theirs", scope="TENANT")
        database.close()
        with Api(str(ours.http.base_url), token=their_token) as theirs:
            theirs.tenant_id = THEIRS
            key = theirs.flow(version_group_id=group, project_id=theirs.project())
            with pytest.raises(Refused, match="has no flow"):
                ours.do("create_flow_run", version_group_id=group, parameters={"x": 1})
            assert ours.flow(version_group_id=group, project_id=ours.project()) != key
            assert theirs.by_id("flow", key, "version flow_group { flows { id } }")["flow_group"][
                "flows"
            ] == [{"id": key}]


# What a UUID field of an input names, where it is not the field's name without `_id`.
FIELD_TABLES = {"limit_id": "task_tag_limit", "token_id": "api_token"}
SAMPLES: dict[str, Any] = {
    "serialized_flow": FLOW,
    "serialized_tasks": [],
    "serialized_edges": [],
    "state": {"type": "Pending"},
    "scope": "RUNNER",
    "slug": "a-slug",
    "parameters": {"x": 1},
    "confirm": True,
    "type": "LocalAgent",
    "config": {"url": "http://127.0.0.1:9/"},
    "interval": 3600,
    "interval_clocks": None,
}


def variants(input_name: str) -> list[tuple[dict[str, Any], bool]]:
    """Inputs for a mutation: with all ids theirs, and with each one theirs in turn; or one without ids."""
    declared = api_schema().type_map[input_name]
    assert isinstance(declared, GraphQLInputObjectType)
    places = id_places(declared)
    if not places:
        return [(sample(declared, set()), False)]
    chosen = (
        [frozenset(places), *(frozenset([place]) for place in places)]
        if len(places) > 1
        else [frozenset(places)]
    )
    return [(sample(declared, set(foreign)), True) for foreign in chosen]


def id_places(declared: GraphQLInputObjectType) -> list[str]:
    out: list[str] = []
    for name, field in declared.fields.items():
        named = get_named_type(field.type)
        if isinstance(named, GraphQLInputObjectType):
            out += id_places(named)
        elif named.name == "UUID":
            out.append(name)
    return out


def sample(declared: GraphQLInputObjectType, foreign: set[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, field in declared.fields.items():
        named = get_named_type(field.type)
        if named.name == "UUID":
            table = FIELD_TABLES.get(name, name.removesuffix("_id"))
            if table in ROWS:
                # Ours that point at nothing of theirs: the first ones were left as they were.
                out[name] = sorted(ids_of(table, THEIRS if name in foreign else OURS))[0]
            else:
                out[name] = str(uuid4())
        elif is_required_input_field(field) or name in SAMPLES:
            value = field_sample(name, field.type, foreign)
            if name == "serialized_flow" and named.name == "String":
                continue
            out[name] = value
    if "serialized_flow" in declared.fields and "serialized_flow" not in out:
        import base64
        import gzip

        out["serialized_flow"] = base64.b64encode(gzip.compress(json.dumps(FLOW).encode())).decode()
    return out


def field_sample(name: str, declared: GraphQLInputType, foreign: set[str]) -> Any:
    named = get_named_type(declared)
    if isinstance(named, GraphQLInputObjectType):
        value: Any = sample(named, foreign)
    elif is_enum_type(named):
        value = "WEBHOOK" if named.name == "cloud_hook_type" else next(iter(named.values))  # type: ignore[attr-defined]
    elif name in SAMPLES:
        value = SAMPLES[name]
    else:
        value = {"String": "Success", "Int": 1, "Boolean": True, "JSON": {"a": 1}, "DateTime": "2020-01-01"}[
            named.name
        ]
    return (
        [value]
        if is_list_type(getattr(declared, "of_type", declared) if is_non_null_type(declared) else declared)
        else value
    )


class TestTokens:
    def test_without_a_valid_token_there_is_no_answer(self, secured: ServerProcess, token: str) -> None:
        for headers, words in (
            ({}, "wants a token"),
            ({"Authorization": "Basic abc"}, "Malformed Authorization header"),
            ({"Authorization": "Bearer"}, "Malformed Authorization header"),
            ({"Authorization": "Bearer pk_wrong"}, "not valid"),
            ({"Authorization": f"Bearer {token}x"}, "not valid"),
        ):
            with Api(secured.url, headers=headers) as api:
                status, answer = api.send("{ hello }")
                assert status == 401
                assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
                assert words in answer["errors"][0]["message"]
                assert token not in json.dumps(answer)

    def test_only_the_digest_of_a_token_is_kept(self, secured_url: str, token: str) -> None:
        database = open_database(secured_url)
        with database.read() as connection:
            rows = connection.execute(sa.select(api_token)).mappings().all()
        database.close()
        assert rows
        assert token not in json.dumps([dict(row) for row in rows], default=str)

    def test_a_token_is_made_shown_once_and_revoked(self, secured: ServerProcess, ours: Api) -> None:
        made = ours.do("create_api_token", "id token", name="ci", scope="RUNNER")
        with Api(secured.url, token=made["token"]) as runner:
            info = runner.ask("{ auth_info { tenant_id api_token_scope } }")["auth_info"]
            assert info == {"tenant_id": OURS, "api_token_scope": "RUNNER"}
            forbidden: list[tuple[str, dict[str, Any]]] = [
                ("create_api_token", {"name": "x", "scope": "USER"}),
                ("create_tenant", {"name": "x", "slug": "x"}),
                ("delete_tenant", {"tenant_id": OURS, "confirm": True}),
                ("switch_tenant", {"tenant_id": OURS}),
                ("revoke_api_token", {"token_id": made["id"]}),
            ]
            for mutation, fields in forbidden:
                with pytest.raises(Refused, match="scope") as refused:
                    runner.do(mutation, "__typename", **fields)
                assert refused.value.code == "FORBIDDEN"
            ours.do("revoke_api_token", "success", token_id=made["id"])
            with pytest.raises(Refused, match="revoked"):
                runner.ask("{ hello }")

    def test_a_scope_that_is_none_is_refused(self, ours: Api) -> None:
        with pytest.raises(Refused, match="is no scope"):
            ours.do("create_api_token", "token", name="x", scope="ROOT")

    def test_the_tenant_header_names_only_tenants_of_the_user(
        self, secured: ServerProcess, token: str
    ) -> None:
        for tenant_id, status in ((OURS, 200), (THEIRS, 403), ("nonsense", 403)):
            with Api(secured.url, token=token, tenant_id=tenant_id) as api:
                assert api.send("{ hello }")[0] == status

    def test_a_user_switches_between_their_tenants_with_tokens_that_expire(
        self, secured: ServerProcess, secured_url: str, ours: Api
    ) -> None:
        second = ours.do("create_tenant", name="second", slug=f"s-{uuid4().hex}")
        assert second in {row["id"] for row in ours.ask("{ tenant { id } }")["tenant"]}
        with pytest.raises(Refused, match="No tenant"):
            ours.do("switch_tenant", "access_token", tenant_id=THEIRS)
        made = ours.do("switch_tenant", "access_token expires_at refresh_token", tenant_id=second)
        with Api(secured.url, token=made["access_token"]) as there:
            assert there.ask("{ auth_info { tenant_id } flow { id } }") == {
                "auth_info": {"tenant_id": second},
                "flow": [],
            }
        with Api(secured.url, token=made["refresh_token"]) as refreshing:
            for query in ("{ hello }", "{ flow { id } }"):
                with pytest.raises(Refused, match="only renews"):
                    refreshing.ask(query)
            with pytest.raises(Refused, match="only renews"):
                refreshing.do("send_feedback", "success", message="m")
            renewed = refreshing.do(
                "refresh_token", "access_token refresh_token", access_token=made["access_token"]
            )
            with pytest.raises(Refused, match="not issued"):
                refreshing.do("refresh_token", "access_token", access_token=made["access_token"][:-2] + "xx")
        with Api(secured.url, token=renewed["access_token"]) as there:
            assert there.ask("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"] == second
        expired = _expired(secured_url, second)
        with Api(secured.url, token=expired) as late, pytest.raises(Refused, match="expired"):
            late.ask("{ hello }")

    def test_flyte_packs_are_confined_by_the_same_tokens(
        self, secured: ServerProcess, ours: Api, token: str
    ) -> None:
        import httpx

        url = f"{secured.url}/v1/packs"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"Authorization": "Bearer pk_wrong"}).status_code == 401
        assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def _expired(url: str, tenant_id: str) -> str:
    """An access token of a member of the tenant that expired a second ago."""
    from datetime import UTC, datetime, timedelta

    from penstock.server import sessions
    from penstock.server.tables import member

    database = open_database(url)
    with database.read() as connection:
        user = connection.scalar(sa.select(member.c.user_id).where(member.c.tenant_id == tenant_id))
        assert isinstance(user, str)
        past = datetime.now(UTC) - timedelta(seconds=1)
        token = sessions._issue(sessions.signing_key(connection), user, tenant_id, "access", past)
    database.close()
    return token


def test_without_tokens_a_header_confines(server: ServerProcess, api: Api) -> None:
    flow = api.flow()
    with Api(server.url, tenant_id=str(uuid4())) as stranger:
        assert stranger.ask("{ flow { id } }") == {"flow": []}
        with pytest.raises(KeyError):
            stranger.by_id("flow", flow, "id")
    with Api(server.url) as anybody:
        assert flow in {row["id"] for row in anybody.ask("{ flow { id } }")["flow"]}
    assert tenant.name == "tenant"
