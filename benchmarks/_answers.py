"""Canned answers: a flow run of about 1 KB, and 2,000 log entries of about 500 bytes each, 1 MB in all."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

FLOW_RUN_ID = UUID(int=random.Random(0).getrandbits(128), version=4)
LOG_ENTRIES = 2000

_START = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)


def flow_run() -> bytes:
    """What the API answers to `flow_run_get`: a run that is under way."""
    chance = random.Random(1)
    value = {
        "id": str(FLOW_RUN_ID),
        "tenant_id": _uuid(chance),
        "flow_id": _uuid(chance),
        "agent_id": _uuid(chance),
        "name": "prudent-otter",
        "version": 3,
        "state": "Running",
        "state_id": _uuid(chance),
        "state_message": "Running flow.",
        "state_timestamp": _time(2),
        "state_start_time": None,
        "parameters": {"day": "2026-03-01", "retries": 3, "tables": ["orders", "customers"]},
        "labels": ["production", "etl"],
        "idempotency_key": None,
        "auto_scheduled": True,
        "scheduled_start_time": _time(0),
        "start_time": _time(1),
        "end_time": None,
        "duration": None,
        "heartbeat": _time(30),
        "times_resurrected": 0,
        "created": _time(0),
        "updated": _time(31),
        "flow": {"id": _uuid(chance), "name": "nightly load of the warehouse"},
        "agent": {"id": _uuid(chance), "name": "kubernetes agent, eu-west"},
    }
    return _answer("flow_run_by_pk", value)


def logs() -> bytes:
    """What the API answers to `log_list`."""
    chance = random.Random(2)
    tenant, run = _uuid(chance), str(FLOW_RUN_ID)
    entries = [
        {
            "id": _uuid(chance),
            "tenant_id": tenant,
            "flow_run_id": run,
            "task_run_id": _uuid(chance) if number % 4 else None,
            "timestamp": _time(number),
            "level": "INFO" if number % 10 else "WARNING",
            "name": "penstock.TaskRunner",
            "message": f"Task 'load[{number}]': {chance.randrange(10_000)} rows written to warehouse.orders.",
            "is_loaded_from_archive": False,
            "created": _time(number),
            "updated": _time(number),
        }
        for number in range(LOG_ENTRIES)
    ]
    return _answer("log", entries)


def _answer(field: str, value: object) -> bytes:
    return json.dumps({"data": {field: value}}, ensure_ascii=False, separators=(",", ":")).encode()


def _uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _time(seconds: int) -> str:
    return (_START + timedelta(seconds=seconds)).isoformat()
