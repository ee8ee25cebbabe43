"""`penstock diff`: each rule on its own, and the command on projects, revisions and schemas."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path

import pytest
from tests.codegen.projects import base_project, imported, write_package, write_project

from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.evolve import variance
from penstock_codegen.evolve.cli import main
from penstock_codegen.evolve.compare import compare
from penstock_codegen.evolve.report import render
from penstock_codegen.evolve.rules import RULES, Change, bump, change, worst_first
from penstock_codegen.evolve.sides import side_of
from penstock_codegen.generate import generate

BOOK, LIST = "queries/book/fields.graphql", "queries/book/list.graphql"
CREATE, DELETE = "queries/book/create.graphql", "queries/book/delete.graphql"
NEW_QUERY = "query { books { title } }\n"

# (file, old text, new text)… → the changes that this and nothing else makes, as "what: rule". The reverse is a case of its own.
Edit = tuple[str, str, str]
CASES: dict[str, tuple[list[Edit], set[str]]] = {
    "package renamed": ([("pyproject.toml", "shop_api", "store_api")], {"import: package-renamed"}),
    "method added": (
        [("queries/book/titles.graphql", "", NEW_QUERY)],
        {"client.book.titles(): method-added", "models.BookTitlesResult: model-added"},
    ),
    "method of the client added": (
        [("queries/titles.graphql", "", NEW_QUERY)],
        {"client.titles(): method-added", "models.TitlesResult: model-added"},
    ),
    "method removed": ([(DELETE, "*", "")], {"Book.delete(): method-removed"}),
    "method deprecated": (
        [
            (
                "schema.graphql",
                "delete_book(id: UUID!): Payload",
                'delete_book(id: UUID!): Payload @deprecated(reason: "Keep them.")',
            )
        ],
        {"Book.delete(): method-deprecated"},
    ),
    "query became subscription": (
        [
            (LIST, "query (", "subscription ("),
            (
                "schema.graphql",
                "type Mutation {",
                "type Subscription {\n  books(tenant_id: UUID, limit: Int, offset: Int, title: String): [Book!]!\n}\n\n"
                "type Mutation {",
            ),
        ],
        {
            "client.book.list(): result-changed",
            "client.book.list(): parameter-added-optional",
            "inputs.BookListResume: input-added",
        },
    ),
    "query became mutation": (
        [
            (LIST, "query (", "mutation ("),
            (
                "schema.graphql",
                "delete_book(",
                "books(tenant_id: UUID, limit: Int, offset: Int, title: String): [Book!]!\n  delete_book(",
            ),
        ],
        # A mutation does not page itself.
        {
            "client.book.list(): method-writes",
            "client.book.list(): result-changed",
            "client.book.list(): parameter-added-optional",
        },
    ),
    "failure no longer told": (
        [(DELETE, "success\n    error", "id")],
        {"Book.delete(): failure-removed", "Book.delete(): result-added"},
    ),
    "required parameter added": (
        [
            (LIST, "($tenant_id", "($kind: String!, $tenant_id"),
            (LIST, "books(", "books(kind: $kind, "),
            ("schema.graphql", "books(tenant_id: UUID,", "books(kind: String!, tenant_id: UUID,"),
        ],
        {"client.book.list(): parameter-added-required"},
    ),
    "optional parameter removed": (
        [(LIST, "$title: String, ", ""), (LIST, "title: $title, ", "")],
        {"client.book.list(): parameter-removed"},
    ),
    "optional parameter added": (
        [
            (LIST, "($tenant_id", "($kind: String, $tenant_id"),
            (LIST, "books(", "books(kind: $kind, "),
            ("schema.graphql", "books(tenant_id: UUID,", "books(kind: String, tenant_id: UUID,"),
        ],
        {"client.book.list(): parameter-added-optional"},
    ),
    "parameter required": (
        [(LIST, "$title: String,", "$title: String!,")],
        {"client.book.list(): parameter-required", "client.book.list(): parameter-narrowed"},
    ),
    "parameter optional": (
        [
            (CREATE, "$title: String!", "$title: String"),
            (
                "schema.graphql",
                "  title: String!\n  color: Color\n}\n\ntype Payload",
                "  title: String\n  color: Color\n}\n\ntype Payload",
            ),
        ],
        {"client.book.create(): parameter-optional", "client.book.create(): parameter-widened"},
    ),
    "parameter renamed": (
        [(CREATE, "$title:", "$name:"), (CREATE, "title: $title", "title: $name")],
        {"client.book.create(): parameter-removed", "client.book.create(): parameter-added-required"},
    ),
    "parameters reordered": (
        [(CREATE, "($title: String!, $color: Color)", "($color: Color!, $title: String!)")],
        {"client.book.create(): parameter-required", "client.book.create(): parameter-narrowed"},
    ),
    "parameter of another type": (
        [("pyproject.toml", 'input = "uuid.UUID | str"', 'input = "int"')],
        {
            "Client(): parameter-changed",
            "client.author(): parameter-changed",
            "client.book(): parameter-changed",
            "client.book.list(): parameter-changed",
        },
    ),
    "parameter takes more": (
        [("pyproject.toml", 'input = "uuid.UUID | str"', 'input = "uuid.UUID | str | bytes"')],
        {
            "Client(): parameter-widened",
            "client.author(): parameter-widened",
            "client.book(): parameter-widened",
            "client.book.list(): parameter-widened",
        },
    ),
    "result of another type": (
        [
            ("queries/count.graphql", "query { count }\n", "query { count: sum }\n"),
            ("schema.graphql", "type Query {", "type Query {\n  count: Int!\n  sum: String!"),
        ],
        {"client.count(): result-changed"},
    ),
    "result may be null": (
        [("schema.graphql", "count: Int!", "count: Int")],
        {"client.count(): result-widened"},
    ),
    "attribute removed": ([("schema.graphql", "  pages: Int\n", "")], {"Book.pages: attribute-removed"}),
    "attribute no longer loaded": (
        [(BOOK, "  title\n", "")],
        {"Book.title: attribute-unloaded", "models.BookFields: model-field-removed"},
    ),
    "attribute may be null": (
        [("schema.graphql", "  id: UUID!\n  name: String!", "  id: UUID!\n  name: String")],
        {
            "Author.name: attribute-widened",
            "models.AuthorFields: model-field-widened",
            "models.BookFieldsAuthor: model-field-widened",
        },
    ),
    "attribute of another type": (
        [("schema.graphql", "pages: Int", "pages: String")],
        {"Book.pages: attribute-changed"},
    ),
    "attribute deprecated": (
        [("schema.graphql", "pages: Int", 'pages: Int @deprecated(reason: "No.")')],
        {"Book.pages: attribute-deprecated"},
    ),
    "resource removed": (
        [("queries/author/*", "*", "")],
        {
            "client.author: resource-removed",
            "Book.author: attribute-changed",
            "Book.author: attribute-pathless",
            "models.AuthorFields: model-removed",
        },
    ),
    "lookup added": (
        [
            (
                "queries/book/get_by_title.graphql",
                "",
                "query ($title: String) { books(title: $title) { ...book_fields } }\n",
            )
        ],
        {"client.book(): lookup-added"},
    ),
    "enum member removed": ([("schema.graphql", "  RED\n", "")], {"enums.Color: enum-member-removed"}),
    "enum member deprecated": (
        [("schema.graphql", "  RED\n", '  RED @deprecated(reason: "Faded.")\n')],
        {"enums.Color: enum-member-deprecated"},
    ),
    "context removed": ([("pyproject.toml", 'context = ["tenant_id"]\n', "")], {"Client(): context-removed"}),
}

# Every project has these beside the common ones, so that inputs and leaves of the client are seen.
EXTRA = {
    "queries/count.graphql": "query { count }\n",
    "queries/book/find.graphql": "query ($where: BookFilter!) { find_book(where: $where) { title } }\n",
}
EXTRA_SCHEMA = (
    ("type Query {", "type Query {\n  count: Int!\n  find_book(where: BookFilter!): Book"),
    ("input BookInput", "input BookFilter {\n  name: String!\n  pages: Int\n}\n\ninput BookInput"),
)
INPUT_CASES: dict[str, tuple[list[Edit], set[str]]] = {
    "input field removed": (
        [("schema.graphql", "  pages: Int\n}\n\ninput", "}\n\ninput")],
        {"inputs.BookFilter: input-field-removed"},
    ),
    "required input field added": (
        [("schema.graphql", "input BookFilter {", "input BookFilter {\n  kind: Int!")],
        {"inputs.BookFilter: input-field-added-required"},
    ),
    "optional input field added": (
        [("schema.graphql", "input BookFilter {", "input BookFilter {\n  kind: Int")],
        {"inputs.BookFilter: input-field-added-optional"},
    ),
    "input field required": (
        [("schema.graphql", "pages: Int\n}\n\ninput", "pages: Int!\n}\n\ninput")],
        {"inputs.BookFilter: input-field-required", "inputs.BookFilter: input-field-narrowed"},
    ),
    "input field optional": (
        [("schema.graphql", "name: String!\n  pages", "name: String\n  pages")],
        {"inputs.BookFilter: input-field-optional", "inputs.BookFilter: input-field-widened"},
    ),
    "input field of another type": (
        [("schema.graphql", "name: String!\n  pages", "name: Int!\n  pages")],
        {"inputs.BookFilter: input-field-changed"},
    ),
    "input removed": (
        [("queries/book/find.graphql", "*", "")],
        {"inputs.BookFilter: input-removed", "client.book.find(): method-removed"},
    ),
}


def _project() -> dict[str, str]:
    files = {**base_project(), **EXTRA}
    for old, new in EXTRA_SCHEMA:
        files["schema.graphql"] = files["schema.graphql"].replace(old, new, 1)
    return files


def _edited(files: dict[str, str], edits: list[Edit]) -> dict[str, str]:
    files = dict(files)
    for path, old, new in edits:
        if path.endswith("/*"):
            files = {name: text for name, text in files.items() if not name.startswith(path[:-1])}
        elif old == "*":
            del files[path]
        elif not old:
            files[path] = new
        elif path not in files or old in files[path]:
            files[path] = files.get(path, "").replace(old, new, 1)
    return files


def _changes(folder: Path, old: dict[str, str], new: dict[str, str]) -> tuple[Change, ...]:
    write_project(folder / "old", old)
    write_project(folder / "new", new)
    with side_of(str(folder / "old"), None) as before, side_of(str(folder / "new"), None) as after:
        return worst_first(compare(before, after))


@pytest.mark.parametrize("name", [*CASES, *INPUT_CASES])
def test_a_change_is_told_by_its_rule_and_no_other(name: str, tmp_path: Path) -> None:
    edits, expected = {**CASES, **INPUT_CASES}[name]
    old = _project()
    found = {f"{item.what}: {item.rule}" for item in _changes(tmp_path, old, _edited(old, edits))}
    assert found == expected


def test_every_rule_has_a_sentence_that_facts_fill() -> None:
    facts = {"name": "NAME", "old": "OLD", "new": "NEW", "why": "WHY"}
    for rule, (level, sentence) in RULES.items():
        told = change("what", rule, **facts)
        assert told.level is level
        assert "{" not in told.message
        assert sentence[:1].isupper() or sentence.startswith("{")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "patch"),
        (["method-added"], "minor"),
        (["attribute-unloaded", "method-added"], "minor"),
        (["method-added", "method-removed"], "major"),
    ],
)
def test_the_step_of_the_version(rules: list[str], expected: str) -> None:
    facts = {"name": "", "old": "", "new": "", "why": ""}
    assert bump(change("", rule, **facts) for rule in rules) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("str", "str", "same"),
        ("str | None", "None | str", "same"),
        ("str | None", "str", "narrower"),
        ("str", "str | None", "wider"),
        ("str", "int", "other"),
        ("int", "float", "wider"),
        ("str", "Any", "untyped"),
        ("Any", "str", "untyped"),
        ("list[str | None]", "list[str]", "narrower"),
        ("Sequence[str] | None", "Sequence[str | int] | None", "wider"),
        ("dict[str, int]", "dict[str, int | None]", "other"),
        ("Pages[Flow]", "list[Flow]", "other"),
        ("Literal['a']", "Literal['a', 'b']", "wider"),
        ("Literal['a|b']", "Literal['a', 'b']", "other"),
        ("Mapping[str, Any]", "Mapping[str, int]", "narrower"),
    ],
)
def test_types_are_compared_by_what_they_hold(old: str, new: str, expected: str) -> None:
    assert variance.compare(old, new) == expected


# A project in which a book has subjects: interfaces and a union, some of them loaded by default.
SUBJECTS: list[Edit] = [
    (
        "schema.graphql",
        "  author: Author!\n",
        "  author: Author!\n  about: Named\n  like: Thing\n  loaded: Named!\n",
    ),
    ("schema.graphql", "type Author {", "type Author implements Named {"),
    (
        "schema.graphql",
        "type Review {",
        "interface Named {\n  name: String!\n}\n\nunion Thing = Book | Author | Review\n\ntype Review {",
    ),
    (BOOK, "  title\n", "  title\n  loaded {\n    name\n  }\n"),
]
SUBJECT_CASES: dict[str, tuple[list[Edit], set[str]]] = {
    "a type removed": (
        [("schema.graphql", "union Thing = Book | Author", "union Thing = Book")],
        {"paths through Thing: path-removed"},
    ),
    "a type added": (
        [("schema.graphql", "type Book {", "type Book implements Named {\n  name: String!")],
        {"paths through Named: path-added", "Book.name: attribute-added"},
    ),
    "a shared field that may be null": (
        [
            ("schema.graphql", "interface Named {\n  name: String!", "interface Named {\n  name: String"),
        ],
        {"paths through Named: path-widened", "models.BookFieldsLoaded: model-field-widened"},
    ),
    "another interface": (
        [("schema.graphql", "like: Thing", "like: Named")],
        {"Book.like: path-changed"},
    ),
    "one that may be null": (
        [("schema.graphql", "loaded: Named!", "loaded: Named")],
        {
            "Book.loaded: path-widened",
            "Book.loaded: attribute-widened",
            "models.BookFields: model-field-widened",
        },
    ),
    "no longer loaded": (
        [(BOOK, "  loaded {\n    name\n  }\n", "")],
        {
            "Book.loaded: attribute-valueless",
            "Book.loaded: attribute-unloaded",
            "models.BookFields: model-field-removed",
            "models.BookFieldsLoaded: model-removed",
        },
    ),
    "gone": ([("schema.graphql", "  like: Thing\n", "")], {"Book.like: attribute-removed"}),
    "a leaf": (
        [("schema.graphql", "like: Thing", "like: String")],
        {"Book.like: path-ended", "Book.like: attribute-pathful"},
    ),
}


@pytest.mark.parametrize("name", SUBJECT_CASES)
def test_paths_through_interfaces_and_unions(name: str, tmp_path: Path) -> None:
    edits, expected = SUBJECT_CASES[name]
    old = _edited(_project(), SUBJECTS)
    found = {f"{item.what}: {item.rule}" for item in _changes(tmp_path, old, _edited(old, edits))}
    assert found == expected


def test_a_renamed_method_is_told_with_its_remedy(tmp_path: Path) -> None:
    old = _project()
    new = {**old, "queries/book/destroy.graphql": old[DELETE]}
    del new[DELETE]
    (found,) = _changes(tmp_path, old, new)
    assert (found.what, found.rule) == ("Book.delete()", "method-renamed")
    assert found.message == "The method is now Book.destroy()."
    assert (
        found.hint == 'To keep the old name for now: [tool.penstock.renamed] "book.delete" = "book.destroy".'
    )


def test_the_remedy_leaves_the_old_method_which_calls_the_new_one(tmp_path: Path) -> None:
    old = _project()
    new = {
        **old,
        "queries/book/destroy.graphql": old[DELETE],
        "queries/number.graphql": old["queries/count.graphql"],
    }
    del new[DELETE], new["queries/count.graphql"]
    new["pyproject.toml"] += (
        '\n[tool.penstock.renamed]\n"book.delete" = "book.destroy"\n"book.all" = "book.list"\ncount = "number"\n'
    )
    found = {f"{item.what}: {item.rule}" for item in _changes(tmp_path, old, new)}
    assert found == {
        "Book.delete(): method-deprecated",
        "Book.destroy(): method-added",
        "client.book.all(): method-added",
        "client.count(): method-deprecated",
        "client.number(): method-added",
    }
    config = load_config(tmp_path / "new/pyproject.toml")
    write_package(tmp_path / "packages/shop_api", generate(config).files)
    with imported(tmp_path / "packages", "shop_api") as package:
        calls: list[tuple[object, ...]] = []

        class Client(package.Client):  # type: ignore[name-defined, misc]  # imported when it runs
            def number(self) -> int:
                calls.append(("number",))
                return 3

        client = Client(url="http://127.0.0.1:1/")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert client.count() == 3
        assert calls == [("number",)]
        assert [str(item.message) for item in caught] == ["This is number now."]
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '"book.delete" = "book.destory"',
            '"book.delete" is to go on as "book.destory", and there is no such method. ',
        ),
        (
            '"book.old" = "author.get"',
            '"book.old" and "author.get" are not in the same folder; a method keeps its old name only there. ',
        ),
        ('"book.old" = 3', '"book.old" and a number do not both name a method. '),
        ('"book.find" = "book.list"', ""),
    ],
)
def test_a_rename_that_cannot_be_is_refused(line: str, message: str, tmp_path: Path) -> None:
    files = _project()
    files["pyproject.toml"] += f"\n[tool.penstock.renamed]\n{line}\n"
    write_project(tmp_path, files)
    with pytest.raises(GenerationError) as caught:
        generate(load_config(tmp_path / "pyproject.toml"))
    (said,) = caught.value.diagnostics
    if message:
        assert f"{said.message} " == message
        assert said.line == len(files["pyproject.toml"].splitlines())


# --------------------------------------------------------------------------------------------------------------- the command


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_revision_against_the_working_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_project(tmp_path / "repository" / "sdk", _project())
    _git(tmp_path / "repository", "init", "-b", "main")
    _git(tmp_path / "repository", "add", ".")
    _git(tmp_path / "repository", "commit", "-m", "first")
    monkeypatch.chdir(root)
    assert main(["main:"]) == 0
    assert capsys.readouterr().out == "No change. A patch release: users of the package see no difference.\n"
    (root / DELETE).unlink()
    (root / "queries/titles.graphql").write_text(NEW_QUERY, encoding="utf-8")
    assert main(["main:"]) == 1
    assert capsys.readouterr().out == (
        "Breaking\n"
        "  Book.delete()        The method is gone.\n\n"
        "Safe\n"
        "  client.titles()      A new method.\n"
        "  models.TitlesResult  A new model.\n\n"
        "1 breaking, 2 safe. A major release: programs written against the old package may fail.\n"
    )
    assert main(["main:", "--format", "json", "--only-breaking"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["bump"] == "major"
    assert [item["rule"] for item in report["changes"]] == ["method-removed"]
    assert main(["nowhere:"]) == 2
    assert "git does not know this" in capsys.readouterr().err
    assert main(["--", "-x:"]) == 2
    assert main(["missing.toml"]) == 2
    assert "There is no such file or folder" in capsys.readouterr().err


def test_a_new_schema_tells_which_methods_no_longer_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = _project()
    root = write_project(tmp_path, files)
    schema = tmp_path / "next.graphql"
    changed = (
        files["schema.graphql"]
        .replace("  delete_book(id: UUID!): Payload\n", "")
        .replace("  author(id: UUID!): Author\n", "")
    )
    schema.write_text(changed, encoding="utf-8")
    monkeypatch.chdir(root)
    assert main([".", "next.graphql", "--format", "json"]) == 1
    found = {
        item["what"]: item
        for item in json.loads(capsys.readouterr().out)["changes"]
        if item["level"] == "breaking"
    }
    assert found["Book.delete()"]["rule"] == "method-unfit"
    assert 'Cannot query field "delete_book" on type "Mutation".' in found["Book.delete()"]["message"]
    assert found["client.author"]["rule"] == "resource-removed"
    assert 'Cannot query field "author" on type "Query".' in found["client.author"]["hint"]


def test_markdown_holds_no_markup_of_the_schemas(tmp_path: Path) -> None:
    hostile = "a | b <img src=x> `code` @everyone \x1b[31m"
    text = render(
        [change(hostile, "method-removed"), change("x", "method-deprecated", why=hostile)], "markdown"
    )
    assert "<img" not in text
    assert "\x1b" not in text
    assert "@everyone" not in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 3]
