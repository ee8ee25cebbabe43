"""Errors as data: every convention against graphql-core over a socket, what the configuration may say, and what init and scaffold see."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, graphql_sync
from tests.codegen.golden import FOLDER, make
from tests.codegen.projects import base_project, generate_project, imported, write_package, write_project

from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.init import main as init
from penstock_codegen.scaffold.cli import main as scaffold
from penstock_codegen.scaffold.detection import seen_errors


class Api:
    """A GraphQL API on a free port: each root field answers what `answers` has for it."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.answers: dict[str, Any] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                result = graphql_sync(schema, body["query"], api.answers, variable_values=body["variables"])
                content = json.dumps(result.formatted).encode()
                # What a later version of the API might say.
                content = content.replace(
                    b'"InvalidInput", "message": "new"', b'"Throttled", "message": "new"'
                )
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/graphql"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("outcomes")
    golden = make("outcomes")
    write_package(folder / golden.config.package, golden.files)
    with imported(folder, golden.config.package) as module:
        yield module


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    api = Api(build_schema((FOLDER / "outcomes" / "schema.graphql").read_text(encoding="utf-8")))
    yield api
    api.close()


@pytest.fixture
def api(server: Api) -> Api:
    server.answers = {}
    return server


@pytest.fixture
def client(package: ModuleType, api: Api) -> Iterator[Any]:
    with package.Client(api.url, retries=0) as made:
        yield made


USER = {"__typename": "User", "id": "1", "email": "a@b.c", "name": "Ada"}
TAKEN = {"__typename": "EmailTaken", "message": "It is taken.", "email": "a@b.c", "since": None}
INVALID = {"__typename": "InvalidInput", "message": "Too short.", "field": "name", "allowed": None}


def test_a_unions_success_is_what_the_method_gives(api: Api, client: Any) -> None:
    api.answers = {"createUser": {"__typename": "CreateUserSuccess", "user": USER}}
    user = client.user.create("a@b.c")
    assert (user.id, user.name) == ("1", "Ada")
    assert client.user.check("a@b.c") is None


def test_a_unions_error_is_raised_with_its_model(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"createUser": TAKEN}
    with pytest.raises(package.EmailTakenError, match=r"^user_create failed: It is taken\.$") as caught:
        client.user.create("a@b.c")
    error = caught.value
    assert isinstance(error, package.ActionFailed)
    assert (error.problem.email, error.problem.since) == ("a@b.c", None)
    assert error.problems == (error.problem,)
    assert error.reasons == ("It is taken.",)
    api.answers = {"createUser": INVALID}
    with pytest.raises(package.InvalidInputError) as other:
        client.user.create("a@b.c")
    assert other.value.problem.field == "name"
    with pytest.raises(package.InvalidInputError, match="user_check failed: Too short"):
        client.user.check("a@b.c")


def test_an_error_that_the_client_does_not_know_is_a_failure_with_its_data(
    api: Api, client: Any, package: ModuleType
) -> None:
    api.answers = {"createUser": {**INVALID, "message": "new"}}
    with pytest.raises(package.ActionFailed, match="failed: new") as caught:
        client.user.create("a@b.c")
    assert type(caught.value) is package.ActionFailed
    assert caught.value.problem["__typename"] == "Throttled"
    assert caught.value.problem["field"] == "name"


def test_of_several_successes_each_is_given(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"invite": {"__typename": "Invited", "token": "t"}}
    assert client.user.invite("a@b.c").token == "t"
    api.answers = {"invite": {"__typename": "AlreadyMember", "since": None}}
    assert client.user.invite("a@b.c").since is None
    api.answers = {"invite": TAKEN}
    with pytest.raises(package.EmailTakenError) as caught:
        client.user.invite("a@b.c")
    assert caught.value.problem.email == "a@b.c"


def test_a_lookup_that_answers_an_error(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"user": USER}
    assert client.user(id="1").name == "Ada"
    assert client.user(id="1").get("email") == "a@b.c"
    api.answers = {"user": {"__typename": "NotFoundError", "message": "There is none.", "id": "1"}}
    with pytest.raises(package.NotFoundError, match=r"There is none\."):
        client.user(id="1").refresh()
    with pytest.raises(package.NotFoundError):
        client.user(id="1").get("email")


