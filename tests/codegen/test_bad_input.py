"""Bad input: each mistake gets one sentence that says where, what and what to do, and nothing is written."""

# Expected lines stand as they are shown.
# ruff: noqa: E501

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.codegen.projects import QUERIES, SCHEMA, base_project, generate_project, write_project

from penstock_codegen.diagnostics import GenerationError


@dataclass(frozen=True)
class Replace:
    """One change to a file of the base project."""

    old: str
    new: str


@dataclass(frozen=True)
class Append:
    """More text at the end of a file of the base project."""

    text: str


Change = Replace | Append | str | bytes | None


@dataclass(frozen=True)
class Case:
    """What is wrong in the base project, and every line that is said about it."""

    name: str
    changes: Mapping[str, Change]
    lines: Sequence[str]

    def write(self, root: Path) -> Path:
        files: dict[str, str | bytes | None] = dict(base_project())
        for path, change in self.changes.items():
            match change:
                case Replace(old, new):
                    text = files[path]
                    assert isinstance(text, str)
                    assert text.count(old) == 1, (path, old)
                    files[path] = text.replace(old, new)
                case Append(more):
                    files[path] = f"{files[path]!s}{more}"
                case _:
                    files[path] = change
        return write_project(root, files)


DEEP = f"query {{ books {{ {'author { books { ' * 2000}id{'}}' * 2000}}}}}"

