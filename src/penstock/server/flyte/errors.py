"""What the flyte side refuses, each with the status the wire gives it and one sentence for the reader.

The flyte API has no JSON errors: the sentence travels as plain text, which every client ignores and a person
reads.
"""

from __future__ import annotations

from typing import ClassVar


class FlyteError(Exception):
    """A refused request. ``str()`` is the sentence that is sent."""

    status: ClassVar[int] = 500
    final: ClassVar[bool] = False
    """True where sending the same request again can never succeed."""


class BadRequest(FlyteError):
    """The request cannot be read or breaks a rule of the protocol."""

    status = 400
    final = True


class NotFound(FlyteError):
    """No such pack, action, flow, execution or datastore item."""

    status = 404


class TooLarge(FlyteError):
    """The body is longer than this server takes."""

    status = 413
    final = True


class AlreadyCompleted(FlyteError):
    """The action has a result, or was never taken. The flyte server answers 500 here, and so do we."""

    status = 500
    final = True


class TemplateFailed(Exception):
    """A template of a flow cannot be read or evaluated; the message names the template's place in the
    flow."""
