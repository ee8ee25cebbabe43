"""Pyright's language server over its standard streams: the questions that an editor asks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class LanguageServer:
    """A conversation with a language server about the files of one folder."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input: IO[bytes] = process.stdin
        self._output: IO[bytes] = process.stdout
        self._folder = folder
        self._id = 0

    def start(self) -> None:
        """Greets the server, as an editor does that shows Markdown."""
        completion = {
            "completionItem": {
                "documentationFormat": ["markdown"],
                "resolveSupport": {"properties": ["documentation", "detail"]},
                "deprecatedSupport": True,
                "tagSupport": {"valueSet": [1]},
            }
        }
        root = self._folder.as_uri()
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": "folder"}],
                "capabilities": {
                    "textDocument": {"completion": completion},
                    "workspace": {"configuration": True, "workspaceFolders": True},
                },
            },
        )
        self._send({"method": "initialized", "params": {}})

    def complete(self, name: str, text: str) -> dict[str, dict[str, Any]]:
        """What is offered at the end of a new file's text: the items by their labels."""
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        found = self.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        items = found["items"] if isinstance(found, dict) else found or []
        return {item["label"]: item for item in items}

    def documentation(self, item: Mapping[str, Any]) -> str:
        """What the editor shows beside an item."""
        resolved = self.ask("completionItem/resolve", dict(item))
        said = resolved.get("documentation", "")
        return str(said["value"] if isinstance(said, dict) else said)

    def ask(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """Sends a request and gives its result; the server's own questions are answered on the way."""
        self._id += 1
        asked = self._id
        self._send({"id": asked, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if message.get("id") == asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": self._answer(message)})

    def _answer(self, message: Mapping[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        settings = {
            "python": {"pythonPath": sys.executable, "analysis": {"diagnosticMode": "openFilesOnly"}},
            "python.analysis": {"diagnosticMode": "openFilesOnly"},
        }
        return [settings.get(item.get("section")) for item in message["params"]["items"]]

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._input.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._output.readline().strip()) or not length:
            assert line or length or self._output.peek(1), "the language server has ended"  # type: ignore[attr-defined]
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self._output.read(length))
        return message


@contextmanager
def language_server(folder: Path) -> Iterator[LanguageServer]:
    """A running language server for a folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pyright.langserver", "--stdio"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = LanguageServer(process, folder)
        server.start()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
