"""Serving the application over a socket."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import uvicorn

from penstock.server.app import create_app
from penstock.server.database import open_database
from penstock.server.setup import prepare

if TYPE_CHECKING:
    from penstock.server.config import ServerConfig


def serve(config: ServerConfig, *, host: str, port: int) -> None:
    """Serve until interrupted or terminated; requests under way are finished first."""
    database = open_database(config.database_url)
    prepare(database)
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    print(f"penstock server listening on http://{shown}:{bound}", file=sys.stderr, flush=True)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(database, config),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
            server_header=False,
        )
    )
    server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.set_inheritable(True)
    return listener
