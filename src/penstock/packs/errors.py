"""What can go wrong with a pack, each a sentence for the pack's author or whoever runs it."""

from __future__ import annotations


class PackError(Exception):
    """Base of every error of ``penstock.packs``."""


class DefinitionError(PackError, ValueError):
    """A pack, command, event or setting is not defined as it must be. Found before the pack starts."""


class ConfigurationError(PackError, ValueError):
    """An environment variable or an option has a value that cannot be used."""


class OutboxError(PackError):
    """The outbox's file cannot be opened or written."""


class FlyteApiError(PackError):
    """A request to the flyte API did not bring what it should."""


class FlyteTransportError(FlyteApiError):
    """No answer: the connection failed, was closed or timed out.

    ``sent`` says whether the request may have reached the API all the same.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class FlyteResponseError(FlyteApiError):
    """An answer that is not what the protocol says: another program may answer at that URL."""


class FlyteStatusError(FlyteApiError):
    """An answer with an error status.

    ``status`` is the HTTP status. ``final`` says that the API itself called its answer final: sending the
    same request again cannot change it. ``retry_after`` is in seconds, where the API named it.
    """

    def __init__(
        self, message: str, *, status: int, final: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.final = final
        self.retry_after = retry_after
