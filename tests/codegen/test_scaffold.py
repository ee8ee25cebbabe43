"""`penstock scaffold`: what it writes from a schema, that it always generates, and that it overwrites nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from graphql import build_schema
from tests.codegen.oracle import Oracle, scalar_values
from tests.codegen.projects import imported, write_package, write_project
from tests.codegen.public_schemas import GITHUB, SHOPIFY_ADMIN, SHOPIFY_STOREFRONT, PublicSchema, fetch

from penstock_codegen.cache import Cache
from penstock_codegen.config import Config, load_config
from penstock_codegen.diagnostics import Problems
from penstock_codegen.generate import generate
from penstock_codegen.init import main as init
from penstock_codegen.scaffold.cli import main
from penstock_codegen.scaffold.files import Scaffolded, scaffold, write_files
from penstock_codegen.schema import load_schema
from penstock_codegen.sdl import read_schema_text

ROOT = Path(__file__).parents[2]

CONFIG = '[tool.penstock]\nschema = "schema.graphql"\noutput = "made_api"\n'

SCHEMA = """\
interface Node { id: ID! }
scalar DateTime
type PageInfo { hasNextPage: Boolean! endCursor: String }

type Issue implements Node {
  id: ID!
  title: String!
  body: String
  bodyHTML: String
  viewerCanUpdate: Boolean!
  old: Int @deprecated(reason: "Gone.")
  locked: Boolean!
  diff(context: Int!): String
  repository: Repository!
  comments(first: Int, after: String, last: Int, before: String): CommentConnection!
  labels: [Label!]!
}
type Comment implements Node { id: ID! text: String! }
type CommentConnection { edges: [CommentEdge!] pageInfo: PageInfo! }
type CommentEdge { node: Comment }
type Label { name: String! color: String }
type IssueConnection { nodes: [Issue] pageInfo: PageInfo! }
type Repository { id: ID! name: String! owner: String! issue(number: Int!): Issue issues(first: Int, after: String): IssueConnection! }
type Shop { name: String! }

type UserError { field: [String!] message: String! }
type IssuePayload { issue: Issue userErrors: [UserError!]! clientMutationId: String }
type DeletePayload { deletedIssueId: ID clientMutationId: String }
type CommentPayload { success: Boolean! comment: Comment }

input CreateIssueInput { id: ID repositoryId: ID! title: String! priority: Int! = 3 clientMutationId: String }
input CloseIssueInput { issueId: ID! reason: String }
input LockInput { issueId: ID! }
input CommentInput { text: String! issueId: ID! }

