"""The codemod on a corpus of scripts: what is rewritten, that nothing else is, and that it does the same and type-checks."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import types
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.legacy.conftest import clean_environment, open_server
from tests.legacy.servers import Served
from tests.migrate.corpus import CORPUS

import penstock.legacy
from penstock import Client
from penstock.cli import main
from penstock.migrate.finding import ask_type_checker
from penstock.migrate.rewriting import MARK, rewrite

__all__ = ["clean_environment", "open_server"]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[int, int, str]]]:
    """What the type checker says of the corpus, in one run."""
    folder = tmp_path_factory.mktemp("corpus")
    files = []
    for name, script in CORPUS.items():
        files.append(folder / f"{name}.py")
        files[-1].write_text(script.source, encoding="utf-8")
    reported = ask_type_checker([path for path in files if "penstock" in path.read_text(encoding="utf-8")])
    return {path.stem: found for path, found in reported.items()}


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 30


@pytest.mark.parametrize("evidence", ["type checker", "code alone"])
@pytest.mark.parametrize("name", CORPUS)
def test_safe_calls_are_rewritten_and_no_others(
    name: str, evidence: str, checked: dict[str, set[tuple[int, int, str]]]
) -> None:
    script = CORPUS[name]
    result = rewrite(script.source, checked.get(name) if evidence == "type checker" else None)
    left = [remark for remark in result.remarks if remark.undecided]
    assert (result.count, len(left)) == (script.rewritten, script.left), f"{left}\n{result.text}"
    assert result.text.count(MARK) == script.left
    assert (result.text == script.source) == script.untouched
    compile(result.text, name, "exec")
    again = rewrite(result.text)
    assert again.text == result.text and again.count == 0


def test_the_type_checker_sees_what_the_code_does_not_show(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "from penstock import Client\nclients: dict[str, Client] = {'a': Client()}\nclients['a'].create_project('p')\n"
    )
    assert rewrite(path.read_text()).count == 0
    reported = ask_type_checker([path])[path.resolve()]
    assert reported == {(3, 0, "create_project")}
    assert "clients['a'].project.create(name='p')" in rewrite(path.read_text(), reported).text


@pytest.fixture
def old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old package, as far as the scripts import it."""
    from penstock import ClientError

    modules: dict[str, dict[str, object]] = {
        "prefect": {"Client": Client},
        "prefect.utilities": {},
        "prefect.utilities.graphql": {
            "with_args": penstock.legacy.with_args,
            "EnumValue": penstock.legacy.EnumValue,
        },
        "prefect.utilities.exceptions": {"ClientError": ClientError},
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)


