"""`penstock flow`: registered flows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.common import (
    Json,
    Limit,
    Yes,
    confirm,
    connected,
    fail,
    new_app,
    print_json,
    run_app,
    say,
    show,
    show_all,
)
from penstock.cli.watching import watch_run

if TYPE_CHECKING:
    from penstock.client import Client
    from penstock_api import Flow
    from penstock_api.inputs import FlowBoolExp

app = new_app("flow", "Flows: list, show, run, archive and delete them.")

FlowId = Annotated[str | None, typer.Argument(metavar="[ID]", help="The flow's id; else give --name.")]
Name = Annotated[
    str | None, typer.Option("--name", "-n", help="The flow's name; its newest version is taken.")
]
InProject = Annotated[str | None, typer.Option("--project", "-p", help="The name of the flow's project.")]
Version = Annotated[
    int | None, typer.Option("--version", "-v", help="A version, where it is not the newest.")
]

COLUMNS = (
    ("NAME", lambda flow: flow.name),
    ("VERSION", lambda flow: flow.version),
    ("PROJECT", lambda flow: flow.project.name),
    ("CREATED", lambda flow: flow.created),
    ("ARCHIVED", lambda flow: flow.archived),
    ("ID", lambda flow: flow.id),
)


@app.command("list")
def list_flows(
    name: Annotated[str | None, typer.Option("--name", "-n", help="Only flows of this name.")] = None,
    project: InProject = None,
    archived: Annotated[bool, typer.Option("--archived", help="Archived versions, too.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List flows, the newest first."""
    with connected() as client:
        where = _where(name, project)
        if not archived:
            where["archived"] = {"_eq": False}
        found = client.flow.list(where=where, order_by=[{"created": "desc"}], limit=limit)
        show_all(found, COLUMNS, json)


@app.command("show")
def show_flow(
    id: FlowId = None,
    name: Name = None,
    project: InProject = None,
    version: Version = None,
    json: Json = False,
) -> None:
    """Show a flow."""
    with connected() as client:
        show(find_flow(client, id, name, project, version), json)


@app.command()
def run(
    id: FlowId = None,
    name: Name = None,
    project: InProject = None,
    version: Version = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="NAME=VALUE", help="A parameter; the value is JSON, or else text. Repeatable."
        ),
    ] = None,
    parameters_file: Annotated[
        Path | None, typer.Option("--parameters-file", help="A JSON file with an object of parameters.")
    ] = None,
    parameters_string: Annotated[
        str | None, typer.Option("--parameters-string", help="A JSON object of parameters.")
    ] = None,
    run_name: Annotated[str | None, typer.Option("--run-name", help="The run's name.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="A label of the run. Repeatable.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it may start: ISO 8601; at once if not given."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key again makes no second run.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the run until it is over.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Follow the run and its log.")] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.1, help="Seconds to follow the run at most.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a flow: make a run that an agent takes. With --watch, the exit code is 0 only if it succeeds."""
    with connected() as client:
        values = read_parameters(parameter or [], parameters_file, parameters_string)
        options: dict[str, Any] = {
            "flow_run_name": run_name,
            "labels": label,
            "scheduled_start_time": _time(at),
            "idempotency_key": idempotency_key,
        }
        made = find_flow(client, id, name, project, version).run(
            parameters=values, **{key: value for key, value in options.items() if value is not None}
        )
        if json:
            print_json({"id": made.id})
        else:
            typer.echo(str(made.id))
        if watch or logs:
            raise typer.Exit(watch_run(made, logs=logs, timeout=timeout))


@app.command()
def archive(
    id: FlowId = None, name: Name = None, project: InProject = None, version: Version = None, yes: Yes = False
) -> None:
    """Archive a flow: it cannot be run any more, and its waiting runs are deleted."""
    with connected() as client:
        flow = find_flow(client, id, name, project, version)
        confirm(f"Archive {flow.name} version {flow.version}?", yes)
        flow.archive()
        say(f"Archived {flow.id}.")


@app.command()
def delete(
    id: FlowId = None, name: Name = None, project: InProject = None, version: Version = None, yes: Yes = False
) -> None:
    """Delete a flow with its runs."""
    with connected() as client:
        flow = find_flow(client, id, name, project, version)
        confirm(f"Delete {flow.name} version {flow.version} and all its runs?", yes)
        flow.delete()
        say(f"Deleted {flow.id}.")


def find_flow(
    client: Client, id: str | None, name: str | None, project: str | None, version: int | None
) -> Flow:
    """The flow that a command means: by id, or the newest of its name."""
    if (id is None) == (name is None):
        fail("Say which flow: give either its id or --name.")
    if id is not None:
        return client.flow(id=id)
    where = _where(name, project)
    if version is not None:
        where["version"] = {"_eq": version}
    found = client.flow.list(
        where=where, order_by=[{"version": "desc"}, {"created": "desc"}], limit=100
    ).all()
    projects = {flow.project.name for flow in found}
    if not found:
        there = f" in the project {project}" if project else ""
        fail(f"There is no flow called {name}{there}. `penstock flow list` shows what there is.")
    if len(projects) > 1:
        fail(f"There is a flow called {name} in {', '.join(sorted(projects))}: say which with --project.")
    return found[0]


def _where(name: str | None, project: str | None) -> FlowBoolExp:
    where: FlowBoolExp = {}
    if name is not None:
        where["name"] = {"_eq": name}
    if project is not None:
        where["project"] = {"name": {"_eq": project}}
    return where


def read_parameters(pairs: Sequence[str], file: Path | None, text: str | None) -> dict[str, Any]:
    """The parameters from a file, then from text, then one by one: later ones replace earlier ones."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            content = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.")
        values |= _object(content, str(file))
    if text is not None:
        values |= _object(text, "--parameters-string")
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            fail(f"--param takes NAME=VALUE, and {pair!r} is no such pair.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        fail(f"{where} is no JSON: {error}.")
    if not isinstance(value, dict):
        fail(f"{where} has to be a JSON object of parameters by name.")
    return dict(value)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--at takes a time such as 2030-01-10T09:00+00:00, not {text!r}.")
    # Without an offset it is the time on the user's own clock.
    return moment.astimezone()


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock flow`."""
    return run_app(app, arguments, "flow")
