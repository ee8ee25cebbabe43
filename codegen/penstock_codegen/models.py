"""The models that answers are read into: ariadne-codegen makes their structure, in memory; names, leaf types and text are ours.

It gets each operation and fragment as it is sent, so that a model has what an answer has. Of its classes, the bases, the nesting and
the unions are kept; a field is renamed by our rules, and a leaf gets the same Python type that it has everywhere else in the package.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ariadne_codegen.client_generators.result_types import ResultTypesGenerator
from ariadne_codegen.exceptions import NotSupported, ParsingError
from ariadne_codegen.utils import str_to_pascal_case
from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from . import names
from .compact import compact
from .conditions import directives_of
from .diagnostics import Diagnostic, Problems
from .mapping import TypeMapping, text
from .names import Scope
from .operations import (
    Document,
    Fragment,
    Queries,
    is_composite_with_fields,
    place_of,
    sent_fragment,
    sent_operation,
    sent_selection,
)
from .shape import Shapes, apart, original_key, without_numbers
from .types import Import, PythonType


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field of a model. `alias` is the answer's name where the attribute's differs."""

    name: str
    type: PythonType
    doc: str
    alias: str = ""
    default: str = ""


@dataclass(slots=True)
class ModelClass:
    """A class of a model module."""

    name: str
    bases: tuple[str, ...]
    doc: str
    fields: list[ModelField] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model of an operation or fragment: its root class, and all classes that were made for it."""

    name: str
    module: str
    classes: Mapping[str, ModelClass]
    models: Models

    @property
    def imported(self) -> Import:
        return Import(self.module, self.name, local=True)

    def attributes(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """A path of an answer as attributes of the model."""
        return tuple(step for step, _ in self._follow(path))

    def annotation(self, path: tuple[str | int, ...]) -> PythonType:
        """The type at the end of a path."""
        type_ = PythonType(self.name, frozenset({self.imported}))
        for _, reached in self._follow(path):
            type_ = reached
        return _undiscriminated(type_)

    def element(self, path: tuple[str | int, ...], *, succeeded: tuple[str, ...] = ()) -> PythonType:
        """The type at the end of a path without its lists and None: what one element is.

        Of a union only those members that can be of one of the types in `succeeded`, where it names some.
        """
        type_ = self.annotation(path)
        parts = type_.alternatives()
        while all(part.startswith("list[") for part in parts):
            parts = [inner for part in parts for inner in PythonType(part[len("list[") : -1]).alternatives()]
        parts = list(dict.fromkeys(parts))
        if succeeded:
            kept = self.models.those_of(parts, succeeded)
            gone = set(parts) - set(kept)
            imports = frozenset(item for item in type_.imports if item.name not in gone)
            return PythonType(" | ".join(kept), imports)
        return PythonType(" | ".join(parts), type_.imports)

    def _follow(self, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, PythonType]]:
        type_ = PythonType(self.name)
        for step in path:
            if isinstance(step, int):
                yield step, type_
                continue
            # Behind a union or interface, the way goes through those members that have the field.
            found = [
                self.models.field_of(name, step)
                for name in self.models.classes_in(type_)
                if self.models.has_field(name, step)
            ]
            attribute, type_ = found[0]
            if any(other != attribute for other, _ in found):
                raise NamedApart(step)
            type_ = type_.union(*(other for _, other in found[1:]))
            yield attribute, type_


class NamedApart(Exception):
    """A step of a path has another attribute's name in one type than in another."""


_MEMBERS = re.compile(r"Annotated\[([^\[\]]*), BY_TYPENAME\]")
_NEEDED_BY_MEMBERS = frozenset(
    {Import("typing", "Annotated"), Import("_runtime.model", "BY_TYPENAME", local=True)}
)
_UNKNOWN_OBJECT = Import("_runtime.model", "UnknownObject", local=True)


def _undiscriminated(type_: PythonType) -> PythonType:
    """A type as signatures write it: how the members of a union are told apart is the models' affair."""
    shown = _MEMBERS.sub(r"\1", type_.text)
    return type_ if shown == type_.text else PythonType(shown, type_.imports - _NEEDED_BY_MEMBERS)


