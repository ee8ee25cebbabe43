"""Syntax trees that were kept are those that parsing gives, places included; what is damaged or changed is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLError, OperationDefinitionNode, Source, build_schema, parse, print_ast, validate
from graphql.language import DocumentNode, NameNode, Visitor, visit

from penstock_codegen.cache import Cache
from penstock_codegen.config import Config, load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.generate import generate
from penstock_codegen.trees import Trees

ROOT = Path(__file__).parents[2]
# Every kind of node that an executable document can have.
_EVERY_KIND = '''
query Q($a: [In!]! = [{b: 1, c: [2.5, null]}] @d, $e: E = RED, $s: String = """
  a block
  text
""") @d(x: true) { n: f(a: $a, s: "t\\"\\u00e9", o: {k: $s, l: [], m: {}}) @skip(if: false) { ...F @include(if: $x)
 ... on T { x } ... { y } ... @d { z } } }
mutation { m(e: GREEN) }
subscription S { s }
fragment F on T @d { __typename }
'''


def _project(folder: Path, **queries: str) -> Config:
    (folder / "q").mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[tool.penstock]\nschema = "s.graphql"\nqueries = "q"\noutput = "made"\n'
    )
    (folder / "s.graphql").write_text("type Query { thing: Thing } type Thing { id: ID! name: String }")
    for name, text in queries.items():
        (folder / "q" / f"{name}.graphql").write_text(text)
    return load_config(folder / "pyproject.toml")


def _keep(cache: Cache, config: Config, text: str) -> tuple[OperationDefinitionNode, ...]:
    trees = Trees(cache, config)
    source = Source(text, "q.graphql")
    assert trees.find(source) is None
    trees.keep(source, parse(source).definitions)
    trees.store()
    found = Trees(cache, config).find(source)
    assert found is not None
    return found  # type: ignore[return-value]  # of an executable document


@pytest.mark.parametrize(
    "text",
    [
        _EVERY_KIND,
        *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "queries").rglob("*.graphql"))[:40]),
    ],
)
def test_a_kept_tree_is_the_parsed_one(text: str, tmp_path: Path) -> None:
    parsed = parse(Source(text, "q.graphql")).definitions
    kept = _keep(Cache(tmp_path / "cache"), _project(tmp_path), text)
    # Nodes are equal where all their attributes are, places included.
    assert kept == parsed
    assert [print_ast(item) for item in kept] == [print_ast(item) for item in parsed]


def test_what_is_wrong_is_told_at_the_same_places(tmp_path: Path) -> None:
    schema = build_schema("type Query { f(a: Int!): T } type T { x: Int }")
    text = 'query Q($u: Int) {\n  f(a: "no", b: 1) { x(z: 1)\n    nowhere ...Missing }\n  other\n}\n'

    def told(document: DocumentNode) -> list[tuple[str, object]]:
        errors: list[GraphQLError] = validate(schema, document)
        return [(item.message, item.locations) for item in errors]

    kept = DocumentNode(definitions=_keep(Cache(tmp_path / "cache"), _project(tmp_path), text), loc=None)
    expected = told(parse(Source(text, "q.graphql")))
    assert len(expected) > 5
    assert told(kept) == expected


class _Rename(Visitor):
    def enter_name(self, node: NameNode, *_: object) -> None:
        node.value = node.value.upper()


def test_a_kept_tree_can_be_hashed_and_changed_like_any(tmp_path: Path) -> None:
    (first, *_) = _keep(Cache(tmp_path / "cache"), _project(tmp_path), "query a { b }")
    (second, *_) = parse("query a { b }").definitions
    assert hash(first) == hash(second)
    visit(first, _Rename())
    assert print_ast(first) == "query A {\n  B\n}"
    assert first != second


def test_only_the_files_that_there_are_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    config = _project(tmp_path, a="{ thing { id } }", b="{ thing { name } }")
    generate(config, cache)
    (tmp_path / "q" / "b.graphql").write_text("{ thing { id name } }")
    generate(config, cache)
    trees = Trees(cache, config)
    assert trees.find(Source("{ thing { id } }")) is not None
    assert trees.find(Source("{ thing { name } }")) is None


@pytest.mark.parametrize(
    "damage",
    ["[[0]]", "[[99,0,1]]", "[[0,0,1,{}]]", "[", "[7]", "{}", '[["x"]]', "[[1,2]]", "null", "[" * 5000],
)
def test_a_damaged_tree_is_parsed_again(damage: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    config = _project(tmp_path, a="{ thing { id } }")
    fresh = generate(config, cache)
    (entry,) = (cache.folder / "trees").iterdir()
    key, _, _ = entry.read_text().partition(" ")
    entry.write_text(f"{key} {damage}\nno more than a word\n")
    for path in (cache.folder / "package").iterdir():
        path.unlink()
    assert generate(config, cache) == fresh


def test_the_same_mistake_is_told_at_the_same_place_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    config = _project(tmp_path, a="{ thing { id } }", b="{\n  thing {\n    nme } }", c="{ thing {")

    def told() -> list[str]:
        with pytest.raises(GenerationError) as caught:
            generate(config, cache)
        return [f"{item.place} {item.message} {item.source}" for item in caught.value.diagnostics]

    first = told()
    assert told() == first
    (tmp_path / "q" / "c.graphql").write_text("{ thing { id } }")
    second = told()
    assert told() == second
    assert any("b.graphql:3:5" in item and "nme" in item for item in second), second
