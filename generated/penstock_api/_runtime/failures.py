"""How payloads carry errors as data, and the `ActionFailed` that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import ActionFailed


class Flag(NamedTuple):
    """A payload that says whether it worked in a Boolean field, and why not in a text field (`success`, `error`).

    A text means that it failed, unless it only `explains` what the Boolean says.
    """

    success: str | None
    message: str | None
    explains: bool = False


class Problems(NamedTuple):
    """A payload that tells in a field what went wrong (`userErrors { message }`): an empty list or null means that it worked.

    `type` is the type of each problem, empty where that is a text, or where its `__typename` says it.
    """

    field: str
    message: str = "message"
    type: str = ""


class Successes(NamedTuple):
    """A payload that is of one of several types, of which all but these say that it failed."""

    types: tuple[str, ...]
    message: str = "message"


Sign = Flag | Problems | Successes

# The type of a problem → the error that it is raised as, and the model that it is read into.
Kinds = Mapping[str, tuple[type[ActionFailed], Any]]


def fields_of(sign: Sign) -> tuple[str, ...]:
    """The fields of a payload that a sign is read from."""
    if isinstance(sign, Flag):
        return tuple(name for name in (sign.success, sign.message) if name is not None)
    return (sign.field,) if isinstance(sign, Problems) else ("__typename",)


def check(action: str, payload: Any, signs: Sequence[Sign], kinds: Callable[[], Kinds] | None) -> None:
    """Raises `ActionFailed`, or the error that the first problem's type has, where a payload says that it failed.

    `payload` is the object as it came or a model of it, `action` the operation's name. `kinds` is called only where something failed.
    """
    reasons: list[str] = []
    problems: list[tuple[str, Any]] = []
    failed = False
    for sign in signs:
        if isinstance(sign, Successes):
            type_ = _type_of(payload)
            if not type_ or type_ in sign.types:
                continue
            failed = True
            problems.append((type_, payload))
            reasons.append(_reason(payload, sign.message) or type_)
            # A payload of another type has none of the other signs.
            break
        if isinstance(sign, Flag):
            message = _value(payload, sign.message) if sign.message else None
            worked = not message if sign.success is None else _value(payload, sign.success) is not False
            if not worked or (message and not sign.explains):
                failed = True
                reasons += [str(message)] if message else []
            continue
        told = _value(payload, sign.field)
        for problem in told if isinstance(told, list) else [told] if told else []:
            if problem is None:
                continue
            failed = True
            problems.append((sign.type or _type_of(problem), problem))
            reasons.append(_reason(problem, sign.message) or _type_of(problem) or "no reason given")
    if not failed:
        return
    known = kinds() if kinds is not None and problems else {}
    read = [_read(problem, known.get(type_)) for type_, problem in problems]
    error, model = known.get(problems[0][0] if problems else "", (ActionFailed, None))
    if model is None or not isinstance(read[0], model):
        # What does not fit its model any more is given as it came: why an action failed must not be lost over that.
        error = ActionFailed
    because = "; ".join(reasons)
    raise error(
        f"{action} failed: {because}" if because else f"{action} failed; the server gives no reason.",
        action=action,
        reasons=reasons,
        problems=read,
    )


def _read(problem: Any, kind: tuple[type[ActionFailed], Any] | None) -> Any:
    from pydantic import BaseModel

    found = problem.model_dump(by_alias=True) if isinstance(problem, BaseModel) else problem
    if kind is None or not isinstance(found, dict):
        return found
    try:
        return kind[1].model_validate(found)
    except ValueError:  # pydantic's ValidationError is one
        return found


def _reason(problem: Any, message: str) -> str:
    if isinstance(problem, str):
        return problem
    return str(_value(problem, message) or "")


def _type_of(problem: Any) -> str:
    name = problem.get("__typename") if isinstance(problem, dict) else getattr(problem, "typename_", None)
    return name if isinstance(name, str) else ""


def _value(payload: Any, name: str) -> Any:
    """A field of an object as it came, or of a model of it."""
    if isinstance(payload, dict):
        return payload.get(name)
    fields = getattr(type(payload), "model_fields", {})
    attribute = next((key for key, field in fields.items() if field.alias == name), name)
    return getattr(payload, attribute, None)
