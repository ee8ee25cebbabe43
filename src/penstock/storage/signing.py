"""The key that stored flows are signed with.

Unpickling runs code, so that nothing is unpickled that was not signed with the key of these settings: `PENSTOCK_SIGNING_KEY`, else the file
`signing.key` in `PENSTOCK_HOME`, which is made with a random key the first time, readable by its owner alone. Agents on other machines
need the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from penstock.storage.base import StorageError

KEY_BYTES = 32
# A shorter one could be guessed.
LEAST_CHARACTERS = 16


class SigningSettings(BaseSettings):
    """Where the key comes from."""

    model_config = SettingsConfigDict(
        env_prefix="PENSTOCK_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    signing_key: SecretStr | None = None
    home: Path | None = None


def signing_key() -> bytes:
    """The key.

    Raises:
        StorageError: It is too short, or the file that has it cannot be used.
    """
    settings = SigningSettings()
    if settings.signing_key is not None:
        text = settings.signing_key.get_secret_value().strip()
        if len(text) < LEAST_CHARACTERS:
            raise StorageError(
                f"PENSTOCK_SIGNING_KEY has {len(text)} characters; it needs {LEAST_CHARACTERS} at least. Make one with: "
                "python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        return text.encode()
    return _key_in_file((settings.home or Path.home() / ".penstock") / "signing.key").encode()


def _key_in_file(path: Path) -> str:
    for _ in range(2):
        try:
            with path.open(encoding="ascii") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                text = file.read().strip()
        except FileNotFoundError:
            _make(path)
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"The signing key in {path} cannot be read: {error}.") from None
        if os.name == "posix" and mode & 0o077:
            raise StorageError(
                f"{path} is the key that stored flows are signed with, and others may read it. Run: chmod 600 {path}"
            )
        if len(text) < LEAST_CHARACTERS:
            raise StorageError(
                f"{path} holds no signing key. Delete it, and a new one is made; flows stored before are refused then."
            )
        return text
    raise StorageError(f"The signing key {path} cannot be made.")


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whole or not at all: another process may look for it at the same time.
        temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The signing key {path} cannot be made: {error.strerror}. Set PENSTOCK_SIGNING_KEY."
        ) from None


def sign(content: bytes) -> str:
    """The HMAC-SHA256 of content under the key, as hexadecimal digits."""
    return hmac.new(signing_key(), content, hashlib.sha256).hexdigest()


def is_signed(content: bytes, signature: str) -> bool:
    """Whether a signature is that of the content under the key; in time that tells nothing of how much of it fits."""
    return hmac.compare_digest(sign(content).encode(), signature.encode("utf-8", "replace"))
