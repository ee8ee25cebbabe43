"""Execution in a Kubernetes Job."""

from __future__ import annotations

import importlib
import json
import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from penstock.environments.base import (
    Environment,
    EnvironmentFailure,
    Outcome,
    RunRequest,
    UnsuitableStorage,
)
from penstock.execution.__main__ import STATE_LINE
from penstock.execution.context import StopReason
from penstock.states import Cancelled, Failed, State, TimedOut

if TYPE_CHECKING:
    from penstock.storage.base import Storage

# Between two looks at a Job: fast at first, for short flows, then this.
POLL_SECONDS = 2.0
CONTAINER = "flow"


@dataclass(frozen=True, kw_only=True)
class KubernetesJobEnvironment(Environment):
    """Executes each run in a Job of its own, which is deleted when it is over.

    Who may create Jobs is found as kubectl does it: the pod's service account inside a cluster, else the kubeconfig.

    Attributes:
        image: The container image; a DockerStorage brings its own.
        namespace: Where the Job is made.
        secret: The name of a Secret of the namespace whose keys become environment variables: `PENSTOCK_API_KEY`,
            `PENSTOCK_SIGNING_KEY`, and what the flow needs. Secrets are never part of a Job's manifest.
        service_account: The account that the flow runs as; the namespace's default, where it is None.
        cpu: What it asks for and may take, such as `500m`.
        memory: Likewise, such as `512Mi`.
        timeout: Seconds that a run may take; None for no end.
        variables: Environment variables for the flow.
        image_pull_policy: When the image is fetched.
        context: The context of the kubeconfig; the current one, where it is None.
    """

    image: str | None = None
    namespace: str = Field(default="default", pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    secret: str | None = None
    service_account: str | None = None
    cpu: str | None = None
    memory: str | None = None
    timeout: int | None = Field(default=None, ge=1)
    variables: dict[str, str] = Field(default_factory=dict)
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    context: str | None = None

    def __hash__(self) -> int:
        return hash((self.image, self.namespace, self.secret, self.timeout))

    def check(self, storage: Storage) -> None:
        """Refuses storages that a container of the cluster cannot reach."""
        from penstock.storage.docker import DockerStorage
        from penstock.storage.module import ModuleStorage
        from penstock.storage.remote import RemoteStorage
        from penstock.storage.script import ScriptStorage

        if isinstance(storage, DockerStorage):
            return
        reachable = (
            isinstance(storage, RemoteStorage) and not storage.url.startswith(("memory:", "file:"))
        ) or isinstance(storage, ModuleStorage)
        if isinstance(storage, ScriptStorage):
            reachable = storage.repository is not None and "://" in storage.repository
        if not reachable:
            raise UnsuitableStorage(
                f"A container of the cluster cannot reach {type(storage).__name__} {storage.name!r}. "
                "Use a DockerStorage, a RemoteStorage such as s3://…, a ModuleStorage, or a ScriptStorage with the URL of a repository."
            )
        if self.image is None:
            raise UnsuitableStorage(
                f"A {type(storage).__name__} brings no image: name one with KubernetesJobEnvironment(image=…)."
            )

    def manifest(
        self, storage: Storage, flow_location: str, request: RunRequest | None = None
    ) -> dict[str, Any]:
        """The Job's manifest, of the API `batch/v1`: the same for the same arguments, and without secrets."""
        from penstock.storage.docker import DockerStorage

        self.check(storage)
        asked = request or RunRequest()
        identity = asked.identity
        if identity is not None and identity.api_key is not None and self.secret is None:
            raise EnvironmentFailure(
                "The API asks for a key, and a Job's manifest is no place for one: put PENSTOCK_API_KEY into a Secret, and name it with "
                "KubernetesJobEnvironment(secret=…)."
            )
        variables = {
            **self.variables,
            "PENSTOCK_STORAGE": json.dumps(storage.serialize()),
            "PENSTOCK_FLOW_LOCATION": flow_location,
            "PENSTOCK_PARAMETERS": json.dumps(dict(asked.parameters), default=str),
            "PENSTOCK_PRINT_STATE": "1",
        }
        labels = {"app.kubernetes.io/managed-by": "penstock"}
        name = f"penstock-{re.sub(r'[^a-z0-9]+', '-', flow_location.lower()).strip('-')[:40].strip('-')}"
        if identity is not None:
            told = identity.variables()
            told.pop("PENSTOCK_API_KEY", None)
            variables |= told
            labels["penstock/flow-run"] = str(identity.flow_run_id)
            labels["penstock/attempt"] = str(identity.attempt)
            # One Job per execution: a second agent that tried the same would be refused by the cluster.
            name = f"penstock-{identity.flow_run_id}-{identity.attempt}"
        image = storage.reference if isinstance(storage, DockerStorage) else self.image
        container: dict[str, Any] = {
            "name": CONTAINER,
            "image": image,
            "imagePullPolicy": self.image_pull_policy,
            "command": ["python", "-m", "penstock.execution"],
            "env": [{"name": key, "value": value} for key, value in sorted(variables.items())],
            "securityContext": {"allowPrivilegeEscalation": False},
        }
        if self.secret is not None:
            container["envFrom"] = [{"secretRef": {"name": self.secret}}]
        amounts = {
            key: value for key, value in (("cpu", self.cpu), ("memory", self.memory)) if value is not None
        }
        if amounts:
            container["resources"] = {"requests": amounts, "limits": amounts}
        pod: dict[str, Any] = {"restartPolicy": "Never", "containers": [container]}
        if self.service_account is not None:
            pod["serviceAccountName"] = self.service_account
        spec: dict[str, Any] = {
            # Whether a run is tried again is for the API to say, not for the cluster.
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        if self.timeout is not None:
            spec["activeDeadlineSeconds"] = self.timeout
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": spec,
        }

    def execute(self, storage: Storage, flow_location: str, request: RunRequest | None = None) -> Outcome:
        """Execute a stored flow in a Job, wait for it, and delete it."""
        asked = request or RunRequest()
        manifest = self.manifest(storage, flow_location, asked)
        with _Cluster(self.context) as cluster:
            return _Job(cluster, manifest, asked).outcome()


class _Cluster:
    """The official client's two APIs that are needed, and its errors as sentences."""

    def __init__(self, context: str | None) -> None:
        try:
            # By name, because it has next to no types.
            kubernetes: Any = importlib.import_module("kubernetes")
        except ImportError:
            raise EnvironmentFailure(
                "A KubernetesJobEnvironment needs the Kubernetes client, which is not installed. Run: pip install 'penstock[kubernetes]'"
            ) from None
        configuration = kubernetes.client.Configuration()
        try:
            if context is None:
                try:
                    kubernetes.config.load_incluster_config(client_configuration=configuration)
                except kubernetes.config.ConfigException:
                    kubernetes.config.load_kube_config(client_configuration=configuration)
            else:
                kubernetes.config.load_kube_config(context=context, client_configuration=configuration)
        except (kubernetes.config.ConfigException, OSError) as error:
            raise EnvironmentFailure(
                f"No Kubernetes cluster is configured: {error}. Set KUBECONFIG, or run inside a cluster."
            ) from None
        self._api = kubernetes.client.ApiClient(configuration)
        self._refused = kubernetes.client.exceptions.ApiException
        self.jobs = kubernetes.client.BatchV1Api(self._api)
        self.pods = kubernetes.client.CoreV1Api(self._api)

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, *exception: object) -> None:
        self._api.close()

    def call(self, what: str, function: Any, *arguments: Any, **options: Any) -> Any:
        """A call; None where the object is not there. Raises EnvironmentFailure for anything else that is refused."""
        import urllib3

        try:
            return function(*arguments, _request_timeout=30, **options)
        except self._refused as error:
            if error.status == 404 and not what.startswith("create"):
                return None
            try:
                said = json.loads(error.body)["message"]
            except (TypeError, ValueError, KeyError):
                said = error.reason
            raise EnvironmentFailure(
                f"The Kubernetes API refused to {what}: {said} ({error.status})."
            ) from None
        except urllib3.exceptions.HTTPError as error:
            raise EnvironmentFailure(f"The Kubernetes API could not be reached to {what}: {error}.") from None


