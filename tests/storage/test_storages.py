"""Storages: flows go in and come out, in this process and in others, and what was tampered with does not."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.storage import flows_in_a_module

from penstock import flow, task
from penstock.execution.engine import FlowFailed
from penstock.flows import ParameterError
from penstock.storage import (
    DockerStorage,
    LocalStorage,
    ModuleStorage,
    RemoteStorage,
    ScriptStorage,
    Storage,
    StorageError,
)
from penstock.storage.blobs import read_blob, write_blob

if TYPE_CHECKING:
    from collections.abc import Callable


@task
def increase(number: int) -> int:
    return number + 1


@flow
def add(x: int, y: int = 2) -> int:
    return increase(x) + y - 1


@flow
def fail(text: str) -> None:
    raise LookupError(text)


def local(folder: Path) -> Storage:
    return LocalStorage(folder / "flows")


def memory(folder: Path) -> Storage:
    return RemoteStorage(f"memory://{folder.name}/flows")


def file_url(folder: Path) -> Storage:
    return RemoteStorage(f"file://{folder}/remote")


@pytest.mark.parametrize("make", [local, memory, file_url])
def test_a_storage_gives_back_what_was_put_in(make: Callable[[Path], Storage], tmp_path: Path) -> None:
    storage = make(tmp_path)
    assert add not in storage
    location = storage.add_flow(add)
    assert storage.flows == {"add": location}
    assert add in storage
    assert "add" in storage
    assert "other" not in storage
    assert storage.build() is storage
    assert storage.name
    again = Storage.deserialize(json.loads(json.dumps(storage.serialize())))
    assert again == storage
    assert type(again) is type(storage)
    assert again.get_runner(location).run(x="40") == 42
    with pytest.raises(ParameterError):
        again.get_runner(location).run(x="no number")
    failing = again.get_runner(again.add_flow(fail))
    with pytest.raises(LookupError, match="gone"):
        failing.run(text="gone")
    assert failing.state(text="gone").message == "LookupError: gone"


def test_s3(s3: str) -> None:
    storage = RemoteStorage("s3://flows/team", options={"endpoint_url": s3})
    location = storage.add_flow(add)
    again = Storage.deserialize(storage.serialize())
    assert again.get_runner(location).run(x=40) == 42
    kept = storage.write_result({"rows": list(range(10))})
    assert kept is not None
    assert again.read_result(kept) == {"rows": list(range(10))}
    with pytest.raises(StorageError, match=r"s3://flows/team/add/none.flow is not there"):
        again.get_runner("add/none.flow")
    with pytest.raises(StorageError, match="cannot be written"):
        RemoteStorage("s3://no-such-bucket-of-ours/x", options={"endpoint_url": s3}).add_flow(add)


def test_the_same_flow_has_the_same_location_and_a_new_one_takes_the_name(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    first = storage.add_flow(add)
    assert storage.add_flow(add) == first

    @flow(name="add")
    def other(x: int) -> int:
        return -x

    second = storage.add_flow(other)
    assert second != first
    assert storage.flows == {"add": second}
    assert storage.get_runner(first).run(x=1) == 3
    assert storage.get_runner(second).run(x=1) == -1


def test_what_a_module_defines_goes_along(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    location = storage.add_flow(flows_in_a_module.walk)
    script = (
        "import sys; sys.modules['tests'] = None\n"
        "from penstock.storage import LocalStorage\n"
        f"print(LocalStorage({str(tmp_path)!r}).get_runner({location!r}).run(number=1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_what_cannot_be_pickled_is_refused_with_the_reason(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:

        @flow
        def holding() -> None:
            file.write("x")

        with pytest.raises(StorageError, match="must not refer to open files"):
            LocalStorage(tmp_path).add_flow(holding)


# ---- signatures ----


def stored(folder: Path) -> tuple[LocalStorage, str, Path]:
    storage = LocalStorage(folder / "flows")
    location = storage.add_flow(add)
    return storage, location, storage.folder / location


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path, home: Path) -> None:
    stored(tmp_path)
    key = home / "signing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_text()
    assert len(before.strip()) == 64
    stored(tmp_path)
    assert key.read_text() == before
    assert list(home.iterdir()) == [key]
    key.chmod(0o644)
    with pytest.raises(StorageError, match="chmod 600"):
        stored(tmp_path)


def test_a_flow_signed_with_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, location, _ = stored(tmp_path)
    monkeypatch.setenv("PENSTOCK_SIGNING_KEY", "another key of enough characters")
    with pytest.raises(StorageError, match=r"wrong signature.*not run"):
        storage.get_runner(location)
    monkeypatch.setenv("PENSTOCK_SIGNING_KEY", "short")
    with pytest.raises(StorageError, match="5 characters"):
        storage.get_runner(location)


def test_every_changed_byte_is_noticed_before_anything_is_unpickled(tmp_path: Path) -> None:
    storage, location, path = stored(tmp_path)
    blob = path.read_bytes()
    for position in range(0, len(blob), 7):
        path.write_bytes(blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :])
        with pytest.raises(StorageError):
            storage.get_runner(location)
    path.write_bytes(blob)
    assert storage.get_runner(location).run(x=1) == 3


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    storage, location, path = stored(tmp_path)
    blob = path.read_bytes()
    for length in (0, 5, 20, 100, len(blob) // 2, len(blob) - 1):
        path.write_bytes(blob[:length])
        with pytest.raises(StorageError, match=r"cut off|does not begin"):
            storage.get_runner(location)


def test_a_missing_blob_says_where_it_should_be(tmp_path: Path) -> None:
    storage, location, path = stored(tmp_path)
    path.unlink()
    with pytest.raises(StorageError, match=f"{path} is not there"):
        storage.get_runner(location)


def test_another_python_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, location, _ = stored(tmp_path)
    monkeypatch.setattr("penstock.storage.blobs.python_version", lambda: "3.99")
    with pytest.raises(StorageError, match=r"stored by Python 3.\d+ and this is Python 3.99"):
        storage.get_runner(location)


def test_what_is_unpickled_must_be_a_flow(tmp_path: Path) -> None:
    storage, location, path = stored(tmp_path)
    path.write_bytes(write_blob("flow", "x", {"not": "a flow"})[0])
    with pytest.raises(StorageError, match="holds a dict, which is no flow"):
        storage.get_runner(location)
    with pytest.raises(StorageError, match="cannot be unpickled: ModuleNotFoundError"):
        read_blob(_blob_with_missing_module(), "here")


def _blob_with_missing_module() -> bytes:
    import types

    module = types.ModuleType("not_there_later")
    module.Gone = type("Gone", (), {"__module__": "not_there_later"})  # type: ignore[attr-defined]  # made here
    sys.modules["not_there_later"] = module
    try:
        return write_blob("flow", "x", [module.Gone])[0]
    finally:
        del sys.modules["not_there_later"]


@pytest.mark.parametrize("location", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a\\b", "."])
def test_locations_lead_nowhere_else(location: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no location in this storage"):
        LocalStorage(tmp_path).get_runner(location)


# ---- serialized forms ----


@pytest.mark.parametrize(
    ("serialized", "words"),
    [
        (None, "is an object with a `type`"),
        ({"type": "FloppyStorage"}, "no storage that is known here; known are .*LocalStorage"),
        ({"type": "LocalStorage"}, "directory: Field required"),
        ({"type": "LocalStorage", "directory": "x", "flows": 7}, "flows"),
    ],
)
def test_what_is_no_storage_is_refused(serialized: Any, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        Storage.deserialize(serialized)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://user:secret@host/flows", {}),
        ("s3://bucket", {"secret": "x"}),
        ("s3://bucket", {"key": "x"}),
        ("az://container", {"sas_token": "x"}),
    ],
)
def test_secrets_are_kept_out_of_the_serialized_storage(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match="carries a secret") as caught:
        RemoteStorage(url, options=options)
    assert "user:secret" not in str(caught.value)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(StorageError, match=r"pip install 'penstock\[agent\]'"):
        LocalStorage(tmp_path).add_flow(add)
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"pip install 'penstock\[gcs\]'"):
        RemoteStorage("gs://bucket/flows").add_flow(add)


# ---- modules ----


def test_modules_keep_nothing(tmp_path: Path) -> None:
    storage = ModuleStorage()
    location = storage.add_flow(flows_in_a_module.walk)
    assert location == "tests.storage.flows_in_a_module:walk"
    again = Storage.deserialize(storage.serialize())
    assert again.get_runner(location).flow is flows_in_a_module.walk
    assert again.get_runner(location).run(number=1) == 3
    with pytest.raises(StorageError, match="cannot be imported: ModuleNotFoundError"):
        again.get_runner("no_such_module:walk")
    with pytest.raises(StorageError, match="is a function, which is no flow"):
        again.get_runner("tests.storage.flows_in_a_module:helper")

    @flow
    def inner() -> None: ...

    with pytest.raises(StorageError, match="has no attribute that is the flow 'inner'"):
        storage.add_flow(inner)


# ---- scripts ----

SCRIPT = """
from penstock import flow

