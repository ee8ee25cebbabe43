"""The queries: loaded file by file, parsed, named, validated against the schema, and made ready to be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Source,
    get_named_type,
    is_abstract_type,
    parse,
    specified_rules,
)
from graphql.language import NameNode
from graphql.language.visitor import ParallelVisitor, visit
from graphql.utilities.type_info import TypeInfo, TypeInfoVisitor
from graphql.validation import (
    ExecutableDefinitionsRule,
    LoneAnonymousOperationRule,
    NoUnusedFragmentsRule,
    OverlappingFieldsCanBeMergedRule,
    UniqueOperationNamesRule,
    ValidationContext,
)
from graphql.validation.validate import ValidationAbortedError

from . import names
from .config import Config
from .diagnostics import Diagnostic, Problems, at, did_you_mean, shown_path
from .schema import CLIENT_DIRECTIVE_NAMES, problem, sentence, syntax_problem

if TYPE_CHECKING:
    from .trees import Trees
    from .valid import Valid


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment of the queries, the file it stands in, and the folder: empty for the root."""

    name: str
    file: str
    folder: str
    node: FragmentDefinitionNode

    @property
    def type_name(self) -> str:
        return self.node.type_condition.name.value


@dataclass(frozen=True, slots=True)
class Document:
    """One operation: the folder (resource) and the method that its file names, its full name, and its syntax."""

    folder: str
    method: str
    name: str
    file: str
    node: OperationDefinitionNode

    @property
    def kind(self) -> Literal["query", "mutation", "subscription"]:
        return self.node.operation.value

    def place(self, node: Node | None = None) -> Diagnostic:
        """An empty diagnostic at a node of the operation, or at the operation."""
        return place_of(node or self.node, self.file)


@dataclass(frozen=True, slots=True)
class Queries:
    """All operations and fragments of a queries folder, valid against the schema, in the order of their files."""

    documents: tuple[Document, ...]
    fragments: Mapping[str, Fragment]

    def spread(self, selection_set: SelectionSetNode | None) -> tuple[str, ...]:
        """The names of all fragments that a selection set spreads, directly or through others, each once, in order."""
        found: dict[str, None] = {}
        waiting = list(_spreads(selection_set))
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += _spreads(self.fragments[name].node.selection_set)
        return tuple(found)


def place_of(node: Node, file: str) -> Diagnostic:
    """An empty diagnostic at a node: a place to say something about."""
    if node.loc is None:
        return Diagnostic(file, 0, 0, "", "")
    return _place(node.loc.source.name, node.loc.source.body, node.loc.start)


@lru_cache(maxsize=4096)
def _place(name: str, body: str, position: int) -> Diagnostic:
    # Asked for wherever something could be wrong, for the same places again and again.
    start = Source(body, name).get_location(position)
    return at(name, body, start.line, start.column, "", "")


