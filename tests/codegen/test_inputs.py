"""Inputs of which exactly one key is given, and what of arguments and inputs is deprecated: for checkers, and for graphql-core."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import build_schema, introspection_from_schema
from tests.codegen.executed import (
    CHECKERS,
    AsyncExecutor,
    Executor,
    expected_lines,
    package,
    write_files,
    wrong_lines,
)

from penstock_codegen.config import load_config
from penstock_codegen.generate import generate

SCHEMA = '''
type Query {
  find(by: Key!, also: [Filter!], "How many." limit: Int, "Was for paging." page: Int @deprecated(reason: "Use limit.")): String
  odd(by: Odd!): String
}
"""What finds a pet."""
input Key @oneOf {
  "Its number."
  id: ID
  name: Name
  tags: [String!]
}
input Name { first: String! last: String }
input Filter {
  key: Key
  any: [Filter!]
  "Its color."
  color: String @deprecated(reason: "Use colors.")
  colors: [String!]
}
input Odd @oneOf { class: Int with_: Int }
'''
QUERIES = {
    "find.graphql": "query ($by: Key!, $also: [Filter!], $limit: Int, $page: Int)"
    " { find(by: $by, also: $also, limit: $limit, page: $page) }",
    "by_color.graphql": 'query ($color: String) { find(by: {id: "1"}, also: [{color: $color}]) }',
    "odd.graphql": "query ($by: Odd!) { odd(by: $by) }",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with package(tmp_path_factory.mktemp("pets"), SCHEMA, QUERIES, name="pets_api") as module:
        yield module


class Data:
    def find(self, info: Any, **arguments: Any) -> str:
        return json.dumps(arguments)

    def odd(self, info: Any, by: Any) -> str:
        return json.dumps(by)


@pytest.fixture
def client(api: ModuleType) -> Any:
    return api.Client("https://api.example.com", http_client=Executor(SCHEMA, Data()))


@pytest.mark.parametrize(
    "by", [{"id": "7"}, {"name": {"first": "Rex"}}, {"tags": ["a"]}], ids=lambda by: next(iter(by))
)
def test_one_key_is_sent_as_it_is(client: Any, by: dict[str, Any]) -> None:
    assert json.loads(client.find(by)) == {"by": by}
    nested = [{"key": by}, {"any": [{"key": by}], "colors": ["red"]}]
    assert json.loads(client.find(by, also=nested)) == {"by": by, "also": nested}
    assert json.loads(client.odd({"class": 1})) == {"class": 1}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"by": {}}, "by takes exactly one of id, name, tags, and it is empty."),
        ({"by": {"id": "7", "tags": []}}, "by takes exactly one of id, name, tags, and it has id and tags."),
        ({"by": {"id": None}}, "by takes exactly one of id, name, tags, and its id is None."),
        ({"by": {"nam": 1}}, "by takes exactly one of id, name, tags, and it has nam."),
        (
            {"by": {"id": "7"}, "also": [{}, {"any": [{"key": {}}]}]},
            "also[1].any[0].key takes exactly one of id, name, tags, and it is empty.",
        ),
    ],
)
def test_anything_else_is_told_before_it_is_sent(client: Any, arguments: Any, told: str) -> None:
    with pytest.raises(ValueError, match="exactly one") as caught:
        client.find(**arguments)
    assert str(caught.value) == told
    assert not client._http.sent


def test_what_is_deprecated_warns_where_it_is_used(api: ModuleType, client: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.find({"id": "7"}, limit=1, also=[{"colors": []}])
        assert not caught
        client.find({"id": "7"}, page=2)
        client.find({"id": "7"}, also=[{"any": [{"color": "red"}]}])
        client.by_color(color="red")

        async def later() -> None:
            made = api.AsyncClient("https://api.example.com", http_client=AsyncExecutor(SCHEMA, Data()))
            await made.find({"id": "7"}, page=None)

        asyncio.run(later())
    assert [str(item.message) for item in caught] == [
        "page is deprecated: Use limit.",
        "also[0].any[0].color is deprecated: Use colors.",
        "color is deprecated: Use colors.",
        "page is deprecated: Use limit.",
    ]
    assert {item.category for item in caught} == {DeprecationWarning}
    assert {item.filename for item in caught} == {__file__}


def test_docstrings_say_it(api: ModuleType) -> None:
    assert "page: Was for paging. Deprecated: Use limit." in api.Client.find.__doc__
    assert "limit: How many.\n" in api.Client.find.__doc__
    text = (Path(str(api.__file__)).parent / "inputs.py").read_text(encoding="utf-8")
    assert '"""Its color.\n\n    Deprecated: Use colors.\n    """' in text
    assert '"""What finds a pet.\n\nExactly one of its keys is given.\n"""' in text


PROGRAM = """\
from pets_api import Client
from pets_api.inputs import Key

client = Client("https://api.example.com")
client.find({"id": "7"})
client.find({"name": {"first": "Rex"}}, also=[{"key": {"tags": ["a"]}}], limit=1)
key: Key = {"id": "7"}
client.find(key)
client.odd({"class": 1})
client.find({})  # wrong
client.find({"id": "7", "tags": []})  # wrong
client.find({"id": None})  # wrong
client.find({"nam": "x"})  # wrong
client.find({"name": {}})  # wrong
client.find({"id": "7"}, also=[{"key": {}}])  # wrong
other: Key = {"id": "7", "name": {"first": "Rex"}}  # wrong
client.odd({"with_": 1, "class": 1})  # wrong
client.find({"id": "7"}, page=2)  # wrong
client.by_color(color="red")  # wrong
"""


@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_know_it(api: ModuleType, checker: str, tmp_path: Path) -> None:
    folder = Path(str(api.__file__)).parent.parent
    found = wrong_lines(checker, folder, PROGRAM, tmp_path)
    assert found.keys() == expected_lines(PROGRAM), found
    last = max(found)
    assert all("deprecated" in found[number] for number in (last - 1, last))


@pytest.mark.parametrize("form", ["declared", "introspected"])
def test_the_directive_is_known_however_it_comes(form: str, tmp_path: Path) -> None:
    schema = f"directive @oneOf on INPUT_OBJECT\n{SCHEMA}"
    config = write_files(tmp_path, schema, QUERIES, "pets_api")
    if form == "introspected":
        answer = introspection_from_schema(build_schema(SCHEMA))
        for item in answer["__schema"]["types"]:
            if item["name"] in ("Key", "Odd"):
                item["isOneOf"] = True  # type: ignore[typeddict-unknown-key]  # older versions of graphql-core have no such key
        (tmp_path / "schema.json").write_text(json.dumps({"data": answer}), encoding="utf-8")
        config.write_text(config.read_text().replace("schema.graphql", "schema.json"))
    files = generate(load_config(config)).files
    assert "Key: TypeAlias = KeyID | KeyName | KeyTags" in files["inputs.py"].replace("KeyId", "KeyID")
