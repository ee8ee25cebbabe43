"""The errors of a generated client.

    ClientError
    ├── TransportError            the server could not be reached, or the connection broke
    │   └── RequestTimeout        … within the time allowed
    ├── HTTPStatusError           an answer that is no GraphQL answer
    │   └── RateLimited           429
    ├── GraphQLError              the server reports errors in GraphQL's own form
    ├── (both of these two)
    │   ├── AuthenticationError   401, or a GraphQL error that says UNAUTHENTICATED
    │   └── PermissionDenied      403, or a GraphQL error that says FORBIDDEN
    ├── InvalidResponse           an answer that does not fit the schema
    ├── ActionFailed              a payload that says, as data, that the action did not happen
    │   └── …                     one for each type of error that the API has
    ├── NotFound                  the object that a handle names does not exist
    ├── NotLoaded                 an attribute of an async handle was read before it was loaded
    ├── InvalidSelection          a raw selection that does not fit the schema; nothing was sent
    └── MissingContext            a value that comes from the client, and the client does not have

No message holds a header, a variable's value, or any other thing that may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """The base of every error that a generated client raises."""


class TransportError(ClientError):
    """The server could not be reached, or the connection broke before the answer was whole.

    `sent` says whether the request may have reached the server; where it is false, sending it again is safe.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class RequestTimeout(TransportError, TimeoutError):
    """The server did not answer within the timeout."""


class HTTPStatusError(ClientError):
    """The server answered with an HTTP status and a body that is no GraphQL answer.

    `status_code` is the HTTP status, `body` the first 500 characters of what came.
    """

    def __init__(self, message: str, *, status_code: int, body: str = "") -> None:
        ClientError.__init__(self, message)
        self.status_code = status_code
        self.body = body


class RateLimited(HTTPStatusError):
    """The server asks for fewer requests (HTTP 429). `retry_after` is in seconds, or None where it does not say."""

    def __init__(
        self, message: str, *, status_code: int, body: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, status_code=status_code, body=body)
        self.retry_after = retry_after


class GraphQLError(ClientError):
    """The server ran the operation, or refused to, and reports errors.

    `errors` are the answer's errors as they came, each with `message` and often `path`, `locations`, `extensions`; `data` is what came
    beside them: a dict, or None; `operation` is the operation's name.
    """

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        data: Mapping[str, Any] | None = None,
        operation: str = "",
    ) -> None:
        ClientError.__init__(self, message)
        self.errors = tuple(errors)
        self.data = data
        self.operation = operation


class _Refused(GraphQLError, HTTPStatusError):
    """What both refusals share: they come as an HTTP status or as a GraphQL error, and carry what either carries."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 200,
        body: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
        data: Mapping[str, Any] | None = None,
        operation: str = "",
    ) -> None:
        GraphQLError.__init__(self, message, errors=errors, data=data, operation=operation)
        self.status_code = status_code
        self.body = body


class AuthenticationError(_Refused):
    """The server does not know who asks: the credentials are missing, wrong or expired."""


class PermissionDenied(_Refused):
    """The server knows who asks and does not allow it; logging in again will not help."""


class InvalidResponse(ClientError):
    """The answer does not fit the schema that this client was generated from. `path` is where, as `data.flow.0.name`."""

    def __init__(self, message: str, *, path: str = "", operation: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.operation = operation


class ActionFailed(ClientError):
    """The server answered, and its payload says that the action did not happen.

    `action` is the operation's name and `reasons` are the payload's own words. `problems` is what it tells beside them: a model of each
    where the operation selects fields of it, an object as it came where it fits none, a text where it is one; `problem` is the first,
    or None. A package whose API has types for its errors has a subclass for each, in which `problem` has that type.
    """

    # What a problem is depends on the API; the subclasses of a generated package say it.
    problem: Any

    def __init__(
        self, message: str, *, action: str = "", reasons: Sequence[str] = (), problems: Sequence[Any] = ()
    ) -> None:
        super().__init__(message)
        self.action = action
        self.reasons = tuple(reasons)
        self.problems = tuple(problems)
        self.problem = self.problems[0] if self.problems else None


class NotFound(ClientError, LookupError):
    """No such object. `resource` is its kind (`flow`) and `key` what it was looked up by (`{"id": …}`)."""

    def __init__(self, resource: str, key: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{name} {value}" for name, value in key.items())
        super().__init__(f"There is no {resource} with {shown}, or this client may not see it.")
        self.resource = resource
        self.key = dict(key)


class NotLoaded(ClientError, AttributeError):
    """An attribute of an async handle was read before it was loaded. The message says what to await."""


class InvalidSelection(ClientError, ValueError):
    """A raw selection does not fit the schema. Nothing was sent. The message says where (line:column) and what."""


class MissingContext(ClientError):
    """A value that comes from the client unless it is passed, and that the client does not have. `name` is the variable."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is needed and not known: pass {name}=… to this call, or give it to the client once: Client({name}=…)."
        )
        self.name = name
