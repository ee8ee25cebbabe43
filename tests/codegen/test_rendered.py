"""A file that was rendered before is taken from before only where nothing that it is made from has changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from penstock_codegen import rendered as rendered_module
from penstock_codegen import sources
from penstock_codegen.cache import Cache
from penstock_codegen.config import load_config
from penstock_codegen.generate import Generated, generate
from penstock_codegen.rendered import Rendered

_FILES = {
    "pyproject.toml": """
[tool.penstock]
schema = "s.graphql"
queries = "q"
output = "made"

[tool.penstock.scalars]
When = "datetime.datetime"
""",
    "s.graphql": '''
scalar When
type Query { thing(id: ID!): Thing owner(id: ID!): Owner any: Any }
type Mutation {
  "Paints it."
  paint(id: ID!, colour: Colour!, how: How): Painted
}
type Painted { thing: Thing }
union Any = Thing | Owner
"""A thing."""
type Thing { id: ID! "Its name." name: String made: When colour: Colour owner: Owner }
type Owner { id: ID! name: String }
"Colours."
enum Colour { RED GREEN }
input How { "How fast." fast: Boolean }
''',
    "q/thing/fields.graphql": "fragment ThingFields on Thing { id name made colour owner { id } }",
    "q/thing/get.graphql": "query ($id: ID!) { thing(id: $id) { ...ThingFields } }",
    "q/thing/paint.graphql": """mutation ($id: ID!, $colour: Colour!, $how: How) {
  paint(id: $id, colour: $colour, how: $how) { thing { id name } }
}""",
    "q/whole.graphql": "query ($id: ID!) { thing(id: $id) { ...Part } }",
    "q/owner/fields.graphql": "fragment OwnerFields on Owner { id name }",
    "q/owner/get.graphql": "query ($id: ID!) { owner(id: $id) { ...OwnerFields } }",
    "q/owner/any.graphql": "query { any { ... on Thing { id ...Part } ... on Owner { id name } } }",
    "q/any.graphql": "query { any { ... on Thing { ...Part } ... on Owner { id name } } }",
    "q/part.graphql": "fragment Part on Thing { id owner { id name } }",
}
_NAMES = '[tool.penstock.names]\n"Thing.name" = "title"\n'
_TYPES = '[tool.penstock.types]\n"Owner.name" = "decimal.Decimal"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in _FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "project"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def _generate(project: Path, cache: Cache | None) -> Generated:
    return generate(load_config(project / "pyproject.toml"), cache)


def _differing(before: Generated, after: Generated) -> set[str]:
    return {
        path
        for path in before.files.keys() | after.files.keys()
        if before.files.get(path) != after.files.get(path)
    }


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        # What a method says, takes and gives.
        ("s.graphql", '"Paints it."', '"Paints the thing."', {"thing.py"}),
        ("s.graphql", '"Its name."', '"What it is called."', {"thing.py", "models/thing.py"}),
        ("s.graphql", "name: String made", "name: String! made", {"thing.py", "models/thing.py"}),
        ("s.graphql", "colour: Colour!, how", "colour: Colour, how", set()),
        ("s.graphql", '"How fast."', '"Whether fast."', {"inputs.py"}),
        # Enums.
        ("s.graphql", "RED GREEN", "RED GREEN BLUE", {"enums/colour.py"}),
        ("s.graphql", '"Colours."', '"All colours."', {"enums/colour.py"}),
        # A selection, an argument, a fragment that others spread.
        ("q/thing/paint.graphql", "{ id name }", "{ id }", {"_operations/thing.py", "models/thing.py"}),
        ("q/thing/fields.graphql", " made", "", {"_operations/thing.py", "models/thing_fields.py"}),
        ("q/part.graphql", "{ id name }", "{ id }", {"models/part.py"}),
        ("q/owner/fields.graphql", "id name", "id", {"_operations/owner.py", "models/owner_fields.py"}),
        # The configuration.
        ("pyproject.toml", "datetime.datetime", "datetime.date", {"thing.py", "models/thing_fields.py"}),
        ("pyproject.toml", "[tool.penstock.scalars]", f"{_NAMES}[tool.penstock.scalars]", {"thing.py"}),
        ("pyproject.toml", "[tool.penstock.scalars]", f"{_TYPES}[tool.penstock.scalars]", {"owner.py"}),
        ("pyproject.toml", '"made"', '"other"', set()),
    ],
)  # fmt: skip
def test_what_changes_is_rendered_again(
    file: str, before: str, after: str, changed: set[str], project: Path, cache: Cache
) -> None:
    first = _generate(project, cache)
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    second = _generate(project, cache)
    assert second == _generate(project, None)
    assert changed <= _differing(first, second)
    # And back: what was kept in between is of another text.
    path.write_text(text, encoding="utf-8")
    for entry in (cache.folder / "package").iterdir():
        if json.loads(entry.read_bytes())["files"] == first.files:
            entry.unlink()
    assert _generate(project, cache) == first


def test_another_resource_s_name_changes_those_that_lead_to_it(project: Path, cache: Cache) -> None:
    first = _generate(project, cache)
    (project / "q/owner").rename(project / "q/holder")
    second = _generate(project, cache)
    assert second == _generate(project, None)
    assert {"thing.py", "owner.py", "holder.py"} <= _differing(first, second)


def test_a_template_of_the_project_s_is_never_passed_over(project: Path, cache: Cache) -> None:
    first = _generate(project, cache)
    templates = project / "templates"
    templates.mkdir()
    ours = Path(rendered_module.__file__).with_name("templates") / "enum.py.jinja"
    shutil.copy(ours, templates)
    text = (project / "pyproject.toml").read_text()
    config = text.replace("[tool.penstock]\n", '[tool.penstock]\ntemplates = "templates"\n')
    (project / "pyproject.toml").write_text(config)
    for line in ("# One.", "# Another."):
        (templates / "enum.py.jinja").write_text(f"{line}\n{ours.read_text()}")
        assert line in _generate(project, cache).files["enums/colour.py"]
    (project / "pyproject.toml").write_text(text)
    assert _generate(project, cache) == first


def test_another_generator_renders_all(project: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _found(monkeypatch)
    _generate(project, cache)
    (project / "q/more.graphql").write_text("query { __typename }")
    assert not any(found.values())
    found.clear()
    monkeypatch.setattr(sources, "_generator", lambda: "another")
    _generate(project, cache)
    assert found
    assert not any(found.values())


def _found(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Which files are taken from before, as they are asked for."""
    found: dict[str, bool] = {}
    find = Rendered.find

    def watched(self: Rendered, path: str, given: object) -> str | None:
        text = find(self, path, given)
        found[path] = text is not None
        return text

    monkeypatch.setattr(Rendered, "find", watched)
    return found