class _Generator(ResultTypesGenerator):
    """ariadne-codegen's generator, and whether classes that it made for different selections would have one name.

    It names a class after its way from the root, `aB` and `a_b` alike, and keeps the first.
    """

    def _parse_type_definition(
        self,
        class_name: str,
        type_name: str,
        selection_set: SelectionSetNode,
        add_typename: bool = False,
        extra_bases: list[str] | None = None,
        typename_values: list[str] | None = None,
    ) -> list[ast.ClassDef]:
        made: dict[str, SelectionSetNode] = self.__dict__.setdefault("made", {})
        if made.setdefault(class_name, selection_set) is not selection_set:
            self.__dict__["met"] = True
        return super()._parse_type_definition(
            class_name, type_name, selection_set, add_typename, extra_bases, typename_values
        )

    def is_ambiguous(self, fragments: Iterable[str]) -> bool:
        """Whether two classes have one name, or a class has that of a fragment's."""
        own = str_to_pascal_case(self._operation_name)
        others = [str_to_pascal_case(name) for name in fragments if name != self._operation_name]
        return (
            "met" in self.__dict__
            or len(set(others)) < len(others)
            or not set(others).isdisjoint(self.__dict__.get("made", ()))
            or own in others
        )


def _as_fragment(
    name: str, type_: GraphQLObjectType, selection_set: SelectionSetNode
) -> FragmentDefinitionNode:
    """A selection on a type as if it were a fragment of that name: what models are made of."""
    return FragmentDefinitionNode(
        name=NameNode(value=name),
        type_condition=NamedTypeNode(name=NameNode(value=type_.name)),
        directives=(),
        selection_set=selection_set,
    )


