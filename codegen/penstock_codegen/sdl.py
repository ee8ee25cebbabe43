"""The schema's text: from files, or from a running API by introspection. graphql-core is needed for the latter only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import Config, setting_place
from .diagnostics import Diagnostic, Problems, shown_path


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A schema's SDL: the names of its files, or the URL that it was introspected at, and their texts."""

    files: tuple[str, ...]
    texts: tuple[str, ...]


def read_schema_text(config: Config, problems: Problems) -> SchemaText:
    """The SDL that the configuration names. Raises `GenerationError` where it cannot be had."""
    files: list[str] = []
    texts: list[str] = []
    for entry in config.schema:
        if entry.startswith(("http://", "https://")):
            files.append(entry)
            texts.append(introspect(entry, config, problems))
            continue
        for path in _paths(config, entry, problems):
            files.append(shown_path(path, config.root))
            texts.append(_read(path, config, problems))
    problems.stop_if_any()
    return SchemaText(tuple(files), tuple(texts))


def _paths(config: Config, entry: str, problems: Problems) -> list[Path]:
    if not any(mark in entry for mark in "*?["):
        return [config.root / entry]
    try:
        found = sorted(config.root.glob(entry))
    except (NotImplementedError, ValueError):
        found = []
    if not found:
        message = f'No file matches schema = "{entry}".'
        hint = "A pattern starts at this file's folder."
        problems.add(setting_place(config, ("schema",), message, "S003", hint))
    return found


def _read(path: Path, config: Config, problems: Problems) -> str:
    shown = shown_path(path, config.root)
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        problems.add(
            Diagnostic(
                shown,
                0,
                0,
                f"The schema cannot be read: {error.strerror or type(error).__name__}.",
                "S003",
                f"{config.file.name} names it as schema.",
            )
        )
    except UnicodeDecodeError:
        problems.add(Diagnostic(shown, 0, 0, "The schema is not UTF-8.", "S003", "Save it as UTF-8."))
    return ""


def introspect(url: str, config: Config, problems: Problems) -> str:
    """The SDL of the API at a URL, by introspection, with the configured headers."""
    import httpx
    from graphql import GraphQLError, build_client_schema, get_introspection_query, print_schema

    def refuse(why: str) -> str:
        problems.add(Diagnostic(url, 0, 0, f"The schema cannot be had by introspection: {why}.", "S004"))
        return ""

    query: Any = {"query": get_introspection_query(descriptions=True, input_value_deprecation=True)}
    try:
        response = httpx.post(url, json=query, headers=dict(config.headers), timeout=60)
    except httpx.HTTPError as error:
        return refuse(str(error) or type(error).__name__)
    try:
        answer = response.json()
    except ValueError:
        return refuse(f"HTTP {response.status_code}, and no JSON")
    if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
        errors = answer.get("errors") if isinstance(answer, dict) else None
        said = (
            errors[0].get("message")
            if isinstance(errors, list) and errors and isinstance(errors[0], dict)
            else None
        )
        return refuse(str(said) if said else f"HTTP {response.status_code}, and no introspection answer")
    try:
        return print_schema(build_client_schema(answer["data"]))
    except (TypeError, GraphQLError, ValueError) as error:
        return refuse(f"the answer describes no schema ({str(error).splitlines()[0]})")
