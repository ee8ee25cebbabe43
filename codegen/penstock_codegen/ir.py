"""What is generated, as data. All decisions are in here; the templates only write them down.

A `Package` has `Resource`s and the client's own `Method`s. A `Resource` has `Attribute`s (the fields of its type), `Relation`s to other
resources, `Lookup`s that find it, and `Method`s of its handle and of its accessor. A `Method` sends an `Operation` and has a `Result`.
`InputType`s and `EnumType`s are what methods take and give; `ModelModule`s hold the classes that answers are read into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .types import PythonType


@dataclass(frozen=True, slots=True)
class Parameter:
    """A variable as a method's parameter. `default` is the annotation's value where it may be left out."""

    name: str
    variable: str
    type: PythonType
    required: bool
    doc: str
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """One of the signs by which a payload says that it failed.

    flag      a Boolean and a text: `fields` are their names, None where there is none; whether the text only `explains`
    problems  a field with what went wrong: `fields` are its name, the key of the reason, and the type of each, empty where it is a text
              or says its type itself
    types     the payload is of another type than `types`; `fields` is the key of the reason
    """

    kind: Literal["flag", "problems", "types"]
    fields: tuple[str | None, ...]
    types: tuple[str, ...] = ()
    explains: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A type of error that a payload may tell: the exception that it is raised as, and the model of what is selected of it."""

    graphql_type: str
    error: str
    model: str
    model_module: str
    doc: str


