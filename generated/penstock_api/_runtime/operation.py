"""An operation as a generated package holds it: everything that can be known before the call is known here."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, cast

from .errors import ActionFailed, GraphQLError, InvalidResponse
from .failures import Kinds, Sign, Successes, check, fields_of
from .pages import Slice
from .values import convert, invalid_response

if TYPE_CHECKING:
    from .inputs import Takes

Result = TypeVar("Result")


class Operation(Generic[Result]):
    """One GraphQL operation: its text, and how its answer is read.

    `path` leads from the answer's data to the result: names are keys of the JSON, an integer takes an element of a list. Without a
    model, `leaf` gives the result's own type.

    `model` gives a pydantic model, imported on first use: of the object at the path, or of the `whole` data, and then the path is
    one of attributes. With `as_values` a dict of its values is read instead, all that a handle holds. `many` says that it is a list
    of them, `sparse` that nulls in it are passed over, `connection` where a Relay connection at the path has its elements. `types`
    are the types that count at the path, where there may be others, and `conditional` how many steps lead to objects that may lack
    what follows.

    `binds` are the variables that a handle fills in (variable → identity), `context` those that the client fills in where they are not
    passed, each with whether it is required. `failure` is where and how the payload carries errors as data: the depth in the path, and
    the signs; `problems` gives the errors and models of what it then tells. `takes` is what its variables are checked for.
    `parameters` are a subscription's arguments by name, with their variables: what may change where it goes on behind an event.

    A result of None where not `nullable` means, for a query, that the object it starts from does not exist.
    """

    __slots__ = (
        "_adapter",
        "_hash",
        "as_values",
        "binds",
        "body",
        "conditional",
        "connection",
        "context",
        "document",
        "failure",
        "idempotency",
        "keeps_nothing",
        "kind",
        "leaf",
        "many",
        "model",
        "name",
        "nullable",
        "parameters",
        "path",
        "problems",
        "sparse",
        "takes",
        "types",
        "whole",
    )

    def __init__(
        self,
        name: str,
        kind: Literal["query", "mutation", "subscription"],
        document: str,
        path: tuple[str | int, ...] = (),
        *,
        model: Callable[[], Any] | None = None,
        leaf: Callable[[], Any] | None = None,
        whole: bool = False,
        as_values: bool = False,
        many: bool = False,
        sparse: bool = False,
        connection: tuple[str, ...] = (),
        types: tuple[str, ...] = (),
        conditional: tuple[int, ...] = (),
        nullable: bool = False,
        keeps_nothing: bool = False,
        binds: tuple[tuple[str, str], ...] = (),
        context: tuple[tuple[str, bool], ...] = (),
        failure: tuple[int, *tuple[Sign, ...]] | None = None,
        problems: Callable[[], Kinds] | None = None,
        idempotency: str | None = None,
        parameters: tuple[tuple[str, str], ...] = (),
        takes: Takes | None = None,
    ) -> None:
        self.name: Final = name
        self.kind: Final = kind
        self.document: Final = document
        self.path: Final = path
        self.model: Final = model
        self.leaf: Final = leaf
        self.whole: Final = whole
        self.as_values: Final = as_values
        self.many: Final = many
        self.sparse: Final = sparse
        self.connection: Final = connection
        self.types: Final = types
        self.conditional: Final = conditional
        self.nullable: Final = nullable
        self.keeps_nothing: Final = keeps_nothing
        self.binds: Final = binds
        self.context: Final = context
        self.failure: Final = failure
        self.problems: Final = problems
        self.idempotency: Final = idempotency
        self.parameters: Final = parameters
        self.takes: Final = takes
        # The request's body up to the variables: encoded once, not per call.
        self.body: Final = body_prefix(name, document)
        self._adapter: Any = None
        self._hash = ""

    def check(self, variables: Mapping[str, Any]) -> None:
        """Looks over what is to be sent. Raises `ValueError` for a `@oneOf` input without exactly one key, warns of what is deprecated."""
        if self.takes is not None:
            self.takes.check(variables)

    @property
    def sha256(self) -> str:
        """The document's hash, by which a server may know it: SHA-256 of its UTF-8 text, in hexadecimal."""
        if not self._hash:
            # Not at the top: few clients send hashes.
            from hashlib import sha256

            self._hash = sha256(self.document.encode()).hexdigest()
        return self._hash

    def persisted_body(self, *, with_text: bool) -> bytes:
        """The request's body up to the variables where the document is known by its hash; with the text, for a server to keep it."""
        told = {"persistedQuery": {"version": 1, "sha256Hash": self.sha256}}
        extensions = f'"extensions":{json.dumps(told, separators=(",", ":"))},"variables":'.encode()
        body = self.body if with_text else body_prefix(self.name, "").replace(b',"query":""', b"", 1)
        return body.removesuffix(b'"variables":') + extensions

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"

    def read(self, content: bytes) -> Result:
        """The result that an answer's body holds.

        Raises `GraphQLError` where the answer reports errors, `ActionFailed` where the payload does, `InvalidResponse` where the answer
        does not fit.
        """
        if self.model is not None:
            adapter = self._adapter
            if adapter is None:
                adapter = self._adapter = _envelope(self.model() if self.whole else self._data_type())
            try:
                envelope = _undisturbed(adapter.validate_json, content)
            except ValueError as error:  # pydantic's ValidationError is one
                raise unreadable(self.name, content, error) from None
            if envelope.get("errors"):
                raise graphql_error(self.name, parse_answer(self.name, content))
            return cast(
                "Result",
                self._elements(self._follow(envelope.get("data"), _attribute if self.whole else dict.get)),
            )
        answer = parse_answer(self.name, content)
        if answer.get("errors"):
            raise graphql_error(self.name, answer)
        try:
            result = self._follow(answer.get("data"), _item)
        except _Missing as missing:
            raise InvalidResponse(
                f"The answer to {self.name} has no {missing.args[0]!r} where the schema has one. "
                "If the schema has changed, generate the client again.",
                path=str(missing.args[0]),
                operation=self.name,
            ) from None
        if self.types and isinstance(result, dict):
            meant = _is_meant(result, self.types, closed=self._has_more_at_end)
            result.pop("__typename", None)
            if not meant:
                return cast("Result", None)
        if self.leaf is not None and result is not None:
            path = ".".join(("data", *map(str, self.path)))
            return cast("Result", convert(result, self.leaf(), path=path, operation=self.name))
        return cast("Result", result)

    def _elements(self, found: Any) -> Any:
        """What a list's answer amounts to: without nulls, and from a connection with the cursor of what comes next."""
        if not self.connection:
            if self.sparse and found is not None:
                return [item for item in found if item is not None]
            return found
        if found is None:
            return None
        # A connection's fields as attributes of its model, or as keys of the JSON.
        names = (
            ("page_info", "has_next_page", "end_cursor")
            if self.whole
            else ("pageInfo", "hasNextPage", "endCursor")
        )
        step: Callable[[Any, Any], Any] = _attribute if self.whole else dict.get
        first, *rest = self.connection
        items = step(found, first) or []
        for name in rest:
            items = [step(item, name) for item in items if item is not None]
        info = step(found, names[0])
        cursor = step(info, names[2]) if info is not None and step(info, names[1]) else None
        return Slice([item for item in items if item is not None], cursor)

    def _data_type(self) -> Any:
        """The type of the whole data: dicts that lead to the model, and at their end the model, or a dict of its fields."""
        assert self.model is not None
        # Types that are built when it runs: checkers cannot follow them, so that they are of no type here.
        listed: Any = list
        element = _values(self.model()) if self.as_values else self.model()
        if self.types:
            keep = self._told_by_type(len(self.path))
            element = _only(element, self.types, keep=keep, closed=self._has_more_at_end)
        shape: Any = listed[element | None] | None if self.many else element
        if self.connection:
            for name in self.connection[:0:-1]:
                shape = listed[_typed_dict("Edge", {name: element | None}) | None] | None
            info = _typed_dict("PageInfo", {"hasNextPage": bool, "endCursor": str | None}, total=False)
            shape = _typed_dict("Connection", {self.connection[0]: shape, "pageInfo": info})
        depth, *signs = self.failure or (-1,)
        for position in range(len(self.path) - 1, -1, -1):
            key = self.path[position]
            if isinstance(key, int):
                shape = listed[shape]
                continue
            fields: dict[str, Any] = {key: shape | None}
            by_type = self._told_by_type(position)
            if position == depth:
                fields.update({name: Any for sign in signs for name in fields_of(sign)})
            shape = _typed_dict("Step", fields, total=position not in self.conditional and not by_type)
            if by_type:
                # An object of another type is an error: all of it is kept.
                shape.__pydantic_config__ = {"extra": "allow"}
        return shape

    @property
    def _has_more_at_end(self) -> bool:
        """Whether more is selected of the result than what it gives: how the action went, and what is ignored of a mutation."""
        return self.kind == "mutation" or (self.failure is not None and self.failure[0] == len(self.path))

    def _told_by_type(self, position: int) -> bool:
        """Whether what lies at a step of the path says by its type that the action failed."""
        depth, *signs = self.failure or (-1,)
        return depth == position and any(isinstance(sign, Successes) for sign in signs)

    def _follow(self, data: Any, step: Callable[[Any, Any], Any]) -> Any:
        if data is None:
            raise InvalidResponse(
                f"The answer to {self.name} has neither data nor errors.", path="data", operation=self.name
            )
        value = data
        depth, *signs = self.failure or (-1,)
        last = len(self.path)
        for position in range(last + 1):
            if position == depth and value is not None:
                check(self.name, value, signs, self.problems)
            if position == last:
                break
            if value is None:
                break
            key = self.path[position]
            if type(key) is int:
                if not value:
                    value = None
                    break
                if len(value) > 1:
                    raise InvalidResponse(
                        f"{self.name} was expected to find one element and found {len(value)}; narrow the lookup in its document.",
                        path=".".join(("data", *map(str, self.path[:position]))),
                        operation=self.name,
                    )
                value = value[0]
            else:
                value = (
                    value.get(key)
                    if position in self.conditional and isinstance(value, dict)
                    else step(value, key)
                )
        if value is None and self.kind == "mutation" and not self.nullable:
            raise ActionFailed(
                f"{self.name} answered null at {'.'.join(map(str, self.path))} without saying why.",
                action=self.name,
            )
        return None if self.keeps_nothing else value


