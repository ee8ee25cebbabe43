"""Paths through interfaces and unions: what they send, what comes of it, and what checkers and the runtime say of wrong ones."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import build_schema, parse, validate
from tests.codegen.executed import (
    CHECKERS,
    AsyncExecutor,
    Executor,
    expected_lines,
    package,
    wrong_lines,
)

SCHEMA = """
enum State { OPEN CLOSED }
type Query {
  comment(id: ID!): Comment issue(id: ID!): Issue pull(id: ID!): PullRequest person(id: ID!): Person
  actor(id: ID!): Actor robot(id: ID!): Robot
}
interface Node { id: ID! }
"What comments are about."
interface Subject {
  id: ID!
  "What it is called."
  title: String
  state: State
  on: Int
  opener: Actor
  first: Comment
  about: Subject
  again: Thing
  old: String @deprecated(reason: "Nobody reads it.")
  part(number: Int!): String
}
union Thing = Issue | PullRequest | Note
union Loose = Note
interface Actor implements Node { id: ID! login: String! }
type Person implements Node & Actor { id: ID! login: String! email: String! friend: Node }
type Robot implements Node & Actor { id: ID! login: String! model: String boss: Actor! }
type Note { text: String }
type Issue implements Node & Subject {
  id: ID! title: String! state: State on: Int opener: Actor first: Comment about: Subject again: Thing old: String
  part(number: Int!): String number: Int! author: Person! labels: [String!]!
}
type PullRequest implements Node & Subject {
  id: ID! title: String state: State! on: Int opener: Actor first: Comment about: Subject again: Thing old: String
  part(number: Int!): String number: String author: Robot merged: Boolean!
}
type Comment implements Node {
  id: ID!
  text: String
  "What it is about."
  subject: Subject!
  thing: Thing
  things: [Thing!]
  replies: [Comment!]
  loose: Loose
  taken: Subject
  old: Subject @deprecated(reason: "See subject.")
  asked(number: Int!): Subject
  author: Actor
}
"""
# A server that has more than the client's schema said: a type that is a subject, and an actor.
NEWER = SCHEMA.replace("union Thing = Issue", "union Thing = Idea | Issue") + (
    "type Idea implements Node & Subject & Actor { id: ID! login: String! title: String state: State on: Int opener: Actor"
    " first: Comment about: Subject again: Thing old: String part(number: Int!): String }\n"
)
QUERIES = {
    "comment/fields.graphql": (
        "fragment comment on Comment { id text subject { id ... on Issue { number } }"
        " things { ... on Note { text } } replies { id } }"
    ),
    "comment/get.graphql": "query ($id: ID!) { comment(id: $id) { ...comment } }",
    # A method of this name: the field taken has no path.
    "comment/taken.graphql": "query ($id: ID!) { comment(id: $id) { taken { id title } } }",
    "issue/fields.graphql": "fragment issue on Issue { id title }",
    "issue/get.graphql": "query ($id: ID!) { issue(id: $id) { ...issue } }",
    "pull_request/fields.graphql": "fragment pull on PullRequest { id title }",
    "pull_request/get.graphql": "query ($id: ID!) { pull(id: $id) { ...pull } }",
    "actor/fields.graphql": "fragment actor on Actor { id login }",
    "actor/get.graphql": "query ($id: ID!) { actor(id: $id) { ...actor } }",
    "robot/fields.graphql": "fragment robot on Robot { id login }",
    "robot/get.graphql": "query ($id: ID!) { robot(id: $id) { ...robot } }",
    "person/fields.graphql": "fragment person on Person { id login }",
    "person/get.graphql": "query ($id: ID!) { person(id: $id) { ...person } }",
}
PERSON = {"__typename": "Person", "id": "P1", "login": "ann", "email": "ann@example.com"}
ROBOT = {"__typename": "Robot", "id": "R1", "login": "bolt", "model": "m", "boss": PERSON}
ISSUE: dict[str, Any] = {
    "__typename": "Issue",
    "id": "I1",
    "title": "It leaks",
    "state": "OPEN",
    "on": 1,
    "number": 7,
    "author": PERSON,
    "opener": ROBOT,
}
PULL = {
    "__typename": "PullRequest",
    "id": "L1",
    "title": None,
    "state": "CLOSED",
    "number": "#8",
    "author": ROBOT,
    "merged": True,
    "opener": PERSON,
    "about": ISSUE,
    "again": {"__typename": "Note", "text": "n"},
}
IDEA = {"__typename": "Idea", "id": "D1", "title": "Fly", "login": "idea", "opener": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("abstract")


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[ModuleType]:
    with package(folder, SCHEMA, QUERIES, name="subjects_api") as module:
        yield module


class Asked:
    """A comment with this subject and thing, and what was sent to read of it."""

    def __init__(self, api: ModuleType, schema: str = SCHEMA, **comment: Any) -> None:
        comment = {"__typename": "Comment", "id": "C1", "text": "Yes", "subject": ISSUE, **comment}
        self.executor = Executor(schema, {"comment": comment})
        client = api.Client("https://api.example.com", http_client=self.executor)
        self.comment = client.comment(id="C1")

    def get(self, *paths: Any) -> Any:
        return self.comment.get(*paths)

    @property
    def selection(self) -> str:
        """What was selected last of the comment; it is valid."""
        query = self.executor.sent[-1]["query"]
        assert validate(self.executor.schema, parse(query)) == []
        return str(query.removeprefix("query comment_select($id:ID!){comment(id:$id){").removesuffix("}}"))


def test_one_type_of_an_interface(api: ModuleType) -> None:
    path = api.Comment.subject.on(api.Issue).title
    asked = Asked(api)
    assert asked.get(path) == "It leaks"
    assert asked.selection == "subject{__typename ...on Issue{title}}"
    assert Asked(api, subject=PULL).get(path) is None
    assert repr(path) == "<path comment.subject.on(Issue).title>"
    assert repr(api.Comment.subject.on(api.Issue)) == "<path comment.subject.on(Issue)>"


def test_one_type_of_a_union_that_is_not_loaded_by_default(api: ModuleType) -> None:
    path = api.Comment.thing.on(api.PullRequest).merged
    assert Asked(api, thing=PULL).get(path) is True
    assert Asked(api, thing=ISSUE).get(path) is None
    assert Asked(api, thing={"__typename": "Note", "text": "n"}).get(path) is None
    assert Asked(api, thing=None).get(path) is None


def test_shared_fields_of_an_interface_need_no_type(api: ModuleType) -> None:
    asked = Asked(api)
    state = importlib.import_module("subjects_api.enums").State
    assert asked.get(api.Comment.subject.title, api.Comment.subject.state) == ("It leaks", state.OPEN)
    assert asked.selection == "subject{title state}"
    # A field that is named like the way to a type.
    assert asked.get(api.Comment.subject.on_) == 1


def test_relations_and_interfaces_that_an_interface_leads_to(api: ModuleType) -> None:
    asked = Asked(api, subject=PULL)
    assert asked.get(api.Comment.subject.opener.login, api.Comment.subject.about.title) == ("ann", "It leaks")
    assert asked.selection == "subject{opener{login} about{title}}"
    assert asked.get(api.Comment.subject.about.on(api.Issue).number) == 7
    assert asked.get(api.Comment.subject.again.on(api.Issue).number) is None
    assert asked.get(api.Comment.subject.first.text) is None
    # Through a resource of an interface, and from one resource on.
    assert asked.get(api.Comment.subject.opener.on(api.Person).email) == "ann@example.com"
    assert asked.get(api.Comment.subject.on(api.PullRequest).about.on(api.Issue).author.login) == "ann"
    asked = Asked(api, author=ROBOT)
    assert asked.get(api.Comment.author.login, api.Comment.author.on(api.Person).email) == ("bolt", None)
    assert asked.selection == "author{__typename login ...on Person{email}}"


@pytest.mark.parametrize("subject", [ISSUE, PULL])
def test_fields_of_one_name_and_different_types_go_by_aliases(
    api: ModuleType, subject: dict[str, Any]
) -> None:
    """Scalars that differ, scalars of which one may be null, and objects of which one may be: GraphQL accepts none of these as one."""
    asked, way = Asked(api, subject=subject), api.Comment.subject
    issue, pull = way.on(api.Issue), way.on(api.PullRequest)
    found = asked.get(
        issue.number,
        pull.number,
        issue.title,
        pull.title,
        way.title,
        issue.author.login,
        pull.author.login,
        pull.author.model,
    )
    assert asked.selection == (
        "subject{__typename title_2:title ...on Issue{number title author{login}} "
        "...on PullRequest{number_2:number title_2:title author_2:author{login model}}}"
    )
    if subject is ISSUE:
        assert found == (7, None, "It leaks", None, "It leaks", "ann", None, None)
    else:
        assert found == (None, "#8", None, None, None, None, "bolt", "m")


def test_what_came_later_is_none_of_the_types_that_are_known(api: ModuleType) -> None:
    way = api.Comment.subject
    asked = Asked(api, NEWER, subject=IDEA, thing=IDEA)
    assert asked.get(way.title, way.on(api.Issue).title, way.on(api.Issue).id, way.id) == (
        "Fly",
        None,
        None,
        "D1",
    )
    assert asked.get(api.Comment.thing.on(api.Issue).title) is None


def test_what_came_later_has_an_interface_where_its_fields_came(tmp_path: Path) -> None:
    schema = SCHEMA.replace("subject: Subject!", "subject: Node!")
    newer = NEWER.replace("subject: Subject!", "subject: Node!")
    queries = {**QUERIES, "comment/fields.graphql": "fragment comment on Comment { id text }"}
    with package(tmp_path, schema, queries, name="nodes_api") as api:
        way = api.Comment.subject
        asked = Asked(api, newer, subject=IDEA)
        assert asked.get(way.on(api.Actor).login, way.id, way.on(api.Actor).id) == ("idea", "D1", "D1")
        assert asked.selection == "subject{__typename id ...on Actor{login id_2:id}}"
        assert Asked(api, schema, subject=ISSUE).get(way.id, way.on(api.Actor).id) == ("I1", None)
        assert Asked(api, schema, subject=ROBOT).get(way.on(api.Actor).on(api.Person).login) is None
        assert Asked(api, schema, subject=PERSON).get(way.on(api.Actor).on(api.Person).login) == "ann"
        later = {"__typename": "Issue", **ISSUE}
        assert Asked(api, newer, subject=later).get(way.on(api.Actor).login) is None


def test_values_on_handles(api: ModuleType) -> None:
    asked = Asked(api, subject=ISSUE)
    assert asked.comment.subject.number == 7
    assert len(asked.executor.sent) == 1
    with pytest.raises(
        api.NotLoaded, match=r"thing is not among .* can be of several types: .*Comment\.thing\.on\("
    ):
        _ = asked.comment.thing
    with pytest.raises(AttributeError, match="cannot be set"):
        asked.comment.subject = None
    with pytest.raises(AttributeError, match="cannot be set"):
        asked.comment.thing = None


def test_an_async_handle_takes_the_same_paths(api: ModuleType) -> None:
    async def main() -> Any:
        executor = AsyncExecutor(SCHEMA, {"comment": {"id": "C1", "subject": ISSUE}})
        client = api.AsyncClient("https://api.example.com", http_client=executor)
        comment = client.comment(id="C1")
        way = api.AsyncComment.subject
        return await comment.get(way.on(api.AsyncIssue).number, way.on(api.PullRequest).merged, way.title)

    assert asyncio.run(main()) == (7, None, "It leaks")


@pytest.mark.parametrize(
    ("path", "error", "sentence"),
    [
        (
            lambda api: api.Comment.subject.on(api.Person),
            TypeError,
            "on(Person): <path comment.subject> leads to the type Subject, which is never a Person; it can be Issue or PullRequest.",
        ),
        (
            lambda api: api.Comment.subject.on("Issue"),
            TypeError,
            "on() takes the class of a resource of this package, and 'Issue' is none.",
        ),
        (
            lambda api: api.Comment.subject.merged,
            AttributeError,
            "merged is not a field that all of Subject have; comment.subject can be Issue or PullRequest: "
            "name the type that has it, comment.subject.on(…).merged.",
        ),
        (
            lambda api: api.Comment.subject.on(api.Issue).merged,
            AttributeError,
            "type object 'Issue' has no attribute 'merged'",
        ),
        (
            lambda api: api.Comment.subject.on(api.Issue).labels.x,
            AttributeError,
            "'Field' object has no attribute 'x'",
        ),
    ],
)
def test_wrong_paths(api: ModuleType, path: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as raised:
        path(api)
    assert str(raised.value) == sentence


def test_paths_that_end_nowhere(api: ModuleType) -> None:
    asked = Asked(api)
    for path, example in [
        (api.Comment.subject, r"subject is a relation; .* Comment\.subject\.id\.$"),
        (api.Comment.subject.on(api.Issue), r"Comment\.subject\.on\(Issue\)\.id\.$"),
        (api.Comment.thing, r"Comment\.thing\.on\(…\)"),
    ]:
        with pytest.raises(TypeError, match=example):
            asked.get(path)
    with pytest.raises(AttributeError, match="no field 'subject'"):
        asked.get("subject")
    assert asked.executor.sent == []


def test_a_class_of_another_package_is_no_type_here(api: ModuleType, tmp_path: Path) -> None:
    with (
        package(tmp_path, SCHEMA, QUERIES, name="others_api") as other,
        pytest.raises(
            TypeError, match=r"a resource of this package, and <class 'others_api\.issue\.Issue'> is none"
        ),
    ):
        api.Comment.subject.on(other.Issue)


def test_what_has_no_paths(api: ModuleType) -> None:
    """Lists, unions of which nothing is a resource, and what is deprecated, asks for arguments, or is a method by name."""
    for name in ("loose", "old", "asked"):
        assert not hasattr(api.Comment, name)
    assert not hasattr(api.Comment.things, "on")
    assert callable(api.Comment.taken)
    for path, shown in [
        (api.Comment.replies.text, "replies.text"),
        (api.Comment.replies.subject.on(api.Issue).title, r"replies\.subject\.on\(Issue\)\.title"),
    ]:
        with pytest.raises(TypeError, match=f"{shown} goes through replies, which is a list"):
            Asked(api).get(path)
    assert not hasattr(api.Comment.subject, "old")
    assert not hasattr(api.Comment.subject, "part")


def test_paths_are_made_when_one_is_named(folder: Path) -> None:
    with package(folder, SCHEMA, QUERIES, name="lazy_api") as lazy:
        _ = lazy.Comment.text
        import sys

        assert "lazy_api._paths" not in sys.modules
        _ = lazy.Comment.thing
        assert "lazy_api._paths" in sys.modules
        assert "lazy_api._runtime.conditions" not in sys.modules


def test_documents_are_valid_against_the_schema_whatever_is_chosen(api: ModuleType) -> None:
    """Every pair of paths through the subject, in both orders: what is sent is valid, and each value is that of the path alone."""
    way = api.Comment.subject
    ends = ("id", "title", "state", "number", "about.title", "about.id", "author.login", "opener.id")
    paths = []
    for start in (way, way.on(api.Issue), way.on(api.PullRequest), way.about.on(api.Issue)):
        for end in ends:
            if start is way and end.split(".")[0] in ("number", "author"):
                continue
            path = start
            for name in end.split("."):
                path = getattr(path, name)
            paths.append(path)
    schema = build_schema(SCHEMA)
    for subject in (ISSUE, PULL):
        asked = Asked(api, subject=subject)
        asked.executor.schema = schema
        alone = [asked.get(path) for path in paths]
        for index, path in enumerate(paths):
            others = paths[index + 1 : index + 8]
            if others:
                given = (*others, path)
                expected = (*alone[index + 1 : index + 8], alone[index])
                assert asked.get(*given) == expected
                assert asked.selection


PROGRAM = """\
from typing import assert_type

