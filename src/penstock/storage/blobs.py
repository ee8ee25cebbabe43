"""The form in which flows and results are stored: pickled, described, signed.

    penstock-blob 1\\n
    {"kind": "flow", "name": …, "python": "3.11", "cloudpickle": "3.1.2", "length": 1234, "sha256": …}\\n
    <HMAC-SHA256 of the two lines above and of what follows>\\n
    <the pickle>

A blob is read in this order: its form, its length, its signature, the Python version that wrote it; unpickled comes last.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from penstock.storage.base import StorageError
from penstock.storage.signing import is_signed, sign

if TYPE_CHECKING:
    from types import ModuleType

MAGIC = b"penstock-blob 1\n"

# A first line that goes on for ever is no header.
HEADER_BYTES = 16_384


def python_version() -> str:
    """The Python version as far as pickled functions depend on it: their bytecode changes with every minor release."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def cloudpickle() -> ModuleType:
    """The module cloudpickle. Raises StorageError where it is not installed."""
    try:
        import cloudpickle
    except ImportError:
        raise StorageError(
            "Storing flows needs cloudpickle, which is not installed. Run: pip install 'penstock[agent]'"
        ) from None
    found: ModuleType = cloudpickle
    return found


def pickled(obj: object) -> bytes:
    """An object as bytes. What its own module defines goes along, so that it can be read where that module is not.

    Raises:
        StorageError: Something in it cannot be pickled.
    """
    module = sys.modules.get(getattr(obj, "__module__", "") or "")
    by_value = module if module is not None and _is_users(module) else None
    library = cloudpickle()
    registered = False
    try:
        if by_value is not None and by_value.__name__ not in library.list_registry_pickle_by_value():
            library.register_pickle_by_value(by_value)
            registered = True
        content: bytes = library.dumps(obj)
    except StorageError:
        raise
    except Exception as error:
        raise StorageError(
            f"{obj!r} cannot be pickled: {type(error).__name__}: {error}. Functions must not refer to open files, connections or locks; "
            "make such things inside the function."
        ) from error
    finally:
        if registered:
            library.unregister_pickle_by_value(by_value)
    return content


def _is_users(module: ModuleType) -> bool:
    """Whether a module is the user's own rather than an installed library's, which is there where the flow runs, too."""
    path = getattr(module, "__file__", None) or ""
    return (
        module.__name__ != "__main__"
        and module.__name__.split(".")[0] not in ("penstock", "penstock_api", *sys.stdlib_module_names)
        and "site-packages" not in path
        and "dist-packages" not in path
    )


def write_blob(kind: str, name: str, obj: object) -> tuple[bytes, str]:
    """An object as a signed blob, and the digest that its location is made of.

    The digest is of the pickle and of the Python version, not of the signature: the same flow has one location, whoever stores it.
    """
    content = pickled(obj)
    digest = hashlib.sha256(content).hexdigest()
    header = {
        "kind": kind,
        "name": name,
        "python": python_version(),
        "cloudpickle": cloudpickle().__version__,
        "length": len(content),
        "sha256": digest,
    }
    head = MAGIC + json.dumps(header, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    return head + sign(head + content).encode() + b"\n" + content, digest


def read_blob(blob: bytes, where: str) -> Any:
    """The object in a blob.

    Args:
        blob: The bytes.
        where: Where they are from, for messages.

    Raises:
        StorageError: It is no blob, is cut off, was signed with another key or changed, or was written by another Python version.
    """
    if not blob.startswith(MAGIC):
        raise StorageError(f"{where} is no stored flow: it does not begin as one. Store the flow again.")
    end = blob.find(b"\n", len(MAGIC), len(MAGIC) + HEADER_BYTES)
    signature_end = blob.find(b"\n", end + 1, end + 1 + 65) if end != -1 else -1
    if end == -1 or signature_end == -1:
        raise StorageError(
            f"{where} is cut off: it ends inside its header, after {len(blob)} bytes. Store the flow again."
        )
    head, signature, content = blob[: end + 1], blob[end + 1 : signature_end], blob[signature_end + 1 :]
    try:
        header = json.loads(head[len(MAGIC) :])
        length = int(header["length"])
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{where} has a header that cannot be read. Store the flow again.") from None
    if len(content) < length:
        raise StorageError(
            f"{where} is cut off: {len(content)} of {length} bytes are there. Store the flow again."
        )
    if not is_signed(head + content, signature.decode("ascii", "replace")):
        raise StorageError(
            f"{where} has a wrong signature: it was changed, or signed with another key, and is not run. "
            "Set PENSTOCK_SIGNING_KEY to the key of those who stored it, or store the flow again."
        )
    written = str(header.get("python"))
    if written != python_version():
        raise StorageError(
            f"{where} was stored by Python {written} and this is Python {python_version()}, which cannot read its functions. "
            f"Run it with Python {written}, or store the flow again."
        )
    try:
        return cloudpickle().loads(content)
    except StorageError:
        raise
    except Exception as error:
        raise StorageError(
            f"{where} cannot be unpickled: {type(error).__name__}: {error}. "
            "What the flow imports must be installed where it runs."
        ) from error


def slug(name: str) -> str:
    """A name as part of a file's name: letters, digits, `-`, `_` and `.`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:80] or "flow"


def checked_location(location: str) -> str:
    """A location inside a storage, as it was made here. Raises StorageError for one that leads out of it."""
    parts = location.split("/")
    if (
        not location
        or location.startswith("/")
        or "\\" in location
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise StorageError(f"{location!r} is no location in this storage.")
    return location
