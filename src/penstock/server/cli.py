"""`penstock server start|reset|migrate|token`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from penstock.server.config import DEFAULT_PORT

app = typer.Typer(
    name="server", help="The local API server.", no_args_is_help=True, pretty_exceptions_enable=False
)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="PENSTOCK_DATABASE_URL",
        help="sqlite:///FILE, :memory:, or postgresql://…  [default: server.db under PENSTOCK_HOME]",
        show_default=False,
    ),
]


@app.callback()
def main() -> None:
    """The local API server."""


@app.command()
def start(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = DEFAULT_PORT,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve the API until interrupted."""
    from penstock.server.config import ServerConfig
    from penstock.server.database import default_database_url
    from penstock.server.serve import serve

    serve(ServerConfig(database_url=database_url or default_database_url()), host=host, port=port)


if __name__ == "__main__":
    sys.exit(app())