type Query {
  node(id: ID!): Node
  repository(id: ID!): Repository
  repositoryBySlug(owner: String!, name: String!): Repository
  issues(first: Int, after: String, state: String = "open"): IssueConnection!
  shop: Shop!
  version: String!
  gone: Int @deprecated(reason: "Gone.")
}
type Mutation {
  createIssue(input: CreateIssueInput!): IssuePayload
  closeIssue(input: CloseIssueInput!): IssuePayload
  lockIssue(input: LockInput!): IssuePayload
  issueDelete(id: ID!): DeletePayload
  addCommentToIssue(input: CommentInput!): CommentPayload
  ping: Boolean
}
type Subscription { issueChanged: Issue commentAdded(issueId: ID!, from: Int): Comment ping: Boolean }
"""

EXPECTED = {
    "issue/fields.graphql": "fragment issue_fields on Issue {\n  id\n  title\n  body\n  locked\n  repository {\n    id\n  }\n}\n",
    "issue/get.graphql": "query ($id: ID!) {\n  node(id: $id) {\n    ...issue_fields\n  }\n}\n",
    "issue/list.graphql": (
        'query ($first: Int, $after: String, $state: String = "open") {\n'
        "  issues(first: $first, after: $after, state: $state) {\n"
        "    nodes {\n      ...issue_fields\n    }\n"
        "    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n"
    ),
    "issue/comments.graphql": (
        "query ($id: ID!, $first: Int, $after: String) {\n  node(id: $id) {\n    ... on Issue {\n"
        "      comments(first: $first, after: $after) {\n"
        "        edges {\n          node {\n            ...comment_fields\n          }\n        }\n"
        "        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n}\n"
    ),
    # What creates an issue acts on none: its own optional id must not be bound to a handle.
    "issue/create.graphql": (
        "mutation ($repositoryId: ID!, $title: String!, $new_id: ID, $priority: Int! = 3) {\n"
        "  createIssue(input: {id: $new_id, repositoryId: $repositoryId, title: $title, priority: $priority}) {\n"
        "    userErrors {\n      field\n      message\n    }\n    issue {\n      ...issue_fields\n    }\n  }\n}\n"
    ),
    "issue/close.graphql": (
        "mutation ($id: ID!, $reason: String) {\n  closeIssue(input: {issueId: $id, reason: $reason}) {\n"
        "    userErrors {\n      field\n      message\n    }\n    issue {\n      ...issue_fields\n    }\n  }\n}\n"
    ),
    "issue/delete.graphql": "mutation ($id: ID!) {\n  issueDelete(id: $id) {\n    deletedIssueId\n  }\n}\n",
    "issue/add_comment.graphql": (
        "mutation ($id: ID!, $text: String!) {\n  addCommentToIssue(input: {text: $text, issueId: $id}) {\n"
        "    success\n    comment {\n      ...comment_fields\n    }\n  }\n}\n"
    ),
    "repository/get.graphql": "query ($id: ID!) {\n  repository(id: $id) {\n    ...repository_fields\n  }\n}\n",
    "repository/get_by_owner_and_name.graphql": (
        "query ($owner: String!, $name: String!) {\n  repositoryBySlug(owner: $owner, name: $name) {\n"
        "    ...repository_fields\n  }\n}\n"
    ),
    "repository/issue.graphql": (
        "query ($id: ID!, $number: Int!) {\n  repository(id: $id) {\n    issue(number: $number) {\n"
        "      ...issue_fields\n    }\n  }\n}\n"
    ),
    "shop.graphql": "query {\n  shop {\n    name\n  }\n}\n",
    "version.graphql": "query {\n  version\n}\n",
    "ping.graphql": "mutation {\n  ping\n}\n",
    "issue/changed.graphql": "subscription {\n  issueChanged {\n    ...issue_fields\n  }\n}\n",
    # It acts on the issue whose id it requires, as a mutation would.
    "issue/comment_added.graphql": (
        "subscription ($id: ID!, $from: Int) {\n  commentAdded(issueId: $id, from: $from) {\n"
        "    ...comment_fields\n  }\n}\n"
    ),
    "watch_ping.graphql": "subscription {\n  ping\n}\n",
}


def _scaffolded(config: Config, *, force: bool = False) -> Scaffolded:
    problems = Problems()
    schema = load_schema(read_schema_text(config, problems), problems)
    return scaffold(config, schema, force=force)


def _small(root: Path) -> Config:
    write_project(root, {"pyproject.toml": CONFIG, "schema.graphql": SCHEMA})
    return load_config(root / "pyproject.toml")


def test_each_convention_gives_the_file_that_a_person_would_write(tmp_path: Path) -> None:
    done = _scaffolded(_small(tmp_path))
    assert {path: done.files.get(path) for path in EXPECTED} == EXPECTED
    assert list(done.unplaced) == []


def test_the_package_has_the_methods_where_they_belong(tmp_path: Path) -> None:
    config = _small(tmp_path)
    write_files(config.queries, _scaffolded(config).files)
    made = generate(config)
    issue = made.files["issue.py"]
    assert "def close(self, *, reason: str | None | Unset = UNSET) -> Issue:" in issue
    assert "def delete(self) -> str | None:" in issue
    assert "def add_comment(self, text: str) -> Comment:" in issue
    # `locked` is a field, `lock` is none.
    assert "def lock(self) -> Issue:" in issue
    assert "def create(" in issue
    assert "new_id: str | None | Unset = UNSET" in issue
    assert "def issue(self, number: int) -> Issue:" in made.files["repository.py"]
    assert "def changed(self" in issue
    assert "def watch_ping(self" in made.files["client.py"]


def test_a_second_run_writes_nothing_and_what_was_edited_stays(tmp_path: Path) -> None:
    config = _small(tmp_path)
    write_files(config.queries, _scaffolded(config).files)
    edited = config.queries / "issue/fields.graphql"
    edited.write_text("fragment issue_fields on Issue { id title }\n", encoding="utf-8")
    # Another name for a method is the user's: its mutation is not written again.
    (config.queries / "issue/close.graphql").rename(config.queries / "issue/finish.graphql")
    again = _scaffolded(config)
    assert dict(again.files) == {}
    assert main(["--config", str(config.file)]) == 0
    assert edited.read_text(encoding="utf-8") == "fragment issue_fields on Issue { id title }\n"
    assert not (config.queries / "issue/close.graphql").exists()
    schema = config.root / "schema.graphql"
    schema.write_text(
        SCHEMA.replace("  ping: Boolean", "  ping: Boolean\n  reopenIssue(issueId: ID!): IssuePayload"),
        encoding="utf-8",
    )
    assert list(_scaffolded(config).files) == ["issue/reopen.graphql"]
    assert "issue/close.graphql" in _scaffolded(config, force=True).files


def test_chosen_resources_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = _small(tmp_path)
    given = ["--config", str(config.file), "--format", "json", "--dry-run"]
    assert main([*given, "--resource", "Comment", "--resource", "Isue"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["written"] is False
    assert report["files"] == [
        "comment/add_to_issue.graphql",
        "comment/added.graphql",
        "comment/fields.graphql",
        "comment/get.graphql",
    ]
    assert {"what": "Isue", "why": "The schema has no such type."} in report["unplaced"]
    assert not config.queries.exists()


def test_what_does_not_generate_is_left_out_and_told(tmp_path: Path) -> None:
    # Two fields that are one attribute cannot both be a handle's, whatever the queries say.
    schema = "type A { id: ID! } type B { id: ID! }\ntype Query { a(id: ID!): A b(id: ID!): B class: Int self(cls: Int, self: Int): Int }\n"
    write_project(tmp_path, {"pyproject.toml": CONFIG, "schema.graphql": schema})
    config = load_config(tmp_path / "pyproject.toml")
    done = _scaffolded(config)
    write_files(config.queries, done.files)
    made = generate(config)
    assert made.resources == 2
    assert "def class_(self) -> int | None:" in made.files["client.py"]


def test_it_is_the_same_from_run_to_run(tmp_path: Path) -> None:
    config = _small(tmp_path)
    first, second = _scaffolded(config), _scaffolded(config)
    assert list(first.files.items()) == list(second.files.items())
    assert first.unplaced == second.unplaced


def test_our_own_schema_generates(tmp_path: Path) -> None:
    files = {
        "schema.graphql": (ROOT / "schema.graphql").read_text(encoding="utf-8"),
        "pyproject.toml": CONFIG,
    }
    write_project(tmp_path, files)
    config = load_config(tmp_path / "pyproject.toml")
    done = _scaffolded(config)
    write_files(config.queries, done.files)
    assert generate(config).resources >= 12


# ------------------------------------------------------------------------------------------------------------ public schemas

STRESS = os.environ.get("PENSTOCK_STRESS") == "1"


@pytest.mark.parametrize(
    ("public", "resources", "operations"),
    [
        pytest.param(GITHUB, 50, 100, id="github"),
        pytest.param(SHOPIFY_STOREFRONT, 3, 40, id="shopify_storefront"),
        pytest.param(
            SHOPIFY_ADMIN,
            100,
            500,
            id="shopify_admin",
            marks=pytest.mark.skipif(
                not STRESS, reason="PENSTOCK_STRESS=1 runs it: 900 operations take half a minute"
            ),
        ),
    ],
)
def test_from_a_public_schema_to_a_package_by_two_commands(
    public: PublicSchema, resources: int, operations: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fetch(public)
    if found is None:
        pytest.skip(f"{public.package} cannot be had: npm is missing or cannot reach its registry")
    (tmp_path / public.file_name).write_bytes(found.read_bytes())
    config = tmp_path / "penstock.toml"
    given = [
        "--config",
        str(config),
        "--schema",
        public.file_name,
        "--output",
        f"{public.name}_api",
        "--scaffold",
    ]
    assert init(given) == 0
    told = capsys.readouterr()
    reasons = {line.rpartition(": ")[2] for line in told.out.splitlines() if line.startswith("  ")}
    assert reasons <= {"It is deprecated."}
    loaded = load_config(config)
    made = generate(loaded, Cache(tmp_path / "cache"))
    assert made.resources >= resources
    assert len(json.loads(made.manifest)["operations"]) >= operations
    for path, text in made.files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
    if STRESS:
        # Every method of the package, and every answer to it.
        schema = build_schema("\n".join(read_schema_text(loaded, Problems()).texts), assume_valid=True)
        write_package(tmp_path / "out" / loaded.package, made.files)
        with imported(tmp_path / "out", loaded.package) as module:
            report = Oracle(module, schema, scalar_values(loaded), loaded.errors).run()
        assert report.failures == []
        assert report.calls > operations * 10