def test_lists_of_objects_under_any_name(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"addMedia": {"count": 2, "mediaUserErrors": [], "userErrors": []}}
    assert client.product.add_media(["u"]) == 2
    media = {"mediaId": "m", "message": "Too large."}
    plain = {"field": ["urls", "0"], "message": "No URL.", "code": "INVALID"}
    api.answers = {"addMedia": {"count": None, "mediaUserErrors": [media], "userErrors": [plain]}}
    with pytest.raises(package.MediaUserError) as caught:
        client.product.add_media(["u"])
    assert caught.value.reasons == ("Too large.", "No URL.")
    assert caught.value.problem.media_id == "m"
    assert caught.value.problems[1].field == ["urls", "0"]
    api.answers = {"addMedia": {"count": None, "mediaUserErrors": [], "userErrors": [plain]}}
    with pytest.raises(package.UserError) as other:
        client.product.add_media(["u"])
    assert other.value.problem.code is package.enums.ErrorCode.INVALID


def test_a_list_of_a_union_of_errors(api: Api, client: Any, package: ModuleType) -> None:
    user = client.user(id="1")
    api.answers = {"user": USER, "renameUser": {"user": USER, "errors": None}}
    assert user.rename("Ada").name == "Ada"
    api.answers["renameUser"] = {"user": None, "errors": [INVALID, TAKEN]}
    with pytest.raises(package.InvalidInputError) as caught:
        user.rename("A")
    assert caught.value.problem.field == "name"
    assert [item.message for item in caught.value.problems] == ["Too short.", "It is taken."]


def test_a_list_of_texts_beside_a_client_mutation_id(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"archiveUser": {"clientMutationId": None, "user": USER, "errors": []}}
    assert client.user(id="1").archive().name == "Ada"
    api.answers = {"archiveUser": {"user": None, "errors": ["It is the last one.", "No."]}}
    with pytest.raises(package.ActionFailed) as caught:
        client.user(id="1").archive()
    assert caught.value.problems == caught.value.reasons == ("It is the last one.", "No.")


def test_a_flag_whose_text_only_explains(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"activateUser": {"ok": True, "message": "Welcome.", "user": USER}}
    assert client.user(id="1").activate().name == "Ada"
    api.answers = {"activateUser": {"ok": False, "message": "Not yet.", "user": None}}
    with pytest.raises(package.ActionFailed, match=r"failed: Not yet\.") as caught:
        client.user(id="1").activate()
    assert caught.value.problem is None


def test_one_object_that_is_null_where_it_worked(api: Api, client: Any, package: ModuleType) -> None:
    api.answers = {"touch": {"problem": None}}
    assert client.user(id="1").touch() is None
    api.answers = {"touch": {"problem": {"code": 7, "detail": None}}}
    with pytest.raises(package.ProblemError) as caught:
        client.user(id="1").touch()
    assert caught.value.problem.code == 7
    api.answers = {"touch": None}
    with pytest.raises(package.ActionFailed, match="answered null"):
        client.user(id="1").touch()


def test_errors_that_are_data_of_what_was_asked_for_are_no_failure(tmp_path: Path) -> None:
    """A job's own `errors`, alone or in a list, say nothing about the request."""
    sdl = "type Job { id: ID! errors: [String!] } type Query { job(id: ID!): Job jobs: [Job!]! }"
    files = {
        "pyproject.toml": '[tool.penstock]\noutput = "jobs_api"\n',
        "schema.graphql": sdl,
        "queries/find.graphql": "query ($id: ID!) { job(id: $id) { id errors } }",
        "queries/all_jobs.graphql": "{ jobs { id errors } }",
    }
    made = generate_project(write_project(tmp_path, files))
    assert "failure=" not in made.files["_operations/client.py"]
    write_package(tmp_path / "jobs_api", made.files)
    api = Api(build_schema(sdl))
    api.answers = {"job": {"id": "1", "errors": ["x"]}, "jobs": [{"id": "1", "errors": ["x"]}]}
    try:
        with imported(tmp_path, "jobs_api") as module, module.Client(api.url, retries=0) as client:
            assert client.find("1").errors == ["x"]
            assert [item.errors for item in client.all_jobs()] == [["x"]]
    finally:
        api.close()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            'problem = ["a"]',
            [
                'pyproject.toml:11:1: There is no setting "errors.problem". Did you mean "problems"? [C004]',
            ],
        ),
        (
            'success = ["o*"]',
            ['pyproject.toml:11:1: "o*" is no name of GraphQL. Letters, digits and underscores. [C005]'],
        ),
        (
            'problems = ["user-errors"]',
            [
                'pyproject.toml:11:1: "user-errors" is no name of GraphQL. '
                'Letters, digits and underscores, and * for any of them: "*UserErrors". [C005]'
            ],
        ),
        (
            'types = ["Payloda"]',
            [
                'pyproject.toml:11:1: errors.types names "Payloda", and the schema has no such type of objects. '
                'Did you mean "Payload"? [C012]'
            ],
        ),
        (
            'types = ["Color"]',
            [
                'pyproject.toml:11:1: errors.types names "Color", and the schema has no such type of objects. '
                "Errors are object types, interfaces or unions of them. [C012]"
            ],
        ),
        (
            'problems = ["*Failures"]',
            [
                'pyproject.toml:11:1: errors.problems names "*Failures", and the schema has no such field. Remove it. [C012]'
            ],
        ),
    ],
)
def test_what_the_configuration_says_wrong(text: str, lines: list[str], tmp_path: Path) -> None:
    files = base_project()
    files["pyproject.toml"] += f"\n[tool.penstock.errors]\n{text}\n"
    with pytest.raises(GenerationError) as caught:
        generate_project(write_project(tmp_path, files))
    assert str(caught.value).splitlines() == lines