# Bytes from which on the collector costs more than the switch.
_LARGE = 50_000


def _undisturbed(validate: Callable[[bytes], Any], content: bytes) -> Any:
    """Validates without the garbage collector, which would look through thousands of new objects again and again and find nothing.

    Validation is one call that hardly ever lets another thread in, so that the collector is off for nobody else, or for a moment.
    """
    if len(content) < _LARGE or not gc.isenabled():
        return validate(content)
    gc.disable()
    try:
        return validate(content)
    finally:
        gc.enable()


_UNKNOWN_HASH = frozenset({"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"})
_UNKNOWN_MESSAGES = frozenset({"PersistedQueryNotFound", "PersistedQueryNotSupported"})


def is_unknown_hash(errors: Any) -> bool:
    """Whether an answer's errors say that the server does not know a document by its hash; nothing was executed then."""
    for error in errors if isinstance(errors, list | tuple) else ():
        if not isinstance(error, dict):
            continue
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if error.get("message") in _UNKNOWN_MESSAGES or code in _UNKNOWN_HASH:
            return True
    return False


def answers_unknown_hash(content: bytes) -> bool:
    """Whether an answer's body says so."""
    # Looked for in the bytes first: nearly no answer has to be parsed for this.
    if b"PersistedQuery" not in content and b"PERSISTED_QUERY" not in content:
        return False
    try:
        answer = json.loads(content)
    except ValueError:
        return False
    return isinstance(answer, dict) and is_unknown_hash(answer.get("errors"))


