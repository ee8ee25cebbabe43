"""The bridge: the orchestrator's own actions as a flyte pack, so that a flow of a chat can run and cancel
flows.

Every generated method that changes something becomes a command with a typed input:
``client.flow_run(id=…).cancel()`` is ``cancelFlowRun`` with ``{"id": …}``, ``client.flow.create(…)`` is
``createFlow``. It ends in an event that says what happened (``FlowRunCancelled``, ``FlowCreated``; a flow
that was run in ``FlowRunStarted``) or, where the orchestrator refuses, in one that says why
(``FlowRunCancelFailed``). An orchestrator that is away fails the action (``FATAL``).
"""

from __future__ import annotations

import collections.abc
import datetime
import inspect
import pkgutil
import types
import typing
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import to_jsonable_python
from typing_extensions import is_typeddict

from penstock.packs.client import FlyteClient
from penstock.packs.definitions import Command, Event, EventDef, PackDef
from penstock.packs.errors import DefinitionError
from penstock.packs.handling import current_action
from penstock.packs.pack import Pack

if TYPE_CHECKING:
    from penstock.client import AsyncClient, Client

PAST: Final = {
    "run": "started",
    "set": "set",
    "cancel": "cancelled",
    "send": "sent",
}
"""Past participles that are not the verb and ``-ed``."""

HARMLESS_TWICE: Final = frozenset({"archive", "cancel", "disable", "enable", "heartbeat", "set", "update"})
"""Verbs of actions that leave things as they are when they happen again."""


class ActionDone(BaseModel):
    """What a successful action of the bridge ends in."""

    id: str | None = Field(None, description="The object that was acted upon, or that was made.")
    result: Any = Field(None, description="What the method returned: null, a value, or an object by its id.")


class ActionRefused(BaseModel):
    """What an action that the orchestrator refused ends in."""

    id: str | None = Field(None, description="The object that should have been acted upon.")
    error: str = Field(description="The kind of error, such as NotFound.")
    message: str = Field(description="What the orchestrator says.")


def pack_from_client(
    client: Client | AsyncClient,
    resources: Iterable[str] = ("flow", "flow_run"),
    *,
    flyte: FlyteClient | None = None,
    name: str = "Penstock",
    include_reads: bool = False,
    **options: Any,
) -> Pack:
    """A pack whose commands are the actions of ``resources`` (names such as ``flow_run``) of ``client``.

    With ``include_reads`` methods that only read are commands too, those that give whole lists excepted. The
    other ``options`` are those of ``Pack``: how the flyte API is reached, labels, limits. Raises
    ``DefinitionError`` for a resource that the client does not have.
    """
    from penstock_api import AsyncClient as AsyncApi

    is_async = isinstance(client, AsyncApi)
    commands = [
        _command(client, method, is_async)
        for resource in resources
        for method in _methods(client, resource, include_reads)
    ]
    return Pack(PackDef(name, commands), flyte, **options)


@dataclass(frozen=True, slots=True)
class _Method:
    resource: str
    name: str
    call: Callable[..., Any]
    of_object: bool
    parameters: dict[str, tuple[Any, Any]]
    identity: dict[str, tuple[Any, Any]]


def _methods(client: Any, resource: str, include_reads: bool) -> list[_Method]:
    from penstock_api._runtime.operation import Operation
    from penstock_api._runtime.resource import AsyncAccessor, Handle

    known = _resources(type(client))
    if resource not in known:
        raise DefinitionError(f"The client has no resource {resource!r}; it has: {', '.join(known)}.")
    accessor = getattr(client, resource)
    module = import_module(f"penstock_api.{resource}")
    operations = import_module(f"penstock_api._operations.{resource}")
    namespace = _namespace(module)
    handle_name = _camel(resource)
    handle = getattr(module, ("Async" if isinstance(accessor, AsyncAccessor) else "") + handle_name)
    assert issubclass(handle, Handle)
    identity = _parameters(type(accessor).__call__, namespace)
    # An overloaded identity (an id or a slug) is an id here.
    identity = {key: value for key, value in identity.items() if key == "id"} or identity
    found = []
    for owner, of_object in ((type(accessor), False), (handle, True)):
        for method, function in inspect.getmembers(owner, inspect.isfunction):
            operation = getattr(operations, method.upper(), None)
            if method.startswith("_") or not isinstance(operation, Operation):
                continue
            if operation.kind != "mutation" and not (include_reads and not _gives_pages(function)):
                continue
            found.append(
                _Method(
                    resource=resource,
                    name=method,
                    call=function,
                    of_object=of_object,
                    parameters=_parameters(function, namespace),
                    identity=identity if of_object else {},
                )
            )
    return found


def _resources(client_type: type[object]) -> list[str]:
    """The names of the client's resources; not by asking a client, some of whose attributes ask the
    server."""
    import penstock_api._operations as operations

    names = [module.name for module in pkgutil.iter_modules(operations.__path__)]
    return sorted(name for name in names if not name.startswith("_") and hasattr(client_type, name))


def _gives_pages(function: Callable[..., Any]) -> bool:
    return "Pages" in str(inspect.signature(function).return_annotation)


def _namespace(module: types.ModuleType) -> dict[str, Any]:
    """What the annotations of a generated module name: they are written for type checkers, and not imported
    there."""
    names: dict[str, Any] = {}
    for source in ("inputs", "enums", "_runtime.unset"):
        names.update(vars(import_module(f"penstock_api.{source}")))
    names.update(vars(collections.abc))
    names.update(
        Any=Any, Literal=typing.Literal, UUID=uuid.UUID, datetime=datetime.datetime, date=datetime.date
    )
    names.update(vars(module))
    return names