from subjects_api import Actor, AsyncClient, AsyncIssue, Client, Comment, Issue, Person, PullRequest
from subjects_api.enums import State

comment = Client("https://api.example.com").comment(id="C1")
assert_type(comment.get(Comment.subject.on(Issue).title), str | None)
assert_type(comment.get(Comment.subject.on(Issue).author.login), str | None)
assert_type(comment.get(Comment.subject.on(PullRequest).number, Comment.subject.id), tuple[str | None, str])
assert_type(comment.get(Comment.subject.state), State | None)
assert_type(comment.get(Comment.thing.on(PullRequest).merged), bool | None)
assert_type(comment.get(Comment.subject.opener.login), str | None)
assert_type(comment.get(Comment.subject.opener.on(Person).email), str | None)
assert_type(comment.get(Comment.subject.about.again.on(Issue).number), int | None)
assert_type(comment.get(Comment.subject.on(Issue).about.title), str | None)
comment.get(Issue.about.title)  # wrong
comment.get(Comment.subject)  # wrong
comment.get(Comment.subject.on(Person).email)  # wrong
comment.get(Comment.subject.on(Issue).merged)  # wrong
comment.get(Comment.subject.merged)  # wrong
Comment.thing.title  # wrong
Comment.subject.on("Issue")  # wrong
Comment.author.on(Issue)  # wrong
comment.thing  # wrong
assert_type(comment.subject.id, str)
issue = Client("https://api.example.com").issue(id="I1")
assert_type(issue.get(Issue.about.title, Issue.again.on(Issue).on_field), tuple[str | None, int | None])  # wrong
assert_type(Client("https://api.example.com").actor(id="A1").get(Actor.login), str)


async def main(client: AsyncClient) -> None:
    assert_type(await client.comment(id="C1").get(Comment.subject.on(AsyncIssue).number), int | None)
    assert_type((await client.comment(id="C1")).subject.id, str)
"""


@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_see_the_types(api: ModuleType, folder: Path, checker: str, tmp_path: Path) -> None:
    found = wrong_lines(checker, folder, PROGRAM, tmp_path)
    assert found.keys() == expected_lines(PROGRAM), found