@flow
def scripted(x: int) -> dict[str, int]:
    print("working")
    return {"x": x * FACTOR}

FACTOR = 10

if __name__ == "__main__":
    raise SystemExit("the script must not be the main program")
"""


def scripted(script: Path) -> Any:
    import runpy

    return runpy.run_path(str(script))["scripted"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_a_script_on_disk_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "etl.py"
    script.write_text(SCRIPT)
    storage = ScriptStorage(script)
    location = storage.add_flow(scripted(script))
    again = Storage.deserialize(storage.serialize())
    assert again.get_env_runner(location).run(x=4) == {"x": 40}
    with pytest.raises(FlowFailed, match="x: input should be a valid integer"):
        again.get_env_runner(location).run(x="four")
    with pytest.raises(StorageError, match="use get_env_runner"):
        again.get_runner(location)
    script.write_text(SCRIPT + "# changed\n")
    with pytest.raises(FlowFailed, match="was changed since the flow was registered"):
        again.get_env_runner(location).run(x=4)


def test_a_script_in_git_is_pinned_to_its_commit(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "flows").mkdir(parents=True)
    script = repository / "flows" / "etl.py"
    script.write_text(SCRIPT)
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "first")
    commit = git(repository, "rev-parse", "HEAD")
    storage = ScriptStorage("flows/etl.py", repository=str(repository), revision="main")
    location = storage.add_flow(scripted(script))
    assert location == f"flows/etl.py:scripted@{commit}"
    script.write_text(SCRIPT.replace("FACTOR = 10", "FACTOR = 100"))
    git(repository, "commit", "--quiet", "-am", "second")
    assert storage.load(location).serialize()["name"] == "scripted"
    later = ScriptStorage("flows/etl.py", repository=str(repository), revision="main")
    moved = later.add_flow(scripted(script))
    assert moved != location
    runs = [Storage.deserialize(storage.serialize()).get_env_runner(at) for at in (location, moved)]
    assert [runner.run(x=1) for runner in runs] == [{"x": 10}, {"x": 100}]
    with pytest.raises(StorageError, match=r"git rev-parse of .* failed"):
        ScriptStorage("flows/etl.py", repository=str(repository), revision="no-such-tag").add_flow(
            scripted(script)
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "../x.py", "repository": "r"},
        {"path": "/x.py", "repository": "r"},
        {"path": "x.py", "repository": "--upload-pack=touch /tmp/x"},
        {"path": "x.py", "repository": "r", "revision": "--output=x"},
        {"path": "x.py", "repository": "ext::sh -c whoami"},
    ],
)
def test_hostile_repositories_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(StorageError):
        Storage.deserialize({"type": "ScriptStorage", **fields})


# ---- images ----


def test_the_build_context_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    def made() -> DockerStorage:
        storage = DockerStorage(
            "flows/etl", base_image="python:3.11-slim", requirements=("penstock[agent]", "x; y")
        )
        storage.add_flow(fail)
        storage.add_flow(add)
        return storage

    first, second = made(), made()
    assert first.build_context() == second.build_context()
    with tarfile.open(fileobj=io.BytesIO(first.build_context())) as tar:
        names = tar.getnames()
        assert all((entry.mtime, entry.uid, entry.uname) == (0, 0, "") for entry in tar)
    assert names == sorted(["Dockerfile", *(f"flows/{location}" for location in first.flows.values())])
    assert first.dockerfile().splitlines() == [
        "FROM python:3.11-slim",
        "ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1",
        'RUN ["python", "-m", "pip", "install", "penstock[agent]", "x; y"]',
        "COPY flows/ /opt/penstock/flows/",
        "USER 65534:65534",
        'ENTRYPOINT ["python", "-m", "penstock.execution"]',
    ]
    folder = first.write_context(tmp_path / "context")
    assert (folder / "flows" / first.flows["add"]).is_file()
    serialized = json.dumps(first.serialize())
    assert "contents" not in serialized
    again = Storage.deserialize(json.loads(serialized))
    command = again.get_env_runner(first.flows["add"]).command
    assert command[:3] == ("docker", "run", "--rm")
    assert command[-1] == "flows/etl:latest"
    assert "PENSTOCK_API_KEY" in command


def test_without_an_engine_building_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    storage = DockerStorage("flows/etl")
    with pytest.raises(StorageError, match="add_flow comes first"):
        storage.build()
    storage.add_flow(add)
    with pytest.raises(StorageError, match="No Docker engine can be reached"):
        storage.build()


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "Upper"},
        {"image": "a b"},
        {"image": "x", "base_image": "a\nRUN evil"},
        {"image": "x", "requirements": ("a\nb",)},
    ],
)
def test_what_would_change_the_dockerfile_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(StorageError):
        DockerStorage(**fields)
