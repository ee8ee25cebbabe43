"""`penstock init`: writes `[tool.penstock]`, from flags or from answers to a few questions."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .diagnostics import Diagnostic, GenerationError, render

if TYPE_CHECKING:
    from graphql import GraphQLSchema

DONE, WRONG = 0, 2

# What scalars of these names are in the APIs that have them, as (input, output). Any other scalar is left to the reader: a guess would
# be a lie in the types.
KNOWN_SCALARS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("DateTime", "ISO8601DateTime", "DateTimeISO", "timestamptz", "PreciseDateTime", "GitTimestamp"),
        ("datetime.datetime | str", "pydantic.AwareDatetime"),
    ),
    **dict.fromkeys(("Date", "ISO8601Date", "date"), ("datetime.date | str", "datetime.date")),
    **dict.fromkeys(("UUID", "uuid"), ("uuid.UUID | str", "uuid.UUID")),
    **dict.fromkeys(
        (
            "URI",
            "URL",
            "HTML",
            "Markdown",
            "FormattedString",
            "Color",
            "GitObjectID",
            "GitRefname",
            "GitSSHRemote",
        ),
        ("str", "str"),
    ),
    **dict.fromkeys(("BigInt", "Int64", "Long", "UnsignedInt64"), ("int", "int")),
    **dict.fromkeys(("Decimal", "BigDecimal", "PositiveDecimal"), ("str", "decimal.Decimal")),
    **dict.fromkeys(("JSON", "JSONObject", "jsonb", "JSONString"), ("Any", "Any")),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the configuration is made of. `headers` may name environment variables as `${NAME}`: secrets stay out of the file."""

    schema: str
    output: str
    queries: str = "queries"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def parser() -> argparse.ArgumentParser:
    """The arguments of `penstock init`."""
    made = argparse.ArgumentParser(
        prog="penstock init",
        description="Write the configuration of a generated package. What no flag says is asked for, in a terminal.",
        epilog="Exit codes: 0 done, 2 wrong input (nothing was written).",
    )
    made.add_argument(
        "--api", metavar="NAME", default="", help="write one of several APIs: a section of this name"
    )
    made.add_argument(
        "--schema", metavar="FILE|URL", help="SDL, an introspection answer (.json), a glob, or the API's URL"
    )
    made.add_argument("--output", metavar="FOLDER", help="the package's folder; its name is the import name")
    made.add_argument("--queries", metavar="FOLDER", help="the folder of operations; default: queries")
    made.add_argument(
        "--header",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="for introspection; ${NAME} in a value is taken from the environment",
    )
    made.add_argument(
        "--save-schema",
        metavar="FILE",
        help="introspect the URL now, and keep its SDL in this file of the project",
    )
    made.add_argument(
        "--scaffold", action="store_true", help="write the queries that the schema calls for, too"
    )
    made.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=Path("pyproject.toml"),
        help="default: pyproject.toml here",
    )
    return made


def main(arguments: Sequence[str] | None = None, ask: Callable[[str], str] | None = None) -> int:
    """Runs `penstock init` and gives its exit code. `ask` puts a question to the user; where None, `input` does, in a terminal."""
    options = parser().parse_args(arguments)
    if ask is None and sys.stdin.isatty():
        ask = input
    file: Path = options.config
    try:
        present = _present(file, options.api)
        answers = _answers(options, file.resolve().parent, ask)
        text = _written(file, present, answers, options.save_schema, options.api)
    except GenerationError as error:
        print(render(error.diagnostics, "text"), file=sys.stderr)
        return WRONG
    except (EOFError, KeyboardInterrupt):
        print("\nNothing was written.", file=sys.stderr)
        return WRONG
    print(f"Wrote {file.name}: {text}")
    if options.scaffold or (ask is not None and _yes(ask, "Write the queries that the schema calls for?")):
        from .scaffold.cli import main as scaffold

        return scaffold(["--config", str(file), "--api", options.api])
    print("Next: penstock scaffold, or write an operation, then penstock generate.")
    return DONE


def _refuse(file: Path, message: str, hint: str) -> GenerationError:
    return GenerationError([Diagnostic(file.name, 0, 0, message, "C009", hint)])


def _present(file: Path, api: str) -> str:
    """The file's text, empty where there is none. Raises where it is configured already, other than for other APIs."""
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refuse(
            file, f"This file cannot be read: {error}.", "Mend it, or name another with --config."
        ) from None
    section = table.get("tool", {}) if file.name == "pyproject.toml" else {"penstock": table or None}
    known = section.get("penstock") if isinstance(section, dict) else None
    if api and not re.fullmatch(r"[A-Za-z_]\w*", api, re.ASCII):
        raise _refuse(file, f'"{api}" cannot be the name of an API.', "Letters, digits and underscores.")
    if api and isinstance(known, dict) and isinstance(known.get("apis"), dict):
        if api in known["apis"]:
            raise _refuse(file, f"This file has the API {api} already.", "Edit it, or choose another name.")
    elif known is not None:
        if api:
            hint = "Move its settings under apis: [tool.penstock.apis.NAME]."
            raise _refuse(file, "This file has one API, without a name.", hint)
        raise _refuse(
            file,
            "This file has a configuration of penstock already.",
            "Edit it, or name another file with --config.",
        )
    return text


