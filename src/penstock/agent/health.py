"""An HTTP endpoint that says how an agent is, for whoever watches over it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class HealthServer:
    """Answers `GET /health` with JSON: 200 where all is well, 503 where not.

    Args:
        report: Gives whether all is well, and what to say.
        host: The address to listen on.
        port: The port; 0 takes a free one, which `port` says.

    Raises:
        OSError: The address cannot be listened on.
    """

    def __init__(self, report: Callable[[], tuple[bool, Mapping[str, Any]]], host: str, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                if self.path.split("?")[0] not in ("/health", "/health/"):
                    self.send_error(404)
                    return
                well, said = report()
                body = json.dumps({"status": "ok" if well else "unwell", **said}, default=str).encode()
                self.send_response(200 if well else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Every look would be a line."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="penstock-health", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
