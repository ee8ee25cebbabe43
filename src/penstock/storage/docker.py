"""Flows in a container image."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field
from pydantic.dataclasses import dataclass

from penstock.storage.base import EnvRunner, Storage, StorageError
from penstock.storage.blobs import checked_location, python_version, read_blob, slug, write_blob

if TYPE_CHECKING:
    from penstock.execution.runner import FlowRunner
    from penstock.flows import FlowLike

FLOWS_IN_IMAGE = "/opt/penstock/flows"

# What a container is told beside what the command names.
PASSED = (
    "PENSTOCK_URL",
    "PENSTOCK_API_KEY",
    "PENSTOCK_TENANT_ID",
    "PENSTOCK_FLOW_RUN_ID",
    "PENSTOCK_FLOW_RUN_NAME",
    "PENSTOCK_ATTEMPT",
    "PENSTOCK_HEARTBEAT_INTERVAL",
    "PENSTOCK_PARAMETERS",
    "PENSTOCK_SIGNING_KEY",
    "PENSTOCK_PRINT_STATE",
)


@dataclass
class DockerStorage(Storage):
    """Flows in a container image, which `build` makes where a Docker engine is reachable.

    The build context (`build_context`) is the same bytes for the same flows and settings, whoever makes it, and whenever.

    Attributes:
        image: The image's name, such as `registry.example.com/flows/etl`.
        tag: Its tag; where it is empty, a digest of the build context.
        base_image: What it is built on; Python of this version, where it is empty.
        requirements: What pip installs into it, as in a requirements file.
        push: Whether `build` also pushes it.
        contents: The stored flows, by location, until the image is built.
    """

    image: str
    tag: str = ""
    base_image: str = ""
    requirements: tuple[str, ...] = ("penstock[agent]",)
    push: bool = False
    contents: dict[str, bytes] = Field(default_factory=dict, exclude=True, repr=False)

    has_runner: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.name = self.name or "docker"
        if not re.fullmatch(r"[a-z0-9]+([._:/-]+[a-z0-9]+)*", self.image):
            raise StorageError(
                f"{self.image!r} is no name of an image: lower-case letters, digits, and ./-_ between them."
            )
        for given in (self.base_image, *self.requirements):
            if "\n" in given or "\r" in given:
                raise StorageError(
                    f"{given!r} has a line break, which would be a line of its own in the Dockerfile."
                )
        self.base_image = self.base_image or f"python:{python_version()}-slim"

    @property
    def reference(self) -> str:
        """The image with its tag."""
        return f"{self.image}:{self.tag or 'latest'}"

    def add_flow(self, flow: FlowLike) -> str:
        """Put a flow into what will be built."""
        blob, digest = write_blob("flow", flow.name, flow)
        location = f"{slug(flow.name)}/{digest}.flow"
        self.contents[location] = blob
        self.flows[flow.name] = location
        return location

    def dockerfile(self) -> str:
        """The Dockerfile that the image is built by."""
        lines = [f"FROM {self.base_image}", "ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1"]
        if self.requirements:
            # A list of arguments and no shell: nothing in a requirement is interpreted.
            lines.append(f"RUN {json.dumps(['python', '-m', 'pip', 'install', *self.requirements])}")
        lines += [
            f"COPY flows/ {FLOWS_IN_IMAGE}/",
            "USER 65534:65534",
            'ENTRYPOINT ["python", "-m", "penstock.execution"]',
        ]
        return "\n".join(lines) + "\n"

    def build_context(self) -> bytes:
        """The build context, a tar archive: the Dockerfile and the flows, in order, without times or owners."""
        buffer = io.BytesIO()
        files = {"Dockerfile": self.dockerfile().encode()} | {
            f"flows/{location}": blob for location, blob in self.contents.items()
        }
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name in sorted(files):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime, entry.mode = len(files[name]), 0, 0o644
                tar.addfile(entry, io.BytesIO(files[name]))
        return buffer.getvalue()

    def write_context(self, directory: str | Path) -> Path:
        """Write the build context into a folder, for `docker build` by hand or in CI; the folder."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(self.build_context())) as tar:
            tar.extractall(folder, filter="data")
        return folder

    def build(self) -> Self:
        """Build the image, and push it where `push` says so.

        Raises:
            StorageError: No Docker engine is reachable, or it could not build the image; the message ends with what it said.
        """
        import hashlib

        if not self.contents:
            raise StorageError(f"The image {self.image} has no flows to be built of: add_flow comes first.")
        context = self.build_context()
        if not self.tag:
            self.tag = hashlib.sha256(context).hexdigest()[:16]
        client = _engine()
        try:
            self._build_with(client, context)
        finally:
            client.close()
        return self

    def _build_with(self, client: Any, context: bytes) -> None:
        from docker.errors import APIError, BuildError

        try:
            client.images.build(fileobj=io.BytesIO(context), custom_context=True, tag=self.reference, rm=True)
        except BuildError as error:
            said = [str(line.get("stream", "")).strip() for line in error.build_log]
            last = next((line for line in reversed(said) if line), "")
            raise StorageError(
                f"The image {self.reference} could not be built: {error.msg}. {last}"
            ) from None
        except APIError as error:
            raise StorageError(
                f"The Docker engine refused to build {self.reference}: {error.explanation}."
            ) from None
        if self.push:
            for line in client.images.push(self.image, tag=self.tag, stream=True, decode=True):
                if "error" in line:
                    raise StorageError(f"{self.reference} could not be pushed: {line['error']}.")

    def get_runner(self, flow_location: str) -> FlowRunner:
        """There is none: the flow is in the image. Raises StorageError."""
        raise StorageError(
            "A DockerStorage runs its flows in containers: use get_env_runner, a ProcessEnvironment or a KubernetesJobEnvironment."
        )

    def load(self, flow_location: str) -> FlowLike:
        """The flow, inside a container of the image."""
        path = Path(FLOWS_IN_IMAGE) / checked_location(flow_location)
        try:
            blob = path.read_bytes()
        except OSError:
            raise StorageError(f"{path} is not there: this is no container of {self.reference}.") from None
        found: FlowLike = read_blob(blob, str(path))
        return found

    def get_env_runner(self, flow_location: str, python: str | None = None) -> EnvRunner:
        """The flow as a `docker run`. Values go through the environment, so that no secret is in a list of processes."""
        own = super().get_env_runner(flow_location).environment
        named = [argument for name in (*own, *PASSED) for argument in ("--env", name)]
        return EnvRunner(("docker", "run", "--rm", "--network", "host", *named, self.reference), own)


def _engine() -> Any:
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        raise StorageError(
            "A DockerStorage needs the Docker SDK, which is not installed. Run: pip install 'penstock[docker]'"
        ) from None
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        raise StorageError(
            f"No Docker engine can be reached ({error}). Start one, or set DOCKER_HOST; `write_context` writes what `docker build` needs."
        ) from None
    return client