def _answers(options: argparse.Namespace, root: Path, ask: Callable[[str], str] | None) -> Answers:
    found = next(
        (
            name
            for name in ("schema.graphql", "schema.graphqls", "schema.gql", "schema.json")
            if (root / name).is_file()
        ),
        "",
    )
    schema = options.schema or _asked(ask, "The schema: a file, a glob, or the API's URL", found)
    if not schema:
        raise _refuse(options.config, "No schema was named.", "Pass --schema FILE or --schema URL.")
    headers = {}
    for header in options.header:
        name, separator, value = header.partition("=")
        if not separator or not name.strip():
            raise _refuse(options.config, f'"{name}" is no header.', "Write --header NAME=VALUE.")
        headers[name.strip()] = value.strip()
    if ask is not None and not options.header and schema.startswith(("http://", "https://")):
        value = _asked(
            ask, "The Authorization header (${NAME} is read from the environment; empty for none)", ""
        )
        headers = {"Authorization": value} if value else {}
    name = re.sub(r"\W+", "_", root.name.lower(), flags=re.ASCII).strip("_") or "my"
    output = options.output or _asked(ask, "The package's folder", f"{name}_api" if ask is not None else "")
    if not output:
        raise _refuse(
            options.config,
            "No folder was named for the package.",
            "Pass --output FOLDER, such as --output my_api.",
        )
    standard = f"queries/{options.api}" if options.api else "queries"
    queries = options.queries or _asked(ask, "The folder of operations", standard)
    return Answers(schema, output, queries, headers)


def _asked(ask: Callable[[str], str] | None, question: str, default: str) -> str:
    if ask is None:
        return default
    return ask(f"{question}{f' [{default}]' if default else ''}: ").strip() or default


def _yes(ask: Callable[[str], str], question: str) -> bool:
    return ask(f"{question} [Y/n]: ").strip().lower() in ("", "y", "yes")


def _written(file: Path, present: str, answers: Answers, save: str | None, api: str) -> str:
    """Checks the configuration by reading the schema with it, and writes it. Gives what to tell about it."""
    from .config import load_config
    from .diagnostics import Problems
    from .scaffold.detection import seen_errors
    from .schema import load_schema
    from .sdl import read_schema_text

    trial = file.with_name(f".{file.name}.new.toml")
    body = configuration(answers, {}, section="")
    problems = Problems()
    try:
        trial.write_text(body, encoding="utf-8")
        config = load_config(trial)
        source = read_schema_text(config, problems)
        schema = load_schema(source, problems)
    except OSError as error:
        raise _refuse(
            file, f"This file cannot be written: {error.strerror}.", "Choose another with --config."
        ) from None
    finally:
        trial.unlink(missing_ok=True)
    if save:
        target = file.resolve().parent / save
        target.write_text("\n\n".join(source.texts) + "\n", encoding="utf-8", newline="\n")
        answers = Answers(save, answers.output, answers.queries)
    whole = ("tool", "penstock") if file.name == "pyproject.toml" else ()
    section = ".".join((*whole, *(("apis", api) if api else ())))
    scalars = known_scalars(schema)
    errors = seen_errors(schema)
    text = configuration(answers, scalars, section=section, errors=errors)
    joined = f"{present.rstrip()}\n\n{text}" if present.strip() else text
    new = file.with_name(f".{file.name}.new")
    new.write_text(joined, encoding="utf-8", newline="\n")
    new.replace(file)
    types = len(schema.type_map)
    left = [name for name in custom_scalars(schema) if name not in scalars]
    told = f"{types} types in the schema."
    if left:
        told += f" Without a Python type yet, so Any: {', '.join(left)}."
    if errors:
        told += f" Errors as data, it seems: {', '.join(name for key in errors.values() for name in key)}; see errors."
    return told


def custom_scalars(schema: GraphQLSchema) -> list[str]:
    """The names of a schema's own scalars, sorted."""
    from graphql import GraphQLScalarType, is_specified_scalar_type

    return sorted(
        name
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLScalarType) and not is_specified_scalar_type(type_)
    )


def known_scalars(schema: GraphQLSchema) -> dict[str, tuple[str, str]]:
    """The schema's scalars whose Python types their names tell: (input, output)."""
    return {name: KNOWN_SCALARS[name] for name in custom_scalars(schema) if name in KNOWN_SCALARS}


def configuration(
    answers: Answers,
    scalars: Mapping[str, tuple[str, str]],
    *,
    section: str,
    errors: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """The configuration as TOML; `section` is the table's name, empty for the top level of a file of its own."""

    def quoted(value: str) -> str:
        # JSON's strings are TOML's basic strings, but for the one character that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    def table(name: str) -> str:
        return f"[{section}.{name}]" if section else f"[{name}]"

    lines = [f"[{section}]"] if section else []
    lines += [f"{key} = {quoted(getattr(answers, key))}" for key in ("schema", "queries", "output")]
    if answers.headers:
        lines += ["", table("headers")]
        lines += [f"{quoted(name)} = {quoted(value)}" for name, value in answers.headers.items()]
    if scalars:
        lines += ["", table("scalars")]
        for name, (taken, given) in scalars.items():
            both = (
                quoted(given)
                if taken == given
                else f"{{ input = {quoted(taken)}, output = {quoted(given)} }}"
            )
            lines.append(f"{name} = {both}")
    if errors:
        lines += ["", table("errors")]
        lines += [f"{key} = [{', '.join(map(quoted, names))}]" for key, names in errors.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
