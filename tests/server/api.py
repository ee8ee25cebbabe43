"""A plain client of the server: requests as text, answers as JSON."""

from __future__ import annotations

import json
from typing import Any, Self
from uuid import uuid4

import httpx

FLOW: dict[str, Any] = {
    "name": "etl",
    "type": "prefect.core.flow.Flow",
    "parameters": [
        {"name": "x", "slug": "x", "required": True, "default": None},
        {"name": "y", "slug": "y", "required": False, "default": 2},
    ],
    "tasks": [
        {"name": "x", "slug": "x", "type": "prefect.core.parameter.Parameter", "tags": []},
        {"name": "extract", "slug": "extract-1", "tags": ["db"], "max_retries": 2, "retry_delay": 90},
        {"name": "load", "slug": "load-1", "tags": ["db", "big"], "cache_key": "k"},
    ],
    "edges": [
        {
            "upstream_task": {"slug": "x"},
            "downstream_task": {"slug": "extract-1"},
            "key": "x",
            "mapped": False,
        },
        {
            "upstream_task": {"slug": "extract-1"},
            "downstream_task": {"slug": "load-1"},
            "key": None,
            "mapped": True,
        },
    ],
    "reference_tasks": [],
    "run_config": {"type": "UniversalRun", "labels": ["linux"]},
    "schedule": None,
    "__version__": "1.4.1",
}


class Refused(Exception):
    """The server answered with errors."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        self.status = status
        self.answer = answer
        super().__init__(f"{status}: {json.dumps(answer)}")

    @property
    def message(self) -> str:
        """The first error's text."""
        text: str = self.answer["errors"][0]["message"]
        return text

    @property
    def code(self) -> str | None:
        """The first error's code."""
        code: str | None = self.answer["errors"][0].get("extensions", {}).get("code")
        return code


class Api:
    """A client. `tenant_id` confines it by header; `token` is its API token."""

    def __init__(
        self,
        url: str,
        *,
        tenant_id: str | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        sent = dict(headers or {})
        if tenant_id:
            sent["X-PREFECT-TENANT-ID"] = tenant_id
        if token:
            sent["Authorization"] = f"Bearer {token}"
        self.tenant_id = tenant_id or ""
        self.http = httpx.Client(base_url=url, headers=sent, timeout=60, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def send(self, query: str, variables: object = None, **more: Any) -> tuple[int, dict[str, Any]]:
        """(status, answer) of a request."""
        answer = self.http.post("/graphql", json={"query": query, "variables": variables}, **more)
        parsed: dict[str, Any] = answer.json()
        return answer.status_code, parsed

    def ask(self, query: str, variables: object = None, **more: Any) -> dict[str, Any]:
        """The data of a request; raises Refused where there are errors."""
        status, answer = self.send(query, variables, **more)
        if status != 200 or answer.get("errors"):
            raise Refused(status, answer)
        data: dict[str, Any] = answer["data"]
        return data

    def do(
        self, mutation: str, selection: str = "id", headers: dict[str, str] | None = None, **fields: Any
    ) -> Any:
        """Run a mutation; its payload, or the payload's only field."""
        query = f"mutation ($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        payload = self.ask(query, {"input": fields}, headers=headers)[mutation]
        return next(iter(payload.values())) if len(payload) == 1 else payload

    def by_id(self, table: str, key: str, selection: str) -> dict[str, Any]:
        """A row by its primary key; raises KeyError where there is none."""
        found = self.ask(f"query ($id: uuid!) {{ {table}_by_pk(id: $id) {{ {selection} }} }}", {"id": key})
        row: dict[str, Any] | None = found[f"{table}_by_pk"]
        if row is None:
            raise KeyError(f"{table} {key}")
        return row

    def project(self) -> str:
        """A new project."""
        key: str = self.do("create_project", tenant_id=self.tenant_id, name=f"project-{uuid4().hex[:8]}")
        return key

    def flow(
        self, *, project_id: str | None = None, serialized: dict[str, Any] | None = None, **more: Any
    ) -> str:
        """A new flow, its schedule off."""
        fields = {"set_schedule_active": False, **more}
        key: str = self.do(
            "create_flow",
            serialized_flow=serialized or FLOW,
            project_id=project_id or self.project(),
            **fields,
        )
        return key

    def run(self, flow_id: str | None = None, **more: Any) -> str:
        """A new flow run."""
        fields = {"parameters": {"x": 1}, **more}
        key: str = self.do("create_flow_run", flow_id=flow_id or self.flow(), **fields)
        return key

    def set_run(self, flow_run_id: str, state: str, **more: Any) -> dict[str, Any]:
        """Set a flow run's state by its name."""
        headers = more.pop("headers", None)
        version = more.pop("version", None)
        entry = {"flow_run_id": flow_run_id, "state": {"type": state, **more}, "version": version}
        states = self.do("set_flow_run_states", "states { id status message }", headers, states=[entry])
        answer: dict[str, Any] = states[0]
        return answer

    def set_task(self, task_run_id: str, state: str, **more: Any) -> dict[str, Any]:
        """Set a task run's state by its name."""
        version = more.pop("version", None)
        entry = {"task_run_id": task_run_id, "state": {"type": state, **more}, "version": version}
        answer: dict[str, Any] = self.do(
            "set_task_run_states", "states { id status message }", states=[entry]
        )[0]
        return answer

    def task_run(self, flow_run_id: str, slug: str) -> str:
        """The id of a flow run's task run."""
        where = {"flow_run_id": {"_eq": flow_run_id}, "task": {"slug": {"_eq": slug}}}
        found = self.ask(
            "query ($where: task_run_bool_exp) { task_run(where: $where) { id } }", {"where": where}
        )
        key: str = found["task_run"][0]["id"]
        return key


def new_tenant(api: Api) -> str:
    """A new tenant."""
    slug = f"t-{uuid4().hex}"
    key: str = api.do("create_tenant", name=slug, slug=slug)
    return key
