"""What a pack offers, for those who write flows: as JSON, and as the page its help URLs can point at."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.packs.definitions import PackDef
from penstock.packs.handling import prepare


@dataclass(frozen=True, slots=True)
class CommandDescription:
    """A command: its input's JSON schema (``{}``: anything), the events it may end in, and its
    documentation."""

    name: str
    description: str
    input_schema: dict[str, Any]
    events: Sequence[str]
    help_url: str | None


@dataclass(frozen=True, slots=True)
class EventDescription:
    """An event: its payload's JSON schema (``{}``: anything) and the commands that end in it."""

    name: str
    payload_schema: dict[str, Any]
    commands: Sequence[str]
    help_url: str | None


@dataclass(frozen=True, slots=True)
class PackDescription:
    """All that a flow may ask of a pack and hear from it."""

    name: str
    id: str
    labels: dict[str, str]
    help_url: str | None
    commands: Sequence[CommandDescription]
    events: Sequence[EventDescription]

    def as_json(self) -> dict[str, Any]:
        """The description as JSON has it; what is not there is left out."""
        commands = [
            _filled(
                name=command.name,
                description=command.description,
                help=command.help_url,
                events=list(command.events),
                input=command.input_schema,
            )
            for command in self.commands
        ]
        events = [
            _filled(
                name=event.name,
                help=event.help_url,
                commands=list(event.commands),
                payload=event.payload_schema,
            )
            for event in self.events
        ]
        return _filled(
            name=self.name,
            id=self.id,
            labels=self.labels,
            help=self.help_url,
            commands=commands,
            events=events,
        )


def describe(pack: PackDef) -> PackDescription:
    """Describe ``pack``; raises ``DefinitionError`` where it cannot work."""
    prepared = prepare(pack)
    commands = [
        CommandDescription(
            name=command.name,
            description=(prepared[command.name].call.__doc__ or "").strip(),
            input_schema=prepared[command.name].input_schema(),
            events=[event.name for event in command.output_events],
            help_url=command.help_url,
        )
        for command in pack.commands
    ]
    events = [
        EventDescription(
            name=event.name,
            payload_schema=event.schema(),
            commands=[command.name for command in commands if event.name in command.events],
            help_url=event.help_url,
        )
        for event in pack.all_events
    ]
    return PackDescription(pack.name, pack.id, dict(pack.labels), pack.help_url, commands, events)


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color:
#1c1f23; } code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f4f6; border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .8em 1em; overflow-x: auto; }
h2 { border-bottom: 1px solid #d5d8dc; margin-top: 2.5rem; } section { margin: 1.5rem 0; }
@media (prefers-color-scheme: dark) {
  body { background: #16181b; color: #e3e5e8; } code, pre { background: #24272b; } a { color: #8ab4f8; }
}
"""


def as_html(pack: PackDescription) -> str:
    """The description as one page without scripts; commands and events have the ids ``command-NAME``,
    ``event-NAME``."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(pack.name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(pack.name)}</h1>",
        f"<p>A flyte pack. A flow's steps call its commands with <code>packName: {_text(pack.name)}</code>.</p>",
    ]
    if pack.labels:
        labels = ", ".join(f"<code>{_text(key)}: {_text(value)}</code>" for key, value in pack.labels.items())
        parts.append(f"<p>Labels: {labels}</p>")
    parts.append("<h2>Commands</h2>")
    for command in pack.commands:
        events = ", ".join(f'<a href="#event-{_text(name)}">{_text(name)}</a>' for name in command.events)
        parts += [
            f'<section id="command-{_text(command.name)}"><h3><code>{_text(command.name)}</code></h3>',
            *(f"<p>{_text(paragraph)}</p>" for paragraph in command.description.split("\n\n") if paragraph),
            f"<p>Ends in: {events}, or <code>FATAL</code>.</p>",
            _schema("Input", command.input_schema),
            "</section>",
        ]
    if not pack.commands:
        parts.append("<p>None.</p>")
    parts.append("<h2>Events</h2>")
    for event in pack.events:
        commands = ", ".join(f'<a href="#command-{_text(name)}">{_text(name)}</a>' for name in event.commands)
        origin = f"Result of: {commands}." if commands else "Sent by the pack itself."
        parts += [
            f'<section id="event-{_text(event.name)}"><h3><code>{_text(event.name)}</code></h3>',
            f"<p>{origin}</p>",
            _schema("Payload", event.payload_schema),
            "</section>",
        ]
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _schema(title: str, schema: dict[str, Any]) -> str:
    if not schema:
        return f"<p>{title}: any JSON value.</p>"
    return (
        f"<p>{title}, as JSON schema:</p><pre>{_text(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>"
    )


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
