"""Every Python name is made here, and nowhere else is one checked.

A name is wanted for something in the schema, the queries or the configuration (its origin). It becomes an identifier that is no keyword and
hides nothing it must not hide; where two origins want the same one in the same scope, the later takes its fallback, and where that is
taken too, it is refused with both origins named.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .diagnostics import Diagnostic, Problems

_LONGEST = 120

# What a generated module imports or defines besides its classes; a class of that name would hide it.
MODULE_NAMES = frozenset(
    {
        "AbstractNested",
        "AbstractPaths",
        "AbstractRelation",
        "Accessor",
        "Annotated",
        "Any",
        "AsyncAccessor",
        "AsyncEventStream",
        "AsyncHTTPClient",
        "AsyncPages",
        "AsyncResource",
        "AwareDatetime",
        "BY_TYPENAME",
        "Callable",
        "EventStream",
        "Field",
        "Final",
        "Flag",
        "Generic",
        "Handle",
        "HTTPClient",
        "Identity",
        "Iterable",
        "Literal",
        "Lookup",
        "Mapping",
        "Model",
        "Never",
        "NotRequired",
        "Operation",
        "Pages",
        "Path",
        "Paths",
        "Persisted",
        "Problems",
        "Relation",
        "Required",
        "Resource",
        "ResourceType",
        "Schema",
        "Self",
        "SharedField",
        "Sequence",
        "SubscriptionOptions",
        "Successes",
        "TYPE_CHECKING",
        "TypeAlias",
        "TypeVar",
        "TypedDict",
        "UNSET",
        "UUID",
        "UnknownObject",
        "Unset",
        "annotations",
        "builtins",
        "cast",
        "date",
        "datetime",
        "deprecated",
        "overload",
        "time",
        "timedelta",
        "Absent",
        "Root",
        "operations",
        "Nested",
        "Client",
        "AsyncClient",
        "OpenEnum",
        "T1",
        "T2",
        "T3",
        "T4",
        "T5",
        "T6",
        "T7",
        "T8",
    }
)

# What the `__init__` of a package uses: importing a module of that name from it would put the module in its place.
PACKAGE_NAMES = frozenset({"annotations", "dict", "getattr", "globals", "importlib", "list", "sorted", "str"})

# What the package itself exports besides the handles.
ERROR_NAMES = frozenset(
    {
        "ActionFailed",
        "AuthenticationError",
        "ClientError",
        "GraphQLError",
        "HTTPStatusError",
        "InvalidResponse",
        "InvalidSelection",
        "MissingContext",
        "NotFound",
        "NotLoaded",
        "PermissionDenied",
        "RateLimited",
        "RequestTimeout",
        "TransportError",
    }
)

# What the handles have themselves; an attribute or a method of that name would hide it.
# `builtins` is where a class finds `str` when it has a field of that name.
HANDLE_NAMES = frozenset({"builtins", "get", "query", "refresh"})
CLIENT_NAMES = frozenset({"close", "execute", "url", "with_options"})
# Names that pydantic's models use; a field of that name would hide them or be refused by pydantic.
MODEL_NAMES = frozenset(
    {
        "construct",
        "copy",
        "dict",
        "fields_set",
        "from_orm",
        "json",
        "model_computed_fields",
        "model_config",
        "model_construct",
        "model_copy",
        "model_dump",
        "model_dump_json",
        "model_extra",
        "model_fields",
        "model_fields_set",
        "model_json_schema",
        "model_parametrized_name",
        "model_post_init",
        "model_rebuild",
        "model_validate",
        "model_validate_json",
        "model_validate_strings",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "update_forward_refs",
        "validate",
    }
)
ENUM_NAMES = frozenset(dir(str)) | {"name", "value", "mro", "is_known"}


@functools.cache
def snake(name: str) -> str:
    """`name` in snake_case: `flowRun` and `FlowRun` are `flow_run`, `APIToken` is `api_token`."""
    spaced = re.sub(r"[^0-9A-Za-z_]+", "_", name)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", spaced)
    return spaced.lower()


@functools.cache
def pascal(name: str) -> str:
    """`name` in PascalCase: `flow_run` is `FlowRun`, `APIToken` stays."""
    parts = [part for part in re.split(r"[^0-9A-Za-z]+", name) if part]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def with_article(name: str, article: str = "a") -> str:
    """`name` as a sentence speaks of one: "a flow", "an agent"; `article` is "a", or "A" where the sentence starts."""
    return f"{article}n {name}" if name[:1].lower() in set("aeiou") else f"{article} {name}"


def constant(name: str) -> str:
    """`name` in CONSTANT_CASE."""
    return snake(name).upper()


def identifier(name: str, *, reserved: Iterable[str] = (), public: bool = True) -> str:
    """`name` as an identifier that is no keyword, no builtin constant, and not reserved.

    Public names do not start with an underscore: a leading one is dropped, and what starts with a digit then gets a letter in front.
    """
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII)
    if public:
        cleaned = cleaned.lstrip("_") or "field"
    if cleaned[:1].isdigit():
        cleaned = f"n{cleaned}" if public else f"_{cleaned}"
    cleaned = cleaned[:_LONGEST]
    # Soft keywords (match, type) are fine as names; True, False, None and __debug__ are not.
    if keyword.iskeyword(cleaned) or cleaned in reserved or cleaned in ("self", "cls", "__debug__"):
        cleaned += "_"
    return cleaned


def class_name(name: str) -> str:
    """`name` as the name of a class."""
    cleaned = identifier(pascal(name) or "Type", reserved=MODULE_NAMES | ERROR_NAMES)
    return cleaned[:1].upper() + cleaned[1:] if cleaned not in vars(builtins) else f"{cleaned}_"


def handle_class_name(name: str) -> str:
    """The name of a resource's class, from which those of its twin, its paths and its accessors are made: none may hide an import."""
    base = class_name(name)
    while not MODULE_NAMES.isdisjoint(
        (f"Async{base}", f"{base}Attributes", f"{base}Paths", f"{base}Accessor", f"Async{base}Accessor")
    ):
        base += "_"
    return base


