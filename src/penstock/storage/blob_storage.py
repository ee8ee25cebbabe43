"""What storages have in common that keep blobs: flows and results, by what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.dataclasses import dataclass

from penstock.storage.base import Storage, StorageError
from penstock.storage.blobs import checked_location, read_blob, slug, write_blob

if TYPE_CHECKING:
    from penstock.flows import FlowLike


@dataclass(kw_only=True)
class BlobStorage(Storage):
    """A storage of blobs. Subclasses say how bytes are written, once, and read."""

    def add_flow(self, flow: FlowLike) -> str:
        """Store a flow, signed; under the same location, where the same flow is there already."""
        blob, digest = write_blob("flow", flow.name, flow)
        location = f"{slug(flow.name)}/{digest}.flow"
        self._write(location, blob)
        self.flows[flow.name] = location
        return location

    def load(self, flow_location: str) -> FlowLike:
        """The stored flow. Raises StorageError where it is missing, cut off, changed, or of another Python version."""
        from penstock.flows import FlowLike

        found = read_blob(self._read(checked_location(flow_location)), self._place(flow_location))
        if not isinstance(found, FlowLike):
            raise StorageError(
                f"{self._place(flow_location)} holds a {type(found).__name__}, which is no flow."
            )
        return found

    def write_result(self, value: object) -> str | None:
        """Keep a result; its location."""
        blob, digest = write_blob("result", "", value)
        location = f"results/{digest}.result"
        self._write(location, blob)
        return location

    def read_result(self, location: str) -> Any:
        """A result that was kept. Raises StorageError where it is missing or was changed."""
        return read_blob(self._read(checked_location(location)), self._place(location))

    def _write(self, location: str, blob: bytes) -> None:
        raise NotImplementedError

    def _read(self, location: str) -> bytes:
        raise NotImplementedError

    def _place(self, location: str) -> str:
        raise NotImplementedError
