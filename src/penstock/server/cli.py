"""`penstock server start|reset|migrate|token`."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.server.database import Database

app = typer.Typer(
    name="server",
    help="The local API server: the whole API, kept in SQLite or PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Exit code for wrong input, as everywhere in penstock.
WRONG_INPUT = 2


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level that is logged. Every request is logged at `info`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TokenScope(StrEnum):
    """What a token may do."""

    USER = "USER"
    TENANT = "TENANT"
    RUNNER = "RUNNER"


DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="PENSTOCK_DATABASE_URL",
        help="sqlite:///FILE, :memory:, or postgresql://USER@HOST/DATABASE.  "
        "[default: server.db under PENSTOCK_HOME]",
        show_default=False,
        show_envvar=True,
    ),
]


def _say(line: str) -> None:
    typer.echo(line, err=True)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what a user can put right into one sentence and exit code 2."""
    from sqlalchemy import exc

    from penstock.server.database import DatabaseUrlError
    from penstock.server.errors import ApiError
    from penstock.server.migrations import NewerDatabaseError

    try:
        yield
    except (DatabaseUrlError, NewerDatabaseError, ApiError) as error:
        _say(f"Error: {error}")
    except exc.DatabaseError as error:
        _say(f"Error: the database cannot be used: {str(error.orig).partition(chr(10))[0]}")
    except OSError as error:
        _say(f"Error: {error.strerror or error}.")
    else:
        return
    raise typer.Exit(WRONG_INPUT)


@contextmanager
def _database(url: str | None) -> Iterator[Database]:
    from penstock.server.database import default_database_url, open_database

    with _sentences():
        database = open_database(url or default_database_url())
        try:
            yield database
        finally:
            database.close()


@app.callback()
def main() -> None:
    """The local API server."""


@app.command()
def start(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 4200,
    database_url: DatabaseUrl = None,
    auth: Annotated[
        bool | None,
        typer.Option(
            "--auth/--no-auth",
            help="Ask for API tokens.  [default: no on a loopback address, yes elsewhere]",
            show_default=False,
        ),
    ] = None,
    introspection: Annotated[bool, typer.Option(help="Let clients read the schema.")] = True,
    graphiql: Annotated[bool, typer.Option(help="Serve GraphiQL at GET /graphql.")] = True,
    scheduler: Annotated[bool, typer.Option(help="Create the runs of active schedules.")] = True,
    zombie_killer: Annotated[bool, typer.Option(help="Fail runs that stopped giving heartbeats.")] = True,
    lazarus: Annotated[bool, typer.Option(help="Reschedule flow runs that were abandoned.")] = True,
    cloud_hooks: Annotated[bool, typer.Option(help="Send cloud hooks.")] = True,
    service_interval: Annotated[
        float, typer.Option(min=0.05, help="Seconds between two rounds of a service.")
    ] = 10.0,
    flyte_lease: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which an action without a result is offered again.")
    ] = 300.0,
    depth_limit: Annotated[
        int, typer.Option(min=1, help="Levels of fields that an operation may nest.")
    ] = 12,
    row_limit: Annotated[int, typer.Option(min=1, help="Rows that a list may give at once.")] = 10_000,
    body_limit: Annotated[int, typer.Option(min=1024, help="Bytes that a request may have.")] = 64
    * 1024
    * 1024,
    log_format: Annotated[LogFormat, typer.Option(help="How log lines are written.")] = LogFormat.TEXT,
    log_level: Annotated[LogLevel, typer.Option(help="The least level that is logged.")] = LogLevel.WARNING,
) -> None:
    """Serve the API until interrupted. The URL is printed when it is ready."""
    from penstock.server import logs
    from penstock.server.config import Limits, ServerConfig, Services
    from penstock.server.database import default_database_url
    from penstock.server.serve import is_loopback, serve

    chosen_auth = not is_loopback(host) if auth is None else auth
    if not chosen_auth and not is_loopback(host):
        _say(
            f"Warning: --no-auth on {host}: everybody who reaches this address can read and change everything."
        )
    logs.configure(log_format.value, log_level.value)
    config = ServerConfig(
        database_url=database_url or default_database_url(),
        auth=chosen_auth,
        introspection=introspection,
        graphiql=graphiql,
        limits=Limits(depth=depth_limit, rows=row_limit, body=body_limit),
        services=Services(
            scheduler=scheduler,
            zombie_killer=zombie_killer,
            lazarus=lazarus,
            cloud_hooks=cloud_hooks,
            interval=service_interval,
        ),
        flyte_lease_seconds=flyte_lease,
    )
    with _sentences():
        try:
            serve(config, host=host, port=port, say=_say)
        except OSError as error:
            _say(
                f"Error: cannot listen on {host} port {port}: {error.strerror or error}. Choose another --port."
            )
            raise typer.Exit(WRONG_INPUT) from None


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to this release's tables. `start` does it, too."""
    from penstock.server.setup import prepare

    with _database(database_url) as database:
        prepared = prepare(database)
    if prepared.before == prepared.after:
        _say(f"The database is at {prepared.after} already.")
    else:
        _say(f"The database was migrated from {prepared.before or 'empty'} to {prepared.after}.")


@app.command()
def reset(
    database_url: DatabaseUrl = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete everything in the database, and set it up anew."""
    from penstock.server import setup

    with _database(database_url) as database:
        shown = database.engine.url.render_as_string(hide_password=True)
        if not yes:
            typer.confirm(f"Delete everything in {shown}?", abort=True, err=True)
        setup.reset(database)
    _say("The database is empty again.")


@app.command()
def token(
    name: Annotated[str, typer.Option(help="What the token is for.")] = "cli",
    tenant: Annotated[str, typer.Option(help="The slug of the tenant that the token opens.")] = "default",
    scope: Annotated[TokenScope, typer.Option(help="What the token may do.")] = TokenScope.USER,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an API token and print it, this once. The server keeps only its digest."""
    from penstock.server.setup import make_token, prepare

    with _database(database_url) as database:
        prepare(database)
        made = make_token(database, tenant_slug=tenant, name=name, scope=scope.value)
    typer.echo(made)
