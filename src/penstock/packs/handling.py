"""One action, from its input to the event it ends in.

Whatever goes wrong ends in ``FATAL`` with a text that says what: an unknown command, an input of another
shape, a handler that raises or takes too long, an event the command did not declare, a payload that is no
JSON.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import types
import typing
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from penstock.packs.client import Action, encode_event
from penstock.packs.definitions import (
    FATAL,
    Command,
    CommandHandler,
    Event,
    EventDef,
    PackDef,
    explain,
    fatal_event,
)
from penstock.packs.errors import DefinitionError

logger = logging.getLogger(__name__)

_ANYTHING: Final = (Any, object, inspect.Parameter.empty)


_CURRENT: contextvars.ContextVar[Action | None] = contextvars.ContextVar("penstock_pack_action", default=None)


def current_action() -> Action | None:
    """Inside a handler, the action it handles; its ``result_url`` identifies it, also when it is run
    again."""
    return _CURRENT.get()


@dataclass(frozen=True, slots=True)
class PreparedCommand:
    """A command with everything about its handler found out once."""

    command: Command
    call: Callable[..., Any]
    takes_input: bool
    input_adapter: TypeAdapter[Any] | None
    is_async: bool
    outputs: frozenset[str]
    gate: Gate

    def input_schema(self) -> dict[str, Any]:
        """The input's JSON schema; ``{}`` where any JSON value will do."""
        return (
            {}
            if self.input_adapter is None
            else self.input_adapter.json_schema(mode="validation", by_alias=True)
        )


class Gate:
    """Lets actions of one command in: so many at once, and so many in a time."""

    def __init__(self, command: Command) -> None:
        self._places = asyncio.Semaphore(command.max_concurrency) if command.max_concurrency else None
        self._limit = command.rate_limit
        self._turn = asyncio.Lock()
        self._begun: deque[float] = deque()

    @property
    def limits(self) -> bool:
        """Whether there is anything to wait for."""
        return self._places is not None or self._limit is not None

    async def __aenter__(self) -> None:
        if self._places is not None:
            await self._places.acquire()
        try:
            await self._wait_for_rate()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._places is not None:
            self._places.release()

    async def _wait_for_rate(self) -> None:
        if self._limit is None:
            return
        loop = asyncio.get_running_loop()
        # One at a time, so that waiters begin in the order they came.
        async with self._turn:
            while True:
                now = loop.time()
                while self._begun and now - self._begun[0] >= self._limit.seconds:
                    self._begun.popleft()
                if len(self._begun) < self._limit.count:
                    self._begun.append(now)
                    return
                await asyncio.sleep(self._limit.seconds - (now - self._begun[0]))


def prepare(pack: PackDef) -> dict[str, PreparedCommand]:
    """The pack's commands by name; raises ``DefinitionError`` where a handler cannot work."""
    declared = {event.name for event in pack.all_events} | {FATAL}
    return {command.name: _prepare(command, declared) for command in pack.commands}


def _prepare(command: Command, declared: set[str]) -> PreparedCommand:
    handler = command.handler
    call = handler.handle if isinstance(handler, CommandHandler) else handler
    annotation, takes_input = _input_annotation(command, call)
    adapter: TypeAdapter[Any] | None = None
    if takes_input and annotation not in _ANYTHING:
        try:
            adapter = TypeAdapter(annotation)
        except (PydanticUserError, TypeError) as error:
            raise DefinitionError(
                f"The input type {annotation!r} of the command {command.name!r} is none that JSON can be read into: {error}"
            ) from None
    _check_events_used(command, call, declared)
    function = inspect.unwrap(call)
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is wanted
    )
    return PreparedCommand(
        command=command,
        call=call,
        takes_input=takes_input,
        input_adapter=adapter,
        is_async=is_async,
        outputs=frozenset(event.name for event in command.output_events) | {FATAL},
        gate=Gate(command),
    )


def _input_annotation(command: Command, call: Callable[..., Any]) -> tuple[Any, bool]:
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return Any, True
    positional = [
        p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL}
    ]
    required = [
        p for p in parameters if p.default is p.empty and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
    ]
    if len(required) > 1 or (required and required[0] not in positional):
        names = ", ".join(p.name for p in required)
        raise DefinitionError(
            f"The handler of the command {command.name!r} has the parameters {names}; it gets one, the action's input."
        )
    if not positional:
        return Any, False
    function = inspect.unwrap(call)
    if not isinstance(function, (types.FunctionType, types.MethodType)):
        function = getattr(function, "__call__", function)  # noqa: B004 - the annotations are the method's
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DefinitionError(
            f"The annotations of the handler of {command.name!r} cannot be read: {error}. Import the input's type "
            "where the module runs, not under TYPE_CHECKING, and define it at the module's top."
        ) from None
    except TypeError:
        hints = {}
    return hints.get(positional[0].name, Any), True


