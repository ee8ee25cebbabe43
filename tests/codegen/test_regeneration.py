"""Generating again: the same bytes under any hash seed, nothing touched where nothing changed, and diffs as small as the change."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.codegen.golden import FOLDER, make
from tests.codegen.projects import base_project, generate_project, write_project

_PRINT = """
import hashlib, sys
from pathlib import Path
from penstock_codegen.config import load_config
from penstock_codegen.generate import generate
for name in sys.argv[1:]:
    for path, text in generate(load_config(Path(name))).files.items():
        print(path, hashlib.sha256(text.encode()).hexdigest())
"""


def test_any_hash_seed_gives_the_same_bytes() -> None:
    cases = [str(FOLDER / case / "pyproject.toml") for case in ("relay", "odd")]
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _PRINT, *cases],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) > 60


def penstock(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock_codegen", *arguments],
        cwd=root,
        env={**os.environ, "PENSTOCK_HOME": str(root / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
    }


def test_a_run_without_a_change_touches_no_file(tmp_path: Path) -> None:
    root = write_project(tmp_path, base_project())
    assert penstock(root).returncode == 0
    before = stamps(root / "shop_api")
    for arguments in ([], ["--no-cache"], ["--check"]):
        done = penstock(root, *arguments)
        assert done.returncode == 0, done.stderr
        assert "no change" in done.stdout
    assert stamps(root / "shop_api") == before


def test_check_shows_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    root = write_project(tmp_path, base_project())
    assert penstock(root).returncode == 0
    schema = root / "schema.graphql"
    schema.write_text(schema.read_text().replace("  pages: Int\n", "  pages: Int!\n"))
    before = stamps(root / "shop_api")
    done = penstock(root, "--check")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "changed book.py" in done.stdout
    assert '-    pages: Field[Book, int | None] = Field("pages")' in lines
    assert '+    pages: Field[Book, int] = Field("pages")' in lines
    assert "Run `penstock generate` and commit the result." in done.stderr
    assert stamps(root / "shop_api") == before


def changed_lines(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for path in sorted({*before, *after}):
        one, other = before.get(path, "").splitlines(), after.get(path, "").splitlines()
        found += [
            f"{path}: {line}"
            for line in difflib.unified_diff(one, other, lineterm="", n=0)
            if not line.startswith(("---", "+++", "@@"))
        ]
    return found


def test_renaming_a_field_changes_only_the_lines_that_concern_it(tmp_path: Path) -> None:
    files = base_project()
    before = generate_project(write_project(tmp_path / "before", files)).files
    renamed = {
        "schema.graphql": files["schema.graphql"].replace(
            "  title: String!\n  color", "  heading: String!\n  color", 1
        ),
        "queries/book/fields.graphql": files["queries/book/fields.graphql"].replace("title", "heading"),
    }
    after = generate_project(write_project(tmp_path / "after", {**files, **renamed})).files
    lines = changed_lines(before, after)
    assert lines
    strangers = [line for line in lines if "title" not in line and "heading" not in line]
    assert strangers == []
    assert {line.partition(":")[0] for line in lines} == {
        "_operations/_fragments.py",
        "_operations/book.py",
        "_schema.py",
        "book.py",
        "models/book_fields.py",
    }
    # Each line that goes has one that comes.
    kinds = [line.partition(": ")[2][:1] for line in lines]
    assert kinds.count("+") == kinds.count("-")


def test_what_is_of_a_removed_operation_goes(tmp_path: Path) -> None:
    files = base_project()
    root = write_project(tmp_path, files)
    assert penstock(root).returncode == 0
    for path in ("get", "fields"):
        (root / f"queries/author/{path}.graphql").unlink()
    (root / "queries/book/delete.graphql").unlink()
    assert penstock(root).returncode == 0
    left = {path.relative_to(root / "shop_api").as_posix() for path in (root / "shop_api").rglob("*.py")}
    assert not {path for path in left if "author" in path}
    texts = "".join(
        (root / "shop_api" / path).read_text() for path in left if not path.startswith("_runtime")
    )
    assert "delete_book" not in texts
    assert "AuthorAccessor" not in texts


@pytest.mark.parametrize("case", ["relay", "tables"])
def test_one_more_operation_leaves_other_modules_alone(case: str, tmp_path: Path) -> None:
    before = make(case).kept()
    files: dict[str, str | bytes | None] = {
        path.relative_to(FOLDER / case).as_posix(): path.read_text(encoding="utf-8")
        for path in (FOLDER / case).rglob("*")
        if path.is_file() and "expected" not in path.parts
    }
    extra = {
        "relay": ("queries/zebra.graphql", "query { ping }\n"),
        "tables": ("queries/zebra.graphql", "query { job_aggregate { aggregate { count } } }\n"),
    }[case]
    root = write_project(tmp_path, {**files, extra[0]: extra[1]})
    after = generate_project(root).files
    touched = {
        line.partition(":")[0] for line in changed_lines(before, {k: after[k] for k in after if k in before})
    }
    assert touched <= {"client.py", "_operations/client.py", "models/__init__.py", "models/client.py"}
    assert {"client.py", "_operations/client.py"} <= touched
