"""The part of a Kubernetes API server that Jobs need, on the loopback, with a kubelet that runs containers as processes.

Its answers have the form of a real cluster's, and are checked, as everything that is sent to it, against the published OpenAPI document.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import yaml

SCHEMA: dict[str, Any] = json.loads(
    Path(__file__).with_name("kubernetes_1_37.json").read_text(encoding="utf-8")
)
TIME = "2026-01-31T12:00:00Z"


def check(kind: str, value: Any) -> None:
    """Raises jsonschema's ValidationError where a value is not of a kind such as `batch.v1.Job`."""
    prefix = "io.k8s.apimachinery.pkg.apis." if kind.startswith("meta") else "io.k8s.api."
    jsonschema.validate(value, {"$ref": f"#/$defs/{prefix}{kind}", "$defs": SCHEMA["$defs"]})


class Cluster:
    """Jobs by name, and what has become of them.

    `secrets` are the Secrets that containers can be given, `requests` what was asked, `silent` how many requests stay without an answer.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.logs: dict[str, str] = {}
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []
        self.silent = 0
        self.end_as: tuple[str, str] | None = None
        self.lock = threading.Lock()

    def create(self, job: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Take a Job and run its container."""
        check("batch.v1.Job", job)
        name = job["metadata"]["name"]
        if name in self.jobs:
            return 409, status(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        if job["metadata"]["namespace"] == "forbidden":
            return 403, status(403, "Forbidden", "jobs.batch is forbidden: User cannot create resource")
        self.jobs[name] = job
        threading.Thread(target=self._run, args=(name,), daemon=True).start()
        return 201, self.shown(name)

    def _run(self, name: str) -> None:
        (container,) = self.jobs[name]["spec"]["template"]["spec"]["containers"]
        variables = {item["name"]: item["value"] for item in container["env"]}
        for source in container.get("envFrom", []):
            variables |= self.secrets[source["secretRef"]["name"]]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_")}
        process = subprocess.Popen(
            [sys.executable, *container["command"][1:]],
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes[name] = process
        output, _ = process.communicate()
        self.logs[name] = output
        with self.lock:
            succeeded = process.returncode == 0
            kind, reason = self.end_as or (
                ("Complete", "CompletionsReached") if succeeded else ("Failed", "BackoffLimitExceeded")
            )
            condition = {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": "Job has ended",
                "lastProbeTime": TIME,
                "lastTransitionTime": TIME,
            }
            self.jobs[name]["status"] = {
                "conditions": [condition],
                "startTime": TIME,
                **({"succeeded": 1, "completionTime": TIME} if kind == "Complete" else {"failed": 1}),
            }

    def shown(self, name: str) -> dict[str, Any]:
        """A Job as the API shows it."""
        with self.lock:
            job = json.loads(json.dumps(self.jobs[name]))
        job["metadata"] |= {"uid": f"uid-{name}", "creationTimestamp": TIME, "resourceVersion": "1"}
        job.setdefault("status", {"active": 1, "ready": 0, "startTime": TIME})
        check("batch.v1.Job", job)
        return dict(job)

    def pods(self, selector: str) -> dict[str, Any]:
        """The pods of a Job."""
        name = selector.removeprefix("job-name=")
        items = []
        if name in self.jobs:
            template = self.jobs[name]["spec"]["template"]
            metadata = {**template["metadata"], "name": f"{name}-x7k2p", "namespace": "default"}
            items = [{"metadata": metadata, "spec": template["spec"], "status": {"phase": "Succeeded"}}]
        found = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items}
        check("core.v1.PodList", found)
        return found


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    """An error as a cluster gives it."""
    found = {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
        "metadata": {},
    }
    check("meta.v1.Status", found)
    return found


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, code: int, body: Mapping[str, Any] | str) -> None:
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _handle(self) -> None:
            url = urlsplit(self.path)
            parts = url.path.strip("/").split("/")
            cluster.requests.append(f"{self.command} {url.path}")
            length = int(self.headers.get("Content-Length") or 0)
            body: dict[str, Any] = json.loads(self.rfile.read(length)) if length else {}
            if self.command != "POST" and cluster.silent > 0:
                cluster.silent -= 1
                self.close_connection = True
                return
            if self.command == "POST":
                self._answer(*cluster.create(body))
                return
            if parts[-1] == "pods":
                (selector,) = parse_qs(url.query)["labelSelector"]
                self._answer(200, cluster.pods(selector))
                return
            if parts[-1] == "log":
                self._answer(200, cluster.logs.get(parts[-2].removesuffix("-x7k2p"), ""))
                return
            name = parts[6]
            if name not in cluster.jobs:
                self._answer(404, status(404, "NotFound", f'jobs.batch "{name}" not found'))
            elif self.command == "DELETE":
                cluster.deleted.append(name)
                process = cluster.processes.get(name)
                if process is not None and process.poll() is None:
                    process.terminate()
                shown = cluster.shown(name)
                del cluster.jobs[name]
                self._answer(200, shown)
            else:
                self._answer(200, cluster.shown(name))

        do_GET = do_POST = do_DELETE = _handle

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at `requests`."""

    return Handler


@contextmanager
def running_cluster(folder: Path) -> Iterator[tuple[Cluster, Path]]:
    """A cluster for as long as the block runs, and the kubeconfig that leads to it."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "fake", "user": "somebody"}}],
                "clusters": [
                    {"name": "fake", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
                ],
                "users": [{"name": "somebody", "user": {}}],
            }
        )
    )
    try:
        yield cluster, kubeconfig
    finally:
        for process in cluster.processes.values():
            if process.poll() is None:
                process.kill()
        server.shutdown()
        server.server_close()
        thread.join(10)