class _Job:
    """A Job, from its creation to the run's outcome."""

    def __init__(self, cluster: _Cluster, manifest: dict[str, Any], request: RunRequest) -> None:
        self._cluster = cluster
        self._manifest = manifest
        self._request = request
        self._name = manifest["metadata"]["name"]
        self._namespace = manifest["metadata"]["namespace"]

    def outcome(self) -> Outcome:
        """Create the Job, wait for its end, read the pod's output, and delete both."""
        cluster = self._cluster
        cluster.call(
            f"create the Job {self._name}",
            cluster.jobs.create_namespaced_job,
            self._namespace,
            self._manifest,
        )
        try:
            ended = self._wait()
            return self._conclude(ended)
        finally:
            cluster.call(
                f"delete the Job {self._name}",
                cluster.jobs.delete_namespaced_job,
                self._name,
                self._namespace,
                propagation_policy="Background",
            )

    def _wait(self) -> tuple[str, str]:
        """The condition that ended the Job, and its reason."""
        wait = 0.1
        unreached = 0
        while not self._request.stop.wait(wait):
            wait = min(wait * 1.5, POLL_SECONDS)
            try:
                job = self._cluster.call(
                    f"read the Job {self._name}",
                    self._cluster.jobs.read_namespaced_job_status,
                    self._name,
                    self._namespace,
                )
            except EnvironmentFailure:
                # The pod goes on without us: an API server that restarts ends no run.
                unreached += 1
                if unreached > 30:
                    raise
                continue
            unreached = 0
            if job is None:
                return "Deleted", "the Job was deleted by someone else"
            for condition in job.status.conditions or []:
                if condition.type in ("Complete", "Failed") and condition.status == "True":
                    return condition.type, f"{condition.reason or ''} {condition.message or ''}".strip()
        return "Stopped", ""

    def _conclude(self, ended: tuple[str, str]) -> Outcome:
        kind, why = ended
        if kind == "Stopped":
            if self._request.stop.reason is StopReason.SHUTDOWN:
                return Outcome(Failed(message="The agent was stopped before the flow run was over."), False)
            return Outcome(Cancelled(message="The flow run was cancelled."), False)
        state, reported, last = self._output() if kind != "Deleted" else (None, False, "")
        if state is not None:
            return Outcome(state, reported)
        if why.startswith("DeadlineExceeded"):
            return Outcome(TimedOut(message="The flow run took longer than its Job may."), False)
        return Outcome(
            Failed(message=f"The Job ended before it said what came of the run: {why}. {last}".strip()), False
        )

    def _output(self) -> tuple[State | None, bool, str]:
        pods = self._cluster.call(
            f"list the pods of the Job {self._name}",
            self._cluster.pods.list_namespaced_pod,
            self._namespace,
            label_selector=f"job-name={self._name}",
        )
        state, reported, last = None, False, ""
        for pod in sorted(pods.items if pods is not None else [], key=lambda item: str(item.metadata.name)):
            text = self._cluster.call(
                f"read the log of the pod {pod.metadata.name}",
                self._cluster.pods.read_namespaced_pod_log,
                pod.metadata.name,
                self._namespace,
                container=CONTAINER,
            )
            for line in (text or "").splitlines():
                if line.startswith(STATE_LINE):
                    try:
                        found = json.loads(line.removeprefix(STATE_LINE))
                        state, reported = State.deserialize(found["state"]), bool(found["reported"])
                        continue
                    except (ValueError, KeyError, TypeError):
                        pass
                last = line
                self._request.output("INFO", line)
        return state, reported, last
