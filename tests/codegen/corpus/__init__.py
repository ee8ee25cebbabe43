"""The corpus: odd and hostile inputs of the generator, each with what it must give.

A case is a small project. Either it works: the package generates, imports, passes the oracle, and each of the case's expressions gives
the value that stands beside it, with graphql-core's executor as the server. Or it is refused: each diagnostic has this code and place,
and says this.

    python -m tests.codegen.corpus [NAME …]      runs all cases, or these, and says what is wrong with them

Every hostile text tries to make a file named `pwned` (see `texts`), in whatever layer would take it for code. None must appear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CANARY = "pwned"


@dataclass(frozen=True)
class Refusal:
    """A diagnostic: its code, its place as `file:line:column` (or the file alone), and a part of its sentence."""

    code: str
    place: str
    gist: str


@dataclass(frozen=True)
class Case:
    """A project and what it must give: `gives` where it works, `refusals` where it does not.

    `gives` are expressions over `client`, `package` (the module) and `sent` (the requests so far), and their values; a model is compared
    as what its answer was. `answers` are what the server's fields resolve to, by "Type.field"; any other field gives a value that says
    where it is from, or, where it is a String with arguments, those as JSON.
    """

    name: str
    files: Mapping[str, str | bytes]
    gives: tuple[tuple[str, object], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    answers: Mapping[str, object] = field(default_factory=dict)


Queries = str | bytes | Mapping[str, str | bytes]


def files_of(
    schema: str | bytes, queries: Queries, config: str, more: Mapping[str, str | bytes]
) -> dict[str, str | bytes]:
    """The files of a project. Queries given as one text are `queries/odd.graphql`."""
    several = queries if isinstance(queries, Mapping) else {"odd.graphql": queries}
    return {
        "pyproject.toml": f'[tool.penstock]\noutput = "odd_api"\n{config}',
        "schema.graphql": schema,
        **{f"queries/{path}": text for path, text in several.items()},
        **more,
    }


def works(
    name: str,
    schema: str | bytes,
    queries: Queries,
    *gives: tuple[str, object],
    config: str = "",
    answers: Mapping[str, object] | None = None,
    files: Mapping[str, str | bytes] | None = None,
) -> Case:
    """A case that gives a package that works."""
    return Case(name, files_of(schema, queries, config, files or {}), gives, (), answers or {})


def refused(
    name: str,
    schema: str | bytes,
    queries: Queries,
    *refusals: tuple[str, str, str],
    config: str = "",
    files: Mapping[str, str | bytes] | None = None,
) -> Case:
    """A case that is refused, each refusal a code, a place and a part of what is said."""
    return Case(
        name,
        files_of(schema, queries, config, files or {}),
        refusals=tuple(Refusal(*item) for item in refusals),
    )


def all_cases() -> tuple[Case, ...]:
    """All cases, in their order. Raises `AssertionError` where two have one name."""
    from tests.codegen.corpus import (
        configurations,
        documents,
        enums,
        inputs,
        introspection,
        names,
        selections,
        sizes,
        texts,
    )

    rooms = (names, enums, inputs, selections, texts, documents, sizes, configurations, introspection)
    cases = tuple(case for room in rooms for case in room.CASES)
    known = [case.name for case in cases]
    assert len(known) == len(set(known)), {name for name in known if known.count(name) > 1}
    return cases
