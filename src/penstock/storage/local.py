"""Flows in a folder of this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pydantic.dataclasses import dataclass

from penstock.storage.base import StorageError
from penstock.storage.blob_storage import BlobStorage


@dataclass
class LocalStorage(BlobStorage):
    """Flows in a folder: for agents on the same machine, or with the same disk.

    Attributes:
        directory: The folder, which is made with the first flow. A relative path is taken from the current folder, now.
    """

    directory: str | Path

    def __post_init__(self) -> None:
        self.directory = str(Path(self.directory).expanduser().absolute())
        self.name = self.name or "local"

    @property
    def folder(self) -> Path:
        """The folder."""
        return Path(self.directory)

    def _write(self, location: str, blob: bytes) -> None:
        path = self.folder / location
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(blob)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from None

    def _read(self, location: str) -> bytes:
        path = self.folder / location
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise StorageError(
                f"{path} is not there. Is this the machine that the flow was stored on? Store the flow again, or use a RemoteStorage."
            ) from None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from None

    def _place(self, location: str) -> str:
        return str(self.folder / location)