def run(source: str, served: Served, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """What a script prints in a tenant of its own, and how many deprecated calls it made."""
    slug = f"m-{uuid.uuid4().hex[:12]}"
    with Client(served.url) as client:
        tenant_id = client.tenant.create(name="m", slug=slug).id
    monkeypatch.setenv("PENSTOCK_URL", served.url)
    monkeypatch.setenv("PENSTOCK_TENANT_ID", str(tenant_id))
    out = io.StringIO()
    made: list[Client] = []
    start = Client.__init__

    def starting(client: Client, *positional: object, **named: object) -> None:
        start(client, *positional, **named)  # type: ignore[call-overload]
        made.append(client)

    monkeypatch.setattr(Client, "__init__", starting)
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        # A tenant's slug is everybody's, so that the scripts that make one need names of their own.
        text = source.replace('"My Team"', f'"My Team {slug}"')
        exec(compile(text, "script", "exec"), {"__name__": "__main__"})  # noqa: S102
    monkeypatch.setattr(Client, "__init__", start)
    # Scripts seldom close what they open.
    for client in made:
        client.close()
    return out.getvalue(), sum(item.category is DeprecationWarning for item in caught)


@pytest.mark.usefixtures("old_package")
@pytest.mark.parametrize("name", CORPUS)
def test_rewritten_scripts_run_to_the_same_end(
    name: str, open_server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = CORPUS[name]
    before, old = run(script.source, open_server, monkeypatch)
    rewritten = rewrite(script.source).text
    after, still = run(rewritten, open_server, monkeypatch)
    assert after == before and before
    if not script.left:
        assert still == 0, rewritten
    assert (old > still) == (script.rewritten > 0)


def test_rewritten_scripts_type_check_as_before(tmp_path: Path) -> None:
    for name, script in CORPUS.items():
        # The old package has no types here.
        if "prefect" not in script.source:
            (tmp_path / f"old_{name}.py").write_text(script.source, encoding="utf-8")
        (tmp_path / f"new_{name}.py").write_text(rewrite(script.source).text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--check-untyped-defs",
        "--output",
        "json",
        "--cache-dir",
        "cache",
        ".",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert not done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = Counter(report["file"] for report in reports if report["severity"] == "error")
    worse = [
        report
        for report in reports
        if report["file"].startswith("new_") and not errors[report["file"].replace("new_", "old_")]
    ]
    assert worse == []


# ----------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scripts"
    (folder / "inner").mkdir(parents=True)
    (folder / ".venv").mkdir()
    (folder / "a.py").write_bytes(
        b"from penstock import Client\r\nclient = Client()\r\nclient.create_project('p')\r\n"
    )
    (folder / "inner" / "b.py").write_bytes(
        b"# -*- coding: latin-1 -*-\nfrom penstock import Client\nClient().create_project('\xfc')\n"
    )
    (folder / "inner" / "c.py").write_text("from penstock import Client\nClient().get_task_tag_limit('t')\n")
    (folder / ".venv" / "d.py").write_text("from penstock import Client\nClient().create_project('p')\n")
    (folder / "a.py").chmod(0o755)
    yield folder


def test_a_diff_changes_nothing(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in scripts.rglob("*.py")}
    assert main(["migrate", "--no-type-checker", str(scripts)]) == 0
    said = capsys.readouterr()
    assert "-client.create_project('p')" in said.out and "+client.project.create(name='p')" in said.out
    assert (
        f"{scripts}/inner/c.py:2: client.get_task_tag_limit() is not rewritten: a tag without a limit"
        in said.err
    )
    assert "2 calls can be rewritten; --write does it, in 3 of 3 files." in said.err
    assert {path: path.read_bytes() for path in scripts.rglob("*.py")} == before
    assert main(["migrate", "--no-type-checker", "--check", str(scripts)]) == 1


def test_writing_keeps_encodings_line_ends_and_permissions(
    scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--write", str(scripts)]) == 0
    assert (scripts / "a.py").read_bytes().endswith(b"\r\nclient.project.create(name='p')\r\n")
    assert (scripts / "a.py").stat().st_mode & 0o777 == 0o755
    assert b"Client().project.create(name='\xfc')" in (scripts / "inner" / "b.py").read_bytes()
    assert MARK in (scripts / "inner" / "c.py").read_text()
    assert "d.py" not in capsys.readouterr().err
    assert "create_project" in (scripts / ".venv" / "d.py").read_text()
    first = {path: path.read_bytes() for path in scripts.rglob("*.py")}
    assert main(["migrate", "--write", "--check", str(scripts)]) == 0
    assert {path: path.read_bytes() for path in scripts.rglob("*.py")} == first
    assert not list(scripts.rglob(".*-*"))


def test_what_cannot_be_read_is_told_and_the_rest_done(
    scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scripts / "broken.py").write_text("import penstock\nclient = (\n")
    (scripts / "nul.py").write_bytes(b"import penstock\x00\n")
    (scripts / "bytes.py").write_bytes(b"# penstock \xff\xfe\n")
    assert main(["migrate", "--no-type-checker", "--write", str(scripts), str(scripts / "none.py")]) == 2
    said = capsys.readouterr().err
    assert f"{scripts}/broken.py:2: it is no Python that can be read" in said
    for name in ("nul.py", "bytes.py", "none.py"):
        assert f"{scripts}/{name}" in said
    assert "project.create" in (scripts / "a.py").read_text()
    assert "Traceback" not in said
