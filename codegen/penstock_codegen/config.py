"""`[tool.penstock]` in pyproject.toml: read, checked, with errors that name the key and its line."""

from __future__ import annotations

import keyword
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import names
from .apis import SHARED, clashes, part_of
from .diagnostics import Diagnostic, GenerationError, Problems, at, did_you_mean
from .types import ANY, UPLOAD, PythonType, TypeSyntaxError, parse_type


@dataclass(frozen=True, slots=True)
class Scalar:
    """The Python types of a GraphQL scalar: what is taken as an argument, and what an answer gives."""

    input: PythonType
    output: PythonType


@dataclass(frozen=True, slots=True)
class ErrorFields:
    """The names by which payloads carry errors as data; `*` in one stands for anything.

    `success` is a Boolean and `message` a text beside it, `problems` lists of texts or objects, `types` the members of unions that are
    errors: object types, or interfaces and unions of them. What is in `ignore` is no part of what a mutation gives.
    """

    success: tuple[str, ...] = ("success",)
    message: tuple[str, ...] = ("error",)
    problems: tuple[str, ...] = ("userErrors", "*UserErrors", "errors")
    types: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ("clientMutationId",)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of one generated package. Paths are absolute; `root` is the folder of the file it came from."""

    file: Path
    root: Path
    schema: tuple[str, ...]
    queries: Path
    output: Path
    context: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    scalars: Mapping[str, Scalar] = field(default_factory=dict)
    types: Mapping[str, PythonType] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    errors: ErrorFields = ErrorFields()
    renamed: Mapping[str, str] = field(default_factory=dict)
    manifest: Path | None = None
    # Code of the project's own, as module:object: it runs only where a person allows it (see plugins.py).
    plugins: tuple[str, ...] = ()
    # A folder of templates that replace ours.
    templates: Path | None = None
    # The API's name where the file has several, and the settings that it shares with the others.
    api: str = ""
    shared: frozenset[tuple[str, ...]] = frozenset()

    @property
    def package(self) -> str:
        """The import name of what is generated."""
        return self.output.name


_OUTPUT = 'Say where the package goes: output = "generated/my_api".'
_KEYS = (
    "schema",
    "queries",
    "output",
    "manifest",
    "context",
    "headers",
    "scalars",
    "types",
    "names",
    "errors",
    "renamed",
    "plugins",
    "templates",
)
_GRAPHQL_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ERROR_PATTERN = re.compile(r"[A-Za-z_*][\w*]*", re.ASCII)
_OBJECT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_METHOD = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)?", re.ASCII)


def load_config(file: Path, api: str = "") -> Config:
    """The configuration in a TOML file: `[tool.penstock]` of a pyproject.toml, or the top level of any other.

    `api` names the one of several that it has (`[tool.penstock.apis.NAME]`). Raises `GenerationError` with everything that is wrong with
    it, and where it has several and none is named.
    """
    first, *others = load_configs(file, api)
    if others:
        hint = f"Name one with --api: {', '.join(item.api for item in (first, *others))}."
        raise GenerationError([setting_place(first, (), "There are several APIs here.", "C013", hint)])
    return first


def load_configs(file: Path, api: str = "") -> tuple[Config, ...]:
    """The configurations of all APIs in a TOML file, in its order; with `api`, of that one alone.

    Raises `GenerationError` with everything that is wrong with them.
    """
    problems = Problems()
    shown = file.name
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problems.add(
            Diagnostic(
                shown,
                0,
                0,
                f"The configuration cannot be read: {reason}.",
                "C001",
                "Give its path with --config.",
            )
        )
        problems.stop_if_any()
        raise AssertionError from error
    except UnicodeDecodeError:
        problems.add(Diagnostic(shown, 0, 0, "The configuration is not UTF-8.", "C001", "Save it as UTF-8."))
        problems.stop_if_any()
        raise
    try:
        table: Any = tomllib.loads(text)
    except RecursionError:
        problems.add(Diagnostic(shown, 0, 0, "The configuration is nested too deeply to be read.", "C002"))
        problems.stop_if_any()
        raise
    except tomllib.TOMLDecodeError as error:
        message, line, column = _toml_error(str(error), text)
        problems.add(at(shown, text, line, column, f"This is not TOML: {message}.", "C002"))
        problems.stop_if_any()
        raise
    prefix: tuple[str, ...] = ()
    if file.name == "pyproject.toml":
        prefix = ("tool", "penstock")
        for name in prefix:
            table = table.get(name) if isinstance(table, dict) else None
        if table is not None and not isinstance(table, dict):
            line, column = locate(text, prefix)
            message = f"[tool.penstock] is a table, and this is {_kind(table)}."
            problems.add(
                at(shown, text, line, column, message, "C003", "Write [tool.penstock] on a line of its own.")
            )
            problems.stop_if_any()
        if table is None:
            problems.add(
                Diagnostic(
                    shown,
                    0,
                    0,
                    "There is no [tool.penstock] section here.",
                    "C003",
                    'Add one with schema, queries and output, such as output = "generated/my_api".',
                )
            )
            problems.stop_if_any()
    table = table if isinstance(table, dict) else {}
    reader = _Reader(shown, text, prefix, problems)
    if "apis" not in table:
        if api:
            reader.wrong(
                (), f'There is no API "{api}": this file has one, without a name.', "C013", "Leave --api out."
            )
        configs: tuple[Config, ...] = (reader.config(file.resolve(), table),)
    else:
        configs = reader.configs(file.resolve(), table, api)
    problems.stop_if_any()
    return configs


class _Reader:
    def __init__(
        self,
        path: str,
        text: str,
        prefix: tuple[str, ...],
        problems: Problems,
        api: str = "",
        shared: frozenset[tuple[str, ...]] = frozenset(),
    ) -> None:
        self._path = path
        self._text = text
        self._prefix = prefix
        self._problems = problems
        self._api = api
        self._shared = shared

    def wrong(self, key: tuple[str, ...], message: str, code: str, hint: str = "") -> None:
        """Tells that something is wrong with a setting."""
        self._wrong(key, message, code, hint)

    def configs(self, file: Path, table: dict[str, Any], api: str) -> tuple[Config, ...]:
        """The configuration of each API, or of the one that is named."""
        for key in table:
            if key in _KEYS and key not in SHARED:
                hint = f"Move it under [{'.'.join((*self._prefix, 'apis', 'NAME'))}]; {', '.join(SHARED)} may stand here for all."
                self._wrong((key,), f"{key} belongs to one API, and this file has apis.", "C013", hint)
            elif key != "apis" and key not in _KEYS:
                hint = did_you_mean(key, (*SHARED, "apis")) or f"The keys are {', '.join((*SHARED, 'apis'))}."
                self._wrong((key,), f'There is no setting "{key}".', "C004", hint)
        own = self._table(table, "apis")
        found: list[Config] = []
        for name, values in own.items():
            if not isinstance(values, dict):
                self._wrong(("apis", name), f"{name} is a table, and this is {_kind(values)}.", "C005")
            elif not _GRAPHQL_NAME.fullmatch(name):
                hint = "Letters, digits and underscores."
                self._wrong(("apis", name), f'"{name}" cannot be the name of an API.', "C013", hint)
            else:
                part = part_of(table, values)
                if "schema" not in values:
                    hint = f'Such as schema = "{name}.graphql".'
                    self._wrong(("apis", name), "schema is missing.", "C005", hint)
                reader = _Reader(self._path, self._text, self._prefix, self._problems, name, part.shared)
                given = {"queries": f"queries/{name}", **part.table}
                found.append(replace(reader.config(file, given), api=name, shared=part.shared))
        if not own:
            self._wrong(("apis",), "There are no APIs here.", "C013", "Write [tool.penstock.apis.NAME].")
        elif api and api not in own:
            hint = did_you_mean(api, own) or f"The APIs are {', '.join(own)}."
            self._wrong(("apis", next(iter(own))), f'There is no API "{api}".', "C013", hint)
        self._problems.stop_if_any()
        for config, key, message, hint in clashes(tuple(found)):
            self._problems.add(setting_place(config, (key,), message, "C013", hint))
        self._problems.stop_if_any()
        return tuple(item for item in found if not api or item.api == api)

    def config(self, file: Path, table: dict[str, Any]) -> Config:
        for key in table:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS) or f"The keys are {', '.join(_KEYS)}."
                self._wrong((key,), f'There is no setting "{key}".', "C004", hint)
        root = file.parent
        schema = table.get("schema", "schema.graphql")
        schemas = tuple(schema) if isinstance(schema, list) else (schema,)
        if any(isinstance(item, str) and "\0" in item for item in schemas):
            self._wrong(("schema",), "schema holds a NUL character, which no path can.", "C005")
            schemas = ()
        elif not schemas or not all(isinstance(item, str) and item for item in schemas):
            self._wrong(("schema",), "schema is a path, a glob, a URL, or a list of them.", "C005")
            schemas = ()
        queries = self._string(table, "queries", "queries")
        output = self._string(table, "output", "")
        if not output:
            if "output" not in table:
                self._wrong((), "output is missing.", "C005", _OUTPUT)
            elif isinstance(table["output"], str):
                self._wrong(("output",), "output is empty.", "C005", _OUTPUT)
        elif keyword.iskeyword(Path(output).name):
            self._wrong(
                ("output",),
                f'output ends in "{Path(output).name}", a word of Python\'s own, which cannot be imported.',
                "C005",
                _OUTPUT,
            )
        elif not Path(output).name.isidentifier():
            self._wrong(
                ("output",),
                f'output ends in "{Path(output).name}", which cannot be imported.',
                "C005",
                "Its last part is the package's import name: letters, digits and underscores.",
            )
        context = self._strings(table, "context")
        for name in dict.fromkeys(name for name in context if context.count(name) > 1):
            self._wrong(("context",), f'context names "{name}" twice.', "C005", "Name it once.")
        return Config(
            file=file,
            root=root,
            schema=schemas,
            queries=(root / queries).resolve(),
            output=root / output,
            context=context,
            headers=self._headers(table),
            scalars=self._scalars(table),
            types=self._types(table),
            names=self._names(table),
            errors=self._errors(table),
            renamed=self._renamed(table),
            manifest=root / manifest if (manifest := self._string(table, "manifest", "")) else None,
            plugins=self._plugins(table),
            templates=self._templates(table, root),
        )

    def _plugins(self, table: dict[str, Any]) -> tuple[str, ...]:
        found = self._strings(table, "plugins")
        for name in found:
            if not _OBJECT.fullmatch(name):
                hint = 'Write the module and the object in it: "my_plugins:Renamed".'
                self._wrong(("plugins",), f'"{name}" names no plugin.', "C005", hint)
        return found

    def _templates(self, table: dict[str, Any], root: Path) -> Path | None:
        given = self._string(table, "templates", "")
        if not given:
            return None
        folder = (root / given).resolve()
        if not folder.is_relative_to(root.resolve()) or folder == root.resolve():
            hint = 'Name a folder below that of this file, such as "templates".'
            self._wrong(("templates",), f'templates is "{given}", which is not in the project.', "C005", hint)
        return folder

    def _string(self, table: dict[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str) and "\0" in value:
            self._wrong((key,), f"{key} holds a NUL character, which no path can.", "C005")
            return default
        if isinstance(value, str):
            return value
        self._wrong((key,), f"{key} is a string, and this is {_kind(value)}.", "C005")
        return default

    def _strings(self, table: dict[str, Any], key: str, *, under: str = "") -> tuple[str, ...]:
        value = table.get(key, [])
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        where = (under, key) if under else (key,)
        wrong = (
            next((item for item in value if not isinstance(item, str)), None)
            if isinstance(value, list)
            else None
        )
        has = f"this one holds {_kind(wrong)}" if isinstance(value, list) else f"this is {_kind(value)}"
        self._wrong(where, f"{key} is a list of strings, and {has}.", "C005")
        return ()

    def _table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self._wrong((key,), f"{key} is a table, and this is {_kind(value)}.", "C005")
        return {}

    def _headers(self, table: dict[str, Any]) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in self._table(table, "headers").items():
            if isinstance(value, str):
                headers[name] = value
            else:
                self._wrong(
                    ("headers", name), f"The header {name} is a string, and this is {_kind(value)}.", "C005"
                )
        return headers

    def _scalars(self, table: dict[str, Any]) -> dict[str, Scalar]:
        scalars: dict[str, Scalar] = {}
        for name, value in self._table(table, "scalars").items():
            where = ("scalars", name)
            if isinstance(value, str):
                both = self._type(where, value)
                # Files go one way: what an answer says of them has no type of ours.
                scalars[name] = Scalar(both, ANY if both.imports >= UPLOAD.imports else both)
            elif isinstance(value, dict) and value and value.keys() <= {"input", "output"}:
                given = {key: self._type(where, text) for key, text in value.items()}
                scalars[name] = Scalar(given.get("input", ANY), given.get("output", ANY))
            else:
                self._wrong(
                    where,
                    f"The scalar {name} needs a Python type, or a table with input and output.",
                    "C005",
                    f'Such as {name} = {{ input = "uuid.UUID | str", output = "uuid.UUID" }}.',
                )
        return scalars

    def _types(self, table: dict[str, Any]) -> dict[str, PythonType]:
        types: dict[str, PythonType] = {}
        for name, value in self._table(table, "types").items():
            if "." not in name:
                self._wrong(
                    ("types", name),
                    f'"{name}" names no field.',
                    "C005",
                    'Write the type and the field: "flow_run.serialized_state".',
                )
            else:
                # As in GraphQL, `!` says that it is not null, though the schema has it nullable.
                never_null = isinstance(value, str) and value.endswith("!")
                found = self._type(("types", name), value[:-1] if never_null else value)
                types[name] = replace(found, never_null=never_null)
        return types

    def _names(self, table: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self._table(table, "names").items():
            if not isinstance(value, str) or names.attribute_name(value) != value:
                self._wrong(
                    ("names", key),
                    f"{_shown(value)} cannot be the name of an attribute.",
                    "C005",
                    "Use lower-case words joined by underscores, that no handle or model uses itself.",
                )
            else:
                found[key] = value
        return found

    def _renamed(self, table: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for old, new in self._table(table, "renamed").items():
            where = ("renamed", old)
            example = 'Write "folder.old" = "folder.new", or "old" = "new" for the client\'s own methods.'
            if not isinstance(new, str) or not _METHOD.fullmatch(new) or not _METHOD.fullmatch(old):
                self._wrong(where, f'"{old}" and {_shown(new)} do not both name a method.', "C011", example)
            elif old.rpartition(".")[0] != new.rpartition(".")[0]:
                message = (
                    f'"{old}" and "{new}" are not in the same folder; a method keeps its old name only there.'
                )
                self._wrong(where, message, "C011", example)
            else:
                found[old] = new
        return found

    def _errors(self, table: dict[str, Any]) -> ErrorFields:
        errors = self._table(table, "errors")
        patterned = ("problems", "types")
        known = ("success", "message", "problems", "types", "ignore")
        for key in errors:
            if key not in known:
                hint = did_you_mean(key, known) or f"The keys are {', '.join(known)}."
                self._wrong(("errors", key), f'There is no setting "errors.{key}".', "C004", hint)
                continue
            given = errors[key] if isinstance(errors[key], list) else [errors[key]]
            for name in given:
                form = _ERROR_PATTERN if key in patterned else _GRAPHQL_NAME
                if isinstance(name, str) and not form.fullmatch(name):
                    hint = "Letters, digits and underscores"
                    hint += ', and * for any of them: "*UserErrors".' if key in patterned else "."
                    self._wrong(("errors", key), f'"{name}" is no name of GraphQL.', "C005", hint)
        default = ErrorFields()
        return ErrorFields(
            *(
                self._strings(errors, key, under="errors") if key in errors else getattr(default, key)
                for key in known
            )
        )

    def _type(self, where: tuple[str, ...], value: object) -> PythonType:
        if not isinstance(value, str):
            self._wrong(where, f"A Python type is written as a string, and this is {_kind(value)}.", "C005")
            return ANY
        try:
            return parse_type(value)
        except TypeSyntaxError as error:
            self._wrong(
                where,
                f'"{value}" is no Python type: {error}.',
                "C006",
                'Such as "uuid.UUID | str", "list[str]".',
            )
            return ANY

    def _wrong(self, key: tuple[str, ...], message: str, code: str, hint: str = "") -> None:
        line, column = locate(self._text, (*self._prefix, *_part(self._api, self._shared, key)))
        self._problems.add(at(self._path, self._text, line, column, message, code, hint))


def _part(api: str, shared: frozenset[tuple[str, ...]], key: tuple[str, ...]) -> tuple[str, ...]:
    """Where a setting of an API stands, below the section: among its own, or among those that all share."""
    return ("apis", api, *key) if api and key[:2] not in shared and key not in shared else key


def locate(text: str, key: tuple[str, ...]) -> tuple[int, int]:
    """The line and column where a key of a TOML text stands, or its section, or 1:1."""
    # tomllib keeps no positions. Sections and bare `key =` lines are all that is needed to point at the right line.
    best = (1, 1)
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?([^\]]+)\]\]?\s*(#.*)?$", line):
            section = _key_parts(header[1])
            if section == key[: len(section)] and len(section) >= 1:
                best = (number, line.index("[") + 1)
            if section == key:
                return best
        elif assigned := re.match(
            r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""", line
        ):
            full = section + _key_parts(assigned[1])
            column = len(line) - len(line.lstrip()) + 1
            if full == key:
                return number, column
            if key[: len(full)] == full:
                best = (number, column)
    return best


def _key_parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[\w-]+", text))


def _toml_error(message: str, text: str) -> tuple[str, int, int]:
    if found := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        return message[: found.start()], int(found[1]), int(found[2])
    lines = text.splitlines() or [""]
    return message.split(" (at ")[0], len(lines), len(lines[-1]) + 1


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else _kind(value)


def _kind(value: object) -> str:
    names = {
        bool: "a Boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def find_config(start: Path) -> Path:
    """The pyproject.toml of the project that a folder lies in: in it or above it."""
    for folder in (start, *start.parents):
        candidate = folder / "pyproject.toml"
        if candidate.is_file():
            return candidate
    return start / "pyproject.toml"


def setting_place(
    config: Config, key: tuple[str, ...], message: str, code: str, hint: str = ""
) -> Diagnostic:
    """A diagnostic at a setting of the configuration's file."""
    try:
        text = config.file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    prefix = ("tool", "penstock") if config.file.name == "pyproject.toml" else ()
    own = _part(config.api, config.shared, key)
    line, column = locate(text, (*prefix, *own)) if text else (0, 0)
    return at(config.file.name, text, line, column, message, code, hint)
