"""Definitions: what they accept, what they refuse at the author's desk, and how they register."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from penstock.packs import (
    FATAL,
    Command,
    CommandHandler,
    DefinitionError,
    Event,
    EventDef,
    Pack,
    PackDef,
    RateLimit,
    fatal_event,
)
from penstock.packs.client import encode_event
from penstock.packs.handling import prepare


class Ticket(BaseModel):
    project: str
    issue_id: str = Field(serialization_alias="issueId")


Created = EventDef("Created", "http://help/created", payload=Ticket)
Failed = EventDef("Failed")
Forgotten = EventDef("Forgotten")


def test_the_registration_is_the_flyte_clients_field_by_field() -> None:
    """The Go client's recorded registration: links only where there is help, labels only where there are
    some."""
    done = EventDef("Done", "http://example.test/help#done")
    failed = EventDef("Failed")

    def handler(value: Any) -> Event:
        return done(value)

    commands = [
        Command(name, handler, [done, failed], f"http://example.test/help#{name}")
        for name in ("echo", "slow")
    ]
    pack = PackDef(
        "JudgePack",
        commands=commands,
        labels={"env": "dev", "team": "ops"},
        event_defs=[EventDef("Seen")],
        help_url="http://example.test/help",
    )
    assert json.dumps(pack.registration(), separators=(",", ":")) == (
        '{"name":"JudgePack","labels":{"env":"dev","team":"ops"},"events":[{"name":"Seen"},'
        '{"name":"Done","links":[{"href":"http://example.test/help#done","rel":"help"}]},{"name":"Failed"}],'
        '"commands":[{"name":"echo","events":["Done","Failed"],"links":[{"href":"http://example.test/help#echo",'
        '"rel":"help"}]},{"name":"slow","events":["Done","Failed"],"links":'
        '[{"href":"http://example.test/help#slow","rel":"help"}]}],"links":[{"href":"http://example.test/help",'
        '"rel":"help"}]}'
    )
    assert pack.id == "JudgePack.env.dev.team.ops"
    bare = PackDef("Bare").registration()
    assert bare == {"name": "Bare", "events": [], "commands": []}


def test_an_event_is_posted_with_name_payload_and_an_aware_time() -> None:
    moment = datetime(2026, 11, 21, 8, 49, 11, 998053, tzinfo=UTC)
    assert encode_event(fatal_event({"reason": "on purpose"}), moment) == (
        b'{"event":"FATAL","payload":{"reason":"on purpose"},"createdAt":"2026-11-21T08:49:11.998053Z"}'
    )
    now = json.loads(encode_event(Failed()))
    assert now["payload"] is None
    assert abs(datetime.fromisoformat(now["createdAt"]) - datetime.now(UTC)).total_seconds() < 5


def test_typed_payloads_are_checked_where_they_are_made_and_sent_under_their_wire_names() -> None:
    event = Created(Ticket(project="FOO", issue_id="1"))
    assert json.loads(encode_event(event))["payload"] == {"project": "FOO", "issueId": "1"}
    with pytest.raises(ValueError, match=r"'Created'.*issue_id"):
        Created({"project": "FOO"})  # type: ignore[arg-type]


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("payload", "wire"),
    [
        (None, None),
        ("text", "text"),
        (["a", 1, 1.5, True], ["a", 1, 1.5, True]),
        (Point(3), {"x": 3}),
        (Ticket(project="P", issue_id="1"), {"project": "P", "issueId": "1"}),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (2**70, 2**70),
        ({"text": "NaN and Infinity"}, {"text": "NaN and Infinity"}),
    ],
)
def test_untyped_payloads_may_be_anything_that_json_has(payload: object, wire: object) -> None:
    assert json.loads(encode_event(Failed(payload)))["payload"] == wire


@pytest.mark.parametrize("payload", [math.nan, [math.inf], object(), {"f": print}, "\ud800"])
def test_what_is_no_json_is_refused_before_it_is_sent(payload: object) -> None:
    with pytest.raises(ValueError, match="'Failed' cannot be written as JSON"):
        encode_event(Failed(payload))


def test_the_seeds_spelling_is_accepted_and_deprecated() -> None:
    event = Event(eventDef=Failed, payload=1)
    assert event == Failed(1)
    with pytest.raises(TypeError, match="definition"):
        Event(payload=1)  # type: ignore[call-overload]


def handler(value: object) -> Event:
    return Failed(value)


def uses_forgotten(value: object) -> Event:
    return Forgotten(value) if value else Failed()


def uses_forgotten_inside(value: object) -> Event:
    def inner() -> Event:
        return Forgotten(value)

    return inner()


class Uses(CommandHandler):
    def handle(self, request: object) -> Event:
        return Forgotten(request)


def two(a: int, b: int) -> Event:
    return Failed(a + b)


def unreadable(value: NotThere) -> Event:  # type: ignore[name-defined]  # noqa: F821
    return Failed(value)


class Opaque:
    pass


def unfit(value: Opaque) -> Event:
    return Failed(value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: EventDef(""), "name of the event"),
        (lambda: EventDef("a b"), "becomes part of a URL"),
        (lambda: PackDef("a/b"), "becomes part of a URL"),
        (lambda: PackDef("a", labels={"k": "v w"}), "becomes part of a URL"),
        (lambda: PackDef("a", labels={"k": 1}), "text only"),  # type: ignore[dict-item]
        (lambda: PackDef("a", help_url="help.html"), "help URL"),
        (lambda: EventDef("a", help_url="ftp://x"), "help URL"),
        (lambda: Command("c", handler, []), "no output event"),
        (lambda: Command("c", handler, ["Failed"]), "not an EventDef"),  # type: ignore[list-item]
        (lambda: Command("c", 3, [Failed]), "no function"),  # type: ignore[arg-type]
        (lambda: Command("c", handler, [Failed], timeout=0), "timeout"),
        (lambda: Command("c", handler, [Failed], max_concurrency=0), "max_concurrency"),
        (lambda: RateLimit(0), "rate limit"),
        (
            lambda: PackDef("a", [Command("c", handler, [Failed]), Command("c", handler, [Failed])]),
            "more than once",
        ),
        (lambda: Pack(), "name or a PackDef"),
        (lambda: Pack("a", poll_interval=0.1), "too short"),
        (lambda: Pack("a", pack_def=PackDef("b")), "not both"),
        (
            lambda: prepare(PackDef("a", [Command("c", uses_forgotten, [Failed])])),
            "'Forgotten', which is declared",
        ),
        (lambda: prepare(PackDef("a", [Command("c", uses_forgotten_inside, [Failed])])), "'Forgotten'"),
        (lambda: prepare(PackDef("a", [Command("c", Uses(), [Failed])])), "'Forgotten'"),
        (lambda: prepare(PackDef("a", [Command("c", two, [Failed])])), "parameters a, b"),
        (lambda: prepare(PackDef("a", [Command("c", unreadable, [Failed])])), "NotThere"),
        (lambda: prepare(PackDef("a", [Command("c", unfit, [Failed])])), "JSON"),
    ],
)
def test_mistakes_are_found_at_the_authors_desk(make: Callable[[], object], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        make()


def test_an_event_of_the_pack_itself_may_be_used_by_a_handler() -> None:
    prepare(PackDef("a", [Command("c", uses_forgotten, [Failed])], event_defs=[Forgotten]))


def test_the_union_of_events_keeps_the_help_page() -> None:
    plain, helpful = EventDef("E"), EventDef("E", "http://help/e")
    pack = PackDef("a", [Command("c", handler, [helpful])], event_defs=[plain])
    assert pack.registration()["events"] == [
        {"name": "E", "links": [{"href": "http://help/e", "rel": "help"}]}
    ]


def test_names_and_secrets_stay_out_of_reprs() -> None:
    assert repr(fatal_event("secret")) == f"Event({FATAL!r})"
    assert repr(Pack("P")) == "Pack('P')"


def test_importing_packs_brings_nothing_optional() -> None:
    code = (
        "import sys, penstock.packs; "
        "print([name for name in ('sqlalchemy', 'starlette', 'typer', 'jinja2', 'yaml', 'prometheus_client', "
        "'opentelemetry', 'graphql', 'penstock_api') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