@dataclass(frozen=True, slots=True)
class Failure:
    """How a payload says that it failed: `depth` is how many steps of the path lead to the payload."""

    depth: int
    signs: tuple[Sign, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorType:
    """A type of error that payloads tell, as an exception: `problem` is the type of what it carries."""

    name: str
    graphql_type: str
    doc: str
    problem: PythonType


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gives.

    nothing   None
    leaf      a scalar or enum, or a list of them
    handle    a handle on a resource, made from an identity in the answer
    resource  a handle that holds its default fields
    model     a pydantic model, or a list of them
    """

    kind: Literal["nothing", "leaf", "handle", "resource", "model"]
    type: PythonType
    path: tuple[str | int, ...] = ()
    many: bool = False
    # How a list pages itself, where it does: by limit and offset, or by a Relay connection's cursor.
    pages: Literal["", "offset", "cursor"] = ""
    nullable: bool = False
    resource: str = ""
    identity: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as it is sent: `text` followed by the fragments' texts."""

    constant: str
    name: str
    kind: Literal["query", "mutation", "subscription"]
    text: str
    fragments: tuple[str, ...]
    binds: tuple[tuple[str, str], ...]
    context: tuple[tuple[str, bool], ...]
    idempotency: str | None
    result: Result
    # What its answer is read as, before a handle is made of it.
    read: PythonType
    # The class and module of the model of its whole data, where it is read into one.
    model: str = ""
    model_module: str = ""
    # Whether that is the model of the whole data; else it is of the object at the path.
    whole: bool = False
    # The path in Python attributes, where a model is read.
    attributes: tuple[str | int, ...] = ()
    # See results.Found: what of a path may not be there, and where a connection has its elements.
    types: tuple[str, ...] = ()
    conditional: tuple[int, ...] = ()
    connection: tuple[str, ...] = ()
    sparse: bool = False
    # A subscription's arguments with their variables: what may change where it goes on after a lost connection.
    parameters: tuple[tuple[str, str], ...] = ()
    # The variables that hold inputs with rules (see InputRule), and those that are deprecated, each with the reason.
    inputs: tuple[tuple[str, str], ...] = ()
    deprecated: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a handle, an accessor or the client. `calls` is the method that it has become, where this is its old name.

    `resume` is the type of what a subscription's arguments become where it goes on; None where it has none.
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    operation: Operation
    result: Result
    deprecated: str | None = None
    calls: str = ""
    resume: PythonType | None = None

    @property
    def streams(self) -> bool:
        """Whether it gives a stream of results: a subscription."""
        return self.operation.kind == "subscription"

    @property
    def required(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.required)

    @property
    def optional(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if not parameter.required)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a resource's type that is a value. `type` includes None where it is nullable.

    `path` is false where it cannot be named in a path: an object that is part of the default fields. Where it is of an interface or a
    union, `abstract` is that one's name: paths go on through it, and may lead nowhere where it is `nullable`. Where it is not part of
    the default fields then, it is a path and nothing else, of no type.
    """

    name: str
    field: str
    type: PythonType
    doc: str
    default: bool
    path: bool = True
    deprecated: str | None = None
    abstract: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A field of a resource's type that leads to another resource."""

    name: str
    field: str
    target: str
    nullable: bool
    many: bool
    doc: str
    default: bool


@dataclass(frozen=True, slots=True)
class AbstractPaths:
    """How paths go on through an interface or a union, as a class: by the `attributes` and `relations` that all its types have (an
    attribute with `abstract` leads to the next interface or union), and by `on` to the folders of resources that it may be.
    """

    name: str
    graphql_type: str
    doc: str
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """A variable of a lookup, the attribute it equals, its parameter, and the class its values have."""

    variable: str
    parameter: str
    attribute: str
    type: PythonType
    value: PythonType
    doc: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A way of finding an object, and the frame of any selection of its fields."""

    operation: Operation
    identities: tuple[Identity, ...]
    variables: str
    before: str
    after: str
    path: tuple[str | int, ...]
    doc: str


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of what is generated for a resource, sync and async."""

    handle: str
    async_handle: str
    attributes: str
    paths: str
    accessor: str
    async_accessor: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A folder of the queries. Without lookups it has no handles, only an accessor."""

    name: str
    module: str
    graphql_type: str
    classes: Classes
    doc: str
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    lookups: tuple[Lookup, ...]
    methods: tuple[Method, ...]
    accessor_methods: tuple[Method, ...]
    operations: tuple[Operation, ...]
    # What results and relations name it by: `name` is the client's attribute, which may have to differ (`return_`).
    folder: str = ""
    # The folders of the other resources that an object of its type may be, where that is an interface.
    on: tuple[str, ...] = ()

    @property
    def defaults(self) -> tuple[str, ...]:
        """The names of what is loaded by default."""
        return tuple(item.name for item in self.attributes if item.default) + tuple(
            item.name for item in self.relations if item.default
        )

    @property
    def has_handle(self) -> bool:
        return bool(self.lookups)


@dataclass(frozen=True, slots=True)
class EnumMember:
    name: str
    value: str
    doc: str
    deprecated: str | None


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum, and the name of the alias that arguments are annotated with: the enum or one of its values as a literal.

    `module` is the module of the package's `enums` that it is in: it is made when it is first used, for there may be hundreds.
    """

    name: str
    graphql_name: str
    alias: str
    module: str
    doc: str
    members: tuple[EnumMember, ...]


@dataclass(frozen=True, slots=True)
class InputField:
    """A key of an input. `alone` is the TypedDict that has only this key, where exactly one is to be given."""

    name: str
    type: PythonType
    required: bool
    doc: str
    deprecated: str | None = None
    alone: str = ""


@dataclass(frozen=True, slots=True)
class InputType:
    """An input object as a TypedDict. `functional` where a key cannot be written as a class attribute.

    With `one_of`, exactly one key is to be given: it is a union of TypedDicts with one key each.
    """

    name: str
    graphql_name: str
    doc: str
    fields: tuple[InputField, ...]
    functional: bool
    one_of: bool = False


@dataclass(frozen=True, slots=True)
class InputRule:
    """What is checked of an input when it is sent: that it has one of its keys, and what is deprecated, in it or in those that it holds."""

    graphql_name: str
    one_of: tuple[str, ...]
    nested: tuple[tuple[str, str], ...]
    deprecated: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FragmentText:
    """A fragment's text, under the name of a constant."""

    constant: str
    text: str


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that is generated."""

    name: str
    resources: tuple[Resource, ...]
    methods: tuple[Method, ...]
    operations: tuple[Operation, ...]
    context: tuple[Parameter, ...]
    enums: tuple[EnumType, ...]
    inputs: tuple[InputType, ...]
    fragments: tuple[FragmentText, ...]
    # The run-time table: object type → its fields in compact form, abstract type → its possible types, leaf → its Python type.
    table: tuple[tuple[str, str], ...]
    abstract: tuple[tuple[str, tuple[str, ...]], ...]
    leaves: tuple[tuple[str, PythonType], ...]
    # The exceptions for the types of errors that payloads tell.
    errors: tuple[ErrorType, ...] = ()
    input_rules: tuple[InputRule, ...] = ()
    # The interfaces and unions that paths go through.
    abstract_paths: tuple[AbstractPaths, ...] = ()
