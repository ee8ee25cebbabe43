"""Jobs: their manifest against the published OpenAPI document, and their life against an API server on the loopback."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from tests.environments.fake_kubernetes import Cluster, check, running_cluster

from penstock.environments import KubernetesJobEnvironment, RunRequest
from penstock.environments.base import EnvironmentFailure
from penstock.execution.context import StopReason, StopSignal
from penstock.execution.identity import RunIdentity
from penstock.states import Cancelled, Failed, Success, TimedOut
from penstock.storage import DockerStorage, ModuleStorage, RemoteStorage, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = RunIdentity(
    url="http://127.0.0.1:4200/graphql",
    flow_run_id=UUID("8a1c5b7e-0f0e-4b0e-9d7a-2f6a1b3c4d5e"),
    flow_run_name="calm-otter",
    attempt=2,
    api_key=SecretStr("a secret key"),
)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that KUBECONFIG leads to."""
    with running_cluster(tmp_path) as (running, kubeconfig):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        # The client reads the variable when it is first imported.
        from kubernetes.config import kube_config

        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        yield running


@pytest.mark.parametrize(
    ("environment", "storage"),
    [
        (KubernetesJobEnvironment(image="x"), RemoteStorage("s3://bucket/flows")),
        (KubernetesJobEnvironment(), DockerStorage("registry.example.com/flows", tag="v1")),
        (
            KubernetesJobEnvironment(
                image="x",
                namespace="flows",
                secret="keys",
                service_account="runner",
                cpu="500m",
                memory="1Gi",
                timeout=60,
                variables={"A": "1"},
                image_pull_policy="Always",
            ),
            ModuleStorage(),
        ),
    ],
    ids=["remote", "image", "everything"],
)
def test_manifests_are_valid_jobs(environment: KubernetesJobEnvironment, storage: Storage) -> None:
    location = "greet/0123.flow"
    plain = environment.manifest(storage, location, RunRequest(parameters={"name": "Ada"}))
    check("batch.v1.Job", plain)
    assert plain == environment.manifest(storage, location, RunRequest(parameters={"name": "Ada"}))
    identified = RUN if environment.secret else RUN.model_copy(update={"api_key": None})
    job = environment.manifest(storage, location, RunRequest(identity=identified))
    check("batch.v1.Job", job)
    assert job["metadata"]["name"] == f"penstock-{RUN.flow_run_id}-2"
    assert len(job["metadata"]["name"]) <= 63
    assert "a secret key" not in json.dumps(job)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {item["name"]: item["value"] for item in container["env"]}
    assert variables["PENSTOCK_FLOW_RUN_ID"] == str(RUN.flow_run_id)
    assert variables["PENSTOCK_FLOW_LOCATION"] == location
    assert job["spec"]["backoffLimit"] == 0


def test_a_wrong_manifest_would_be_noticed() -> None:
    import jsonschema

    job = KubernetesJobEnvironment(image="x").manifest(ModuleStorage(), "m:f")
    job["spec"]["template"]["spec"]["restartpolicy"] = "Never"
    with pytest.raises(jsonschema.ValidationError):
        check("batch.v1.Job", job)


def test_a_key_has_no_place_in_a_manifest() -> None:
    with pytest.raises(EnvironmentFailure, match="put PENSTOCK_API_KEY into a Secret"):
        KubernetesJobEnvironment(image="x").manifest(ModuleStorage(), "m:f", RunRequest(identity=RUN))


LOCATION = "tests.environments.job_flows:greet"
WAITING = "tests.environments.job_flows:wait"


def execute(environment: KubernetesJobEnvironment, location: str = LOCATION, **fields: Any) -> Any:
    return environment.execute(ModuleStorage(), location, RunRequest(**fields))


def test_a_job_is_made_watched_read_and_deleted(cluster: Cluster) -> None:
    lines: list[str] = []
    cluster.secrets["keys"] = {"PENSTOCK_SIGNING_KEY": "a key of enough characters"}
    outcome = execute(
        KubernetesJobEnvironment(image="x", secret="keys"),
        parameters={"name": "Ada"},
        output=lambda _, line: lines.append(line),
    )
    assert isinstance(outcome.state, Success)
    assert outcome.state.result == "hello Ada"
    assert lines == ["hello Ada"]
    assert cluster.jobs == {}
    (name,) = cluster.deleted
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    assert cluster.requests[0] == f"POST {jobs}"
    assert set(cluster.requests[1:-3]) == {f"GET {jobs}/{name}/status"}
    assert cluster.requests[-3:] == [
        "GET /api/v1/namespaces/default/pods",
        f"GET /api/v1/namespaces/default/pods/{name}-x7k2p/log",
        f"DELETE {jobs}/{name}",
    ]


def test_a_job_that_fails_says_why(cluster: Cluster) -> None:
    outcome = execute(KubernetesJobEnvironment(image="x"), parameters={"nobody": 1})
    assert isinstance(outcome.state, Failed)
    assert "nobody is no parameter" in str(outcome.state.message)
    missing = execute(KubernetesJobEnvironment(image="x"), "no_such_module:flow")
    assert "cannot be imported" in str(missing.state.message)


def test_a_deadline_of_the_cluster_is_a_timeout(cluster: Cluster) -> None:
    cluster.end_as = ("Failed", "DeadlineExceeded")

    def end_it() -> None:
        end = time.monotonic() + 60
        while not cluster.processes and time.monotonic() < end:
            time.sleep(0.02)
        for process in cluster.processes.values():
            process.kill()

    threading.Thread(target=end_it, daemon=True).start()
    outcome = execute(KubernetesJobEnvironment(image="x", timeout=1), WAITING)
    assert isinstance(outcome.state, TimedOut)


def test_a_run_that_is_to_stop_deletes_its_job(cluster: Cluster) -> None:
    stop = StopSignal()
    threading.Timer(1.0, lambda: stop.set(StopReason.CANCELLED)).start()
    outcome = execute(KubernetesJobEnvironment(image="x"), WAITING, stop=stop)
    assert isinstance(outcome.state, Cancelled)
    assert len(cluster.deleted) == 1


def test_an_api_server_that_is_away_for_a_while_ends_nothing(cluster: Cluster) -> None:
    cluster.silent = 3
    assert execute(KubernetesJobEnvironment(image="x")).state.result == "hello you"


def test_refusals_are_sentences(cluster: Cluster) -> None:
    with pytest.raises(
        EnvironmentFailure, match=r"refused to create the Job .*forbidden: User cannot .*\(403\)"
    ):
        execute(KubernetesJobEnvironment(image="x", namespace="forbidden"))
    with pytest.raises(EnvironmentFailure, match="No Kubernetes cluster is configured"):
        execute(KubernetesJobEnvironment(image="x", context="elsewhere"))