CASES = [
    Case(
        "field gone",
        {"queries/book/fields.graphql": Replace("  title", "  titel")},
        [
            'queries/book/fields.graphql:3:3: Cannot query field "titel" on type "Book". Did you mean "title"? [Q008]'
        ],
    ),
    Case(
        "unknown fragment",
        {"queries/book/get.graphql": Replace("    ...book_fields", "    ...book_field")},
        [
            'queries/book/get.graphql:3:5: There is no fragment "book_field". Did you mean "book_fields"? [Q007]'
        ],
    ),
    Case(
        "unknown fragment far",
        {"queries/book/get.graphql": "query ($id: UUID!) {\n  book(id: $id) {\n    ...zzz\n  }\n}\n"},
        [
            'queries/book/get.graphql:3:5: There is no fragment "zzz". Define it in one of the query files. [Q007]'
        ],
    ),
    Case(
        "two ops one name",
        {"queries/book_get.graphql": "query { books { id } }"},
        [
            'queries/book_get.graphql:1:1: This operation and queries/book/get.graphql:1:1 are both named "book_get". Rename one of the files or operations. [Q004]'
        ],
    ),
    Case(
        "two ops one name in file",
        {"queries/flat.graphql": "query a { books { id } }\nquery a { books { title } }"},
        [
            'queries/flat.graphql:2:1: This operation and queries/flat.graphql:1:1 are both named "a". Rename one of the files or operations. [Q004]'
        ],
    ),
    Case(
        "two fragments",
        {"queries/other.graphql": "fragment book_fields on Book { id }"},
        [
            'queries/other.graphql:1:1: This fragment and queries/book/fields.graphql:1:1 are both named "book_fields". Rename one of them. [Q004]'
        ],
    ),
    Case(
        "no fields",
        {
            "queries/book/fields.graphql": None,
            "queries/book/get.graphql": "query ($id: UUID!) { book(id: $id) { id } }",
            "queries/book/list.graphql": None,
            "queries/book/create.graphql": None,
        },
        [
            "queries/book/get.graphql:1:1: The folder book has get.graphql and no fields.graphql. Add book/fields.graphql with a fragment of what a Book loads by default. [R001]"
        ],
    ),
    Case(
        "get_by only",
        {
            "queries/author/get.graphql": None,
            "queries/author/get_by_name.graphql": "query ($id: UUID!) { author(id: $id) { ...author_fields } }",
        },
        [
            "queries/author/get_by_name.graphql:1:1: The folder author has get_by_name.graphql and no get.graphql. Add author/get.graphql: its variables are what an Author is identified by. [R001]"
        ],
    ),
    Case(
        "unknown key",
        {"pyproject.toml": Replace('queries = "queries"', 'querys = "queries"')},
        ['pyproject.toml:3:1: There is no setting "querys". Did you mean "queries"? [C004]'],
    ),
    Case(
        "unknown key far",
        {"pyproject.toml": Replace('context = ["tenant_id"]', "banana = 1")},
        [
            'pyproject.toml:5:1: There is no setting "banana". The keys are schema, queries, output, manifest, context, headers, scalars, types, names, errors, renamed, plugins, templates. [C004]'
        ],
    ),
    Case(
        "wrong value",
        {"pyproject.toml": Replace('queries = "queries"', "queries = 3")},
        ["pyproject.toml:3:1: queries is a string, and this is a number. [C005]"],
    ),
    Case(
        "wrong context",
        {"pyproject.toml": Replace('context = ["tenant_id"]', "context = [1]")},
        ["pyproject.toml:5:1: context is a list of strings, and this one holds a number. [C005]"],
    ),
    Case(
        "no output",
        {
            "pyproject.toml": Replace(
                'output = "shop_api"\ncontext = ["tenant_id"]', 'context = ["tenant_id"]'
            )
        },
        [
            'pyproject.toml:1:1: output is missing. Say where the package goes: output = "generated/my_api". [C005]'
        ],
    ),
    Case(
        "bad output",
        {"pyproject.toml": Replace('output = "shop_api"', 'output = "shop-api"')},
        [
            'pyproject.toml:4:1: output ends in "shop-api", which cannot be imported. Its last part is the package\'s import name: letters, digits and underscores. [C005]'
        ],
    ),
    Case(
        "keyword output",
        {"pyproject.toml": Replace('output = "shop_api"', 'output = "class"')},
        [
            'pyproject.toml:4:1: output ends in "class", a word of Python\'s own, which cannot be imported. Say where the package goes: output = "generated/my_api". [C005]'
        ],
    ),
    Case(
        "output empty",
        {"pyproject.toml": Replace('output = "shop_api"', 'output = ""')},
        [
            'pyproject.toml:4:1: output is empty. Say where the package goes: output = "generated/my_api". [C005]'
        ],
    ),
    Case(
        "output here",
        {"pyproject.toml": Replace('output = "shop_api"', 'output = "."')},
        [
            'pyproject.toml:4:1: output ends in "", which cannot be imported. Its last part is the package\'s import name: letters, digits and underscores. [C005]'
        ],
    ),
    Case(
        "scalar wrong",
        {"pyproject.toml": Replace('UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }', "UUID = 3")},
        [
            'pyproject.toml:8:1: The scalar UUID needs a Python type, or a table with input and output. Such as UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }. [C005]'
        ],
    ),
    Case(
        "scalar code",
        {
            "pyproject.toml": Replace(
                'UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }',
                "UUID = { input = \"uuid.UUID | str\", output = \"__import__('os').system('x')\" }",
            )
        },
        [
            'pyproject.toml:8:1: "__import__(\'os\').system(\'x\')" is no Python type: only names, dots, brackets, | and None may stand in a type. Such as "uuid.UUID | str", "list[str]". [C006]'
        ],
    ),
    Case(
        "scalar unknown name",
        {
            "pyproject.toml": Replace(
                'UUID = { input = "uuid.UUID | str", output = "uuid.UUID" }',
                'UUID = { input = "uuid.UUID | str", output = "Uuid" }',
            )
        },
        [
            'pyproject.toml:8:1: "Uuid" is no Python type: Uuid is no builtin type; write where it comes from, as module.Uuid. Such as "uuid.UUID | str", "list[str]". [C006]'
        ],
    ),
    Case(
        "unknown scalar",
        {"pyproject.toml": Append('UUId = "str"\n')},
        ['pyproject.toml:9:1: The schema has no scalar "UUId". Did you mean "UUID"? [C007]'],
    ),
    Case(
        "types no field",
        {"pyproject.toml": Append('[tool.penstock.types]\n"Book.titel" = "str"\n')},
        ['pyproject.toml:10:1: "Book.titel": Book has no field "titel". Did you mean "title"? [C007]'],
    ),
    Case(
        "types no type",
        {"pyproject.toml": Append('[tool.penstock.types]\n"Bok.title" = "str"\n')},
        [
            'pyproject.toml:10:1: "Bok.title": the schema has no type "Bok" with fields. Did you mean "Book"? [C007]'
        ],
    ),
    Case(
        "types no dot",
        {"pyproject.toml": Append('[tool.penstock.types]\nBook = "str"\n')},
        [
            'pyproject.toml:10:1: "Book" names no field. Write the type and the field: "flow_run.serialized_state". [C005]'
        ],
    ),
    Case(
        "names none",
        {"pyproject.toml": Append('[tool.penstock.names]\n"Book.titel" = "heading"\n')},
        ['pyproject.toml:10:1: "Book.titel": Book has no field "titel". Did you mean "title"? [C007]'],
    ),
    Case(
        "names bad",
        {"pyproject.toml": Append('[tool.penstock.names]\n"Book.title" = "get"\n')},
        [
            'pyproject.toml:10:1: "get" cannot be the name of an attribute. Use lower-case words joined by underscores, that no handle or model uses itself. [C005]'
        ],
    ),
    Case(
        "names bad2",
        {"pyproject.toml": Append('[tool.penstock.names]\n"Book.title" = "a b"\n')},
        [
            'pyproject.toml:10:1: "a b" cannot be the name of an attribute. Use lower-case words joined by underscores, that no handle or model uses itself. [C005]'
        ],
    ),
    Case(
        "names clash",
        {"pyproject.toml": Append('[tool.penstock.names]\n"Book.title" = "color"\n"Book.pages" = "color"\n')},
        [
            "pyproject.toml:11:1: Book.pages and Book.title would both be Book.color. Rename one of them. [N001]"
        ],
    ),
    Case(
        "errors key",
        {"pyproject.toml": Append('[tool.penstock.errors]\nmesage = "x"\n')},
        ['pyproject.toml:10:1: There is no setting "errors.mesage". Did you mean "message"? [C004]'],
    ),
    Case(
        "headers",
        {"pyproject.toml": Append("[tool.penstock.headers]\nAuth = 3\n")},
        ["pyproject.toml:10:1: The header Auth is a string, and this is a number. [C005]"],
    ),
    Case(
        "toml",
        {"pyproject.toml": Append("x = \n")},
        ["pyproject.toml:9:5: This is not TOML: Invalid value. [C002]"],
    ),
    Case(
        "toml eof",
        {"pyproject.toml": Append('x = "abc')},
        ["pyproject.toml:9:9: This is not TOML: Unterminated string. [C002]"],
    ),
    Case(
        "no section",
        {"pyproject.toml": '[project]\nname="x"\n'},
        [
            'pyproject.toml: There is no [tool.penstock] section here. Add one with schema, queries and output, such as output = "generated/my_api". [C003]'
        ],
    ),
    Case(
        "section not table",
        {"pyproject.toml": "[tool]\npenstock=3\n"},
        [
            "pyproject.toml:2:1: [tool.penstock] is a table, and this is a number. Write [tool.penstock] on a line of its own. [C003]"
        ],
    ),
    Case(
        "no config",
        {"pyproject.toml": None},
        [
            "pyproject.toml: The configuration cannot be read: No such file or directory. Give its path with --config. [C001]"
        ],
    ),
    Case(
        "config not utf8",
        {"pyproject.toml": b"\xff\xfe"},
        ["pyproject.toml: The configuration is not UTF-8. Save it as UTF-8. [C001]"],
    ),
    Case(
        "sdl",
        {"schema.graphql": Replace("type Author {", "type Author (")},
        ["schema.graphql:17:13: The schema is not GraphQL: unexpected '('. [S001]"],
    ),
    Case(
        "sdl unknown type",
        {"schema.graphql": Replace("  author: Author!", "  author: Autor!")},
        ['schema.graphql:13:11: Unknown type "Autor". Did you mean "Author" or "Color"? [S002]'],
    ),
    Case(
        "sdl empty",
        {"schema.graphql": ""},
        ["schema.graphql: The schema is empty. Define type Query, with the fields that can be read. [S001]"],
    ),
    Case(
        "sdl not utf8",
        {"schema.graphql": b"\xff\xfe"},
        ["schema.graphql: The schema is not UTF-8. Save it as UTF-8. [S003]"],
    ),
    Case(
        "sdl no query",
        {"schema.graphql": "type X { a: Int }"},
        [
            "schema.graphql: The schema has no type Query. Define type Query, with the fields that can be read. [S002]"
        ],
    ),
    Case(
        "missing schema",
        {"schema.graphql": None},
        [
            "schema.graphql: The schema cannot be read: No such file or directory. pyproject.toml names it as schema. [S003]"
        ],
    ),
    Case(
        "missing schema glob",
        {"pyproject.toml": Replace('schema = "schema.graphql"', 'schema = "*.sdl"')},
        [
            'pyproject.toml:2:1: No file matches schema = "*.sdl". A pattern starts at this file\'s folder. [S003]'
        ],
    ),
    Case(
        "schema is folder",
        {"pyproject.toml": Replace('schema = "schema.graphql"', 'schema = "queries"')},
        ["queries: The schema cannot be read: Is a directory. pyproject.toml names it as schema. [S003]"],
    ),
    Case(
        "schema abs glob",
        {"pyproject.toml": Replace('schema = "schema.graphql"', 'schema = "/x/*.graphql"')},
        [
            'pyproject.toml:2:1: No file matches schema = "/x/*.graphql". A pattern starts at this file\'s folder. [S003]'
        ],
    ),
    Case(
        "resource none",
        {
            "queries/book/create.graphql": Replace(
                '    id @resource(name: "book")', '    id @resource(name: "bok")'
            )
        },
        [
            'queries/book/create.graphql:5:5: @resource names "bok", and there is no such resource. Did you mean "book"? [R007]'
        ],
    ),
    Case(
        "resource no arg",
        {"queries/book/create.graphql": Replace('    id @resource(name: "book")', "    id @resource")},
        [
            'queries/book/create.graphql:5:8: Directive "@resource" argument "name" of type "String!" is required, but it was not provided. [Q008]'
        ],
    ),
    Case(
        "resource var",
        {
            "queries/book/create.graphql": Replace(
                '    id @resource(name: "book")', "    id @resource(name: 3)"
            )
        },
        ["queries/book/create.graphql:5:24: String cannot represent a non string value: 3 [Q008]"],
    ),
    Case(
        "resource on non leaf",
        {"queries/x.graphql": 'query ($id: UUID!) { book(id: $id) @resource(name: "book") { id } }'},
        [
            "queries/x.graphql:1:22: @resource stands beside a book's identity, a single id. A book is found by id. [R007]"
        ],
    ),
    Case(
        "resource in a list",
        {"queries/z.graphql": 'query { books { id @resource(name: "book") } }'},
        [
            "queries/z.graphql:1:17: @resource has no effect here. It stands beside the one id that an operation gives, outside of lists and fragments. [R007]"
        ],
    ),
    Case(
        "resource in a fragment",
        {"queries/author/fields.graphql": Replace("  id", '  id @resource(name: "author")')},
        [
            "queries/author/fields.graphql:2:3: @resource has no effect here. It stands beside the one id that an operation gives, outside of lists and fragments. [R007]"
        ],
    ),
    Case(
        "page_size",
        {
            "queries/book/list.graphql": "query ($tenant_id: UUID, $page_size: String, $limit: Int, $offset: Int) {\n  books(tenant_id: $tenant_id, title: $page_size, limit: $limit, offset: $offset) {\n    ...book_fields\n  }\n}\n"
        },
        [
            'queries/book/list.graphql:1:26: $page_size would be the parameter "page_size", and every list has one of that name of its own. Give the variable another name. [R006]'
        ],
    ),
    Case(
        "self",
        {
            "queries/book/create.graphql": Replace(
                "mutation ($title: String!, $color: Color) {\n  create_book(input: {title: $title, color: $color}) {",
                "mutation ($self: String!, $color: Color) {\n  create_book(input: {title: $self, color: $color}) {",
            )
        },
        [
            "queries/book/create.graphql:1:11: $self clashes with the method's own parameter. Give the variable another name. [R006]"
        ],
    ),
    Case(
        "self get",
        {
            "queries/author/get.graphql": Replace(
                "query ($id: UUID!) {\n  author(id: $id) {\n    ...author_fields\n  }\n}\n",
                "query ($self: UUID!) { author(id: $self) { ...author_fields } }",
            )
        },
        [
            "queries/author/get.graphql:1:8: $self is what an author is found by, and Author has no field of that name. Name the variable like the field that it equals. [R002]"
        ],
    ),
    Case(
        "unknown arg",
        {"queries/book/get.graphql": Replace("  book(id: $id) {", "  book(ids: $id) {")},
        [
            'queries/book/get.graphql:2:3: Field "book" argument "id" of type "UUID!" is required, but it was not provided. [Q008]',
            'queries/book/get.graphql:2:8: Unknown argument "ids" on field "Query.book". Did you mean "id"? [Q008]',
        ],
    ),
    Case(
        "wrong var type",
        {"queries/book/get.graphql": Replace("query ($id: UUID!) {", "query ($id: String!) {")},
        [
            'queries/book/get.graphql:1:8: Variable "$id" of type "String!" used in position expecting type "UUID!". Declare it as $id: UUID!, or pass it where String! is taken. [Q008]'
        ],
    ),
    Case(
        "unknown var type",
        {"queries/book/get.graphql": Replace("query ($id: UUID!) {", "query ($id: UUIDD!) {")},
        ['queries/book/get.graphql:1:13: Unknown type "UUIDD". Did you mean "UUID"? [Q008]'],
    ),
    Case(
        "undefined var",
        {"queries/book/get.graphql": Replace("query ($id: UUID!) {", "query ($idd: UUID!) {")},
        [
            'queries/book/get.graphql:1:8: Variable "$idd" is never used. [Q008]',
            'queries/book/get.graphql:2:12: Variable "$id" is not defined. [Q008]',
        ],
    ),
    Case(
        "query not utf8",
        {"queries/book/get.graphql": b"query \xff"},
        ["queries/book/get.graphql: This file cannot be read: it is not UTF-8. Save it as UTF-8. [Q001]"],
    ),
    Case(
        "query empty",
        {"queries/book/get.graphql": ""},
        ["queries/book/get.graphql: This file is empty. Write an operation into it, or remove it. [Q002]"],
    ),
    Case(
        "query comment only",
        {"queries/book/get.graphql": "# only\n"},
        ["queries/book/get.graphql:2:1: This file is not GraphQL: unexpected <EOF>. [Q002]"],
    ),
    Case(
        "query syntax",
        {"queries/book/get.graphql": "query ($id: UUID! { book }"},
        ["queries/book/get.graphql:1:19: This file is not GraphQL: expected '$', found '{'. [Q002]"],
    ),
    Case(
        "query types",
        {"queries/x.graphql": "type X { a: Int }"},
        [
            "queries/x.graphql:1:1: A query file holds operations and fragments, no type definitions. Types belong into the schema. [Q003]"
        ],
    ),
    Case(
        "sub",
        {"queries/x.graphql": "subscription { a }"},
        [
            "queries/x.graphql:1:1: This is a subscription, and the schema has no type Subscription. "
            "Name the schema's own operations, or remove this one. [Q009]"
        ],
    ),
    Case(
        "subscriptions that cannot be",
        {
            "schema.graphql": SCHEMA + "type Subscription { a(resume: Int): Int b: Int book: Book }",
            "queries/x.graphql": "subscription ($resume: Int) { a(resume: $resume) }",
            "queries/shelf/fields.graphql": "fragment shelf_fields on Book { id }",
            "queries/shelf/get.graphql": "subscription { book { ...shelf_fields } }",
        },
        [
            "queries/shelf/get.graphql:1:1: get.graphql finds a shelf, and does not end in its fields. "
            "Let it be a query that selects ...shelf_fields and nothing else. [R004]",
            'queries/x.graphql:1:15: $resume would be the parameter "resume", and every subscription has one of that name of its own. '
            "Give the variable another name. [R006]",
        ],
    ),
    Case(
        "subscriptions of two fields",
        {
            "schema.graphql": SCHEMA + "type Subscription { a: Int b: Int }",
            "queries/x.graphql": "subscription { a b }",
        },
        [
            "queries/x.graphql:1:18: Anonymous Subscription must select only one top level field. [Q008]",
        ],
    ),
    Case(
        "no queries",
        dict.fromkeys(f"queries/{path}" for path in QUERIES),
        ["queries: There is no such folder of queries. pyproject.toml names it as queries. [Q001]"],
    ),
    Case(
        "empty queries",
        {**dict.fromkeys(f"queries/{path}" for path in QUERIES), "queries/README": "x"},
        [
            "queries: There are no operations in this folder of queries. Write one, such as hello.graphql with `query { hello }`. [Q001]"
        ],
    ),
    Case(
        "two in folder",
        {"queries/book/two.graphql": "query a { books { id } }\nquery b { books { id } }"},
        [
            "queries/book/two.graphql:1:1: A file in a resource's folder is one method: it holds one operation. Move each operation into a file of its own. [Q006]",
            "queries/book/two.graphql:2:1: A file in a resource's folder is one method: it holds one operation. Move each operation into a file of its own. [Q006]",
        ],
    ),
    Case(
        "two unnamed",
        {"queries/two.graphql": "query a { books { id } }\nquery { books { id } }"},
        [
            "queries/two.graphql:2:1: This operation has no name. Name each operation of a file that holds several. [Q006]"
        ],
    ),
    Case(
        "two unnamed first",
        {"queries/two.graphql": "query { books { id } }\nquery b { books { id } }"},
        [
            "queries/two.graphql:1:1: This operation has no name. Name each operation of a file that holds several. [Q006]"
        ],
    ),
    Case(
        "two anonymous",
        {"queries/two.graphql": "{ books { id } }\n{ books { title } }"},
        [
            "queries/two.graphql:1:1: This operation has no name. Name each operation of a file that holds several. [Q006]",
            "queries/two.graphql:2:1: This operation has no name. Name each operation of a file that holds several. [Q006]",
        ],
    ),
    Case(
        "context none",
        {"pyproject.toml": Replace('context = ["tenant_id"]', 'context = ["tenantid"]')},
        [
            'pyproject.toml:5:1: context names "tenantid", and no operation has a variable $tenantid. Did you mean "tenant_id"? [C008]'
        ],
    ),
    Case(
        "context dup",
        {"pyproject.toml": Replace('context = ["tenant_id"]', 'context = ["tenant_id","tenant_id"]')},
        ['pyproject.toml:5:1: context names "tenant_id" twice. Name it once. [C005]'],
    ),
    Case(
        "clash method/field",
        {"queries/book/title.graphql": "mutation ($id: UUID!) { delete_book(id: $id) { success error } }"},
        [
            "queries/book/title.graphql:1:1: queries/book/title.graphql and Book.title would both be Book.title. Rename the file, or name the field otherwise under [tool.penstock.names]. [N001]"
        ],
    ),
    Case(
        "clash methods",
        {
            "queries/book/fooBar.graphql": "query { books { id } }",
            "queries/book/foo_bar.graphql": "query { books { id } }",
        },
        [
            'queries/book/foo_bar.graphql:1:1: This operation and queries/book/fooBar.graphql:1:1 are both named "book_foo_bar". Rename one of the files or operations. [Q004]'
        ],
    ),
    Case(
        "clash parameters",
        {
            "queries/book/x.graphql": "query ($fooBar: Int, $foo_bar: Int) { books(limit: $fooBar, offset: $foo_bar) { id } }"
        },
        [
            "queries/book/x.graphql:1:22: $foo_bar and $fooBar would both be x().foo_bar. Rename one of them. [N001]"
        ],
    ),
    Case(
        "clash folder/file",
        {"queries/book.graphql": "query { books { id } }"},
        [
            "queries/book.graphql:1:1: queries/book.graphql and the folder book would both be Client.book. Rename one of them. [N001]"
        ],
    ),
    Case(
        "clash classes",
        {"queries/async_book/x.graphql": "query { books { id } }"},
        [
            "queries/book/create.graphql:1:1: the folder book and the folder async_book would both be shop_api.AsyncBook. Rename one of them. [N001]"
        ],
    ),
    Case(
        "clash folders",
        {"queries/Book/x.graphql": "query { books { id } }"},
        [
            "queries/book/create.graphql:1:1: the folder book and the folder Book would both be shop_api.book. Rename one of them. [N001]"
        ],
    ),
    Case(
        "get not fields",
        {"queries/author/get.graphql": "query ($id: UUID!) { author(id: $id) { id name } }"},
        [
            "queries/author/get.graphql:1:1: get.graphql finds an author, and does not end in its fields. Let it be a query that selects ...author_fields and nothing else. [R004]"
        ],
    ),
    Case(
        "get mutation",
        {"queries/author/get.graphql": "mutation ($id: UUID!) { delete_book(id: $id) { success } }"},
        [
            "queries/author/get.graphql:1:1: get.graphql finds an author, and does not end in its fields. Let it be a query that selects ...author_fields and nothing else. [R004]"
        ],
    ),
    Case(
        "get var unknown",
        {
            "queries/author/get.graphql": Replace(
                "query ($id: UUID!) {\n  author(id: $id) {\n    ...author_fields\n  }\n}\n",
                "query ($key: UUID!) { author(id: $key) { ...author_fields } }",
            )
        },
        [
            "queries/author/get.graphql:1:8: $key is what an author is found by, and Author has no field of that name. Name the variable like the field that it equals. [R002]"
        ],
    ),
    Case(
        "identity not selected",
        {"queries/author/fields.graphql": "fragment author_fields on Author { name }"},
        [
            'queries/author/fields.graphql:1:1: author_fields does not select "id", by which get.graphql finds an author. Add id to the fragment. [R002]'
        ],
    ),
    Case(
        "fields alias",
        {"queries/author/fields.graphql": "fragment author_fields on Author { id n: name }"},
        [
            "queries/author/fields.graphql:1:39: What a resource loads by default are plain fields, without aliases, fragments and conditions. Select the fields by their own names. [R003]"
        ],
    ),
    Case(
        "fields wrong fragment on scalar",
        {"queries/author/fields.graphql": "fragment author_fields on UUID { id }"},
        [
            'queries/author/fields.graphql:1:27: Fragment "author_fields" cannot condition on non composite type "UUID". [Q008]'
        ],
    ),
    Case(
        "get_by same",
        {"queries/author/get_by_id.graphql": "query ($id: UUID!) { author(id: $id) { ...author_fields } }"},
        [
            "queries/author/get_by_id.graphql:1:1: queries/author/get_by_id.graphql and queries/author/get.graphql find an author by the same names. Name the variables apart. [R005]"
        ],
    ),
    Case(
        "several",
        {
            "queries/book/fields.graphql": Replace("  title", "  titel"),
            "queries/author/fields.graphql": "fragment author_fields on Author {\n  id\n  nam\n}\n",
            "queries/z.graphql": "query { boks { id } }",
        },
        [
            'queries/author/fields.graphql:3:3: Cannot query field "nam" on type "Author". Did you mean "name"? [Q008]',
            'queries/book/fields.graphql:3:3: Cannot query field "titel" on type "Book". Did you mean "title"? [Q008]',
            'queries/z.graphql:1:9: Cannot query field "boks" on type "Query". Did you mean "books" or "book"? [Q008]',
        ],
    ),
    Case(
        "leaf selection",
        {"queries/z.graphql": "query { books }"},
        [
            'queries/z.graphql:1:9: Field "books" of type "[Book!]!" must have a selection of subfields. Did you mean "books { ... }"? [Q008]'
        ],
    ),
    Case(
        "leaf subselection",
        {"queries/z.graphql": "query { books { title { x } } }"},
        [
            'queries/z.graphql:1:23: Field "title" must not have a selection since type "String!" has no subfields. [Q008]'
        ],
    ),
    Case(
        "missing arg",
        {"queries/z.graphql": "query { book { title } }"},
        [
            'queries/z.graphql:1:9: Field "book" argument "id" of type "UUID!" is required, but it was not provided. [Q008]'
        ],
    ),
    Case(
        "unused var",
        {"queries/z.graphql": "query ($x: Int) { books { id } }"},
        ['queries/z.graphql:1:8: Variable "$x" is never used. [Q008]'],
    ),
    Case(
        "fields conflict",
        {"queries/z.graphql": "query { books { a: title a: pages } }"},
        [
            'queries/z.graphql:1:17: Fields "a" conflict because "title" and "pages" are different fields. Use different aliases on the fields to fetch both if this was intentional. [Q008]'
        ],
    ),
    Case(
        "circle",
        {
            "queries/z.graphql": "fragment a on Book { author { ...b } } fragment b on Author { books { ...a } } query z { books { ...a } }"
        },
        ['queries/z.graphql:1:31: Cannot spread fragment "a" within itself via "b". [Q008]'],
    ),
    Case(
        "circle1",
        {"queries/z.graphql": "fragment a on Book { author { books { ...a } } }"},
        ['queries/z.graphql:1:39: Cannot spread fragment "a" within itself. [Q008]'],
    ),
    Case(
        "include bad",
        {"queries/z.graphql": "query { books @includ(if: true) { id } }"},
        ['queries/z.graphql:1:15: Unknown directive "@includ". [Q008]'],
    ),
    Case(
        "deep",
        {"queries/z.graphql": DEEP},
        [
            "queries/z.graphql:1:1707: This file is not GraphQL: document is nested too deeply. Parsing aborted. [Q002]"
        ],
    ),
    Case(
        "control",
        {"queries/z.graphql": "query { books { id \x1b[31m } }"},
        ["queries/z.graphql:1:20: This file is not GraphQL: unexpected character: U+001B. [Q002]"],
    ),
    Case(
        "enum value",
        {"queries/z.graphql": 'mutation { create_book(input: {title: "a", color: BLUE}) { success } }'},
        ['queries/z.graphql:1:51: Value "BLUE" does not exist in "Color" enum. [Q008]'],
    ),
    Case(
        "input field",
        {"queries/z.graphql": 'mutation { create_book(input: {titel: "a"}) { success } }'},
        [
            'queries/z.graphql:1:31: Field "BookInput.title" of required type "String!" was not provided. [Q008]',
            'queries/z.graphql:1:32: Field "titel" is not defined by type "BookInput". Did you mean "title"? [Q008]',
        ],
    ),
    Case(
        "no mutation type",
        {"schema.graphql": Replace("type Mutation {", "type Mutations {")},
        [
            "queries/book/create.graphql:1:1: This is a mutation, and the schema has no type Mutation. Name the schema's own operations, or remove this one. [Q009]",
            "queries/book/delete.graphql:1:1: This is a mutation, and the schema has no type Mutation. Name the schema's own operations, or remove this one. [Q009]",
        ],
    ),
]
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_mistake_is_told_in_these_words(case: Case, tmp_path: Path) -> None:
    root = case.write(tmp_path)
    before = snapshot(root)
    with pytest.raises(GenerationError) as raised:
        generate_project(root)
    assert [item.sentence() for item in raised.value.diagnostics] == case.lines
    assert snapshot(root) == before


