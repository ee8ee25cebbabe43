"""Writing a package: whole or not at all, whatever happens to the process that writes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from penstock_codegen import write as write_module
from penstock_codegen.write import MARKER, Change, WriteError, compare, render_diff, write

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals, links and permissions of POSIX")
KILLS = 200 if os.environ.get("PENSTOCK_STRESS") == "1" else 20


def generation(number: int) -> dict[str, str]:
    """A package whose modules each refuse to be imported beside a module of another generation."""
    names = [f"module_{index}" for index in range(12)]
    files = {
        "__init__.py": f"# {MARKER}.\nGENERATION = {number}\nfrom . import {', '.join(names)}\n",
        f"only_{number}.py": f"GENERATION = {number}\n",
        "_runtime/__init__.py": "",
        "_runtime/same.py": "SAME = True\n",
        "py.typed": "",
    }
    for index, name in enumerate(names):
        checks = "".join(
            f"from . import {other}\nassert {other}.GENERATION == {number}\n"
            for other in [f"only_{number}", *names[:index]]
        )
        files[f"{name}.py"] = f"GENERATION = {number}\n{checks}# {'x' * 5000}\n"
    return files


WRITER = """
import sys
from pathlib import Path
from test_write import generation
from penstock_codegen import write as module
if "rename" in sys.argv:
    module._exchange = lambda one, other: False
target, first, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
for step in range(rounds):
    module.write(target, generation(1 + (first + step) % 2))
