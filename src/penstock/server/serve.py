"""Serving the application over a socket."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from penstock.server.app import create_app
from penstock.server.database import open_database
from penstock.server.setup import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from penstock.server.config import ServerConfig

# Requests under way when the server is told to stop have this long to end.
GRACE_SECONDS = 20

BACKLOG = 2048


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach an address."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError where the address is taken or is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # From here on connections wait for the server instead of being refused.
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def serve(config: ServerConfig, *, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted or terminated; requests under way are finished first.

    `say` is told what goes on, a line at a time. Raises OSError where the address cannot be listened on, and what
    `open_database` and `prepare` raise.
    """
    listener = listen(host, port)
    database = open_database(config.database_url)
    prepared = prepare(database)
    if prepared.before != prepared.after:
        say(f"Database migrated from {prepared.before or 'empty'} to {prepared.after}.")
    app = create_app(database, config)
    shown = f"[{host}]" if ":" in host else host
    say(f"API       http://{shown}:{listener.getsockname()[1]}/graphql")
    say(f"Database  {database.engine.url.render_as_string(hide_password=True)}")
    say(f"Access    {'API tokens' if config.auth else 'open to everybody who reaches this address'}")
    say("Stop with Ctrl-C.")
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
    # uvicorn ends gracefully and then passes the signal on; by then there is nothing left to do.
    signal.signal(signal.SIGTERM, _end)
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):
        say("Stopped.")
        return
    raise RuntimeError("The server ended by itself; its log says why.")


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