def _parameters(function: Callable[..., Any], namespace: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Type and default of every parameter but ``self``; a default of ``...`` says that there is none."""
    found = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
            continue
        try:
            annotation = eval(parameter.annotation, dict(namespace))  # noqa: S307 - the generator's own annotations
        except (NameError, TypeError, AttributeError):
            annotation = Any
        found[parameter.name] = (_for_json(annotation), ... if parameter.default is parameter.empty else None)
    return found


def _for_json(annotation: Any) -> Any:
    """The type as JSON brings it: without the marker for what is not passed, and with objects for TypedDicts.

    Python's own TypedDict cannot be validated before 3.12, and the API validates it anyway.
    """
    from penstock_api._runtime.unset import Unset

    if is_typeddict(annotation):
        return dict[str, Any]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        members = [_for_json(member) for member in arguments if member is not Unset]
        # A UUID may be passed as text; as an input it is to be one.
        if uuid.UUID in members or datetime.datetime in members:
            members = [member for member in members if member is not str]
        return reduce(or_, members) if Any not in members else Any
    if origin in {collections.abc.Sequence, list}:
        return list[_for_json(arguments[0])]  # type: ignore[misc]
    if origin in {collections.abc.Mapping, dict}:
        return dict[str, Any]
    return annotation


def _command(client: Any, method: _Method, is_async: bool) -> Command:
    name = _command_name(method)
    done = EventDef(_event_name(method), payload=ActionDone)
    refused = EventDef(f"{_camel(method.resource)}{_camel(method.name)}Failed", payload=ActionRefused)
    fields: dict[str, Any] = {**method.identity, **method.parameters}
    model = create_model(
        f"{name[0].upper()}{name[1:]}Input",
        __config__=ConfigDict(extra="forbid"),
        __doc__=inspect.getdoc(method.call),
        **fields,
    )
    has_key = "idempotency_key" in method.parameters

    def target(request: BaseModel) -> tuple[Any, dict[str, Any], str | None]:
        given = {key: getattr(request, key) for key in request.model_fields_set}
        action = current_action()
        if has_key and action is not None and given.get("idempotency_key") is None:
            # The same action, run again after a crash, is the same request.
            given["idempotency_key"] = str(uuid.uuid5(uuid.NAMESPACE_URL, action.result_url))
        accessor = getattr(client, method.resource)
        if not method.of_object:
            return accessor, given, None
        identity = {key: given.pop(key) for key in method.identity if key in given}
        return accessor(**identity), given, str(next(iter(identity.values())))

    async def run_async(request: BaseModel) -> Event[Any]:
        owner, arguments, identity = target(request)
        try:
            result = getattr(owner, method.name)(**arguments)
            result = await result if isinstance(result, Awaitable) else result
        except _refusals() as error:
            return refused(_refusal(identity, error))
        return done(_success(identity, result))

    def run(request: BaseModel) -> Event[Any]:
        owner, arguments, identity = target(request)
        try:
            result = getattr(owner, method.name)(**arguments)
        except _refusals() as error:
            return refused(_refusal(identity, error))
        return done(_success(identity, result))

    handler: Callable[..., Any] = run_async if is_async else run
    handler.__annotations__["request"] = model
    handler.__doc__ = inspect.getdoc(method.call)
    # A pack that died does not know whether the orchestrator heard it: only what is harmless twice runs
    # twice.
    rerun = has_key or method.name.partition("_")[0] in HARMLESS_TWICE
    return Command(name, handler, [done, refused], rerun=rerun)


def _refusals() -> tuple[type[Exception], ...]:
    """Errors that are the orchestrator's answer, in contrast to those of getting there."""
    from penstock_api import ActionFailed, GraphQLError, NotFound, PermissionDenied

    return (ActionFailed, GraphQLError, NotFound, PermissionDenied)


def _refusal(identity: str | None, error: Exception) -> ActionRefused:
    return ActionRefused(id=identity, error=type(error).__name__, message=str(error))


def _success(identity: str | None, result: Any) -> ActionDone:
    value = _plain(result)
    made = value.get("id") if isinstance(value, dict) else None
    return ActionDone(id=identity or made, result=value)


def _plain(value: Any) -> Any:
    """A result as JSON: an object of the orchestrator is its id, which is all that is known without
    asking."""
    from penstock_api._runtime.resource import Handle

    if isinstance(value, Handle):
        return {key: str(found) for key, found in value._identity().items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return to_jsonable_python(value, fallback=str)


def _command_name(method: _Method) -> str:
    verb, _, rest = method.name.partition("_")
    return f"{verb}{_camel(method.resource)}{_camel(rest)}"


def _event_name(method: _Method) -> str:
    """``cancel`` of a flow run: ``FlowRunCancelled``; ``set_labels``: ``FlowRunLabelsSet``; ``run``:
    ``FlowRunStarted``."""
    verb, _, rest = method.name.partition("_")
    resource = "FlowRun" if (method.resource, method.name) == ("flow", "run") else _camel(method.resource)
    if verb in {"heartbeat", "in"}:
        return f"{resource}{_camel(method.name)}Done"
    past = PAST.get(verb) or (f"{verb}d" if verb.endswith("e") else f"{verb}ed")
    if rest.startswith(("from_", "by_")):
        return f"{resource}{_camel(past)}{_camel(rest)}"
    return f"{resource}{_camel(rest)}{_camel(past)}"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