def test_the_project_without_a_mistake_generates(tmp_path: Path) -> None:
    assert generate_project(write_project(tmp_path, base_project())).warnings == ()


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def penstock(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock_codegen", "--no-cache", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# One of each room of the pipeline: what is parametrized above runs in this process, these through the command.
THROUGH_THE_COMMAND = [
    "no config",
    "config not utf8",
    "toml",
    "unknown key",
    "schema abs glob",
    "sdl unknown type",
    "query not utf8",
    "deep",
    "several",
    "no mutation type",
    "clash classes",
    "resource none",
    "names clash",
]


@pytest.mark.parametrize("name", THROUGH_THE_COMMAND)
def test_the_command_says_so_and_exits_2(name: str, tmp_path: Path) -> None:
    case = BY_NAME[name]
    root = case.write(tmp_path)
    before = snapshot(root)
    done = penstock(root, "--config", "pyproject.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    shown = [line for line in done.stderr.splitlines() if line and not line.startswith("    ")]
    count = len(case.lines)
    assert shown == [*case.lines, f"{count} error{'s' if count > 1 else ''}; nothing was written."]
    assert snapshot(root) == before


def test_a_package_that_is_there_stays(tmp_path: Path) -> None:
    root = write_project(tmp_path, base_project())
    assert penstock(root).returncode == 0
    package = snapshot(root / "shop_api")
    BY_NAME["field gone"].write(root)
    assert penstock(root).returncode == 2
    assert penstock(root, "--check").returncode == 2
    assert snapshot(root / "shop_api") == package


def test_the_line_is_shown_with_a_caret(tmp_path: Path) -> None:
    done = penstock(BY_NAME["field gone"].write(tmp_path))
    lines = done.stderr.splitlines()
    assert lines[1:3] == ["      titel", "      ^"]


def test_json_holds_the_same_as_data(tmp_path: Path) -> None:
    done = penstock(BY_NAME["several"].write(tmp_path), "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stderr) == [
        {
            "path": path,
            "line": line,
            "column": column,
            "level": "error",
            "code": "Q008",
            "message": message,
            "hint": hint,
        }
        for path, line, column, message, hint in [
            (
                "queries/author/fields.graphql",
                3,
                3,
                'Cannot query field "nam" on type "Author".',
                'Did you mean "name"?',
            ),
            (
                "queries/book/fields.graphql",
                3,
                3,
                'Cannot query field "titel" on type "Book".',
                'Did you mean "title"?',
            ),
            (
                "queries/z.graphql",
                1,
                9,
                'Cannot query field "boks" on type "Query".',
                'Did you mean "books" or "book"?',
            ),
        ]
    ]


def test_github_gets_workflow_commands(tmp_path: Path) -> None:
    done = penstock(BY_NAME["several"].write(tmp_path), "--format", "github")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "::error file=queries/author/fields.graphql,line=3,col=3,title=Q008::"
        'Cannot query field "nam" on type "Author". Did you mean "name"?',
        "::error file=queries/book/fields.graphql,line=3,col=3,title=Q008::"
        'Cannot query field "titel" on type "Book". Did you mean "title"?',
        "::error file=queries/z.graphql,line=1,col=9,title=Q008::"
        'Cannot query field "boks" on type "Query". Did you mean "books" or "book"?',
    ]


def test_what_input_says_cannot_steer_a_terminal_or_a_workflow(tmp_path: Path) -> None:
    files = base_project()
    old = files["queries/book/create.graphql"]
    files["queries/book/create.graphql"] = old.replace('"book"', r'"\u001b[31m\n::error::x\u202e\u009b"')
    write_project(tmp_path, files)
    for form in ("text", "json", "github"):
        done = penstock(tmp_path, "--format", form)
        assert done.returncode == 2
        assert not {"\x1b", "\u202e", "\x9b"} & set(done.stderr)
        assert "\n::error::x" not in done.stderr


def test_a_wrong_output_is_told_and_left_alone(tmp_path: Path) -> None:
    files = base_project()
    files["shop_api/mine.py"] = "precious = True\n"
    root = write_project(tmp_path, files)
    done = penstock(root)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "shop_api" in done.stderr
    assert snapshot(root)["shop_api/mine.py"] == b"precious = True\n"


def test_a_mistake_of_the_generator_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from penstock_codegen import cli

    root = write_project(tmp_path, base_project())
    before = snapshot(root)
    monkeypatch.setattr("penstock_codegen.render.literal", lambda value: "(")
    assert cli.main(["--config", str(root / "pyproject.toml"), "--no-cache"]) == 2
    said = capsys.readouterr().err
    assert "This is a mistake in the generator: please report it. Nothing was written." in said
    assert snapshot(root) == before