def _check_events_used(command: Command, call: Callable[..., Any], declared: set[str]) -> None:
    """Refuse a handler whose code names an event definition that neither its command nor its pack declares.

    What a handler returns is known only once it has run, but the events it names are in its code: a forgotten
    declaration is found at the author's desk.
    """
    for event in _events_named(inspect.unwrap(call)):
        if event.name not in declared:
            raise DefinitionError(
                f"The handler of the command {command.name!r} uses the event {event.name!r}, which is declared "
                f"nowhere: add it to the command's output events, or to the pack's own events."
            )


def _events_named(call: Callable[..., Any]) -> list[EventDef[Any]]:
    function = getattr(call, "__func__", call)
    if not isinstance(function, types.FunctionType):
        return []
    closure = {
        name: cell.cell_contents
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        if _is_filled(cell)
    }
    names: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        names.update(code.co_freevars)
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    known = {**function.__globals__, **closure}
    return [value for name in sorted(names) if isinstance(value := known.get(name), EventDef)]


def _is_filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


async def handle(
    commands: Mapping[str, PreparedCommand], action: Action, threads: Executor
) -> tuple[Event[Any], bytes]:
    """Run an action's command; the event it ends in, and that event as it is posted. Raises nothing but
    cancellation.

    A plain function runs in one of ``threads``. One that runs into its timeout there cannot be stopped: it
    goes on, and what it returns is dropped.
    """
    prepared = commands.get(action.command)
    if prepared is None:
        known = ", ".join(repr(name) for name in commands) or "none"
        event = fatal_event(f"This pack has no command {action.command!r}; it has: {known}.")
    else:
        event = await _run(prepared, action, threads)
    try:
        return event, encode_event(event)
    except ValueError as error:
        logger.error("Command %r: %s", action.command, error)
        event = fatal_event(str(error))
        return event, encode_event(event)


async def _run(prepared: PreparedCommand, action: Action, threads: Executor) -> Event[Any]:
    name = prepared.command.name
    arguments: tuple[Any, ...] = ()
    if prepared.takes_input:
        value = action.input
        if prepared.input_adapter is not None:
            try:
                value = prepared.input_adapter.validate_python(value)
            except ValidationError as error:
                return fatal_event(f"The input of the command {name!r} is not valid: {explain(error)}")
        arguments = (value,)
    # The task is this action's own.
    _CURRENT.set(action)
    deadline = asyncio.timeout(prepared.command.timeout)
    try:
        async with deadline:
            returned = await _call(prepared, arguments, threads)
    except asyncio.CancelledError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, TimeoutError) and deadline.expired():
            return fatal_event(f"The command {name!r} did not finish within {prepared.command.timeout:g} s.")
        logger.exception("The handler of the command %r raised.", name)
        return fatal_event(_text_of(error))
    if not isinstance(returned, Event):
        return fatal_event(
            f"The handler of the command {name!r} returned {type(returned).__name__}, not an Event."
        )
    if returned.name not in prepared.outputs:
        declared = ", ".join(sorted(prepared.outputs - {FATAL}))
        logger.error("The command %r ended in the event %r, which it does not declare.", name, returned.name)
        return fatal_event(
            f"The command {name!r} ended in the event {returned.name!r}, which it does not declare; it declares: {declared}."
        )
    return returned


async def _call(prepared: PreparedCommand, arguments: tuple[Any, ...], threads: Executor) -> object:
    if prepared.is_async:
        returned = prepared.call(*arguments)
    else:
        context = contextvars.copy_context()

        def call_in_thread() -> Any:
            return context.run(_without_stop_iteration, prepared.call, arguments)

        returned = await asyncio.get_running_loop().run_in_executor(threads, call_in_thread)
    # A plain function may return a coroutine, as a lambda around an async function does.
    return await returned if inspect.isawaitable(returned) else returned


def _without_stop_iteration(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return call(*arguments)
    except StopIteration as error:
        # A future cannot carry it.
        raise RuntimeError("StopIteration") from error


def _text_of(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
