"""`penstock tenant`: the tenants that the key opens, and which of them is worked in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from penstock.cli.common import Json, connected, fail, new_app, print_json, print_table, run_app, say
from penstock.legacy.methods import slugify
from penstock.settings import Profile, graphql_url, load_settings, profiles_path, read_profiles, save_profile
from penstock_api import MissingContext, NotFound

app = new_app("tenant", "Tenants: list and create them, and choose one to work in.")


@app.command("list")
def list_tenants(json: Json = False) -> None:
    """List the tenants that the key opens; the one that is worked in is marked."""
    with connected() as client:
        try:
            current = client.tenant_id
        except MissingContext:
            current = None
        # All that the key opens, not only the one that is chosen.
        found = client._without_session().tenant.list(order_by=[{"slug": "asc"}])
        rows = [
            {"slug": tenant.slug, "name": tenant.name, "id": tenant.id, "current": tenant.id == current}
            for tenant in found
        ]
        if json:
            print_json(rows)
        else:
            print_table(
                [["*" if row["current"] else "", row["slug"], row["name"], row["id"]] for row in rows],
                ["", "SLUG", "NAME", "ID"],
            )


@app.command()
def switch(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The tenant's slug, or its id.")],
) -> None:
    """Work in a tenant from now on: it is kept in the profile."""
    with connected() as client:
        everywhere = client._without_session()
        try:
            tenant = (everywhere.tenant(id=slug) if _is_id(slug) else everywhere.tenant(slug=slug)).refresh()
        except NotFound:
            slugs = [item.slug for item in everywhere.tenant.list(order_by=[{"slug": "asc"}])]
            fail(f"There is no tenant {slug} that this key opens; there are: {', '.join(slugs) or 'none'}.")
        path = profiles_path()
        name = load_settings().profile or read_profiles(path).active
        kept = read_profiles(path).profiles.get(name)
        if kept is None or graphql_url(kept.url) != client.url:
            # The key, if it came from the environment, stays there.
            kept = Profile(url=client.url)
        save_profile(path, name, kept.model_copy(update={"tenant_id": tenant.id}))
        say(f"Working in {tenant.slug} from now on (profile {name}).")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.")],
    slug: Annotated[
        str | None, typer.Option("--slug", help="Its short name; made of the name if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Create a tenant, and print its id."""
    with connected() as client:
        made = client.tenant.create(name, slug if slug is not None else slugify(name))
        if json:
            print_json({"id": made.id})
        else:
            typer.echo(str(made.id))


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock tenant`."""
    return run_app(app, arguments, "tenant")
