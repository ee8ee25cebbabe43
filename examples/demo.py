"""`make demo`: starts a local API server in a folder of its own, and runs the quickstart against it over a socket."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from socket import socket

HERE = Path(__file__).parent
PATIENCE = 30.0


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait(url: str, server: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers; raises where it ends before, or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(
                f"The server ended with exit code {server.returncode}; what it said stands above."
            )
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"The server did not answer at {url}/health within {PATIENCE:g} seconds.")


def main() -> int:
    """Runs the demonstration and gives the quickstart's exit code."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as home:
        environment = {**os.environ, "PENSTOCK_HOME": home, "PENSTOCK_URL": url}
        log = Path(home) / "server.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "penstock.cli", "server", "start", "--port", str(port)]
            server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
            try:
                wait(url, server)
                print(f"A local server listens at {url}.\n")
                return subprocess.run(
                    [sys.executable, str(HERE / "quickstart.py")], env=environment, check=False
                ).returncode
            except SystemExit:
                sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
                raise
            finally:
                server.terminate()
                server.wait(timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(main())
