"""Cloud hooks: sending what `hook_events` queued, signed, and again until it arrives.

A WEBHOOK is a POST of JSON. `X-Penstock-Delivery` is the same at every attempt, so that a receiver can tell a
repetition; `X-Penstock-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA256 of `SECONDS.BODY` under the hook's
`config.secret`. Any 2xx answer counts as received; redirects are not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import sqlalchemy as sa

from penstock.server.services.system import system_call
from penstock.server.tables import cloud_hook, cloud_hook_delivery, message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.server.database import Database

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=10)

# For this long an attempt under way keeps others from making the same one.
CLAIM = timedelta(minutes=2)
BATCH = 50

# How long a delivery that is over is kept to look at.
KEPT = timedelta(days=7)


def deliver(database: Database, now: datetime) -> int:
    """Make one attempt at every delivery that is due; how many arrived."""
    arrived = 0
    for delivery in _claim(database, now):
        error = send(database, delivery["hook"], delivery["id"], delivery["payload"])
        arrived += error is None
        _settle(database, delivery, error)
    return arrived


def _claim(database: Database, now: datetime) -> list[dict[str, Any]]:
    due = (
        sa.select(cloud_hook_delivery)
        .where(cloud_hook_delivery.c.next_attempt <= now)
        .order_by(cloud_hook_delivery.c.next_attempt)
        .limit(BATCH)
    )
    with database.read() as connection:
        if connection.scalar(sa.select(cloud_hook_delivery.c.id).limit(1)) is None:
            return []
    with system_call(database, now) as call:
        old = (cloud_hook_delivery.c.next_attempt.is_(None), cloud_hook_delivery.c.created < now - KEPT)
        call.connection.execute(cloud_hook_delivery.delete().where(*old))
        if call.is_postgresql:
            due = due.with_for_update(skip_locked=True)
        claimed: list[dict[str, Any]] = []
        for row in call.all(due):
            hook = call.row(cloud_hook, row["cloud_hook_id"])
            call.connection.execute(
                cloud_hook_delivery.update()
                .where(cloud_hook_delivery.c.id == row["id"])
                .values(attempts=row["attempts"] + 1, next_attempt=now + CLAIM)
            )
            claimed.append({**row, "hook": dict(hook)})
    return claimed


def _settle(database: Database, delivery: Mapping[str, Any], error: str | None) -> None:
    now = datetime.now(UTC)
    attempts = delivery["attempts"] + 1
    again = None if error is None or attempts >= ATTEMPTS else now + FIRST_WAIT * 2 ** (attempts - 1)
    with system_call(database, now) as call:
        call.connection.execute(
            cloud_hook_delivery.update()
            .where(cloud_hook_delivery.c.id == delivery["id"])
            .values(next_attempt=again, error=error, delivered=now if error is None else None)
        )


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def send(
    database: Database, hook: Mapping[str, Any], delivery_id: str, payload: Mapping[str, Any]
) -> str | None:
    """Make one attempt; what went wrong, or None."""
    if hook["type"] == "PREFECT_MESSAGE":
        _leave_message(database, hook, payload)
        return None
    url = str(hook["config"].get("url", ""))
    body: bytes
    if hook["type"] == "SLACK_WEBHOOK":
        body = json.dumps({"text": _sentence(payload)}).encode()
    else:
        body = json.dumps(payload, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "X-Penstock-Delivery": delivery_id}
    if secret := hook["config"].get("secret"):
        headers["X-Penstock-Signature"] = signature(str(secret), int(datetime.now(UTC).timestamp()), body)
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"{type(error).__name__} while calling the hook."
    return None if answer.is_success else f"The hook answered {answer.status_code}."


def _sentence(payload: Mapping[str, Any]) -> str:
    run, state = payload["flow_run"], payload["state"]
    return f"Flow run {run['name']} of {payload['flow']['name']} is {state['type']}: {state['message'] or ''}".rstrip(
        ": "
    )


def _leave_message(database: Database, hook: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    with system_call(database, datetime.now(UTC)) as call:
        call.insert(
            message,
            tenant_id=hook["tenant_id"],
            read=False,
            type="CLOUD_HOOK",
            text=_sentence(payload),
            content=dict(payload),
        )


def send_test(
    database: Database, hook: Mapping[str, Any], flow_run: Mapping[str, Any], state: str
) -> str | None:
    """Send a made-up event through a hook; what went wrong, or None."""
    payload = {
        "event": "test",
        "flow": {"id": None, "name": "test", "version_group_id": hook["version_group_id"]},
        "flow_run": {"id": flow_run.get("id"), "name": flow_run.get("name", "test"), "version": None},
        "state": {
            "type": state,
            "message": "A test of this cloud hook.",
            "timestamp": datetime.now(UTC).isoformat(),
        },
    }
    return send(database, hook, str(uuid4()), payload)
