"""The operations manifest: every document that the package sends, under its hash, for servers that allow nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from . import ir


def operations_of(package: ir.Package) -> Iterator[ir.Operation]:
    """Every operation that the package holds, in its order."""
    yield from package.operations
    for resource in package.resources:
        yield from resource.operations


def manifest_text(package: ir.Package) -> str:
    """The manifest as JSON: hash → name, kind and document, by name.

    The hash is SHA-256, in hexadecimal, of the document's UTF-8 text exactly as a client sends it: what `extensions.persistedQuery`
    names. Selections that are made when a program runs (`get`, `query`) cannot be in it.
    """
    fragments = {item.constant: item.text for item in package.fragments}
    operations = sorted(operations_of(package), key=lambda item: item.name)
    entries: dict[str, Mapping[str, str]] = {}
    for operation in operations:
        document = "".join([operation.text, *(fragments[name] for name in operation.fragments)])
        entries[sha256(document.encode()).hexdigest()] = {
            "name": operation.name,
            "kind": operation.kind,
            "document": document,
        }
    return json.dumps({"version": 1, "operations": entries}, indent=2, ensure_ascii=False) + "\n"


def is_current(file: Path, text: str) -> bool:
    """Whether a manifest's file holds this text."""
    try:
        return file.read_bytes() == text.encode()
    except OSError:
        return False


def write_manifest(file: Path, text: str) -> bool:
    """Writes the manifest in one step; gives whether that changed it. Raises `OSError` where it cannot be written."""
    if is_current(file, text):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8", newline="\n")
    new.replace(file)
    return True