"""


def writer(target: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def imported(target: Path) -> int:
    """The generation that a fresh interpreter imports."""
    program = f"import {target.name} as package, sys; sys.stdout.write(str(package.GENERATION))"
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(target.parent)!r}); {program}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    number = int(done.stdout)
    present = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert {path for path in present if not path.endswith(".pyc")} == set(generation(number))
    return number


def beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def fingerprint(target: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, time of modification and time of change of a folder and all in it."""
    return {
        str(path): (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
        for path in [target.parent, target, *target.rglob("*")]
        for found in [path.stat()]
    }


# What is written


def test_a_package_is_written_and_compared(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "package"
    files = {"__init__.py": f"# {MARKER}\n", "sub/a.py": "é = '\\r'\r\n", "py.typed": ""}
    expected = tuple(Change(path, "added", None, files[path]) for path in sorted(files))
    assert compare(target, files) == expected
    assert not target.parent.exists()
    assert write(target, files) == expected
    assert (target / "sub/a.py").read_bytes() == "é = '\\r'\r\n".encode()
    assert compare(target, files) == ()
    changed = {**files, "sub/a.py": "b"}
    del changed["py.typed"]
    expected = (
        Change("py.typed", "removed", "", None),
        Change("sub/a.py", "changed", files["sub/a.py"], "b"),
    )
    assert compare(target, changed) == expected
    assert write(target, changed) == expected
    assert not (target / "py.typed").exists()
    assert beside(target) == []


def test_nothing_is_touched_where_nothing_changes(tmp_path: Path) -> None:
    target = tmp_path / "package"
    write(target, generation(1))
    (target / "__pycache__").mkdir()
    (target / "__pycache__/module_1.cpython-311.pyc").write_bytes(b"cache")
    before = fingerprint(target)
    assert write(target, generation(1)) == ()
    assert fingerprint(target) == before


def test_files_that_do_not_change_keep_inode_and_time(tmp_path: Path) -> None:
    target = tmp_path / "package"
    files = generation(1)
    write(target, files)
    os.utime(target / "module_1.py", (1, 1))
    before = (target / "module_1.py").stat()
    write(target, {**files, "module_2.py": "new = True\n"})
    after = (target / "module_1.py").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (target / "module_2.py").read_text() == "new = True\n"


def test_without_links_times_are_kept_by_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "package"
    files = generation(1)
    write(target, files)
    os.utime(target / "module_1.py", (1, 1))

    def no_links(*_: object, **__: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    write(target, {**files, "module_2.py": "new = True\n"})
    assert (target / "module_1.py").stat().st_mtime == 1


def test_what_is_gone_goes(tmp_path: Path) -> None:
    target = tmp_path / "package"
    files = generation(1)
    write(target, {**files, "_operations/archive_flow.py": "", "_operations/deep/x.py": ""})
    (target / "stray.bin").write_bytes(b"\xff\xfe")
    changes = write(target, files)
    assert [(change.path, change.kind) for change in changes] == [
        ("_operations/archive_flow.py", "removed"),
        ("_operations/deep/x.py", "removed"),
        ("stray.bin", "removed"),
    ]
    assert not (target / "_operations").exists()


def test_a_file_becomes_a_folder_and_back(tmp_path: Path) -> None:
    target = tmp_path / "package"
    one, two = {"_runtime/a.py": "", "x": "file"}, {"_runtime/a.py": "", "x/y.py": "in a folder"}
    for files in (one, two, one):
        write(target, files)
        assert compare(target, files) == ()


@POSIX
def test_permissions_stay(tmp_path: Path) -> None:
    target = tmp_path / "package"
    files = {"_runtime/a.py": "a", "b.py": "b"}
    old = os.umask(0o027)
    try:
        write(target, files)
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert stat.S_IMODE((target / "b.py").stat().st_mode) == 0o640
    (target / "b.py").chmod(0o600)
    (target / "_runtime").chmod(0o711)
    write(target, {**files, "b.py": "c"})
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert stat.S_IMODE((target / "b.py").stat().st_mode) == 0o600
    assert stat.S_IMODE((target / "_runtime").stat().st_mode) == 0o711


@POSIX
def test_a_target_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real/package", tmp_path / "link"
    link.symlink_to(real)
    for number in (1, 2):
        write(link, generation(number))
        assert link.is_symlink()
        assert imported(real) == number
    assert beside(real) == []


# What is refused


def test_a_folder_that_was_not_generated_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "package"
    target.mkdir()
    assert write(target, {"a.py": "1"})[0].kind == "added"
    with pytest.raises(WriteError, match=r"package holds files that were not generated: name another output"):
        write(target, {"a.py": "2"})
    (target / "__init__.py").write_text('"""Generated by penstock, says a string."""\n')
    with pytest.raises(WriteError, match="not generated"):
        write(target, {"a.py": "2"})
    assert (target / "a.py").read_text() == "1"
    (target / "__init__.py").write_text(f"# {MARKER} 0.1 from schema.graphql\n")
    assert len(write(target, {"a.py": "2"})) == 2
    assert beside(target) == []


@pytest.mark.parametrize(
    "path",
    [
        "../out.py",
        "/etc/out.py",
        "a/../../out.py",
        "",
        ".",
        "a//b.py",
        "./a.py",
        "a\\b.py",
        "C:/a.py",
        "a\0.py",
        "a/",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(WriteError, match="is no path of a file inside the package"):
        write(tmp_path / "package", {path: ""})
    assert beside(tmp_path / "package") == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"__pycache__/a.py": ""}, "where Python keeps its own files"),
        ({"a.pyc": ""}, "where Python keeps its own files"),
        ({"a": "", "a/b.py": ""}, "a would be a file and a folder"),
        ({"Flow.py": "", "flow.py": ""}, "Flow.py and flow.py are one file"),
        ({"a.py": "\ud800"}, "half of a surrogate pair"),
    ],
)
def test_files_that_cannot_be_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(WriteError, match=message):
        compare(tmp_path / "package", files)


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package").write_text("mine")
    with pytest.raises(WriteError, match="package is a file where a folder has to be"):
        write(tmp_path / "package", generation(1))
    with pytest.raises(WriteError, match="package is a file where a folder has to be"):
        write(tmp_path / "package" / "inside", generation(1))
    assert (tmp_path / "package").read_text() == "mine"


@POSIX
def test_links_inside_a_package_are_refused(tmp_path: Path) -> None:
    target, outside = tmp_path / "package", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("mine")
    for link, points_to in (("a.py", outside / "a.py"), ("sub", outside), ("nowhere", tmp_path / "nothing")):
        write(target, generation(1))
        (target / link).symlink_to(points_to)
        with pytest.raises(WriteError, match=r"is a symbolic link, which a generated package never has"):
            write(target, {**generation(1), "a.py": "theirs", "sub/a.py": "theirs"})
        (target / link).unlink()
    assert (outside / "a.py").read_text() == "mine"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(WriteError, match="leads nowhere"):
        write(loop, generation(1))


@POSIX
def test_a_full_disk_leaves_the_old_package(tmp_path: Path) -> None:
    """A limit on a file's size stands for the full disk: the system refuses a write halfway through."""
    target = tmp_path / "package"
    write(target, generation(1))
    program = """
        import resource, signal, sys
        from pathlib import Path
        from penstock_codegen.write import WriteError, write
        from test_write import generation
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            write(Path(sys.argv[1]), generation(2))
        except WriteError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(target)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be written and is as it was: file too large" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert imported(target) == 1
    assert beside(target) == []


@POSIX
def test_a_read_only_folder_is_one_sentence() -> None:
    # Not in tmp_path: the process gives up its rights, and must still be able to reach the folder.
    with tempfile.TemporaryDirectory() as name:
        parent = Path(name)
        parent.chmod(0o755)
        write(parent / "package", generation(1))
        parent.chmod(0o555)
        program = """
            import os, sys
            from pathlib import Path
            from penstock_codegen.write import WriteError, write
            from test_write import generation
            if os.geteuid() == 0:
                os.seteuid(65534)
            print(write(Path(sys.argv[1]), generation(1)))
            try:
                write(Path(sys.argv[1]), generation(2))
            except WriteError as error:
                print(error)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(parent / "package")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
            capture_output=True,
            text=True,
            check=True,
        )
        parent.chmod(0o755)
        unchanged, refused = done.stdout.splitlines()
        assert unchanged == "()"
        assert "could not be written and is as it was: no permission to write there" in refused
        assert imported(parent / "package") == 1


