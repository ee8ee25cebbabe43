"""A client meets a server whose unions have more members and whose interfaces more implementations than its schema said."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.codegen.executed import CHECKERS, Executor, expected_lines, package, wrong_lines

SCHEMA = """
type Query { search: [Hit!]! first: Hit first_or_fail: Hit! only: Single node(id: ID): Node nodes: [Node] box(id: ID!): Box }
interface Node { id: ID! }
interface Named { name: String friends: [Named] }
type User implements Node & Named { id: ID! name: String friends: [Named] email: String! best: Hit }
type Issue implements Node { id: ID! title: String! author: Node }
type Team implements Node & Named { id: ID! name: String friends: [Named] }
union Hit = User | Issue
union Single = User
type Box { id: ID! held: Hit owner: Node! }
"""
NEWER = (
    SCHEMA.replace("union Hit = User | Issue", "union Hit = User | Issue | Bot").replace(
        "union Single = User", "union Single = User | Bot"
    )
    + "type Bot implements Node & Named { id: ID! name: String friends: [Named] model: String }\n"
)
QUERIES = {
    "search.graphql": (
        "{ search { ... on User { email best { ... on Issue { title } } }"
        " ... on Issue { title author { id } } ... on Named { name } } }"
    ),
    "first.graphql": "{ first { ... on User { email } ... on Node { id } } }",
    "first_or_fail.graphql": "{ first_or_fail { ... on User { email } ... on Node { id } } }",
    "only.graphql": "{ only { ... on User { email } ... on Node { id } } }",
    "node.graphql": "query ($id: ID) { node(id: $id) { id ... on User { email } } }",
    "nodes.graphql": "{ nodes { id ... on User { email } ... on Issue { title } } }",
    "plain.graphql": "{ nodes { id } }",
    "title.graphql": "{ node { ... on Issue { author { id ... on User { email } } } } }",
    "friends.graphql": "{ node { ... on Named { friends { name ... on User { email } } } } }",
    "box/fields.graphql": "fragment box on Box { id held { ... on User { email } } owner { id ... on Issue { title } } }",
    "box/get.graphql": "query ($id: ID!) { box(id: $id) { ...box } }",
}
BOT = {"__typename": "Bot", "id": "B1", "name": "Bolt", "model": "m"}
USER = {"__typename": "User", "id": "U1", "name": "Ann", "email": "ann@example.com", "best": BOT}
ISSUE = {"__typename": "Issue", "id": "I1", "title": "It leaks", "author": BOT}
TEAM = {"__typename": "Team", "id": "T1", "name": "All"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with package(tmp_path_factory.mktemp("members"), SCHEMA, QUERIES, name="members_api") as module:
        yield module


def ask(api: ModuleType, **data: Any) -> Any:
    return api.Client("https://api.example.com", http_client=Executor(NEWER, data))


def test_a_new_member_of_a_union_is_an_unknown_object(api: ModuleType) -> None:
    user, bot, issue = ask(api, search=[USER, BOT, ISSUE]).search()
    assert type(user).__name__ == "SearchSearchUser"
    assert user.email == "ann@example.com"
    assert isinstance(bot, api.UnknownObject)
    assert bot.typename_ == "Bot"
    # What was asked of it through an interface that it has is kept.
    assert bot.model_extra == {"name": "Bolt"}
    assert isinstance(user.best, api.UnknownObject)
    assert type(issue).__name__ == "SearchSearchIssue"
    assert (issue.author.typename_, issue.author.id) == ("Bot", "B1")
    assert bot.model_dump(by_alias=True) == {"__typename": "Bot", "name": "Bolt"}


def test_wherever_the_union_stands(api: ModuleType) -> None:
    client = ask(api, first=BOT, first_or_fail=BOT, only=BOT)
    assert [type(each) for each in (client.first(), client.first_or_fail(), client.only())] == [
        api.UnknownObject
    ] * 3
    client = ask(api, first=USER, first_or_fail=USER, only=USER)
    assert [each.email for each in (client.first(), client.first_or_fail(), client.only())] == [
        "ann@example.com"
    ] * 3
    assert ask(api).first() is None


def test_a_new_implementation_has_what_the_interface_has(api: ModuleType) -> None:
    node = ask(api, node=BOT).node()
    assert type(node).__name__ == "NodeNodeNode"
    assert (node.typename_, node.id) == ("Bot", "B1")
    assert ask(api, node=USER).node().email == "ann@example.com"
    # A type that the schema has, and no selection of its own, is read alike.
    assert ask(api, node=TEAM).node().typename_ == "Team"
    found = ask(api, nodes=[BOT, None, TEAM, ISSUE]).nodes()
    assert [each.typename_ for each in found] == ["Bot", "Team", "Issue"]
    assert [each.id for each in ask(api, nodes=[BOT, USER]).plain()] == ["B1", "U1"]


def test_the_way_to_a_result_goes_through_other_types(api: ModuleType) -> None:
    assert ask(api, node=ISSUE).title().id == "B1"
    assert ask(api, node=BOT).title() is None
    assert [each.name for each in ask(api, node={**TEAM, "friends": [USER, None, BOT]}).friends()] == [
        "Ann",
        "Bolt",
    ]
    (friend,) = ask(api, node={**USER, "friends": [USER]}).friends()
    assert friend.email == "ann@example.com"
    assert ask(api, node=ISSUE).friends() is None


def test_a_handle_holds_new_members(api: ModuleType) -> None:
    box = ask(api, box={"id": "1", "held": BOT, "owner": BOT}).box(id="1")
    assert isinstance(box.held, api.UnknownObject)
    assert (box.owner.typename_, box.owner.id) == ("Bot", "B1")
    box = ask(api, box={"id": "1", "held": USER, "owner": ISSUE}).box(id="1")
    assert box.held.email == "ann@example.com"
    assert box.owner.title == "It leaks"


def test_a_known_member_that_does_not_fit_is_an_error(api: ModuleType) -> None:
    models = importlib.import_module("members_api.models.client")
    operations = importlib.import_module("members_api._operations.client")
    with pytest.raises(api.InvalidResponse) as caught:
        operations.SEARCH.read(b'{"data": {"search": [{"__typename": "Issue", "author": null}]}}')
    assert caught.value.path == "data.search.0.Issue.title"
    with pytest.raises(api.InvalidResponse):
        operations.NODE.read(b'{"data": {"node": {"__typename": "User", "id": "1"}}}')
    with pytest.raises(api.InvalidResponse):
        operations.SEARCH.read(b'{"data": {"search": [{"title": "no name of its type"}]}}')
    # A model made by hand, by its attributes, is told apart alike.
    made = models.SearchData(search=[{"typename_": "Issue", "title": "t", "author": None}])
    assert type(made.search[0]) is models.SearchSearchIssue
    assert models.SearchData(search=made.search) == made
    assert made.model_dump(by_alias=True)["search"][0]["__typename"] == "Issue"


PROGRAM = """\
from typing import assert_type