def load_queries(
    config: Config,
    schema: GraphQLSchema,
    problems: Problems,
    valid: Valid | None = None,
    trees: Trees | None = None,
) -> Queries:
    """All of the queries folder. Raises `GenerationError` with everything that is wrong in it.

    What was `valid` before is not validated again, and what is among the `trees` not parsed.
    """
    if not config.queries.is_dir():
        problems.add(
            Diagnostic(
                shown_path(config.queries, config.root),
                0,
                0,
                "There is no such folder of queries.",
                "Q001",
                f"{config.file.name} names it as queries.",
            )
        )
        problems.stop_if_any()
    documents: list[Document] = []
    fragments: dict[str, Fragment] = {}
    by_name: dict[str, Document] = {}
    shown: dict[Path, Path] = {}
    for path in sorted(config.queries.rglob("*.graphql")) + sorted(config.queries.rglob("*.gql")):
        if path.is_symlink():
            file = shown_path(path, config.root)
        else:
            # Each folder is looked up once.
            if path.parent not in shown:
                shown[path.parent] = Path(shown_path(path.parent, config.root))
            file = (shown[path.parent] / path.name).as_posix()
        folder = "_".join(path.relative_to(config.queries).parts[:-1])
        items = list(_parse(path, file, problems, trees))
        alone = sum(isinstance(item, OperationDefinitionNode) for item in items) == 1
        for item in items:
            if isinstance(item, FragmentDefinitionNode):
                _add_fragment(Fragment(item.name.value, file, folder, item), fragments, problems)
            elif isinstance(item, OperationDefinitionNode):
                document = _document(path, file, folder, item, problems, alone=alone)
                if document is None:
                    continue
                other = by_name.setdefault(document.name, document)
                if other is not document:
                    _wrong(
                        problems,
                        document.place(),
                        f'This operation and {other.place().place} are both named "{document.name}".',
                        "Q004",
                        "Rename one of the files or operations.",
                    )
                    continue
                documents.append(document)
            else:
                _wrong(
                    problems,
                    place_of(item, file),
                    "A query file holds operations and fragments, no type definitions.",
                    "Q003",
                    "Types belong into the schema.",
                )
    if trees is not None:
        trees.store()
    _check_spreads(documents, fragments, problems)
    _check_meta_fields(documents, fragments, problems)
    for document in documents:
        if schema.get_root_type(document.node.operation) is None:
            root = document.kind.capitalize()
            _wrong(
                problems,
                document.place(),
                f"This is a {document.kind}, and the schema has no type {root}.",
                "Q009",
                "Name the schema's own operations, or remove this one.",
            )
    problems.stop_if_any()
    if not documents:
        _wrong(
            problems,
            Diagnostic(shown_path(config.queries, config.root), 0, 0, "", ""),
            "There are no operations in this folder of queries.",
            "Q001",
            "Write one, such as hello.graphql with `query { hello }`.",
        )
    problems.stop_if_any()
    queries = Queries(tuple(documents), fragments)
    if valid is None:
        _validate(schema, documents, fragments, problems)
        problems.stop_if_any()
        return queries
    new_documents, new_fragments = valid.unknown(queries)
    if new_documents or new_fragments:
        _validate(schema, new_documents, new_fragments, problems)
        problems.stop_if_any()
        valid.remember(queries)
    return queries


def _parse(path: Path, file: str, problems: Problems, trees: Trees | None) -> Iterable[Node]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        hint = "Save it as UTF-8." if isinstance(error, UnicodeDecodeError) else ""
        problems.add(Diagnostic(file, 0, 0, f"This file cannot be read: {reason}.", "Q001", hint))
        return ()
    if not text.strip():
        problems.add(
            Diagnostic(file, 0, 0, "This file is empty.", "Q002", "Write an operation into it, or remove it.")
        )
        return ()
    source = Source(text, file)
    if trees is not None and (known := trees.find(source)) is not None:
        return known
    try:
        found = parse(source).definitions
    except GraphQLSyntaxError as error:
        problems.add(syntax_problem(error, file, text, "Q002", "This file"))
    except RecursionError:
        problems.add(Diagnostic(file, 0, 0, "This file is nested too deeply to be read.", "Q002"))
    else:
        if trees is not None:
            trees.keep(source, found)
        return found
    return ()


def _add_fragment(fragment: Fragment, fragments: dict[str, Fragment], problems: Problems) -> None:
    other = fragments.setdefault(fragment.name, fragment)
    if other is not fragment:
        _wrong(
            problems,
            place_of(fragment.node, fragment.file),
            f'This fragment and {place_of(other.node, other.file).place} are both named "{fragment.name}".',
            "Q004",
            "Rename one of them.",
        )


def _document(
    path: Path,
    file: str,
    folder: str,
    node: OperationDefinitionNode,
    problems: Problems,
    *,
    alone: bool,
) -> Document | None:
    given = node.name.value if node.name else ""
    if folder and not alone:
        _wrong(
            problems,
            place_of(node, file),
            "A file in a resource's folder is one method: it holds one operation.",
            "Q006",
            "Move each operation into a file of its own.",
        )
        return None
    if not alone and not given:
        _wrong(
            problems,
            place_of(node, file),
            "This operation has no name.",
            "Q006",
            "Name each operation of a file that holds several.",
        )
        return None
    # In a resource's folder the file's name is the method's; in the root, a file of several operations goes by their names.
    method = path.stem if folder or not given else given
    name = names.identifier(f"{folder}_{names.snake(method)}" if folder else names.snake(method))
    return Document(folder, method, name, file, node)