class Models:
    """All models of a package, made as they are asked for."""

    def __init__(
        self, schema: GraphQLSchema, queries: Queries, types: TypeMapping, classes: Scope, problems: Problems
    ) -> None:
        self._schema = schema
        self._queries = queries
        self._types = types
        self._scope = classes
        self._problems = problems
        sent = {name: sent_fragment(item, schema) for name, item in queries.fragments.items()}
        self._shapes = Shapes(schema, sent)
        self._sent = {name: self._shapes.fragment(name) for name in sent}
        self._fragments: dict[str, Loaded] = {}
        # By the names that ariadne-codegen has for them.
        self._fragment_classes: dict[str, Loaded] = {}
        self._operations: dict[str, Loaded] = {}
        self._problem_models: dict[str, Loaded] = {}
        self._all: dict[str, ModelClass] = {}
        self._modules: dict[str, list[ModelClass]] = {}
        # A fragment has a module of its own: fragments never spread in a circle, so that these modules never import in one.
        self._module_names = Scope("models", problems, types.path)
        self._module_names.claim("client", "the client's own operations")
        self._module_names.claim("importlib", "what the package imports its modules with")

    @property
    def modules(self) -> Mapping[str, list[ModelClass]]:
        """The classes by module, in the order in which they can be defined."""
        return {name: self._modules[name] for name in sorted(self._modules)}

    @property
    def have_unions(self) -> bool:
        """Whether some field is a union's, whose members may become more."""
        return any(
            _UNKNOWN_OBJECT in field.type.imports for item in self._all.values() for field in item.fields
        )

    def module_of(self, name: str) -> str | None:
        """The module that a class is in, or None where it is no model."""
        if name not in self._all:
            return None
        return next(
            (
                module
                for module, classes in self._modules.items()
                if any(item.name == name for item in classes)
            ),
            None,
        )

    def field_of(self, class_name: str, key: str) -> tuple[str, PythonType]:
        """The attribute and type that a class, or one of its bases, has for an answer's key."""
        model = self._all[class_name]
        if key in model.keys:
            name = model.keys[key]
            return name, next(item.type for item in model.fields if item.name == name)
        for base in model.bases:
            if base in self._all:
                return self.field_of(base, key)
        raise KeyError(key)

    def has_field(self, class_name: str, key: str) -> bool:
        """Whether a class, or one of its bases, has an answer's key."""
        model = self._all[class_name]
        return key in model.keys or any(
            self.has_field(base, key) for base in model.bases if base in self._all
        )

    def classes_in(self, type_: PythonType) -> list[str]:
        """The models that a type names."""
        return [name for name in re.findall(r"\w+", type_.text) if name in self._all]

    def inherited(self, bases: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The keys and attributes that a class has from its bases."""
        for base in bases:
            if base in self._all:
                yield from self._all[base].keys.items()
                yield from self.inherited(self._all[base].bases)

    def those_of(self, classes: list[str], types: tuple[str, ...]) -> list[str]:
        """The members of a union that objects of these types are read into."""
        named = {name: self._type_names(name) for name in classes}
        for_rest = not set(types) <= {type_ for each in named.values() for type_ in each or ()}
        return [
            name for name, each in named.items() if (for_rest if each is None else not each.isdisjoint(types))
        ]

    def _type_names(self, class_name: str) -> frozenset[str] | None:
        """The types that a class is for; None where it takes those of any name."""
        model = self._all.get(class_name)
        named = next((item for item in model.fields if item.name == "typename_"), None) if model else None
        if named is None or not named.type.text.startswith("Literal["):
            return None
        return frozenset(re.findall(r"\w+", named.type.text.removeprefix("Literal")))

    def fragment(self, fragment: Fragment) -> Loaded:
        """The model of a fragment."""
        if fragment.name not in self._fragments:
            wanted = names.inner_module(names.identifier(names.snake(fragment.name)))
            origin = f"the fragment {fragment.name}"
            module = f"models.{self._module_names.distinct(wanted, origin, fallback=f'{wanted}_fragment')}"
            place = place_of(fragment.node, fragment.file)
            loaded = self._load(
                self._sent[fragment.name], fragment.type_name, module, place, names.class_name(fragment.name)
            )
            self._fragments[fragment.name] = loaded
            self._fragment_classes[str_to_pascal_case(fragment.name)] = loaded
        return self._fragments[fragment.name]

    def selection(
        self, document: Document, selection_set: SelectionSetNode | None, type_: GraphQLNamedType | None
    ) -> Loaded | None:
        """The model of what an operation selects on one object type; None for an interface or a union, whose members need the operation."""
        if selection_set is None or not isinstance(type_, GraphQLObjectType):
            return None
        sent = sent_selection(selection_set, type_, self._schema)
        only = self._only_fragment(sent, type_)
        if only is not None:
            return self.fragment(only)
        key = f"{document.name} result"
        if key not in self._operations:
            node = _as_fragment(document.name, type_, self._shapes.flat(sent, type_))
            wanted = names.class_name(document.name)
            self._operations[key] = self._load(
                node, type_.name, self._operations_module(document), document.place(), f"{wanted}Result"
            )
        return self._operations[key]

    def _only_fragment(self, sent: SelectionSetNode, type_: GraphQLObjectType) -> Fragment | None:
        """The fragment on that type that is all of a selection: its model is the selection's."""
        spreads = [item for item in sent.selections if isinstance(item, FragmentSpreadNode)]
        if not len(spreads) == len(sent.selections) == 1 or any(directives_of(spreads[0])):
            return None
        fragment = self._queries.fragments[spreads[0].name.value]
        return fragment if fragment.type_name == type_.name else None

    def problem(
        self, document: Document, told: SelectionSetNode, declared: GraphQLNamedType, type_: GraphQLObjectType
    ) -> Loaded:
        """The model of what an operation selects of one type of problem; one that others select in the same way is theirs, too."""
        sent = sent_selection(told, declared, self._schema)
        only = self._only_fragment(sent, type_)
        if only is not None:
            return self.fragment(only)
        fields = SelectionSetNode(selections=tuple(_fields(sent, type_, self._schema, self._sent)))
        fields = self._shapes.selection_set(fields, type_)
        key = f"{type_.name} {compact(fields)}"
        if key not in self._problem_models:
            node = _as_fragment(type_.name, type_, fields)
            wanted = f"{names.class_name(type_.name).removesuffix('Problem')}Problem"
            if wanted in self._scope.taken:
                wanted = f"{names.class_name(document.name)}{wanted}"
            module = f"models.{self._module_names.claim('problems', 'the problems', fallback='problems_')}"
            self._problem_models[key] = self._load(node, type_.name, module, document.place(), wanted)
        return self._problem_models[key]

    def _operations_module(self, document: Document) -> str:
        wanted = names.inner_module(names.module_name(document.folder)) if document.folder else "client"
        origin = f"the folder {document.folder}" if document.folder else "the client's own operations"
        return f"models.{self._module_names.distinct(wanted, origin, fallback=f'{wanted}_operations')}"

    def operation(self, document: Document) -> Loaded:
        """The model of an operation's whole data."""
        if document.name not in self._operations:
            module = self._operations_module(document)
            sent = sent_operation(document, self._schema)
            root = self._schema.get_root_type(document.node.operation)
            assert root is not None, "validated before"
            sent.selection_set = self._shapes.selection_set(sent.selection_set, root)
            wanted = names.class_name(document.name)
            self._operations[document.name] = self._load(
                sent, root.name, module, document.place(), f"{wanted}Data"
            )
        return self._operations[document.name]

    def _load(
        self, node: ExecutableDefinitionNode, type_name: str, module: str, place: Diagnostic, root: str
    ) -> Loaded:
        for name in _spreads(node.selection_set):
            self.fragment(self._queries.fragments[name])
        try:
            with warnings.catch_warnings():
                # What is deprecated in the schema is told by the types we generate, not while generating.
                warnings.simplefilter("ignore", DeprecationWarning)
                generator = self._generator(node)
                if generator.is_ambiguous(_spreads(node.selection_set)):
                    node = apart(node, self._sent)
                    generator = self._generator(node)
                body = generator.generate().body
        except (NotSupported, ParsingError, KeyError, AttributeError, RecursionError) as error:
            self._problems.add(
                Diagnostic(
                    place.path,
                    place.line,
                    place.column,
                    f"No model can be made for this: {error or type(error).__name__}.",
                    "M001",
                    "Write its selections out instead of nesting fragments.",
                    place.source,
                )
            )
            self._problems.stop_if_any()
            raise AssertionError from error
        definitions = {item.name: item for item in body if isinstance(item, ast.ClassDef)}
        # `Name = Fragment` stands for a class that would only spread the fragment.
        same = {
            target.id: item.value.id
            for item in body
            if isinstance(item, ast.Assign) and isinstance(item.value, ast.Name)
            for target in item.targets
            if isinstance(target, ast.Name)
        }
        assert node.name is not None
        return _Transform(self, node, type_name, module, definitions, same, root).loaded()

    def _generator(self, node: ExecutableDefinitionNode) -> _Generator:
        return _Generator(
            schema=self._schema,
            operation_definition=node,
            enums_module_name="enums",
            fragments_module_name="fragments",
            fragments_definitions=self._sent,
            convert_to_snake_case=False,
        )


class _Transform:
    """One of ariadne-codegen's modules on its way to ours."""

    def __init__(
        self,
        models: Models,
        node: ExecutableDefinitionNode,
        type_name: str,
        module: str,
        definitions: Mapping[str, ast.ClassDef],
        same: Mapping[str, str],
        root: str,
    ) -> None:
        self._models = models
        self._node = node
        self._type_name = type_name
        self._module = module
        self._definitions = definitions
        assert node.name is not None
        self._root_name = str_to_pascal_case(node.name.value)
        self._names: dict[str, str] = {}
        origin = f"the models of {node.name.value}"
        for name in definitions:
            wanted = (
                root
                if name == self._root_name
                else names.class_name(
                    f"{root.removesuffix('Data').removesuffix('Result')}{without_numbers(name.removeprefix(self._root_name))}"
                )
            )
            self._names[name] = self._claim(wanted, f"{origin} ({name})")
        self._fragment_classes = models._fragment_classes
        for name, fragment in same.items():
            if fragment in self._fragment_classes:
                self._names[name] = self._fragment_classes[fragment].name
        self._done: dict[str, ModelClass] = {}

    def _claim(self, wanted: str, origin: str) -> str:
        scope = self._models._scope
        return scope.distinct(wanted, origin, fallback=f"{wanted}Model")

    def loaded(self) -> Loaded:
        selections = [self._node.selection_set]
        type_ = self._models._schema.get_type(self._type_name)
        order: list[ModelClass] = []
        self._visit(self._root_name, type_, selections, order)
        self._models._modules.setdefault(self._module, []).extend(order)
        return Loaded(self._names[self._root_name], self._module, dict(self._done), self._models)

    def _visit(
        self,
        name: str,
        type_: GraphQLNamedType | None,
        selections: Iterable[SelectionSetNode],
        order: list[ModelClass],
    ) -> None:
        if name in self._done or name not in self._definitions:
            return
        definition = self._definitions[name]
        bases = tuple(self._base(base) for base in definition.bases if isinstance(base, ast.Name))
        model = ModelClass(self._names[name], bases, text(type_.description if type_ else ""))
        self._done[name] = model
        self._models._all[model.name] = model
        scope = Scope(model.name, self._models._problems, self._models._types.path)
        for key, attribute in self._models.inherited(bases):
            scope.distinct(attribute, f"{key} of a base")
        nodes: dict[str, list[FieldNode]] = {}
        for selection_set in selections:
            for node in _fields(selection_set, type_, self._models._schema, self._models._sent):
                nodes.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        if any(_conditional(node) for found in nodes.values() for node in found):
            # Where a key is missing, pydantic looks for the attribute's name instead: that must be no other key.
            for key, found in nodes.items():
                own, _ = original_key(key, found[0])
                if names.attribute_name(own) == own:
                    scope.distinct(own, own)
        for item in definition.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                self._field(model, scope, type_, nodes, item, order)
        order.append(model)

    def _base(self, node: ast.Name) -> str:
        loaded = self._fragment_classes.get(node.id)
        return loaded.name if loaded else "Model"

    def _field(
        self,
        model: ModelClass,
        scope: Scope,
        type_: GraphQLNamedType | None,
        nodes: Mapping[str, list[FieldNode]],
        item: ast.AnnAssign,
        order: list[ModelClass],
    ) -> None:
        assert isinstance(item.target, ast.Name)
        keywords = {
            keyword.arg: keyword.value.value
            for keyword in (item.value.keywords if isinstance(item.value, ast.Call) else ())
            if isinstance(keyword.value, ast.Constant)
        }
        generated = str(keywords.get("alias", item.target.id))
        chosen = nodes.get(generated, [])
        key, plain = original_key(generated, chosen[0] if chosen else None)
        if key == "__typename" or (chosen and chosen[0].name.value == "__typename"):
            annotation = PythonType(
                ast.unparse(item.annotation).replace("'", '"'), frozenset({Import("typing", "Literal")})
            )
            if "Literal" not in annotation.text or (type_ is not None and is_abstract_type(type_)):
                # What an interface has itself is read for every type without selections of its own, be it one that came later.
                annotation = PythonType("str")
            name = scope.distinct("typename_" if key == "__typename" else names.attribute_name(key), key)
            optional = any(_conditional(node) for node in chosen)
            model.fields.append(
                ModelField(
                    name,
                    annotation.optional() if optional else annotation,
                    "The name of the object's type.",
                    alias=key if key != name else "",
                    default="None" if optional else "",
                )
            )
            model.keys[key] = name
            return
        field_ = (
            type_.fields.get(chosen[0].name.value) if chosen and is_composite_with_fields(type_) else None
        )
        if field_ is None:
            return
        named = get_named_type(field_.type)
        assert type_ is not None
        if is_leaf_type(named):
            annotation = self._models._types.output(field_.type, f"{type_.name}.{chosen[0].name.value}")
            if any(_conditional(node) for node in chosen):
                # Whatever is known of its values: it may not be there.
                annotation = PythonType(annotation.text, annotation.imports).optional()
        else:
            below = [node.selection_set for node in chosen if node.selection_set is not None]
            for inner in _class_names(item.annotation):
                if inner in self._definitions:
                    self._visit(inner, self._type_of(inner, named), below, order)
            annotation = self._annotation(item.annotation, named)
        wanted = self._models._types.attribute(type_, key) if plain else names.attribute_name(key)
        name = key if scope.taken.get(key) == key else scope.distinct(wanted, key)
        default = "None" if any(_conditional(node) for node in chosen) else ""
        model.fields.append(
            ModelField(
                name,
                annotation,
                text(field_.description),
                alias=key if key != name else "",
                default=default,
            )
        )
        model.keys[key] = name

    def _type_of(self, class_name: str, declared: GraphQLNamedType) -> GraphQLNamedType:
        """The type that a class is for: of an interface or union, the member that its type name says."""
        if not is_abstract_type(declared):
            return declared
        for item in self._definitions[class_name].body:
            if (
                isinstance(item, ast.AnnAssign)
                and isinstance(item.annotation, ast.Subscript)
                and _alias(item) == "__typename"
            ):
                literals = [
                    node.id.strip("\"'")
                    for node in ast.walk(item.annotation.slice)
                    if isinstance(node, ast.Name)
                ]
                literals += [
                    str(node.value)
                    for node in ast.walk(item.annotation.slice)
                    if isinstance(node, ast.Constant)
                ]
                if len(literals) == 1:
                    return self._models._schema.get_type(literals[0]) or declared
                break
        return declared

    def _annotation(self, node: ast.expr, type_: GraphQLNamedType) -> PythonType:
        imports: set[Import] = set()
        shown = self._write(node, type_, imports)
        return PythonType(shown, frozenset(imports))

    def _write(self, node: ast.expr, type_: GraphQLNamedType, imports: set[Import]) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._write(ast.Name(id=node.value), type_, imports)
        if isinstance(node, ast.Name):
            shown = self._class(node, imports)
            return self._members([shown], imports) if isinstance(type_, GraphQLUnionType) else shown
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            generic = node.value.id
            items = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
            if generic == "Optional":
                return f"{self._write(items[0], type_, imports)} | None"
            if generic == "Union":
                members = [self._class(item, imports) for item in items]
                if isinstance(type_, GraphQLUnionType):
                    return self._members(members, imports)
                imports |= _NEEDED_BY_MEMBERS
                return f"Annotated[{' | '.join(members)}, BY_TYPENAME]"
            if generic in ("list", "List"):
                return f"list[{self._write(items[0], type_, imports)}]"
            if generic == "Annotated":
                return self._write(items[0], type_, imports)
        return ast.unparse(node)

    def _members(self, members: list[str], imports: set[Import]) -> str:
        """The members of a union, and what stands for those that it may get later."""
        imports |= _NEEDED_BY_MEMBERS | {_UNKNOWN_OBJECT}
        return f"Annotated[{' | '.join(members)} | UnknownObject, BY_TYPENAME]"

    def _class(self, node: ast.expr, imports: set[Import]) -> str:
        name = str(getattr(node, "id", getattr(node, "value", ""))).strip("\"'")
        if name in self._names:
            shown = self._names[name]
        elif name in self._fragment_classes:
            shown = self._fragment_classes[name].name
        else:
            return name
        module = next(
            (item.module for item in self._fragment_classes.values() if item.name == shown), self._module
        )
        imports.add(Import(module, shown, local=True))
        return shown


def _alias(item: ast.AnnAssign) -> str:
    """The key that a field of ariadne-codegen's is read from, where it is not the field's name."""
    for keyword in item.value.keywords if isinstance(item.value, ast.Call) else ():
        if keyword.arg == "alias" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return ""


def _spreads(selection_set: SelectionSetNode | None) -> Iterator[str]:
    for item in selection_set.selections if selection_set else ():
        if isinstance(item, FragmentSpreadNode):
            yield item.name.value
        elif isinstance(item, FieldNode | InlineFragmentNode):
            yield from _spreads(item.selection_set)


def _fields(
    selection_set: SelectionSetNode,
    type_: GraphQLNamedType | None,
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[FieldNode]:
    """The fields that a selection set selects on a type, through inline fragments and fragments that apply to it."""
    for item in selection_set.selections:
        if isinstance(item, FieldNode):
            yield item
            continue
        if isinstance(item, InlineFragmentNode):
            condition, inner = item.type_condition, item.selection_set
        else:
            fragment = fragments[item.name.value]  # type: ignore[attr-defined]  # the third kind of selection is a spread
            condition, inner = fragment.type_condition, fragment.selection_set
        if condition is None or type_ is None or _applies(schema, condition.name.value, type_):
            yield from _fields(inner, type_, schema, fragments)


def _applies(schema: GraphQLSchema, condition: str, type_: GraphQLNamedType) -> bool:
    if condition == type_.name:
        return True
    wider = schema.get_type(condition)
    return (
        isinstance(wider, GraphQLInterfaceType | GraphQLUnionType)
        and isinstance(type_, GraphQLObjectType)
        and schema.is_sub_type(wider, type_)
    )


def _conditional(node: FieldNode) -> bool:
    return any(directive.name.value in ("include", "skip") for directive in node.directives or ())


def _class_names(node: ast.expr) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            yield item.id.strip("\"'")
        elif isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value