from members_api import Client, UnknownObject
from members_api.models.client import NodeNodeNode, NodeNodeUser, SearchSearchIssue, SearchSearchUser

client = Client("https://api.example.com")
for hit in client.search():
    assert_type(hit, SearchSearchUser | SearchSearchIssue | UnknownObject)
    match hit:
        case SearchSearchUser(email=email):
            assert_type(email, str)
        case SearchSearchIssue():
            assert_type(hit.title, str)
        case _:
            assert_type(hit, UnknownObject)
            assert_type(hit.typename_, str)
    if isinstance(hit, UnknownObject):
        continue
    assert_type(hit, SearchSearchUser | SearchSearchIssue)
    if hit.typename_ == "User":
        assert_type(hit, SearchSearchUser)
node = client.node()
if node is not None and not isinstance(node, NodeNodeUser):
    assert_type(node, NodeNodeNode)
    assert_type(node.id, str)
print(client.search()[0].email)  # wrong
print([hit.email for hit in client.search() if not isinstance(hit, UnknownObject)])  # wrong
print(node.email if node else None)  # wrong
"""


@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_narrow(api: ModuleType, checker: str, tmp_path: Path) -> None:
    folder = Path(str(api.__file__)).parent.parent
    found = wrong_lines(checker, folder, PROGRAM, tmp_path)
    assert found.keys() == expected_lines(PROGRAM), found
    assert all("email" in told for told in found.values())


def test_a_new_implementation_is_found_through_a_wider_field_by_the_fields_that_came(tmp_path: Path) -> None:
    """A resource of an interface, found as a node: the client's schema does not know that a bot is an actor."""
    schema = """
type Query { node(id: ID!): Node nodes: [Node] fallible(id: ID!): Outcome }
interface Node { id: ID! }
interface Actor { id: ID! login: String! }
type User implements Node & Actor { id: ID! login: String! }
type Box implements Node { id: ID! }
type Refusal { message: String! }
type Mutation { make: Payload }
interface Payload { clientMutationId: String }
type Made implements Payload { clientMutationId: String name: String size: Int }
type Left implements Payload { clientMutationId: String }
union Outcome = User | Box | Refusal
"""
    newer = schema + "type Bot implements Node & Actor { id: ID! login: String! }\n"
    queries = {
        "actor/fields.graphql": "fragment actor on Actor { id login }",
        "actor/get.graphql": "query ($id: ID!) { node(id: $id) { ...actor } }",
        "actor/list.graphql": "{ nodes { ...actor } }",
        "actor/try.graphql": "query ($id: ID!) { fallible(id: $id) { ... on Refusal { message } ...actor } }",
    }
    queries["make.graphql"] = "mutation { make { clientMutationId ... on Made { name size } } }"
    bot = {"__typename": "Bot", "id": "B1", "login": "bolt"}
    box, user = {"__typename": "Box", "id": "X1"}, {"__typename": "User", "id": "U1", "login": "ann"}
    settings = '[tool.penstock.errors]\ntypes = ["Refusal"]\n'
    with package(tmp_path, schema, queries, name="actors_api", settings=settings) as api:
        found = ask_newer(api, newer, node=bot).actor(id="B1")
        assert (found.refresh().login, found.get("login"), found.query("login")) == (
            "bolt",
            "bolt",
            {"login": "bolt"},
        )
        nothing = ask_newer(api, newer, node=box).actor(id="X1")
        for read in (nothing.refresh, lambda: nothing.get("login"), lambda: nothing.query("login")):
            with pytest.raises(api.NotFound):
                read()
        listed = ask_newer(api, newer, nodes=[bot, box, user]).actor.list()
        assert [actor.login for actor in listed] == ["bolt", "ann"]
        assert ask_newer(api, newer, fallible=user).actor(id="U1").try_().login == "ann"
        # What is selected beside the fields and given to nobody is no sign of them.
        made = {"__typename": "Made", "clientMutationId": "1", "name": "new", "size": 1}
        assert ask_newer(api, newer, make=made).make().name == "new"
        with pytest.raises(api.ActionFailed):
            ask_newer(api, newer, make={"__typename": "Left", "clientMutationId": "1"}).make()


def ask_newer(api: ModuleType, schema: str, **data: Any) -> Any:
    return api.Client("https://api.example.com", http_client=Executor(schema, data))