# Runs that are killed, and runs at the same time


@POSIX
def test_killed_at_any_time_the_package_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "package"
    write(target, generation(1))
    chance = random.Random(20261121)
    seen: set[int] = set()
    for _ in range(KILLS):
        with writer(target, len(seen), 100_000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.08))
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        seen.add(imported(target))
    assert seen == {1, 2}
    # What the last kill left is gone after a run, even one that has nothing else to do.
    write(target, generation(imported(target)))
    assert beside(target) == []


@POSIX
def test_killed_without_an_exchange_the_next_run_repairs(tmp_path: Path) -> None:
    target = tmp_path / "package"
    write(target, generation(1))
    chance = random.Random(20261121)
    for _ in range(KILLS // 2):
        with writer(target, 0, 100_000, "rename") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
        number = chance.choice((1, 2))
        write(target, generation(number))
        assert imported(target) == number
        assert beside(target) == []


def test_between_two_renames_the_old_package_is_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "package"
    write(target, generation(1))
    inode = (target / "module_1.py").stat().st_ino
    (tmp_path / ".package.old-1-abcd").mkdir()
    shutil.rmtree(tmp_path / ".package.old-1-abcd")
    target.rename(tmp_path / ".package.old-1-abcd")
    shutil.copytree(tmp_path / ".package.old-1-abcd", tmp_path / ".package.new-1-abcd")
    assert write(target, generation(1)) == ()
    assert (target / "module_1.py").stat().st_ino == inode
    assert beside(target) == []

    # A second rename that fails puts the first one back.
    monkeypatch.setattr(write_module, "_exchange", lambda one, other: False)
    rename = Path.rename

    def fail_for_new(self: Path, to: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(5, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(WriteError, match="is as it was: input/output error"):
        write(target, generation(2))
    assert imported(target) == 1
    assert beside(target) == []


@POSIX
def test_two_writers_take_turns(tmp_path: Path) -> None:
    target = tmp_path / "package"
    with writer(target, 0, 15) as one, writer(target, 1, 15) as two:
        outputs = [process.communicate(timeout=120) for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], outputs
    assert imported(target) in (1, 2)
    assert beside(target) == []


@POSIX
def test_waiting_says_so_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    target = tmp_path / "package"
    monkeypatch.setattr(write_module, "LOCK_PATIENCE", 0.2)
    with write_module._lock(target), pytest.raises(WriteError, match="Another run has been writing"):
        write(target, generation(1))
    assert caplog.messages == [f"Waiting for another run (process {os.getpid()}) that writes {target}."]
    assert beside(target) == []
    write(target, generation(1))


# The diff


def test_a_diff_is_readable() -> None:
    changes = (
        Change("a.py", "changed", "one\ntwo\nthree\n", "one\n2\nthree\n"),
        Change("b.py", "added", None, "new\x1b[31m\n"),
        Change("c.py", "removed", "old\n", None),
    )
    assert render_diff(changes, colour=False) == textwrap.dedent("""\
        changed a.py (+1 -1)
        @@ -1,3 +1,3 @@
         one
        -two
        +2
         three

        added b.py (+1 -0)
        @@ -0,0 +1 @@
        +new�[31m

        removed c.py (+0 -1)
        @@ -1 +0,0 @@
        -old
        """)
    assert render_diff((), colour=True) == ""
    coloured = render_diff(changes, colour=True)
    assert "\x1b[31m-two\x1b[0m\n\x1b[32m+2\x1b[0m\n three\n" in coloured
    assert "new\x1b" not in coloured


def test_a_long_diff_is_cut_with_a_count() -> None:
    lines = [f"line {number}" for number in range(100)]
    one = Change("a.py", "added", None, "\n".join(lines))
    shown = render_diff((one,), colour=False).splitlines()
    assert shown[0] == "added a.py (+100 -0)"
    assert shown[-1] == "… 61 more lines"
    assert len(shown) == 42
    many = (
        *tuple(Change(f"{number}.py", "added", None, "x") for number in range(24)),
        Change("z", "removed", "x", None),
    )
    assert render_diff(many, colour=False).splitlines()[-1] == "… and 5 more files: 4 added, 1 removed"