def error_class_name(name: str) -> str:
    """The name of the exception for a type of error."""
    return class_name(name if name.endswith(("Error", "Exception")) else f"{name}Error")


def attribute_name(name: str) -> str:
    """The name of a field, the same on a handle, in its paths and in the models."""
    return identifier(snake(name), reserved=HANDLE_NAMES | MODEL_NAMES)


def method_name(name: str) -> str:
    """The name of a method of a handle or an accessor."""
    return identifier(snake(name), reserved=HANDLE_NAMES)


def parameter_name(name: str) -> str:
    """The name of a method's parameter; `operations` is where the method's body finds what it sends."""
    return identifier(snake(name), reserved={"operations"})


def module_name(name: str) -> str:
    """The name of a module of the package."""
    return identifier(snake(name), reserved={"client", "enums", "inputs", "models"} | PACKAGE_NAMES)


def inner_module(name: str) -> str:
    """The name of a module that nobody imports by its name, changed where test runners would take it for a file of tests."""
    return f"_{name}" if name.startswith("test_") or name.endswith("_test") or name == "conftest" else name


def enum_member(value: str) -> str:
    """The name of an enum's member: as the schema has it, unless Python's enums give the name a meaning."""
    cleaned = re.sub(r"\W", "_", value, flags=re.ASCII)[:_LONGEST]
    if cleaned.startswith("_"):
        cleaned = f"value{cleaned}"
    if keyword.iskeyword(cleaned) or cleaned in ENUM_NAMES or cleaned[:1].isdigit():
        cleaned = f"{cleaned}_" if not cleaned[:1].isdigit() else f"n{cleaned}"
    return cleaned


@dataclass(slots=True)
class Scope:
    """The names of one place, such as a class or a module, each with what it was made for.

    `path` is the file that a clash is told at where no better place is known.
    """

    what: str
    problems: Problems
    path: str = ""
    taken: dict[str, str] = field(default_factory=dict)

    def distinct(self, wanted: str, origin: str, *, fallback: str = "") -> str:
        """`wanted` for `origin`, else `fallback` (`wanted` with an underscore), else that with the first number that is free: what a
        schema or the queries name apart is never refused.
        """
        second = fallback or f"{wanted}_"
        name, number = wanted, 1
        while self.taken.setdefault(name, origin) != origin:
            name = second if number == 1 else f"{second}{number}"
            number += 1
        return name

    def claim(
        self,
        wanted: str,
        origin: str,
        *,
        fallback: str = "",
        place: Diagnostic | None = None,
        remedy: str = "Rename one of them.",
    ) -> str:
        """`wanted` for `origin`, else `fallback`, else a refusal that names both origins."""
        if self.taken.setdefault(wanted, origin) == origin:
            return wanted
        if fallback and self.taken.setdefault(fallback, origin) == origin:
            return fallback
        other = self.taken[wanted]
        where = place or Diagnostic(self.path, 0, 0, "", "N001")
        self.problems.add(
            Diagnostic(
                where.path,
                where.line,
                where.column,
                f"{origin} and {other} would both be {self.what}.{wanted}.",
                "N001",
                remedy,
                where.source,
            )
        )
        return wanted