SEEN = [
    ("type P { success: Boolean! error: String id: ID }", {"success": ("success",), "message": ("error",)}),
    (
        "type P { mediaUserErrors: [E!]! userErrors: [E!]! } type E { message: String! }",
        {"problems": ("*UserErrors", "userErrors")},
    ),
    ("type P { clientMutationId: String errors: [String!]! }", {"problems": ("errors",)}),
    (
        "interface Error { message: String! } type Taken implements Error { message: String! }"
        " type Done { id: ID } union P = Done | Taken",
        {"types": ("Error",)},
    ),
    (
        "type TakenError { message: String! } type Done { id: ID } union P = Done | TakenError",
        {"types": ("TakenError",)},
    ),
    ("type P { id: ID errorCount: Int errors: Int }", {}),
    ("union P = AError | BError type AError { a: Int } type BError { b: Int }", {}),
]


@pytest.mark.parametrize(("sdl", "seen"), SEEN)
def test_the_convention_that_a_schema_shows(sdl: str, seen: dict[str, tuple[str, ...]]) -> None:
    schema = build_schema(f"type Query {{ a: Int }} type Mutation {{ act: P }} {sdl}")
    assert dict(seen_errors(schema)) == seen


def test_init_writes_what_it_sees_and_scaffold_goes_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FOLDER / "outcomes" / "schema.graphql").read_text(encoding="utf-8")
    (tmp_path / "schema.graphql").write_text(text, encoding="utf-8")
    file = tmp_path / "pyproject.toml"
    assert init(["--config", str(file), "--output", "seen_api"]) == 0
    assert file.read_text(encoding="utf-8").endswith(
        "\n[tool.penstock.errors]\n"
        'success = ["ok"]\nmessage = ["message"]\nproblems = ["*UserErrors", "errors", "userErrors", "problem"]\n'
        'types = ["Error"]\n'
    )
    assert "Errors as data, it seems:" in capsys.readouterr().out
    assert scaffold(["--config", str(file)]) == 0
    config = load_config(file)
    written = {path.name: path.read_text(encoding="utf-8") for path in config.queries.rglob("*.graphql")}
    assert "... on EmailTaken {" in written["create_user.graphql"]
    assert "... on CreateUserSuccess {" in written["create_user.graphql"]
    assert "mediaUserErrors {" in written["add_media.graphql"]
    made = generate_project(tmp_path)
    assert "class EmailTakenError(ActionFailed):" in made.files["_failures.py"]


def test_scaffold_proposes_what_the_configuration_does_not_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sdl = "type Query { a: Int } type Mutation { act: P } type P { ok: Boolean! why: String }"
    files = {"schema.graphql": sdl, "pyproject.toml": '[tool.penstock]\noutput = "made"\n'}
    write_project(tmp_path, files)
    assert scaffold(["--config", str(tmp_path / "pyproject.toml"), "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert '[tool.penstock.errors]\n    success = ["ok"]' in shown.err
    assert json.loads(shown.out)["written"]


def test_importing_the_package_imports_no_errors_of_its_own(package: ModuleType) -> None:
    assert "EmailTakenError" in dir(package)
    assert importlib.import_module("outcomes_api._failures").EmailTakenError is package.EmailTakenError
    assert (
        sys.modules["outcomes_api._failures"].EmailTakenError.__doc__
        == "The address is that of another user."
    )