def body_prefix(name: str, document: str) -> bytes:
    """The request's JSON body up to where the variables stand; `variables}` completes it."""
    text = json.dumps({"operationName": name, "query": document}, ensure_ascii=False, separators=(",", ":"))
    return (text[:-1] + ',"variables":').encode()


class _Missing(Exception):
    """An answer's object lacks a field, or is no object."""


def _item(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (KeyError, TypeError, IndexError):
        raise _Missing(key) from None


def _envelope(data: Any) -> Any:
    """A validator of a whole answer, `{"data": …, "errors": …}`, in one pass over its bytes."""
    from pydantic import TypeAdapter

    return TypeAdapter(
        _typed_dict("Envelope", {"data": data | None, "errors": list[Any] | None}, total=False)
    )


def _values(model: Any) -> Any:
    """A dict of a model's fields by attribute: half the time and memory of objects that only carry values to a handle."""
    from typing import Annotated, NotRequired

    from pydantic import Field

    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        type_ = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        if info.alias:
            type_ = Annotated[type_, Field(alias=info.alias)]
        # A field whose selection is conditional may not come.
        fields[name] = type_ if info.is_required() else NotRequired[type_]
    return _typed_dict(model.__name__, fields)


def _is_meant(value: Mapping[str, Any], types: tuple[str, ...], *, closed: bool) -> bool:
    """Whether an object is of a type whose fields were selected.

    A server may have types that came later than `types`: what is selected of an interface comes from those that have it, and from others
    no more than their name. With `closed` there are fields beside those, so that only known types count.
    """
    return value.get("__typename") in types or (not closed and len(value) > 1)


def _only(element: Any, types: tuple[str, ...], *, keep: bool, closed: bool) -> Any:
    """The element, or None where the object is of another type; with `keep`, that object as it came."""
    from typing import Annotated

    from pydantic import WrapValidator

    def other_is_none(value: Any, read: Callable[[Any], Any]) -> Any:
        if isinstance(value, dict) and not _is_meant(value, types, closed=closed):
            return value if keep else None
        return read(value)

    return Annotated[element | None, WrapValidator(other_is_none)]


def _attribute(value: Any, name: Any) -> Any:
    # An object of another type than the one that was asked for lacks its fields.
    return getattr(value, name, None)


def _typed_dict(name: str, fields: dict[str, Any], **options: Any) -> Any:
    from typing_extensions import TypedDict

    # What it holds is known at run time only, so that checkers cannot read it.
    make: Any = TypedDict
    return make(name, fields, **options)


def parse_answer(name: str, content: bytes) -> dict[str, Any]:
    """An answer's body as a dict. Raises `InvalidResponse` where it is no JSON object."""
    from pydantic_core import from_json

    try:
        answer = from_json(content)
    except ValueError:
        raise InvalidResponse(
            f"The answer to {name} is no JSON ({describe(content)}); is the URL that of a GraphQL API?",
            operation=name,
        ) from None
    if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
        raise InvalidResponse(
            f"The answer to {name} is JSON, but no GraphQL answer: it has neither data nor errors.",
            operation=name,
        )
    return answer


def unreadable(name: str, content: bytes, error: ValueError) -> Exception:
    """Why an answer could not be read into its model: its errors if it reports some, else where it does not fit."""
    try:
        answer = parse_answer(name, content)
    except InvalidResponse as invalid:
        return invalid
    if answer.get("errors"):
        return graphql_error(name, answer)
    return invalid_response(error, operation=name)


def graphql_error(name: str, answer: Mapping[str, Any], *, status_code: int = 200) -> GraphQLError:
    """The error that an answer's `errors` amount to."""
    from .errors import AuthenticationError, PermissionDenied

    # A list of objects by the specification; what stands between here and the server may not keep to it.
    reported = answer["errors"] if isinstance(answer["errors"], list) else [answer["errors"]]
    errors: list[dict[str, Any]] = [
        error if isinstance(error, dict) else {"message": str(error)} for error in reported
    ]
    messages = [str(error.get("message", "no message")) for error in errors]
    text = f"{name}: {'; '.join(messages)}"
    codes = {
        str(extensions.get("code", "")).upper()
        for error in errors
        if isinstance(extensions := error.get("extensions"), dict)
    }
    data = answer.get("data")
    data = data if isinstance(data, dict) else None
    if "UNAUTHENTICATED" in codes or status_code == 401:
        return AuthenticationError(text, status_code=status_code, errors=errors, data=data, operation=name)
    if "FORBIDDEN" in codes or status_code == 403:
        return PermissionDenied(text, status_code=status_code, errors=errors, data=data, operation=name)
    return GraphQLError(text, errors=errors, data=data, operation=name)


def describe(content: bytes) -> str:
    """What kind of text came instead of JSON, in a few words."""
    start = content[:200].lstrip().lower()
    if not start:
        return "it is empty"
    if start.startswith((b"<!doctype", b"<html", b"<")):
        return "it is HTML or XML"
    return f"it starts with {content[:20].decode(errors='replace')!r}"
