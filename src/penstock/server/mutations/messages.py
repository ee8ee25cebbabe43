"""Messages."""

from __future__ import annotations

from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.tables import message


@mutation
def mark_message_as_read(call: Call, *, message_id: str) -> dict[str, object]:
    """Mark a message as read."""
    call.update(message, message_id, read=True)
    return SUCCESS


@mutation
def mark_message_as_unread(call: Call, *, message_id: str) -> dict[str, object]:
    """Mark a message as unread."""
    call.update(message, message_id, read=False)
    return SUCCESS


@mutation
def delete_message(call: Call, *, message_id: str) -> dict[str, object]:
    """Delete a message."""
    return call.delete(message, message_id)