def _spreads(selection_set: SelectionSetNode | None) -> Iterator[str]:
    for node in spread_nodes(selection_set):
        yield node.name.value


def spread_nodes(selection_set: SelectionSetNode | None) -> Iterator[FragmentSpreadNode]:
    """The fragment spreads in a selection set, at any depth, not through fragments."""
    for selection in selection_set.selections if selection_set else ():
        if isinstance(selection, FragmentSpreadNode):
            yield selection
        elif isinstance(selection, FieldNode | InlineFragmentNode):
            yield from spread_nodes(selection.selection_set)


def _check_spreads(
    documents: Iterable[Document], fragments: Mapping[str, Fragment], problems: Problems
) -> None:
    holders: list[tuple[str, SelectionSetNode]] = [(item.file, item.node.selection_set) for item in documents]
    holders += [(item.file, item.node.selection_set) for item in fragments.values()]
    for file, selection_set in holders:
        for node in spread_nodes(selection_set):
            name = node.name.value
            if name not in fragments:
                hint = did_you_mean(name, fragments) or "Define it in one of the query files."
                _wrong(problems, place_of(node, file), f'There is no fragment "{name}".', "Q007", hint)


def _check_meta_fields(
    documents: Iterable[Document], fragments: Mapping[str, Fragment], problems: Problems
) -> None:
    """`__schema` and `__type` have no place in a typed client: their types are no part of the schema."""
    holders: list[tuple[str, SelectionSetNode]] = [(item.file, item.node.selection_set) for item in documents]
    holders += [(item.file, item.node.selection_set) for item in fragments.values()]
    for file, selection_set in holders:
        for item in selection_set.selections:
            if isinstance(item, FieldNode) and item.name.value in ("__schema", "__type"):
                message = f"{item.name.value} asks for the schema itself, for which no models are generated."
                hint = "Send this one as a text: client.execute(…)."
                _wrong(problems, place_of(item, file), message, "Q010", hint)


_TOO_MUCH = "This selects the same keys too often to be checked."


