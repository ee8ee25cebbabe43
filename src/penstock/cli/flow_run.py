"""`penstock flow-run`: runs of flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.common import (
    Json,
    Limit,
    Yes,
    confirm,
    connected,
    new_app,
    print_json,
    run_app,
    say,
    show,
    show_all,
    state_text,
)
from penstock.cli.watching import watch_run

if TYPE_CHECKING:
    from penstock_api.inputs import FlowRunBoolExp

app = new_app("flow-run", "Flow runs: list, show and cancel them, read their logs, watch them.")

RunId = Annotated[str, typer.Argument(metavar="ID", help="The flow run's id.")]

COLUMNS = (
    ("NAME", lambda run: run.name),
    ("FLOW", lambda run: run.flow.name),
    ("STATE", lambda run: state_text(run.state)),
    ("SCHEDULED", lambda run: run.scheduled_start_time),
    ("STARTED", lambda run: run.start_time),
    ("DURATION", lambda run: run.duration),
    ("ID", lambda run: run.id),
)


@app.command("list")
def list_runs(
    flow: Annotated[str | None, typer.Option("--flow", "-f", help="Only runs of flows of this name.")] = None,
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only runs of this project.")] = None,
    state: Annotated[str | None, typer.Option("--state", "-s", help="Only runs in this state.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List flow runs, the newest first."""
    with connected() as client:
        where: FlowRunBoolExp = {}
        if state is not None:
            where["state"] = {"_eq": state}
        if flow is not None and project is not None:
            where["flow"] = {"name": {"_eq": flow}, "project": {"name": {"_eq": project}}}
        elif flow is not None:
            where["flow"] = {"name": {"_eq": flow}}
        elif project is not None:
            where["flow"] = {"project": {"name": {"_eq": project}}}
        found = client.flow_run.list(where=where, order_by=[{"created": "desc"}], limit=limit)
        show_all(found, COLUMNS, json)


@app.command("show")
def show_run(id: RunId, json: Json = False) -> None:
    """Show a flow run."""
    with connected() as client:
        show(client.flow_run(id=id), json)


@app.command()
def logs(
    id: RunId,
    level: Annotated[str | None, typer.Option("--level", help="Only entries of this level.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", min=1, help="How many to show at most.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a flow run's log, the oldest entry first."""
    with connected() as client:
        run = client.flow_run(id=id)
        found = run.logs(where={"level": {"_eq": level}} if level is not None else {}, limit=limit)
        if json:
            print_json(
                [
                    {"timestamp": log.timestamp, "level": log.level, "name": log.name, "message": log.message}
                    for log in found
                ]
            )
            return
        for log in found:
            moment = log.timestamp.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            origin = f"{log.name}: " if log.name else ""
            typer.echo(f"{moment}  {log.level or '':<8} {origin}{log.message or ''}")


@app.command()
def cancel(id: RunId, yes: Yes = False) -> None:
    """Cancel a flow run."""
    with connected() as client:
        run = client.flow_run(id=id)
        confirm(f"Cancel the run {run.name} of {run.flow.name}?", yes)
        say(f"The run is {run.cancel() or run.state}.")


@app.command()
def watch(
    id: RunId,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="The log entries, too.")] = True,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.1, help="Seconds to watch at most.")
    ] = None,
) -> None:
    """Follow a flow run until it is over. The exit code is 0 only if it succeeds."""
    with connected() as client:
        raise typer.Exit(watch_run(client.flow_run(id=id), logs=logs, timeout=timeout))


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock flow-run`."""
    return run_app(app, arguments, "flow-run")
