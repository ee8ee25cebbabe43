"""From the schema and the queries to the IR: which resources there are, what their methods take and give, and every name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_input_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_scalar_type,
    print_ast,
    type_from_ast,
)
from graphql.language import NameNode

from . import ir, names
from .compact import compact
from .conditions import directives_of
from .config import Config, setting_place
from .diagnostics import Diagnostic, Problems, did_you_mean
from .failures import possible_types
from .mapping import TypeMapping, reason, text
from .models import Models, NamedApart
from .names import Scope
from .operations import (
    Document,
    Fragment,
    Queries,
    is_composite_with_fields,
    place_of,
    sent_fragment,
    sent_operation,
)
from .results import Found, find_result, list_depth
from .runtime.table import compact_type
from .types import ANY, UPLOAD, Import, PythonType

_NONE = PythonType("None")
_NEVER = PythonType("Never")
_MARK = "penstock__selection"
# The variables that pages fill in, and the parameters that a list has for them.
_PAGED: dict[str, frozenset[str]] = {
    "": frozenset(),
    "offset": frozenset({"limit", "offset"}),
    "cursor": frozenset({"first", "after"}),
}
_PAGE_PARAMETERS: dict[str, frozenset[str]] = {
    "": frozenset(),
    "offset": frozenset({"limit", "offset", "page_size"}),
    "cursor": frozenset({"limit", "after", "page_size"}),
}
_STREAM_PARAMETERS = frozenset({"resume"})
_IDEMPOTENCY = frozenset({"idempotency_key", "idempotencyKey"})


@dataclass(slots=True)
class Folder:
    """A folder of the queries, before it is a resource."""

    name: str
    documents: list[Document]
    fragment: Fragment | None
    classes: ir.Classes
    module: str
    identities: tuple[tuple[str, str], ...] = ()

    @property
    def gets(self) -> list[Document]:
        """The lookups: `get` first, then `get_by_…` in order."""
        found = [item for item in self.documents if item.method == "get"]
        return found + [item for item in self.documents if item.method.startswith("get_by_")]


def build_package(
    config: Config, schema: GraphQLSchema, queries: Queries, problems: Problems
) -> tuple[ir.Package, Models]:
    """The package and its models. Raises `GenerationError` with everything that stands in the way."""
    return _Builder(config, schema, queries, problems).package()


class _Builder:
    def __init__(self, config: Config, schema: GraphQLSchema, queries: Queries, problems: Problems) -> None:
        self._config = config
        self._schema = schema
        self._queries = queries
        self._problems = problems
        self._classes = Scope(config.package, problems, config.file.name)
        self._modules = Scope(config.package, problems, config.file.name)
        self._fragments: dict[str, str] = {}
        self._fragment_names = Scope("fragments", problems, config.file.name)
        self._fragment_constants = {names.identifier(names.constant(name)) for name in queries.fragments}
        self._renamed: set[str] = set()
        self._errors: dict[str, ir.ErrorType] = {}
        self._passable: dict[str, bool] = {}
        self._resumes: list[ir.InputType] = []
        self._claim_configured_types()
        self._folders = self._find_folders()
        self._types = TypeMapping(schema, config, self._classes, problems)
        self._models = Models(schema, queries, self._types, self._classes, problems)
        self._by_fragment = {
            folder.fragment.name: folder
            for folder in self._folders.values()
            if folder.fragment and folder.gets
        }
        self._by_type: dict[str, Folder] = {}
        for folder in self._by_fragment.values():
            assert folder.fragment is not None
            current = self._by_type.setdefault(folder.fragment.type_name, folder)
            # Of several resources of one type, the one named like the type is where relations lead.
            if folder.name == names.snake(folder.fragment.type_name) and current is not folder:
                self._by_type[folder.fragment.type_name] = folder

    # ---------------------------------------------------------------------------------------------------------- folders

    def _claim_configured_types(self) -> None:
        """What the configuration's types import is there under its own name: no class of the package may hide it."""
        config = self._config
        types: list[tuple[tuple[str, ...], PythonType]] = [
            (("scalars", key), each)
            for key, item in config.scalars.items()
            for each in (item.input, item.output)
        ]
        types += [(("types", key), item) for key, item in config.types.items()]
        if UPLOAD.text not in config.scalars and is_scalar_type(self._schema.get_type(UPLOAD.text)):
            types.append((("scalars",), UPLOAD))
        for setting, type_ in types:
            for item in sorted(type_.imports):
                place = setting_place(config, setting, "", "")
                self._classes.claim(item.name, f"{item.module}.{item.name}", place=place)

    def _find_folders(self) -> dict[str, Folder]:
        by_folder: dict[str, list[Document]] = {}
        for document in self._queries.documents:
            by_folder.setdefault(document.folder, []).append(document)
        folders: dict[str, Folder] = {}
        for name, documents in sorted(by_folder.items()):
            if not name:
                continue
            fragment = next(
                (
                    item
                    for item in self._queries.fragments.values()
                    if item.folder == name and item.file.endswith("/fields.graphql")
                ),
                None,
            )
            found = self._folder_names(name, documents[0].place())
            if found is None:
                continue
            classes, module = found
            base = classes.handle
            folder = Folder(name, documents, fragment, classes, module)
            folders[name] = folder
            if folder.gets and fragment is None:
                get = folder.gets[0]
                self._wrong(
                    get.place(),
                    f"The folder {name} has {get.method}.graphql and no fields.graphql.",
                    "R001",
                    f"Add {name}/fields.graphql with a fragment of what {names.with_article(base)} loads by default.",
                )
            if folder.gets and not any(item.method == "get" for item in documents):
                self._wrong(
                    folder.gets[0].place(),
                    f"The folder {name} has {folder.gets[0].method}.graphql and no get.graphql.",
                    "R001",
                    f"Add {name}/get.graphql: its variables are what {names.with_article(base)} is identified by.",
                )
        self._problems.stop_if_any()
        return folders

    def _folder_names(self, name: str, place: Diagnostic) -> tuple[ir.Classes, str] | None:
        """The names of a folder's classes and module; None where one is another's, which is told once."""
        origin = f"the folder {name}"
        base = names.handle_class_name(name)
        accessor = f"{base}Accessor"
        wanted = (base, f"Async{base}", f"{base}Attributes", f"{base}Paths", accessor, f"Async{accessor}")
        before = len(self._problems.errors)
        module = self._modules.claim(names.module_name(name), origin, place=place)
        for each in wanted:
            if len(self._problems.errors) > before:
                return None
            self._classes.claim(each, origin, place=place)
        return (ir.Classes(*wanted), module) if len(self._problems.errors) == before else None

    # ---------------------------------------------------------------------------------------------------------- package

    def package(self) -> tuple[ir.Package, Models]:
        for folder in self._folders.values():
            folder.identities = self._identities(folder)
        resources = [self._resource(folder) for folder in self._folders.values()]
        client_scope = Scope("Client", self._problems, self._config.file.name)
        for name in names.CLIENT_NAMES:
            client_scope.claim(name, "the client itself")
        resources = [
            replace(
                resource,
                name=client_scope.claim(
                    names.identifier(resource.name, reserved=names.CLIENT_NAMES),
                    f"the folder {resource.name}",
                ),
            )
            for resource in resources
        ]
        constants = Scope("the client's operations", self._problems, self._config.file.name)
        methods: list[ir.Method] = []
        for document in self._queries.documents:
            if not document.folder:
                name = names.identifier(names.snake(document.method), reserved=names.CLIENT_NAMES)
                name = client_scope.claim(name, document.file, place=document.place())
                methods.append(self._method(document, name, None, constants))
        context = self._context(
            [*methods, *(item for r in resources for item in (*r.methods, *r.accessor_methods))]
        )
        old_methods = self._old_names("", methods, client_scope)
        every = [f"{r.folder}.{item.name}" for r in resources for item in (*r.methods, *r.accessor_methods)]
        self._check_renamed([*every, *(item.name for item in methods)])
        self._problems.stop_if_any()
        abstract_paths = self._abstract_paths(resources)
        inputs = self._types.input_types()
        input_rules = self._types.input_rules()
        table, abstract, leaves = self._table()
        enums = self._types.enum_types()
        # Last of all: the names of what users see do not change for those of paths.
        abstract_paths = tuple(
            replace(
                item,
                name=self._classes.distinct(
                    f"{names.class_name(item.graphql_type)}Paths", f"paths through {item.graphql_type}"
                ),
            )
            for item in abstract_paths
        )
        self._problems.stop_if_any()
        package = ir.Package(
            name=self._config.package,
            resources=tuple(resources),
            methods=(*methods, *old_methods),
            operations=tuple(method.operation for method in methods),
            context=context,
            enums=enums,
            inputs=tuple(sorted((*inputs, *self._resumes), key=lambda item: item.name)),
            fragments=tuple(
                ir.FragmentText(constant, compact(sent_fragment(self._queries.fragments[name], self._schema)))
                for name, constant in sorted(self._fragments.items())
            ),
            table=table,
            abstract=abstract,
            leaves=leaves,
            input_rules=input_rules,
            abstract_paths=abstract_paths,
            errors=tuple(sorted(self._errors.values(), key=lambda item: item.name)),
        )
        return package, self._models

    def _context(self, methods: Iterable[ir.Method]) -> tuple[ir.Parameter, ...]:
        """The client's own parameters: one per context variable that some operation has."""
        found: dict[str, ir.Parameter] = {}
        for method in methods:
            used = {variable for variable, _ in method.operation.context}
            for parameter in method.parameters:
                if parameter.variable in used and parameter.variable not in found:
                    plain = parameter.type.text.removesuffix(" | None")
                    found[parameter.variable] = replace(
                        parameter, type=PythonType(plain, parameter.type.imports)
                    )
        for name in self._config.context:
            if not any(
                definition.variable.name.value == name
                for document in self._queries.documents
                for definition in document.node.variable_definitions or ()
            ):
                message = f'context names "{name}", and no operation has a variable ${name}.'
                variables = {
                    definition.variable.name.value
                    for document in self._queries.documents
                    for definition in document.node.variable_definitions or ()
                }
                hint = (
                    did_you_mean(name, sorted(variables))
                    or "Remove it from context, or declare the variable."
                )
                self._problems.add(setting_place(self._config, ("context",), message, "C008", hint))
        return tuple(found[name] for name in self._config.context if name in found)

    # --------------------------------------------------------------------------------------------------------- resources

    def _identities(self, folder: Folder) -> tuple[tuple[str, str], ...]:
        """The first lookup's variables and the attributes that equal them."""
        if not folder.gets or folder.fragment is None:
            return ()
        found = []
        type_ = self._schema.get_type(folder.fragment.type_name)
        fields = type_.fields if is_composite_with_fields(type_) else {}
        for definition in folder.gets[0].node.variable_definitions or ():
            variable = definition.variable.name.value
            attribute = next(
                (
                    name
                    for name in (variable, variable.removeprefix(f"{folder.name}_"), names.snake(variable))
                    if name in fields
                ),
                "",
            )
            if not attribute:
                self._wrong(
                    place_of(definition, folder.gets[0].file),
                    f"${variable} is what {names.with_article(folder.name)} is found by, "
                    f"and {folder.fragment.type_name} has no field of that name.",
                    "R002",
                    did_you_mean(variable, fields) or "Name the variable like the field that it equals.",
                )
                continue
            chosen = [
                item
                for item in folder.fragment.node.selection_set.selections
                if isinstance(item, FieldNode) and item.alias is None
            ]
            if attribute not in {item.name.value for item in chosen}:
                self._wrong(
                    place_of(folder.fragment.node, folder.fragment.file),
                    f'{folder.fragment.name} does not select "{attribute}", by which get.graphql finds {names.with_article(folder.name)}.',
                    "R002",
                    f"Add {attribute} to the fragment.",
                )
            found.append((variable, attribute))
        return tuple(found)

    def _resource(self, folder: Folder) -> ir.Resource:
        attributes: tuple[ir.Attribute, ...] = ()
        relations: tuple[ir.Relation, ...] = ()
        lookups: tuple[ir.Lookup, ...] = ()
        graphql_type = ""
        doc = ""
        constants = Scope(f"the operations of {folder.name}", self._problems, self._config.file.name)
        constants.claim("RESOURCE", "the resource itself")
        handle = Scope(folder.classes.handle, self._problems, self._config.file.name)
        accessor = Scope(folder.classes.accessor, self._problems, self._config.file.name)
        for name in names.HANDLE_NAMES:
            handle.claim(name, "the handle itself")
        if folder.gets and folder.fragment is not None:
            graphql_type = folder.fragment.type_name
            type_ = self._schema.get_type(graphql_type)
            doc = text(type_.description if type_ else "")
            attributes, relations = self._attributes(folder, folder.fragment, handle)
            lookups = tuple(self._lookup(folder, document, constants) for document in folder.gets)
            self._check_lookups(folder, lookups)
        methods: list[ir.Method] = []
        accessor_methods: list[ir.Method] = []
        for document in folder.documents:
            if document in folder.gets:
                continue
            binds = self._binds(folder, document)
            scope = accessor if binds is None else handle
            name = scope.claim(
                names.method_name(document.method),
                document.file,
                place=document.place(),
                remedy="Rename the file, or name the field otherwise under [tool.penstock.names].",
            )
            method = self._method(document, name, folder if binds is not None else None, constants)
            (accessor_methods if binds is None else methods).append(method)
        old_methods = self._old_names(f"{folder.name}.", methods, handle)
        old_accessor_methods = self._old_names(f"{folder.name}.", accessor_methods, accessor)
        operations = [lookup.operation for lookup in lookups] + [
            item.operation for item in (*methods, *accessor_methods)
        ]
        return ir.Resource(
            name=folder.name,
            module=folder.module,
            graphql_type=graphql_type,
            classes=folder.classes,
            doc=doc,
            attributes=attributes,
            relations=relations,
            lookups=lookups,
            methods=(*methods, *old_methods),
            accessor_methods=(*accessor_methods, *old_accessor_methods),
            operations=tuple(sorted(operations, key=lambda item: item.constant)),
            folder=folder.name,
            on=self._on(graphql_type)
            if "on" not in {*(item.name for item in attributes), *(item.name for item in relations)}
            else (),
        )

    def _old_names(self, prefix: str, methods: Iterable[ir.Method], scope: Scope) -> list[ir.Method]:
        """The methods that keep an old name too, under `[tool.penstock.renamed]`: each calls the one that it has become."""
        by_name = {method.name: method for method in methods}
        found = []
        for old, new in self._config.renamed.items():
            name = names.method_name(old.rpartition(".")[2])
            target = by_name.get(names.method_name(new.rpartition(".")[2]))
            if target is None or new.rpartition(".")[0] != prefix.removesuffix("."):
                continue
            self._renamed.add(old)
            place = setting_place(self._config, ("renamed", old), "", "N001")
            scope.claim(
                name,
                f'"{old}" under renamed',
                place=place,
                remedy="Remove it from renamed, or rename the file.",
            )
            found.append(
                replace(
                    target,
                    name=name,
                    doc=f"The old name of `{target.name}`.",
                    deprecated=f"This is {target.name} now.",
                    calls=target.name,
                )
            )
        return found

    def _check_renamed(self, methods: Iterable[str]) -> None:
        known = sorted(methods)
        for old, new in self._config.renamed.items():
            if old not in self._renamed:
                message = f'"{old}" is to go on as "{new}", and there is no such method.'
                hint = did_you_mean(new, known) or "Name a method by its folder and file: flow.archive."
                self._problems.add(setting_place(self._config, ("renamed", old), message, "C011", hint))

    def _attributes(
        self, folder: Folder, fragment: Fragment, handle: Scope
    ) -> tuple[tuple[ir.Attribute, ...], tuple[ir.Relation, ...]]:
        type_ = self._schema.get_type(fragment.type_name)
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            self._wrong(
                place_of(fragment.node, fragment.file),
                f"A resource's fields are those of an object type; {fragment.type_name} is none.",
                "R003",
            )
            return (), ()
        chosen: dict[str, FieldNode] = {}
        for item in fragment.node.selection_set.selections:
            if isinstance(item, FieldNode) and item.name.value == "__typename":
                continue
            if not isinstance(item, FieldNode) or item.alias is not None or any(directives_of(item)):
                self._wrong(
                    place_of(item, fragment.file),
                    "What a resource loads by default are plain fields, without aliases, fragments and conditions.",
                    "R003",
                    "Select the fields by their own names.",
                )
                continue
            chosen[item.name.value] = item
        model = self._models.fragment(fragment)
        attributes, relations = [], []
        for name, field in type_.fields.items():
            node = chosen.get(name)
            if any(is_required_argument(argument) for argument in field.args.values()) and node is None:
                continue
            named = get_named_type(field.type)
            many = is_list_type(get_nullable_type(field.type))
            # A list of lists is kept as the models that it holds.
            target = self._by_type.get(named.name) if list_depth(field.type) < 2 else None
            wanted = self._types.attribute(type_, name)
            origin = f"{fragment.type_name}.{name}"
            if is_leaf_type(named):
                attribute = handle.claim(wanted, origin)
                attributes.append(
                    ir.Attribute(
                        attribute,
                        name,
                        self._types.output(field.type, origin),
                        text(field.description),
                        node is not None,
                        deprecated=reason(field.deprecation_reason),
                    )
                )
            elif target is not None and (node is not None or not many) and self._can_relate(target, node):
                attribute = handle.claim(wanted, origin)
                relations.append(
                    ir.Relation(
                        attribute,
                        name,
                        target.name,
                        not isinstance(field.type, GraphQLNonNull),
                        many,
                        text(field.description),
                        node is not None,
                    )
                )
            elif node is not None:
                attribute = handle.claim(wanted, origin)
                attributes.append(
                    ir.Attribute(
                        attribute,
                        name,
                        model.annotation((name,)),
                        text(field.description),
                        True,
                        path=False,
                        deprecated=reason(field.deprecation_reason),
                        abstract=named.name
                        if not many and field.deprecation_reason is None and self._is_passable(named)
                        else "",
                        nullable=not isinstance(field.type, GraphQLNonNull),
                    )
                )
        attributes += self._other_abstract(folder, type_, chosen, handle)
        return tuple(attributes), tuple(relations)

    # ------------------------------------------------------------------------------------------- interfaces and unions

    def _other_abstract(
        self,
        folder: Folder,
        type_: GraphQLObjectType | GraphQLInterfaceType,
        chosen: Mapping[str, FieldNode],
        handle: Scope,
    ) -> list[ir.Attribute]:
        """The fields of interfaces and unions that are not loaded by default: paths go through them.

        They have only the names that nothing else wants: an operation's file is never to be renamed for the sake of a path.
        """
        methods = {names.method_name(item.method) for item in folder.documents if item not in folder.gets}
        found = []
        for name, field in type_.fields.items():
            wanted = self._types.attribute(type_, name)
            if name in chosen or wanted in methods or wanted in handle.taken:
                continue
            if self._leads_on(field):
                handle.claim(wanted, f"{type_.name}.{name}")
                found.append(self._abstract_attribute(wanted, name, field))
        return found

    def _leads_on(self, field: GraphQLField) -> bool:
        """Whether a field that no operation selects is an interface or a union which paths go through."""
        named = get_named_type(field.type)
        return (
            named.name not in self._by_type
            and not list_depth(field.type)
            and not any(is_required_argument(argument) for argument in field.args.values())
            and field.deprecation_reason is None
            and self._is_passable(named)
        )

    def _abstract_attribute(self, attribute: str, name: str, field: GraphQLField) -> ir.Attribute:
        return ir.Attribute(
            attribute,
            name,
            _NEVER,
            text(field.description),
            False,
            path=False,
            abstract=get_named_type(field.type).name,
            nullable=not isinstance(field.type, GraphQLNonNull),
        )

    def _is_passable(self, type_: GraphQLNamedType) -> bool:
        """Whether paths lead on through a type: an interface or union that has shared leaves, or may be a resource."""
        if not isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return False
        known = self._passable.get(type_.name)
        if known is None:
            known = self._passable[type_.name] = bool(self._on(type_.name)) or (
                isinstance(type_, GraphQLInterfaceType) and any(map(_is_plain_leaf, type_.fields.values()))
            )
        return known

    def _on(self, name: str) -> tuple[str, ...]:
        """The folders of the resources that an object of an interface or a union may be."""
        type_ = self._schema.get_type(name)
        if not isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return ()
        possible = {item.name for item in self._schema.get_possible_types(type_)}
        return tuple(
            folder.name
            for folder in self._by_fragment.values()
            if folder.fragment is not None
            and folder.fragment.type_name != name
            and not possible.isdisjoint(possible_types(folder.fragment.type_name, self._schema))
        )

    def _abstract_paths(self, resources: Iterable[ir.Resource]) -> tuple[ir.AbstractPaths, ...]:
        """The interfaces and unions that paths from a resource reach, not yet named."""
        waiting = [item.abstract for resource in resources for item in resource.attributes if item.abstract]
        found: dict[str, ir.AbstractPaths] = {}
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = self._through(name)
                waiting += [item.abstract for item in found[name].attributes if item.abstract]
        return tuple(found[name] for name in sorted(found))

    def _through(self, name: str) -> ir.AbstractPaths:
        type_ = self._schema.get_type(name)
        assert isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
        scope = Scope(f"{name}Paths", self._problems, self._config.file.name)
        scope.claim("on", "the paths of one type")
        fields: Mapping[str, GraphQLField] = {} if isinstance(type_, GraphQLUnionType) else type_.fields
        attributes: list[ir.Attribute] = []
        relations: list[ir.Relation] = []
        for field_name, field in fields.items():
            origin = f"{name}.{field_name}"
            target = self._by_type.get(get_named_type(field.type).name)
            wanted = self._types.attribute(type_, field_name)
            if _is_plain_leaf(field):
                python = self._types.output(field.type, origin)
                attribute = scope.distinct(wanted, origin)
                attributes.append(ir.Attribute(attribute, field_name, python, text(field.description), False))
            elif self._leads_on(field):
                attributes.append(self._abstract_attribute(scope.distinct(wanted, origin), field_name, field))
            elif (
                target is not None
                and field.deprecation_reason is None
                and not list_depth(field.type)
                and not any(is_required_argument(argument) for argument in field.args.values())
            ):
                nullable = not isinstance(field.type, GraphQLNonNull)
                attribute = scope.distinct(wanted, origin)
                doc = text(field.description)
                relations.append(ir.Relation(attribute, field_name, target.name, nullable, False, doc, False))
        return ir.AbstractPaths(
            "", name, text(type_.description), tuple(attributes), tuple(relations), self._on(name)
        )

    def _can_relate(self, target: Folder, node: FieldNode | None) -> bool:
        """Whether the default fields hold what the other resource is identified by."""
        if node is None or node.selection_set is None:
            return bool(target.identities)
        chosen = {
            item.name.value
            for item in node.selection_set.selections
            if isinstance(item, FieldNode) and item.alias is None
        }
        return bool(target.identities) and all(attribute in chosen for _, attribute in target.identities)

    def _lookup(self, folder: Folder, document: Document, constants: Scope) -> ir.Lookup:
        assert folder.fragment is not None
        found = self._find(document, only=True)
        self._check_resource_marks(document, found)
        if document.kind != "query" or found.kind != "spread" or found.spread != folder.fragment.name:
            self._wrong(
                document.place(),
                f"{document.method}.graphql finds {names.with_article(folder.name)}, and does not end in its fields.",
                "R004",
                f"Let it be a query that selects ...{folder.fragment.name} and nothing else.",
            )
            return ir.Lookup(self._operation(document, found, (), constants, {}), (), "", "", "", (), "")
        type_ = self._schema.get_type(folder.fragment.type_name)
        fields = type_.fields if is_composite_with_fields(type_) else {}
        known = dict(folder.identities)
        docs = self._variable_docs(document)
        identities = []
        parameters = Scope(f"{folder.classes.accessor}()", self._problems, self._config.file.name)
        for definition in document.node.variable_definitions or ():
            variable = definition.variable.name.value
            type_reference = self._variable_type(definition)
            attribute = known.get(variable) or (variable if variable in fields else names.snake(variable))
            value = self._types.leaf(get_named_type(type_reference))
            identities.append(
                ir.Identity(
                    variable,
                    parameters.claim(
                        names.parameter_name(variable),
                        f"${variable}",
                        place=place_of(definition, document.file),
                    ),
                    self._types.attribute(type_, attribute),
                    self._types.required_input(type_reference, docs[variable].origin),
                    value,
                    docs[variable].doc,
                )
            )
        found.nullable = True
        operation = self._operation(document, found, (), constants, {})
        before, after = self._frame(document, found)
        variables = " ".join(compact(item) for item in document.node.variable_definitions or ())
        return ir.Lookup(
            operation,
            tuple(identities),
            variables,
            before,
            after,
            found.path,
            text(found.root.description if found.root else ""),
        )

    def _frame(self, document: Document, found: Found) -> tuple[str, str]:
        """The operation's text before and after what the fragment is spread in."""
        sent = sent_operation(document, self._schema)

        def mark(selection_set: SelectionSetNode) -> SelectionSetNode:
            selections: list[SelectionNode] = []
            for item in selection_set.selections:
                if isinstance(item, FieldNode) and item.selection_set is not None:
                    below = mark(item.selection_set)
                    item = FieldNode(
                        alias=item.alias,
                        name=item.name,
                        arguments=item.arguments,
                        directives=item.directives,
                        selection_set=below,
                    )
                elif isinstance(item, InlineFragmentNode):
                    item = InlineFragmentNode(
                        type_condition=item.type_condition,
                        directives=item.directives,
                        selection_set=mark(item.selection_set),
                    )
                elif isinstance(item, FragmentSpreadNode):
                    marked = FieldNode(name=NameNode(value=_MARK), arguments=(), directives=())
                    # Where the object may be of another type, its fields can be selected under the fragment's type only.
                    condition = self._queries.fragments[item.name.value].node.type_condition
                    item = (
                        InlineFragmentNode(
                            type_condition=condition,
                            directives=(),
                            selection_set=SelectionSetNode(selections=(marked,)),
                        )
                        if found.types
                        else marked
                    )
                selections.append(item)
            return SelectionSetNode(selections=tuple(selections))

        before, _, after = compact(mark(sent.selection_set)).partition(_MARK)
        return before, after

    def _check_lookups(self, folder: Folder, lookups: tuple[ir.Lookup, ...]) -> None:
        seen: dict[frozenset[str], str] = {}
        for lookup, document in zip(lookups, folder.gets, strict=True):
            key = frozenset(identity.parameter for identity in lookup.identities)
            other = seen.setdefault(key, document.file)
            if other != document.file:
                self._wrong(
                    document.place(),
                    f"{document.file} and {other} find {names.with_article(folder.name)} by the same names.",
                    "R005",
                    "Name the variables apart.",
                )

    # ----------------------------------------------------------------------------------------------------------- methods

    def _binds(self, folder: Folder, document: Document) -> tuple[tuple[str, str], ...] | None:
        """Which variables a handle fills in, or None where the operation does not start from one object."""
        if not folder.identities or document.method in ("list", "count"):
            return None
        variables = [item.variable.name.value for item in document.node.variable_definitions or ()]
        binds = []
        for identity, attribute in folder.identities:
            own = (f"{folder.name}_{identity}", f"{folder.name}_{names.snake(identity)}", identity)
            found = next((name for name in variables if name in own or names.snake(name) in own), None)
            if found is None:
                return None
            assert folder.fragment is not None, "identities are those of a fragment's type"
            binds.append(
                (found, self._types.attribute(self._schema.get_type(folder.fragment.type_name), attribute))
            )
        return tuple(binds)

    def _method(self, document: Document, name: str, folder: Folder | None, constants: Scope) -> ir.Method:
        found = self._find(document)
        self._check_resource_marks(document, found)
        binds = (self._binds(folder, document) or ()) if folder else ()
        bound = {variable for variable, _ in binds}
        docs = self._variable_docs(document)
        variables = {item.variable.name.value: item for item in document.node.variable_definitions or ()}
        pages: Literal["", "offset", "cursor"] = ""
        if found.connection:
            pages = "cursor"
        elif (
            found.many
            and found.kind in ("spread", "model", "handle")
            and document.kind == "query"
            and variables.keys() >= _PAGED["offset"]
        ):
            pages = "offset"
        paged = _PAGED[pages]
        streams = document.kind == "subscription"
        own = _STREAM_PARAMETERS if streams else _PAGE_PARAMETERS[pages]
        every = "subscription" if streams else "list"
        parameters = []
        context = []
        scope = Scope(f"{name}()", self._problems, self._config.file.name)
        for parameter in own:
            scope.claim(parameter, f"the parameter {parameter} of every {every}")
        for variable, definition in variables.items():
            if variable in bound or variable in paged:
                continue
            type_ = self._variable_type(definition)
            is_context = variable in self._config.context
            required = (
                isinstance(type_, GraphQLNonNull) and definition.default_value is None and not is_context
            )
            if is_context:
                context.append(
                    (variable, isinstance(type_, GraphQLNonNull) and definition.default_value is None)
                )
            place = place_of(definition, document.file)
            wanted = names.parameter_name(variable)
            if wanted in own:
                self._wrong(
                    place,
                    f'${variable} would be the parameter "{wanted}", and every {every} has one of that name of its own.',
                    "R006",
                    "Give the variable another name.",
                )
                continue
            if variable in ("self", "cls"):
                self._wrong(
                    place,
                    f"${variable} clashes with the method's own parameter.",
                    "R006",
                    "Give the variable another name.",
                )
                continue
            annotation = self._types.input(type_, docs[variable].origin)
            doc = docs[variable].doc
            if definition.default_value is not None:
                doc = f"{doc} Default: {print_ast(definition.default_value)}.".strip()
            if is_context:
                doc = f"{doc} Comes from the client unless passed.".strip()
            deprecated = docs[variable].deprecated
            if deprecated is not None:
                doc = f"{doc} Deprecated: {deprecated}".strip()
            parameters.append(
                ir.Parameter(
                    scope.claim(wanted, f"${variable}", place=place),
                    variable,
                    annotation,
                    required,
                    doc,
                    # One that has to be given is no choice of the caller's.
                    None if required else deprecated,
                )
            )
        result, operation = self._result(
            document, found, binds, constants, pages=pages, context=tuple(context), folder=folder
        )
        resume = None
        if streams and parameters:
            operation = replace(
                operation, parameters=tuple((item.name, item.variable) for item in parameters)
            )
            resume = self._resume(document, parameters)
        operation = replace(
            operation,
            inputs=tuple(
                (name, named)
                for name, definition in variables.items()
                if self._types.has_rules(named := get_named_type(self._variable_type(definition)).name)
            ),
            deprecated=tuple((item.variable, item.deprecated) for item in parameters if item.deprecated),
        )
        root = found.root
        # A read through an object is about what it leads to: a flow's runs, not the flow.
        told = (
            found.field
            if document.kind == "query" and found.field is not None and found.field.description
            else root
        )
        return ir.Method(
            name,
            text(told.description if told else "") or f"Sends the {document.kind} of {document.file}.",
            tuple(parameters),
            operation,
            result,
            reason(root.deprecation_reason) if root else None,
            resume=resume,
        )

    def _resume(self, document: Document, parameters: Iterable[ir.Parameter]) -> PythonType:
        """The dict of what a subscription's arguments become where it goes on after a lost connection."""
        base = names.class_name(document.name)
        origin = f"what {document.file} goes on with"
        name = self._classes.claim(
            f"{base}Resume", origin, fallback=f"{base}ResumeArguments", place=document.place()
        )
        fields = tuple(ir.InputField(item.name, item.type, False, item.doc) for item in parameters)
        doc = (
            "The arguments to go on with after a lost connection; those that are left out stay as they were."
        )
        self._resumes.append(ir.InputType(name, "", doc, fields, functional=False))
        return PythonType(name, frozenset({Import("inputs", name, local=True)}))

    def _check_resource_marks(self, document: Document, found: Found) -> None:
        """Whether each `@resource` of an operation and its fragments has an effect."""
        waiting = [(document.file, document.node.selection_set)]
        for name in self._queries.spread(document.node.selection_set):
            fragment = self._queries.fragments[name]
            waiting.append((fragment.file, fragment.node.selection_set))
        while waiting:
            file, selection_set = waiting.pop()
            for item in selection_set.selections:
                marked = any(each.name.value == "resource" for each in item.directives or ())
                if marked and not (found.kind == "handle" and item is found.node):
                    self._wrong(
                        place_of(item, file),
                        "@resource has no effect here.",
                        "R007",
                        "It stands beside the one id that an operation gives, outside of lists and fragments.",
                    )
                if isinstance(item, FieldNode | InlineFragmentNode) and item.selection_set is not None:
                    waiting.append((file, item.selection_set))

    def _find(self, document: Document, *, only: bool = False) -> Found:
        return find_result(
            document,
            self._schema,
            self._queries,
            self._config.errors,
            frozenset(self._by_fragment),
            only=only,
        )

    def _result(
        self,
        document: Document,
        found: Found,
        binds: tuple[tuple[str, str], ...],
        constants: Scope,
        *,
        pages: Literal["", "offset", "cursor"],
        context: tuple[tuple[str, bool], ...],
        folder: Folder | None,
    ) -> tuple[ir.Result, ir.Operation]:
        operation = self._operation(document, found, binds, constants, dict(context))
        result = operation.result
        if pages:
            result = replace(result, pages=pages)
            operation = replace(operation, result=result)
        return result, operation

    def _operation(
        self,
        document: Document,
        found: Found,
        binds: tuple[tuple[str, str], ...],
        constants: Scope,
        context: Mapping[str, bool],
    ) -> ir.Operation:
        wanted = names.identifier(names.constant(document.method))
        if wanted in self._fragment_constants:
            # Both are constants of a module that sends them.
            wanted = f"{wanted}_OPERATION"
        spread = self._queries.spread(document.node.selection_set)
        for name in spread:
            if name not in self._fragments:
                wanted_name = names.identifier(names.constant(name))
                self._fragments[name] = self._fragment_names.distinct(wanted_name, f"the fragment {name}")
        model, model_module, attributes, whole = "", "", found.path, False
        # A mutation's payload that is null means that it failed; a read from a handle that is null, that there is no such object.
        mutation = document.kind == "mutation"
        told = mutation or (bool(binds) and document.kind == "query")
        nullable = found.nullable_end if told and found.kind == "leaf" else found.nullable and not told
        python: PythonType
        read: PythonType | None = None
        resource = identity = ""
        if found.kind == "nothing":
            python, nullable = _NONE, True
        elif found.kind == "leaf":
            assert found.field is not None and found.owner is not None
            python = self._types.output(found.field.type, f"{found.owner.name}.{found.field_name}")
            python = python.optional() if nullable else python
        elif found.kind == "handle":
            resource, identity, python = self._handle(document, found)
            nullable = nullable and document.kind == "subscription"
        else:
            if found.kind == "spread":
                folder = self._by_fragment[found.spread]
                resource = folder.name
                python = PythonType(folder.classes.handle)
                # The default fields are all that is read: what leads to them needs no model of its own.
                loaded = self._models.fragment(self._queries.fragments[found.spread])
                read = PythonType("dict[str, Any]", ANY.imports)
            elif found.kind == "model" and (
                at_path := self._models.selection(document, found.selection_set, found.end)
            ):
                loaded = at_path
                python = PythonType(loaded.name, frozenset({loaded.imported}))
            else:
                loaded, whole = self._models.operation(document), True
                try:
                    attributes = loaded.attributes(found.path)
                except NamedApart as apart:
                    self._wrong(
                        document.place(),
                        f'The types on the way to the result have different names for "{apart}".',
                        "M002",
                        "Give them one name under [tool.penstock.names], or select it of one type.",
                    )
                    self._problems.stop_if_any()
                if found.kind == "model":
                    python = loaded.element(found.path + found.connection, succeeded=found.succeeded)
                else:
                    python, nullable = PythonType(loaded.name, frozenset({loaded.imported})), False
            model, model_module = loaded.name, loaded.module
        variables = [item.variable.name.value for item in document.node.variable_definitions or ()]
        read = read or python
        if found.connection:
            read = read.inside("Slice", Import("_runtime.pages", "Slice", local=True))
            nullable = False
        elif found.many and found.kind != "leaf":
            read = read.inside("list")
        result = ir.Result(
            kind={"spread": "resource", "data": "model"}.get(found.kind, found.kind),  # type: ignore[arg-type]  # the other kinds have the same names
            type=python,
            path=found.path,
            many=found.many,
            nullable=nullable,
            resource=resource,
            identity=identity,
            failure=self._failure(document, found),
        )
        return ir.Operation(
            constant=constants.claim(
                wanted, document.file, fallback=f"{wanted}_OPERATION", place=document.place()
            ),
            name=document.name,
            kind=document.kind,
            text=compact(sent_operation(document, self._schema)),
            fragments=tuple(self._fragments[name] for name in spread),
            binds=binds,
            context=tuple(context.items()),
            idempotency=next((name for name in variables if name in _IDEMPOTENCY), None),
            result=result,
            read=read.optional() if nullable else read,
            model=model,
            model_module=model_module,
            attributes=attributes,
            whole=whole,
            types=found.types,
            conditional=found.conditional,
            connection=found.connection,
            sparse=found.sparse and found.kind in ("spread", "model"),
        )

    def _failure(self, document: Document, found: Found) -> ir.Failure | None:
        """How an operation says that it failed, with the errors and models of the problems that it tells."""
        problems: dict[str, ir.Problem] = {}
        for reported in found.reported:
            for type_ in reported.types:
                if type_.name in problems:
                    continue
                model = self._models.problem(document, reported.selection_set, reported.declared, type_)
                error = self._error_type(type_, PythonType(model.name, frozenset({model.imported})))
                problems[type_.name] = ir.Problem(
                    type_.name, error.name, model.name, model.module, error.doc.partition("\n")[0]
                )
        if found.failure is None:
            return None
        return replace(found.failure, problems=tuple(problems[name] for name in sorted(problems)))

    def _error_type(self, type_: GraphQLObjectType, model: PythonType) -> ir.ErrorType:
        """The exception for a type of error, whose problem is of every model that some operation reads it into."""
        known = self._errors.get(type_.name)
        if known is None:
            wanted = names.error_class_name(type_.name)
            name = self._classes.claim(wanted, f"the error {type_.name}", fallback=f"{wanted}Failed")
            known = ir.ErrorType(name, type_.name, text(type_.description), model)
        else:
            known = replace(known, problem=known.problem.union(model))
        self._errors[type_.name] = known
        return known

    def _handle(self, document: Document, found: Found) -> tuple[str, str, PythonType]:
        """The resource that `@resource` names, the identity that the leaf is, and the leaf's type."""
        assert found.node is not None and found.field is not None
        place = place_of(found.node, document.file)
        known = {folder.name: folder for folder in self._by_fragment.values()}
        folder = known.get(found.handle)
        if folder is None:
            hint = did_you_mean(found.handle, known) or f"The resources are {', '.join(sorted(known))}."
            self._wrong(
                place, f'@resource names "{found.handle}", and there is no such resource.', "R007", hint
            )
            return "", "", _NONE
        if len(folder.identities) != 1 or not is_leaf_type(get_named_type(found.field.type)):
            self._wrong(
                place,
                f"@resource stands beside {names.with_article(folder.name)}'s identity, a single id.",
                "R007",
                f"{names.with_article(folder.name, 'A')} is found by {', '.join(name for name, _ in folder.identities)}.",
            )
            return "", "", _NONE
        get = folder.gets[0]
        definition = next(iter(get.node.variable_definitions or ()))
        value = self._types.leaf(get_named_type(self._variable_type(definition)))
        return folder.name, names.parameter_name(folder.identities[0][0]), value

    # --------------------------------------------------------------------------------------------------------- variables

    def _variable_type(self, definition: VariableDefinitionNode) -> GraphQLInputType:
        type_ = type_from_ast(self._schema, definition.type)
        assert is_input_type(type_), "validated before"
        return cast("GraphQLInputType", type_)

    def _variable_docs(self, document: Document) -> Mapping[str, _Use]:
        """Where each variable ends up: the argument or input field that it fills, and that one's description."""
        uses: dict[str, _Use] = {}
        self._walk(
            document.node.selection_set,
            self._schema.get_root_type(document.node.operation),
            uses,
            frozenset(),
        )
        return _Uses(uses)

    def _walk(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        uses: dict[str, _Use],
        seen: frozenset[str],
    ) -> None:
        for item in selection_set.selections:
            if isinstance(item, FieldNode):
                field = parent.fields.get(item.name.value) if is_composite_with_fields(parent) else None
                if field is None:
                    continue
                self._arguments(item, field, uses)
                if item.selection_set is not None:
                    self._walk(item.selection_set, get_named_type(field.type), uses, seen)
            elif isinstance(item, FragmentSpreadNode):
                name = item.name.value
                if name not in seen:
                    fragment = self._queries.fragments[name]
                    self._walk(
                        fragment.node.selection_set,
                        self._schema.get_type(fragment.type_name),
                        uses,
                        seen | {name},
                    )
            elif isinstance(item, InlineFragmentNode):
                condition = item.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                self._walk(item.selection_set, inner, uses, seen)

    def _arguments(self, node: FieldNode, field: GraphQLField, uses: dict[str, _Use]) -> None:
        for argument in node.arguments or ():
            definition = field.args[argument.name.value]
            use = _Use(text(definition.description), "", reason(definition.deprecation_reason))
            self._value(argument.value, definition.type, use, uses)

    def _value(self, value: ValueNode, type_: GraphQLType, use: _Use, uses: dict[str, _Use]) -> None:
        if isinstance(value, VariableNode):
            known = uses.get(value.name.value)
            told = use if known is None or (not known.doc and use.doc) else known
            # It is deprecated where all that it fills is.
            if known is not None and None in (known.deprecated, use.deprecated):
                told = replace(told, deprecated=None)
            uses[value.name.value] = told
        elif isinstance(value, ListValueNode):
            for item in value.values:
                self._value(item, type_, replace(use, origin=""), uses)
        elif isinstance(value, ObjectValueNode):
            named = get_named_type(type_)
            if isinstance(named, GraphQLInputObjectType):
                for field in value.fields:
                    definition = named.fields[field.name.value]
                    filled = _Use(
                        text(definition.description),
                        f"{named.name}.{field.name.value}",
                        reason(definition.deprecation_reason) or use.deprecated,
                    )
                    self._value(field.value, definition.type, filled, uses)

    # ------------------------------------------------------------------------------------------------------------- table

    def _table(
        self,
    ) -> tuple[
        tuple[tuple[str, str], ...],
        tuple[tuple[str, tuple[str, ...]], ...],
        tuple[tuple[str, PythonType], ...],
    ]:
        """What the package knows of the schema when it runs: the types that selections can reach from a resource."""
        waiting = [folder.fragment.type_name for folder in self._by_fragment.values() if folder.fragment]
        types: dict[str, str] = {}
        abstract: dict[str, tuple[str, ...]] = {}
        leaves: dict[str, PythonType] = {}
        while waiting:
            name = waiting.pop()
            if name in types or name in leaves:
                continue
            type_ = self._schema.get_type(name)
            if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
                leaf = self._types.runtime_leaf(type_) if type_ is not None else None
                if leaf is not None:
                    leaves[name] = leaf
                continue
            if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
                abstract[name] = tuple(sorted(item.name for item in self._schema.get_possible_types(type_)))
                waiting += abstract[name]
            fields = {} if isinstance(type_, GraphQLUnionType) else type_.fields
            types[name] = compact_type(
                (
                    field_name,
                    {key: str(argument.type) for key, argument in field.args.items()},
                    str(field.type),
                )
                for field_name, field in fields.items()
            )
            for field_name, field in fields.items():
                waiting.append(get_named_type(field.type).name)
                own = self._config.types.get(f"{name}.{field_name}")
                if own is not None:
                    leaves[f"{name}.{field_name}"] = own
        return tuple(sorted(types.items())), tuple(sorted(abstract.items())), tuple(sorted(leaves.items()))

    def _wrong(self, place: Diagnostic, message: str, code: str, hint: str = "") -> None:
        self._problems.add(
            Diagnostic(place.path, place.line, place.column, message, code, hint, place.source)
        )


def _is_plain_leaf(field: GraphQLField) -> bool:
    """Whether a path can end in a field: a scalar or an enum that asks for nothing and is not deprecated."""
    return (
        is_leaf_type(get_named_type(field.type))
        and field.deprecation_reason is None
        and not any(is_required_argument(argument) for argument in field.args.values())
    )


@dataclass(frozen=True, slots=True)
class _Use:
    """Where a variable is used: the description there, `input.field` where it fills an input's field, and why that is deprecated."""

    doc: str = ""
    origin: str = ""
    deprecated: str | None = None


class _Uses(dict[str, _Use]):
    def __missing__(self, key: str) -> _Use:
        return _Use()
