"""What the server tells a caller who asked for something it does not do."""

from __future__ import annotations


class ApiError(Exception):
    """A rule of the API was broken: becomes one GraphQL error, its text meant for the caller.

    `code` goes to `extensions.code`, where clients look for it.
    """

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.extensions = {"code": code or self.code}


class NotFoundError(ApiError):
    """No row of that id is visible to the caller. Says the same whether it is absent or another tenant's."""

    code = "NOT_FOUND"

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"No {kind.replace('_', ' ')} {key} exists for this tenant.")


class AlreadyExistsError(ApiError):
    """A unique name is taken.

    Prefect's client of the 1.x line recognises it by `'Uniqueness violation.'`, quotes included, in the `repr` of the
    errors: the sentence must hold no other quote.
    """

    code = "ALREADY_EXISTS"

    def __init__(self, message: str) -> None:
        super().__init__(f"'Uniqueness violation.' {message}")


class VersionLockingError(ApiError):
    """The version a state was set for is not the run's any more."""

    code = "VERSION_LOCKING_ERROR"


class UnauthenticatedError(ApiError):
    """The request carries no valid token."""

    code = "UNAUTHENTICATED"


class ForbiddenError(ApiError):
    """The token is valid, and its scope does not allow this."""

    code = "FORBIDDEN"
