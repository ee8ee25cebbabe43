"""Flows at a URL: any file system that fsspec knows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field
from pydantic.dataclasses import dataclass

from penstock.storage.base import StorageError
from penstock.storage.blob_storage import BlobStorage

_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
}


@dataclass
class RemoteStorage(BlobStorage):
    """Flows at a URL: `s3://bucket/flows`, `gs://…`, `az://…`, `memory://flows` (this process), or anything else that fsspec knows.

    Who may read and write there is found as the provider's own tools do it: environment, profiles, the machine's role.

    Attributes:
        url: The folder's URL, without a password.
        options: What the file system is made with, such as `{"endpoint_url": "http://127.0.0.1:9000"}`. They are part of the serialized
            storage, which everybody who sees the flow can read: no secrets.
    """

    url: str
    options: dict[str, Any] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        self.name = self.name or "remote"
        parts = urlsplit(self.url)
        if not parts.scheme or not (parts.netloc or parts.path):
            raise StorageError(f"{self.url!r} is no URL of a folder; it should look like s3://bucket/flows.")
        if parts.password or any(_is_secret(key) for key in self.options):
            raise StorageError(
                f"The storage {urlunsplit(parts._replace(netloc=parts.hostname or ''))} carries a secret, which all who see the flow "
                "could read. Give it in the environment or a profile of the provider's."
            )

    def _filesystem(self) -> tuple[Any, str]:
        try:
            import fsspec
        except ImportError:
            raise StorageError(
                "A RemoteStorage needs fsspec, which is not installed. Run: pip install 'penstock[agent]'"
            ) from None
        scheme = urlsplit(self.url).scheme
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **self.options)
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            how = f"Run: pip install 'penstock[{extra}]'" if extra else str(error)
            raise StorageError(f"{self.url} needs a library that is not installed. {how}") from None
        except ValueError as error:
            raise StorageError(f"{self.url} cannot be used: {error}.") from None
        return filesystem, path

    def _write(self, location: str, blob: bytes) -> None:
        filesystem, root = self._filesystem()
        path = f"{root}/{location}"
        try:
            if urlsplit(self.url).scheme not in _EXTRAS:
                # Object stores have no folders; what looks like one there is a bucket, which is not ours to make.
                filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            filesystem.pipe_file(path, blob)
        except Exception as error:  # every provider raises its own
            raise StorageError(f"{self._place(location)} cannot be written: {_words(error)}.") from error

    def _read(self, location: str) -> bytes:
        filesystem, root = self._filesystem()
        try:
            content: bytes = filesystem.cat_file(f"{root}/{location}")
        except FileNotFoundError:
            raise StorageError(f"{self._place(location)} is not there. Store the flow again.") from None
        except Exception as error:  # every provider raises its own
            raise StorageError(f"{self._place(location)} cannot be read: {_words(error)}.") from error
        return content

    def _place(self, location: str) -> str:
        return f"{self.url}/{location}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")


def _is_secret(key: str) -> bool:
    lowered = key.lower()
    return (
        any(word in lowered for word in ("secret", "password", "token", "sas", "account_key"))
        or lowered == "key"
    )
