"""`penstock project`: the folders of flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

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
)

app = new_app("project", "Projects: list, show, create and delete them.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")]

COLUMNS = (
    ("NAME", lambda project: project.name),
    ("DESCRIPTION", lambda project: project.description),
    ("CREATED", lambda project: project.created),
    ("ID", lambda project: project.id),
)


@app.command("list")
def list_projects(
    name: Annotated[str | None, typer.Option("--name", "-n", help="Only the project of this name.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List projects by name."""
    with connected() as client:
        found = client.project.list(
            where={"name": {"_eq": name}} if name is not None else {}, order_by=[{"name": "asc"}], limit=limit
        )
        show_all(found, COLUMNS, json)


@app.command("show")
def show_project(name: Name, json: Json = False) -> None:
    """Show a project."""
    with connected() as client:
        show(client.project(name=name), json)


@app.command()
def create(
    name: Name,
    description: Annotated[str | None, typer.Option("--description", "-d", help="What it is for.")] = None,
    json: Json = False,
) -> None:
    """Create a project, and print its id."""
    with connected() as client:
        made = client.project.create(name, description=description)
        if json:
            print_json({"id": made.id})
        else:
            typer.echo(str(made.id))


@app.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Delete a project and all its flows."""
    with connected() as client:
        project = client.project(name=name)
        count = client.flow.count(where={"project_id": {"_eq": str(project.id)}})
        confirm(f"Delete the project {name} with its {count} flow versions and all their runs?", yes)
        project.delete()
        say(f"Deleted {name}.")


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock project`."""
    return run_app(app, arguments, "project")
