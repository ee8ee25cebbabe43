"""`penstock auth`: the key that is shown to the API."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import SecretStr

from penstock.cli.common import FOUND, Json, connected, fail, new_app, print_json, run_app, say
from penstock.client import Client
from penstock.settings import (
    Profile,
    load_settings,
    profiles_path,
    read_profiles,
    save_profile,
)
from penstock_api import GraphQLError

app = new_app("auth", "The API key: log in and out, make and revoke tokens.")

ProfileName = Annotated[
    str | None, typer.Option("--profile", help="The profile to keep it in; the active one if not given.")
]


class Scope(StrEnum):
    """What a token may do."""

    USER = "USER"
    TENANT = "TENANT"
    RUNNER = "RUNNER"


@app.command()
def login(
    key: Annotated[
        str | None,
        typer.Option(
            "--key", "-k", help="The API key; `-` reads it from standard input. Asked for if not given."
        ),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="The API's URL.")] = None,
    profile: ProfileName = None,
) -> None:
    """Check an API key, and keep it in the profile: readable by you alone."""
    if key is None and not sys.stdin.isatty():
        fail("There is nobody to ask for the key: give `--key -` and the key on standard input.")
    if key is None:
        key = typer.prompt("API key", hide_input=True, err=True)
    elif key == "-":
        key = sys.stdin.readline()
    key = str(key).strip()
    if not key:
        fail("The key is empty.")
    path = profiles_path()
    stored = read_profiles(path)
    name = profile or load_settings().profile or stored.active
    # Before any setting: that of the profile which is about to be replaced.
    before = stored.profiles.get(name)
    target = url or load_settings(url=before.url if before is not None and not url else None).url
    with Client(target, api_key=key) as client:
        own = client.auth_info()
        tenant = own.tenant_id if own is not None else None
        kept = Profile(url=target, api_key=SecretStr(key), tenant_id=tenant)
        save_profile(path, name, kept, activate=True)
        say(f"Logged in to {client.url} (profile {name}{f', tenant {tenant}' if tenant else ''}).")


@app.command()
def logout(profile: ProfileName = None) -> None:
    """Forget the key that the profile holds."""
    path = profiles_path()
    stored = read_profiles(path)
    name = profile or load_settings().profile or stored.active
    kept = stored.profiles.get(name)
    if kept is None or kept.api_key is None:
        say(f"The profile {name} holds no key.")
        return
    save_profile(path, name, kept.model_copy(update={"api_key": None}))
    say(f"The profile {name} holds no key any more.")


@app.command()
def status(json: Json = False) -> None:
    """Show who is asking, and where."""
    settings = load_settings()
    with connected() as client:
        try:
            own = client.auth_info()
        except GraphQLError as error:
            fail(f"{client.url} does not accept the key: {error}", FOUND)
        found = {
            "url": client.url,
            "key": "set" if settings.api_key else "none",
            "scope": own.api_token_scope if own is not None else None,
            "tenant_id": (own.tenant_id if own is not None else None) or settings.tenant_id,
            "user_id": own.user_id if own is not None else None,
        }
    if json:
        print_json(found)
        return
    for name, value in found.items():
        typer.echo(f"{name:<10} {value if value is not None else ''}".rstrip())


@app.command("create-token")
def create_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scope: Annotated[Scope, typer.Option("--scope", help="What it may do.")] = Scope.USER,
    json: Json = False,
) -> None:
    """Make an API token and print it, this once."""
    with connected() as client:
        made = client.api_token.create(name, scope.value)
        if json:
            print_json({"id": made.id, "token": made.token})
        else:
            say(f"The token's id is {made.id}; it revokes it: penstock auth revoke-token {made.id}")
            typer.echo(made.token)


@app.command("revoke-token")
def revoke_token(id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.")]) -> None:
    """Revoke an API token."""
    with connected() as client:
        client.api_token.revoke(id)
        say(f"Revoked {id}.")


@app.command("list-tokens")
def list_tokens() -> None:
    """Not offered: the API tells nobody which tokens there are."""
    fail(
        "The API does not list tokens. Note a token's id when `penstock auth create-token` prints it.", FOUND
    )


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock auth`."""
    return run_app(app, arguments, "auth")
