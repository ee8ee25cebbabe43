"""The page "Coming from the flat Client" is the table's."""

from __future__ import annotations

from pathlib import Path

from penstock.legacy.page import page
from penstock.legacy.table import OLD_METHODS

PAGE = Path(__file__).parents[2] / "docs" / "coming-from-the-flat-client.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "Run: python -m penstock.legacy.page > docs/coming-from-the-flat-client.md"
    )


def test_one_row_for_each_method() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [method.name for method in OLD_METHODS]
    # Every row has its five cells: a bar inside a cell is escaped.
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
