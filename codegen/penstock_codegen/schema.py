"""The schema: from SDL files or from a running API, with errors that say where."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cache as cached
from pathlib import Path

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    Source,
    TypeDefinitionNode,
    __version__,
    build_ast_schema,
    parse,
    print_ast,
)
from graphql.type import validate_schema
from graphql.validation.validate import validate_sdl

from .cache import Cache, digest, dump_schema, read_schema
from .definitions import Definitions, build
from .diagnostics import Diagnostic, Problems, at
from .sdl import SchemaText, is_answer

# Ours, known while generating only: they are validated with the rest and stripped from what is sent.
CLIENT_DIRECTIVES = """
"Beside an id: the result is a handle on this resource."
directive @resource(name: String!) on FIELD
"A list that always has exactly one element is that element."
directive @only on FIELD
"""
_LONGEST_MESSAGE = 400
_NO_QUERY = "Define type Query, with the fields that can be read."
CLIENT_DIRECTIVE_NAMES = frozenset({"resource", "only"})


def load_schema(
    found: SchemaText, problems: Problems, cache: Cache | None = None, *, nodes: bool = True
) -> GraphQLSchema:
    """The schema, valid, with the client directives. Raises `GenerationError` with everything that is wrong with it.

    Without `nodes` its types need no syntax trees, and most schemas are then read without making any.
    """
    if nodes:
        return _parse(found, problems)
    key = digest(__version__, _reader(), CLIENT_DIRECTIVES, *found.files, *found.contents)
    kept = cache.load("definitions", key) if cache else None
    definitions = Definitions.loaded(kept) if kept is not None else None
    if definitions is not None:
        _warn(definitions, found, problems)
        return build(definitions)
    kept = cache.load("schema", key) if cache else None
    schema = read_schema(kept) if kept is not None else None
    if schema is not None:
        return schema
    definitions = _definitions(found)
    schema = _built(definitions) if definitions is not None else None
    if definitions is not None and schema is not None:
        _warn(definitions, found, problems)
        if cache:
            cache.store("definitions", key, definitions.dumped())
        return schema
    warned = len(problems.warnings)
    schema = _parse(found, problems)
    # A schema that there is something to say about is read again each time: the saying is not kept.
    if cache and len(problems.warnings) == warned:
        cache.store("schema", key, dump_schema(schema))
    return schema


def _definitions(found: SchemaText) -> Definitions | None:
    """The definitions of a schema that is plain."""
    # Not at the top: compiling its patterns takes a while, and most runs find the definitions kept.
    from .introspection import read_answer
    from .sdl_scan import scan

    if any(map(is_answer, found.files)):
        definitions = read_answer(found.contents[0]) if len(found.files) == 1 else None
    else:
        definitions = scan(found.contents)
    client = scan([CLIENT_DIRECTIVES])
    assert client is not None
    if definitions is None or not client.directives.keys().isdisjoint(definitions.directives):
        return None
    definitions.directives |= client.directives
    return definitions


def _built(definitions: Definitions) -> GraphQLSchema | None:
    """The schema of definitions, if it is valid."""
    schema = build(definitions)
    try:
        errors = validate_schema(schema)
    except (GraphQLError, TypeError, KeyError, RecursionError):
        return None
    return None if errors else schema


def _warn(definitions: Definitions, found: SchemaText, problems: Problems) -> None:
    for index, offset, name in definitions.warnings:
        source = Source(found.contents[index], found.files[index])
        _warn_repeated(name, source, offset, problems)


def _warn_repeated(name: str, source: Source, offset: int, problems: Problems) -> None:
    start = source.get_location(offset)
    message = f"{name} is defined twice, in the same way."
    found = at(source.name, source.body, start.line, start.column, message, "W003", "Remove one of them.")
    problems.add(replace(found, level="warning"))


@cached
def _reader() -> str:
    """What reads definitions, as a hash: what another version kept is not read."""
    folder = Path(__file__).parent
    names = ("definitions.py", "introspection.py", "schema.py", "sdl_scan.py", "cache.py")
    return digest(*((folder / name).read_bytes() for name in names))


def _parse(found: SchemaText, problems: Problems) -> GraphQLSchema:
    documents = []
    if not any(text.strip() for text in found.texts):
        problems.add(Diagnostic(", ".join(found.files), 0, 0, "The schema is empty.", "S001", _NO_QUERY))
        problems.stop_if_any()
    for file, text in zip(found.files, found.texts, strict=True):
        try:
            documents.append(parse(Source(text, file)))
        except GraphQLSyntaxError as error:
            problems.add(syntax_problem(error, file, text, "S001", "The schema"))
        except RecursionError:
            problems.add(Diagnostic(file, 0, 0, "The schema is nested too deeply to be read.", "S001"))
    problems.stop_if_any()
    for document in documents:
        for node in document.definitions:
            if isinstance(node, DirectiveDefinitionNode) and node.name.value in CLIENT_DIRECTIVE_NAMES:
                _own_directive(node, problems)
    problems.stop_if_any()
    definitions = tuple(
        without_repeated_fields(node, problems) for document in documents for node in document.definitions
    )
    document = DocumentNode(
        definitions=(*definitions, *parse(CLIENT_DIRECTIVES, no_location=True).definitions)
    )
    errors = validate_sdl(document)
    if not errors:
        try:
            schema = build_ast_schema(document, assume_valid_sdl=True)
        except (TypeError, GraphQLError) as error:
            # Some kinds of types in the wrong place are told as exceptions, which name the type and no place.
            problems.add(_misplaced(str(error), definitions, found.files[0]))
        else:
            errors = validate_schema(schema)
            if not errors:
                return schema
    for graphql_error in errors:
        message, hint = sentence(graphql_error.message)
        if message.startswith("Query root type"):
            message, hint = "The schema has no type Query.", _NO_QUERY
        problems.add(problem(graphql_error, "S002", found.files[0], hint, message))
    problems.stop_if_any()
    raise AssertionError("errors were added")


def _own_directive(node: DirectiveDefinitionNode, problems: Problems) -> None:
    assert node.loc is not None, "parsed from a text"
    source, start = node.loc.source, node.loc.source.get_location(node.loc.start)
    message = f"@{node.name.value} is a directive of the queries' own, which the schema defines too."
    hint = "Leave it out of the schema's file: no operation can use the schema's."
    problems.add(at(source.name, source.body, start.line, start.column, message, "S005", hint))


def _misplaced(message: str, definitions: tuple[DefinitionNode, ...], file: str) -> Diagnostic:
    name, _, what = message.partition(" ")
    node = next(
        (item for item in definitions if isinstance(item, TypeDefinitionNode) and item.name.value == name),
        None,
    )
    told = {
        "interfaces": f"{name} implements a type that is no interface.",
        "types": f"{name} has a member that is no object type.",
        "fields": f"{name} has a field or argument whose type cannot stand there: "
        "a field gives no input, and an argument takes nothing else but inputs, enums and scalars.",
    }
    shown = told.get(what.partition(" ")[0], message)
    return problem(GraphQLError(shown, node), "S002", file)


def without_repeated_fields(node: DefinitionNode, problems: Problems) -> DefinitionNode:
    """A type's definition without the fields that it defines twice in the same way, each told as a warning.

    Public schemas do this (GitHub's has), and it leaves no doubt about what is meant; two definitions that differ are left to validation.
    """
    if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return node
    first: dict[str, FieldDefinitionNode] = {}
    kept: list[FieldDefinitionNode] = []
    for field in node.fields or ():
        other = first.setdefault(field.name.value, field)
        if other is field or _definition(other) != _definition(field):
            kept.append(field)
            continue
        if field.loc is not None:
            _warn_repeated(
                f"{node.name.value}.{field.name.value}", field.loc.source, field.loc.start, problems
            )
    if len(kept) == len(node.fields or ()):
        return node
    changed = copy(node)
    changed.fields = tuple(kept)
    return changed


def _definition(field: FieldDefinitionNode) -> str:
    """What a field's definition says, without its description."""
    return print_ast(
        FieldDefinitionNode(
            name=field.name, arguments=field.arguments, type=field.type, directives=field.directives
        )
    )


def sentence(message: str) -> tuple[str, str]:
    """A message of graphql-core as a sentence and its remedy, which graphql-core appends to it."""
    if len(message) > _LONGEST_MESSAGE:
        # It quotes a value that is longer than anybody reads.
        message = f"{message[:_LONGEST_MESSAGE]} …"
    head, mark, tail = message.partition(". Did you mean")
    found = (f"{head}.", f"Did you mean{tail}") if mark else (message, "")
    return (found[0].replace("'", '"'), found[1].replace("'", '"')) if message.count("'") % 2 == 0 else found


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
