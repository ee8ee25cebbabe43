"""The schema's text: from files, or from a running API by introspection. graphql-core is needed for the latter only."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .config import Config, setting_place
from .diagnostics import Diagnostic, Problems, shown_path


@dataclass(frozen=True)
class SchemaText:
    """A schema's text: the names of its files, or the URL that it was introspected at, and what they hold.

    `contents` is SDL, or the answer to an introspection query where a file's name ends in `.json`.
    """

    files: tuple[str, ...]
    contents: tuple[str, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The contents as SDL. Raises `GenerationError` where one holds no introspection answer."""
        problems = Problems()
        found = tuple(
            _from_json(text, file, problems) if is_answer(file) else text
            for file, text in zip(self.files, self.contents, strict=True)
        )
        problems.stop_if_any()
        return found


def is_answer(file: str) -> bool:
    """Whether a file holds an introspection answer; what came from a URL is SDL already."""
    return file.endswith(".json") and not file.startswith(("http://", "https://"))


def read_schema_text(config: Config, problems: Problems) -> SchemaText:
    """The text of the schema that the configuration names. Raises `GenerationError` where it cannot be had."""
    files: list[str] = []
    texts: list[str] = []
    for entry in config.schema:
        if entry.startswith(("http://", "https://")):
            files.append(entry)
            texts.append(introspect(entry, config, problems))
            continue
        for path in _paths(config, entry, problems):
            shown = shown_path(path, config.root)
            files.append(shown)
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


_VARIABLE = re.compile(r"\$\{(\w+)\}")


def expanded(config: Config, problems: Problems) -> dict[str, str] | None:
    """The configured headers with `${NAME}` replaced from the environment: a token has no place in a file. None where one is not set."""
    headers: dict[str, str] = {}
    missing = False
    for name, value in config.headers.items():
        for variable in _VARIABLE.findall(value):
            if variable not in os.environ:
                message = f"The header {name} needs the environment variable {variable}, which is not set."
                problems.add(
                    setting_place(config, ("headers", name), message, "C010", f"Run: export {variable}=…")
                )
                missing = True
        headers[name] = _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), value)
    return None if missing else headers


def introspect(url: str, config: Config, problems: Problems) -> str:
    """The SDL of the API at a URL, by introspection, with the configured headers."""
    import httpx
    from graphql import GraphQLError, get_introspection_query

    def refuse(why: str) -> str:
        problems.add(Diagnostic(url, 0, 0, f"The schema cannot be had by introspection: {why}.", "S004"))
        return ""

    headers = expanded(config, problems)
    if headers is None:
        return ""
    plain = get_introspection_query(descriptions=True, input_value_deprecation=True)
    # A server that is older than @oneOf refuses the question for it, and has none to tell of.
    queries = [
        plain.replace("fragment FullType on __Type {", "fragment FullType on __Type { isOneOf", 1),
        plain,
    ]
    answer: Any = None
    status = 0
    for query in queries:
        try:
            response = httpx.post(url, json={"query": query}, headers=headers, timeout=60)
        # What cannot be a URL or a header is told by errors of other kinds.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return refuse(str(error) or type(error).__name__)
        status = response.status_code
        try:
            answer = response.json()
        except ValueError:
            return refuse(f"HTTP {status}, and no JSON")
        if "isOneOf" not in json.dumps(answer.get("errors") if isinstance(answer, dict) else None):
            break
    if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
        errors = answer.get("errors") if isinstance(answer, dict) else None
        said = (
            errors[0].get("message")
            if isinstance(errors, list) and errors and isinstance(errors[0], dict)
            else None
        )
        return refuse(str(said) if said else f"HTTP {status}, and no introspection answer")
    try:
        return _sdl(answer)
    except (TypeError, GraphQLError, ValueError, KeyError, AttributeError, RecursionError) as error:
        return refuse(f"the answer describes no schema ({str(error).splitlines()[0]})")


def _from_json(text: str, shown: str, problems: Problems) -> str:
    """The SDL of a file that holds the answer to an introspection query, with its `data` around it or without."""
    from graphql import GraphQLError

    try:
        return _sdl(json.loads(text))
    except (TypeError, GraphQLError, ValueError, KeyError, AttributeError, RecursionError) as error:
        why = f"this file holds no answer to an introspection query ({str(error).splitlines()[0]})"
        problems.add(
            Diagnostic(
                shown, 0, 0, f"The schema cannot be read: {why}.", "S003", "Save the whole answer, or SDL."
            )
        )
        return ""


def _sdl(answer: Any) -> str:
    """The SDL of an introspection answer, `@oneOf` and the places of deprecations included."""
    from graphql import build_client_schema, print_schema

    data: Any = answer.get("data", answer) if isinstance(answer, dict) else {}
    sdl = print_schema(build_client_schema(data))
    # Not every graphql-core that we work with knows @oneOf: it is told from the answer itself.
    for item in data["__schema"].get("types", ()):
        if item.get("isOneOf"):
            sdl = re.sub(
                rf"^input {item['name']} \{{", f"input {item['name']} @oneOf {{", sdl, flags=re.MULTILINE
            )
    if "@oneOf {" in sdl and "directive @oneOf" not in sdl:
        sdl += "\n\ndirective @oneOf on INPUT_OBJECT\n"
    return sdl
