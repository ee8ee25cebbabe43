"""`penstock task`: the steps of flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from penstock.cli.common import Json, Limit, connected, new_app, run_app, show_all
from penstock.cli.flow import InProject, Version, find_flow

app = new_app("task", "Tasks: the steps of flows.")

COLUMNS = (
    ("NAME", lambda task: task.name),
    ("FLOW", lambda task: task.flow.name),
    ("SLUG", lambda task: task.slug),
    ("MAPPED", lambda task: task.mapped),
    ("MAX RETRIES", lambda task: task.max_retries),
    ("TAGS", lambda task: ", ".join(task.tags)),
    ("ID", lambda task: task.id),
)


@app.callback()
def family() -> None:
    """Tasks: the steps of flows."""


@app.command("list")
def list_tasks(
    flow_id: Annotated[
        str | None, typer.Option("--flow-id", help="Only tasks of the flow with this id.")
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", "-f", help="Only tasks of the newest flow of this name.")
    ] = None,
    project: InProject = None,
    version: Version = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List tasks by name."""
    with connected() as client:
        if flow is None and flow_id is None:
            found = client.task.list(order_by=[{"name": "asc"}], limit=limit)
        else:
            one = find_flow(client, flow_id, flow, project, version)
            found = one.tasks(order_by=[{"name": "asc"}], limit=limit)
        show_all(found, COLUMNS, json)


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock task`."""
    return run_app(app, arguments, "task")
