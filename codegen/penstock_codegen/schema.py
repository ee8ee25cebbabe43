"""The schema: from SDL files or from a running API, with errors that say where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Source,
    build_ast_schema,
    parse,
)
from graphql.type import validate_schema
from graphql.validation.validate import validate_sdl

from .config import Config
from .diagnostics import Diagnostic, Problems, at, shown_path

# Ours, known while generating only: they are validated with the rest and stripped from what is sent.
CLIENT_DIRECTIVES = """
"Beside an id: the result is a handle on this resource."
directive @resource(name: String!) on FIELD
"A list that always has exactly one element is that element."
directive @only on FIELD
"""
CLIENT_DIRECTIVE_NAMES = frozenset({"resource", "only"})


@dataclass(frozen=True, slots=True)
class LoadedSchema:
    """A schema that client directives were added to, and the names of the files it came from."""

    schema: GraphQLSchema
    files: tuple[str, ...]


def load_schema(config: Config, problems: Problems) -> LoadedSchema:
    """The schema that the configuration names. Raises `GenerationError` where it cannot be had."""
    files, texts = [], []
    for entry in config.schema:
        if entry.startswith(("http://", "https://")):
            files.append(entry)
            texts.append(introspect(entry, config, problems))
            continue
        for path in _paths(config, entry, problems):
            files.append(shown_path(path, config.root))
            texts.append(_read(path, config, problems))
    problems.stop_if_any()
    documents = []
    for file, text in zip(files, texts, strict=True):
        try:
            documents.append(parse(Source(text, file)))
        except GraphQLSyntaxError as error:
            problems.add(syntax_problem(error, file, text, "S001", "The schema"))
        except RecursionError:
            problems.add(Diagnostic(file, 0, 0, "The schema is nested too deeply to be read.", "S001"))
    problems.stop_if_any()
    definitions = tuple(node for document in documents for node in document.definitions)
    document = DocumentNode(
        definitions=(*definitions, *parse(CLIENT_DIRECTIVES, no_location=True).definitions)
    )
    errors = validate_sdl(document)
    if not errors:
        schema = build_ast_schema(document, assume_valid_sdl=True)
        errors = validate_schema(schema)
        if not errors:
            return LoadedSchema(schema, tuple(files))
    for graphql_error in errors:
        problems.add(problem(graphql_error, "S002", files[0] if files else "schema"))
    problems.stop_if_any()
    raise AssertionError("errors were added")


def _paths(config: Config, entry: str, problems: Problems) -> list[Path]:
    found = sorted(config.root.glob(entry)) if any(mark in entry for mark in "*?[") else [config.root / entry]
    if not found:
        problems.add(
            Diagnostic(
                config.file.name,
                0,
                0,
                f'No file matches schema = "{entry}".',
                "S003",
                "The pattern starts at this file's folder.",
            )
        )
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
    from graphql import build_client_schema, get_introspection_query, print_schema

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


def syntax_problem(error: GraphQLSyntaxError, file: str, text: str, code: str, what: str) -> Diagnostic:
    """A syntax error as a diagnostic."""
    location = error.locations[0] if error.locations else None
    reason = error.message.removeprefix("Syntax Error: ").rstrip(".")
    line, column = (location.line, location.column) if location else (0, 0)
    return at(file, text, line, column, f"{what} is not GraphQL: {reason[:1].lower()}{reason[1:]}.", code)


def problem(
    error: GraphQLError, code: str, default_file: str, hint: str = "", message: str = ""
) -> Diagnostic:
    """A GraphQL error as a diagnostic at the place of its first node."""
    for node in error.nodes or ():
        if node.loc is not None:
            start = node.loc.source.get_location(node.loc.start)
            return at(
                node.loc.source.name,
                node.loc.source.body,
                start.line,
                start.column,
                message or error.message,
                code,
                hint,
            )
    return Diagnostic(default_file, 0, 0, message or error.message, code, hint)