class _FieldsMerge(OverlappingFieldsCanBeMergedRule):
    """Whether fields of one key can be one. graphql-core gives up after so many comparisons, which we count for each operation anew."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        # Older releases of graphql-core do not count.
        self._counting: Any = getattr(self, "rule_context", None)
        self._budget = getattr(self._counting, "remaining_complexity_budget", None)

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        self._start(node)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self._start(node)

    def _start(self, node: ExecutableDefinitionNode) -> None:
        self._definition = node
        if self._budget is not None:
            self._counting.remaining_complexity_budget = self._budget

    def enter_selection_set(
        self, selection_set: SelectionSetNode, _key: Any, parent: Any, *_args: Any
    ) -> None:
        try:
            super().enter_selection_set(selection_set, _key, parent, *_args)
        except ValidationAbortedError:
            self.report_error(GraphQLError(_TOO_MUCH, self._definition))


_WRONG_TYPE = r'Variable "(\$\w+)" of type "(.+)" used in position expecting type "(.+)"\.'
_RULES = tuple(
    _FieldsMerge if rule is OverlappingFieldsCanBeMergedRule else rule
    for rule in specified_rules
    # Names are ours to give and to check, fragments may be there for their own sake, and files hold executable definitions only.
    if rule
    not in (
        UniqueOperationNamesRule,
        LoneAnonymousOperationRule,
        NoUnusedFragmentsRule,
        ExecutableDefinitionsRule,
    )
)


def _validate(
    schema: GraphQLSchema,
    documents: Iterable[Document],
    fragments: Mapping[str, Fragment],
    problems: Problems,
) -> None:
    everything = DocumentNode(
        definitions=(*(item.node for item in documents), *(item.node for item in fragments.values()))
    )

    def report(error: GraphQLError) -> None:
        message, hint = _sentence(error.message)
        problems.add(problem(error, "Q008", "queries", hint, message))

    # Not graphql's validate(): it stops at 100 errors, and a run tells all.
    type_info = TypeInfo(schema)
    context = ValidationContext(schema, everything, type_info, report)
    visit(everything, TypeInfoVisitor(type_info, ParallelVisitor([rule(context) for rule in _RULES])))


def _sentence(message: str) -> tuple[str, str]:
    """The message and the remedy."""
    found, hint = sentence(message)
    if not hint and (types := re.fullmatch(_WRONG_TYPE, found)):
        hint = f"Declare it as {types[1]}: {types[3]}, or pass it where {types[2]} is taken."
    return found, hint


def _wrong(problems: Problems, place: Diagnostic, message: str, code: str, hint: str = "") -> None:
    problems.add(Diagnostic(place.path, place.line, place.column, message, code, hint, place.source))


def sent_operation(document: Document, schema: GraphQLSchema) -> OperationDefinitionNode:
    """An operation as it is sent: named, without client directives, with the type names that answers are told apart by."""
    root = schema.get_root_type(document.node.operation)
    return OperationDefinitionNode(
        operation=document.node.operation,
        name=NameNode(value=document.name),
        variable_definitions=document.node.variable_definitions,
        directives=document.node.directives,
        selection_set=_sent(document.node.selection_set, root, schema),
    )


def sent_fragment(fragment: Fragment, schema: GraphQLSchema) -> FragmentDefinitionNode:
    """A fragment as it is sent."""
    return FragmentDefinitionNode(
        name=fragment.node.name,
        type_condition=fragment.node.type_condition,
        directives=fragment.node.directives,
        variable_definitions=fragment.node.variable_definitions,
        selection_set=_sent(fragment.node.selection_set, schema.get_type(fragment.type_name), schema),
    )


def sent_selection(
    selection_set: SelectionSetNode, parent: GraphQLNamedType, schema: GraphQLSchema
) -> SelectionSetNode:
    """A selection set as it is sent, on a type."""
    return _sent(selection_set, parent, schema)


def _sent(
    selection_set: SelectionSetNode,
    parent: GraphQLNamedType | None,
    schema: GraphQLSchema,
    *,
    inline: bool = False,
) -> SelectionSetNode:
    selections: list[SelectionNode] = []
    named = False
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            named = named or (
                selection.name.value == "__typename" and selection.alias is None and not selection.directives
            )
            if selection.selection_set is None and not selection.directives:
                # It is sent as it is written.
                selections.append(selection)
                continue
            field = parent.fields.get(selection.name.value) if is_composite_with_fields(parent) else None
            below = get_named_type(field.type) if field else None
            selections.append(
                FieldNode(
                    alias=selection.alias,
                    name=selection.name,
                    arguments=selection.arguments,
                    directives=tuple(
                        directive
                        for directive in selection.directives or ()
                        if directive.name.value not in CLIENT_DIRECTIVE_NAMES
                    ),
                    selection_set=_sent(selection.selection_set, below, schema)
                    if selection.selection_set
                    else None,
                    loc=selection.loc,
                )
            )
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            below = schema.get_type(condition.name.value) if condition else parent
            selections.append(
                InlineFragmentNode(
                    type_condition=condition,
                    directives=selection.directives,
                    selection_set=_sent(selection.selection_set, below, schema, inline=True),
                    loc=selection.loc,
                )
            )
        else:
            selections.append(selection)
    if is_abstract_type(parent) and not named and not inline:
        # An answer of several possible types can only be read by its type's name, and the operation's author may not have asked for it.
        # Around an inline fragment it is asked for already, or the type is known.
        selections.insert(0, FieldNode(name=NameNode(value="__typename"), arguments=(), directives=()))
    return SelectionSetNode(selections=tuple(selections))


def is_composite_with_fields(
    type_: GraphQLNamedType | None,
) -> TypeGuard[GraphQLObjectType | GraphQLInterfaceType]:
    """Whether a type has fields."""
    return isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
