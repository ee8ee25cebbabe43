"""Flows in a file: on disk, or in git at a revision."""

from __future__ import annotations

import hashlib
import os
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from penstock.storage.base import Storage, StorageError

if TYPE_CHECKING:
    from penstock.execution.runner import FlowRunner
    from penstock.flows import FlowLike

GIT_SECONDS = 300.0


@dataclass
class ScriptStorage(Storage):
    """Flows in a script. Running it is the way to its flows, so that they run in processes of their own (`get_env_runner`).

    A location is `path:flow@digest`, where the digest is the file's, or `path:flow@revision` in git: what is run is what was registered.

    Attributes:
        path: The script, inside the repository; without one, a path on this machine.
        repository: The git repository: a URL or a folder.
        revision: Commit, tag or branch; it is pinned to the commit that it names when a flow is added.
    """

    path: str | Path
    repository: str | None = None
    revision: str = "HEAD"

    has_runner: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.name = self.name or "script"
        if self.repository is None:
            self.path = str(Path(self.path).expanduser().absolute())
            return
        self.path = PurePosixPath(self.path).as_posix()
        if self.path.startswith("/") or ".." in PurePosixPath(self.path).parts:
            raise StorageError(f"{self.path} must be a path inside the repository.")
        # git takes what begins with a dash as an option.
        for given in (self.repository, self.revision):
            if given.startswith("-") or "\n" in given:
                raise StorageError(f"{given!r} is no repository or revision.")
        if re.match(r"ext::|fd::", self.repository):
            raise StorageError(f"{self.repository!r} runs a command instead of naming a repository.")

    def add_flow(self, flow: FlowLike) -> str:
        """Note where a flow is: the script is read at its revision, and must define it."""
        if self.repository is not None:
            revision = self._commit(self.revision)
            script = self._checkout(revision) / str(self.path)
        else:
            script = Path(self.path)
            revision = _digest(script)
        if not script.is_file():
            raise StorageError(
                f"There is no file {self.path} at {self.repository or 'this machine'} {revision}."
            )
        self.flows[flow.name] = location = f"{self.path}:{flow.name}@{revision}"
        return location

    def get_runner(self, flow_location: str) -> FlowRunner:
        """There is none: a script runs in a process of its own. Raises StorageError."""
        raise StorageError(
            "A ScriptStorage runs its flows in processes of their own: use get_env_runner, or a ProcessEnvironment."
        )

    def load(self, flow_location: str) -> FlowLike:
        """Run the script, which is not `__main__` then, and take the flow of that name from it."""
        from penstock.flows import FlowLike

        rest, _, revision = flow_location.rpartition("@")
        path, _, name = rest.rpartition(":")
        if path != str(self.path):
            raise StorageError(f"{flow_location!r} is no location in the script {self.path}.")
        if self.repository is not None:
            script = self._checkout(revision) / path
        else:
            script = Path(path)
            if not script.is_file():
                raise StorageError(f"{script} is not there.")
            if (now := _digest(script)) != revision:
                raise StorageError(
                    f"{script} was changed since the flow was registered ({revision} then, {now} now). Register it again."
                )
        sys.path.insert(0, str(script.parent))
        try:
            defined = runpy.run_path(str(script), run_name="penstock_script")
        except Exception as error:  # it is the user's code
            raise StorageError(f"The script {path} failed: {type(error).__name__}: {error}") from error
        for value in defined.values():
            if isinstance(value, FlowLike) and not isinstance(value, type) and value.name == name:
                return value
        raise StorageError(f"The script {path} defines no flow {name!r} at {revision}.")

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        command = ["git", *(("-C", str(folder)) if folder is not None else ()), *arguments]
        environment = {
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        }
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=GIT_SECONDS,
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise StorageError(
                "A ScriptStorage with a repository needs git, which is not installed."
            ) from None
        except subprocess.TimeoutExpired:
            raise StorageError(
                f"git {arguments[0]} of {_shown(self.repository)} took longer than {GIT_SECONDS:g} s."
            ) from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            text = (said[-1] if said else f"exit code {done.returncode}").replace(
                self.repository or "", _shown(self.repository)
            )
            raise StorageError(f"git {arguments[0]} of {_shown(self.repository)} failed: {text}")
        return done.stdout.strip()

    def _mirror(self) -> Path:
        from penstock.settings import load_settings

        key = hashlib.sha256((self.repository or "").encode()).hexdigest()[:16]
        return load_settings().home / "scripts" / key

    def _fetch(self) -> Path:
        mirror = self._mirror() / "git"
        if not (mirror / "HEAD").exists():
            mirror.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=mirror.parent) as temporary:
                cloned = Path(temporary) / "git"
                self._git("clone", "--quiet", "--mirror", "--", str(self.repository), str(cloned))
                if not mirror.exists():
                    cloned.rename(mirror)
        else:
            self._git("fetch", "--quiet", "--prune", "origin", folder=mirror)
        return mirror

    def _commit(self, revision: str) -> str:
        return self._git("rev-parse", "--verify", f"{revision}^{{commit}}", folder=self._fetch())

    def _checkout(self, commit: str) -> Path:
        """The files of a commit, in a folder that is kept: a commit never changes."""
        if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
            raise StorageError(f"{commit!r} is no commit.")
        folder = self._mirror() / "commits" / commit
        if folder.exists():
            return folder
        mirror = self._mirror() / "git"
        if not (mirror / "HEAD").exists() or not self._has(mirror, commit):
            mirror = self._fetch()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            archive = Path(temporary) / "files.tar"
            self._git("archive", "--format=tar", f"--output={archive}", commit, folder=mirror)
            import tarfile

            files = Path(temporary) / "files"
            with tarfile.open(archive) as tar:
                tar.extractall(files, filter="data")
            try:
                files.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
        return folder

    def _has(self, mirror: Path, commit: str) -> bool:
        try:
            self._git("cat-file", "-e", commit, folder=mirror)
        except StorageError:
            return False
        return True


def _digest(script: Path) -> str:
    try:
        return hashlib.sha256(script.read_bytes()).hexdigest()
    except OSError as error:
        raise StorageError(f"{script} cannot be read: {error.strerror}.") from None


def _shown(repository: str | None) -> str:
    """A repository's URL without what may be a password."""
    return re.sub(r"(://)[^/@]*@", r"\1", repository or "")