def test_what_does_not_change_is_not_rendered_again(
    project: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    _generate(project, cache)
    found = _found(monkeypatch)
    path = project / "q/thing/paint.graphql"
    path.write_text(path.read_text().replace("{ id name }", "{ id }"))
    _generate(project, cache)
    fresh = {name for name, known in found.items() if not known}
    assert fresh == {"thing.py", "_operations/thing.py"}
    assert {"owner.py", "_operations/owner.py", "enums/colour.py", "models/part.py"} <= found.keys() - fresh


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x00", b"[]", b"{}", b'{"package": 1, "keys": 2}', b'{"package": "../../x", "keys": {}}'],
)
def test_a_damaged_entry_is_passed_over(damage: bytes, project: Path, cache: Cache) -> None:
    _generate(project, cache)
    (project / "q/more.graphql").write_text("query { __typename }")
    (entry,) = (cache.folder / "rendered").iterdir()
    entry.write_bytes(damage)
    assert _generate(project, cache) == _generate(project, None)


def test_texts_that_are_gone_are_made_again(project: Path, cache: Cache) -> None:
    _generate(project, cache)
    (project / "q/more.graphql").write_text("query { __typename }")
    for path in (cache.folder / "package").iterdir():
        path.write_bytes(b'{"files": {"thing.py": 5, "owner.py": null}}')
    assert _generate(project, cache) == _generate(project, None)
