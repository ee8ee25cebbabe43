"""The old flat methods, each a few lines over the new calls.

The texts of the warnings stand here in full, since type checkers read them only so; a test holds them to the table.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from typing_extensions import deprecated

from penstock.legacy.documents import parse_graphql
from penstock_api import (
    UNSET,
    ActionFailed,
    AuthenticationError,
    ClientError,
    GraphQLError,
    HTTPStatusError,
    NotFound,
    TransportError,
)

if TYPE_CHECKING:
    from uuid import UUID

    from penstock.client import Client
    from penstock.flows import FlowLike
    from penstock.legacy.results import FlowRunInfoResult, GraphQLResult, TaskRunInfoResult
    from penstock.states import State
    from penstock_api.inputs import TaskRunBoolExp

_QUEUED_FOR = timedelta(seconds=30)
"""How long a task run waits before it asks again, where a limit on its tags left it no room."""

_FLOW_RUN_INFO = """
id name flow_id parameters context version scheduled_start_time serialized_state
task_runs(where: {map_index: {_eq: -1}}) { id version serialized_state task { id slug } }
flow { project { id name } }
"""


@runtime_checkable
class _Serializes(Protocol):
    def serialize(self) -> Any: ...


class OldMethods:
    """The flat methods of the old client. Each one is deprecated, and its warning says what to write."""

    @property
    def tenant_id(self) -> UUID:
        """The tenant that the client works in: the one given or logged in to, else the key's own, else the only one there is.

        Raises:
            MissingContext: There are several, and nothing says which.
        """
        from penstock_api import MissingContext

        found = _client(self)._context_value("tenant_id")
        if found is None:
            raise MissingContext("tenant_id")
        return found if isinstance(found, uuid.UUID) else uuid.UUID(str(found))

    # ------------------------------------------------------------------------------------------------- raw requests

    @deprecated(
        "client.graphql() is deprecated since 0.1 and goes with 1.0; "
        'write client.execute(document, variables); simple reads: client.flow(id=…).get("name").'
    )
    def graphql(
        self,
        query: Any,
        raise_on_error: bool = True,
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        token: str | None = None,
        retry_on_api_error: bool = True,
    ) -> GraphQLResult:
        """Sends a document, as text or as nested dicts and sets; gives the whole answer with attribute access.

        Raises `ClientError` where the answer reports errors, unless `raise_on_error` is false: then they are `result.errors`.
        """
        from penstock.legacy.results import graphql_result

        more = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        client = _client(self)
        if more:
            client = client.with_options(headers=more)
        if not retry_on_api_error:
            client = client.with_options(retries=0)
        try:
            data: Any = client.execute(parse_graphql(query), variables)
        except GraphQLError as error:
            if raise_on_error:
                raise
            return graphql_result({"data": error.data, "errors": list(error.errors)})
        return graphql_result({"data": data})

    @deprecated(
        "client.get() is deprecated since 0.1 and goes with 1.0; write httpx.get(url, headers=…), since the API is GraphQL."
    )
    def get(
        self,
        path: str,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        token: str | None = None,
        retry_on_api_error: bool = True,
    ) -> dict[str, Any]:
        """A GET request to a path of the server; gives the JSON of the answer."""
        return _raw(_client(self), "GET", path, server, headers, params, token)

    @deprecated(
        "client.post() is deprecated since 0.1 and goes with 1.0; write httpx.post(url, json=…), since the API is GraphQL."
    )
    def post(
        self,
        path: str,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        token: str | None = None,
        retry_on_api_error: bool = True,
    ) -> dict[str, Any]:
        """A POST request of JSON to a path of the server; gives the JSON of the answer."""
        return _raw(_client(self), "POST", path, server, headers, params, token)

    # ------------------------------------------------------------------------------------------ projects and flows

    @deprecated(
        "client.create_project() is deprecated since 0.1 and goes with 1.0; write client.project.create(name=…, description=…)."
    )
    def create_project(self, project_name: str, project_description: str | None = None) -> str:
        """Creates a project, or finds the one that has the name already; gives its id."""
        client = _client(self)
        try:
            return str(client.project.create(project_name, description=_given(project_description)).id)
        except GraphQLError as error:
            if "uniqueness violation" not in str(error).lower():
                raise
            return str(client.project(name=project_name).get("id"))

    @deprecated(
        "client.delete_project() is deprecated since 0.1 and goes with 1.0; write client.project(name=…).delete()."
    )
    def delete_project(self, project_name: str) -> bool:
        """Deletes a project and all its flows. Raises `ValueError` where there is none of that name."""
        try:
            _client(self).project(name=project_name).delete()
        except NotFound:
            raise ValueError(f"There is no project {project_name!r}.") from None
        return True

    @deprecated(
        "client.register() is deprecated since 0.1 and goes with 1.0; write client.flow.register(flow, project=…)."
    )
    def register(
        self,
        flow: FlowLike,
        project_name: str | None = None,
        build: bool = True,
        set_schedule_active: bool = True,
        version_group_id: str | None = None,
        compressed: bool = True,
        no_url: bool = False,
        idempotency_key: str | None = None,
    ) -> str:
        """Registers a flow under a project; gives the flow's id. `build` and `no_url` have no meaning any more.

        Raises `ValueError` where there is no project of that name, `TypeError` where none is named.
        """
        return self._register(
            flow, project_name, set_schedule_active, version_group_id, compressed, idempotency_key
        )

    @deprecated(
        "client.deploy() is deprecated since 0.1 and goes with 1.0; write client.flow.register(flow, project=…)."
    )
    def deploy(
        self,
        flow: FlowLike,
        project_name: str | None = None,
        build: bool = True,
        set_schedule_active: bool = True,
        version_group_id: str | None = None,
        compressed: bool = True,
        no_url: bool = False,
        idempotency_key: str | None = None,
    ) -> str:
        """`register`, as it was called first."""
        return self._register(
            flow, project_name, set_schedule_active, version_group_id, compressed, idempotency_key
        )

    def _register(
        self,
        flow: FlowLike,
        project_name: str | None,
        set_schedule_active: bool,
        version_group_id: str | None,
        compressed: bool,
        idempotency_key: str | None,
    ) -> str:
        if project_name is None:
            raise TypeError("'project_name' is a required field when registering a flow.")
        try:
            registered = _client(self).flow.register(
                flow,
                project=project_name,
                set_schedule_active=set_schedule_active,
                version_group_id=version_group_id,
                idempotency_key=idempotency_key,
                compressed=compressed,
            )
        except NotFound as error:
            if error.resource != "project":
                raise
            raise ValueError(
                f"Project {project_name} not found. Make it with client.project.create(name={project_name!r})."
            ) from None
        return str(registered.id)

    # --------------------------------------------------------------------------------------------------- flow runs

    @deprecated(
        "client.create_flow_run() is deprecated since 0.1 and goes with 1.0; write client.flow(id=…).run(parameters=…)."
    )
    def create_flow_run(
        self,
        flow_id: UUID | str | None = None,
        context: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        run_config: Any = None,
        labels: Any = None,
        scheduled_start_time: Any = None,
        idempotency_key: str | None = None,
        run_name: str | None = None,
        version_group_id: str | None = None,
    ) -> str:
        """Creates a flow run; gives its id.

        Where no idempotency key is given, a random one is sent, so that a repeated request makes no second run. The order before 0.13,
        `(flow_id, context, parameters, scheduled_start_time, idempotency_key, run_name)`, is told apart by the types.

        Raises `ValueError` where neither a flow nor a version group is named.
        """
        if isinstance(run_config, datetime) or isinstance(labels, str):
            run_config, labels, scheduled_start_time, idempotency_key, run_name = (
                None,
                None,
                run_config,
                cast("str | None", labels),
                scheduled_start_time or run_name,
            )
        if isinstance(run_config, _Serializes):
            run_config = run_config.serialize()
        if isinstance(scheduled_start_time, datetime) and scheduled_start_time.tzinfo is None:
            # The API takes a time without a zone as UTC.
            scheduled_start_time = scheduled_start_time.replace(tzinfo=UTC)
        if flow_id is None and version_group_id is None:
            raise ValueError("One of flow_id or version_group_id must be provided.")
        client = _client(self)
        key = idempotency_key if idempotency_key is not None else str(uuid.uuid4())
        if flow_id is not None and version_group_id is None:
            return str(
                client.flow(id=flow_id)
                .run(
                    parameters=_given(parameters),
                    flow_run_name=_given(run_name),
                    scheduled_start_time=_given(scheduled_start_time),
                    labels=_given(labels),
                    run_config=_given(run_config),
                    context=_given(context),
                    idempotency_key=key,
                )
                .id
            )
        return str(
            client.flow_run.create(
                flow_id=_given(flow_id),
                version_group_id=_given(version_group_id),
                parameters=_given(parameters),
                flow_run_name=_given(run_name),
                scheduled_start_time=_given(scheduled_start_time),
                labels=_given(labels),
                run_config=_given(run_config),
                context=_given(context),
                idempotency_key=key,
            ).id
        )

    @deprecated(
        "client.get_flow_run_info() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…)."
    )
    def get_flow_run_info(self, flow_run_id: UUID | str) -> FlowRunInfoResult:
        """What whoever executes a flow run needs of it. Raises `ClientError` where there is no such run."""
        from penstock.legacy.results import FlowRunInfoResult, ProjectInfo, TaskRunInfoResult

        run = _client(self).flow_run(id=flow_run_id).query(_FLOW_RUN_INFO)
        return FlowRunInfoResult(
            id=run["id"],
            name=run["name"],
            flow_id=run["flow_id"],
            parameters=run["parameters"],
            context=run["context"],
            version=run["version"],
            scheduled_start_time=datetime.fromisoformat(run["scheduled_start_time"]),
            state=_state(run["serialized_state"]),
            task_runs=[
                TaskRunInfoResult(
                    id=item["id"],
                    task_id=item["task"]["id"],
                    task_slug=item["task"]["slug"],
                    version=item["version"],
                    state=_state(item["serialized_state"]),
                )
                for item in run["task_runs"]
            ],
            project=ProjectInfo(run["flow"]["project"]["id"], run["flow"]["project"]["name"]),
        )

    @deprecated(
        "client.get_flow_run_state() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…).serialized_state."
    )
    def get_flow_run_state(self, flow_run_id: UUID | str) -> State:
        """The state that a flow run is in. Raises `ClientError` where there is no such run."""
        return _client(self).flow_run(id=flow_run_id).get("serialized_state")

    @deprecated(
        "client.set_flow_run_state() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…).set_state(state, version=…)."
    )
    def set_flow_run_state(self, flow_run_id: UUID | str, state: Any = None, version: Any = None) -> Any:
        """Moves a flow run to a state; gives the state, or `Queued` where there is no room for it.

        The order before 0.13, `(flow_run_id, version, state)`, is told apart by the types.
        """
        state, version = _state_and_version(state, version)
        answer = _client(self).flow_run(id=flow_run_id).set_state(_serialized(state), version=_given(version))
        return _unless_queued(state, answer)

    @deprecated(
        "client.set_flow_run_name() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…).set_name(name=…)."
    )
    def set_flow_run_name(self, flow_run_id: UUID | str, name: str) -> bool:
        """Renames a flow run."""
        _client(self).flow_run(id=flow_run_id).set_name(name)
        return True

    @deprecated(
        "client.cancel_flow_run() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…).cancel()."
    )
    def cancel_flow_run(self, flow_run_id: UUID | str) -> bool:
        """Cancels a flow run; gives whether the server said what state it is in now."""
        return bool(_client(self).flow_run(id=flow_run_id).cancel())

    @deprecated(
        "client.update_flow_run_heartbeat() is deprecated since 0.1 and goes with 1.0; write client.flow_run(id=…).heartbeat()."
    )
    def update_flow_run_heartbeat(self, flow_run_id: UUID | str) -> None:
        """Shows that a flow run is alive; what the server refuses is passed over."""
        from contextlib import suppress

        with suppress(GraphQLError, ActionFailed):
            _client(self).flow_run(id=flow_run_id).heartbeat()

    # --------------------------------------------------------------------------------------------------- task runs

    @deprecated(
        "client.get_task_run_info() is deprecated since 0.1 and goes with 1.0; "
        "write client.task_run.get_or_create_info(flow_run_id, task_id, map_index=…)."
    )
    def get_task_run_info(
        self, flow_run_id: UUID | str, task_id: UUID | str, map_index: int | None = None
    ) -> TaskRunInfoResult:
        """The task run of a task, or of one mapped child of it, made where there is none yet. No `map_index` means -1."""
        from penstock.legacy.results import TaskRunInfoResult

        client = _client(self)
        info = client.task_run.get_or_create_info(
            flow_run_id, task_id, map_index=-1 if map_index is None else map_index
        )
        return TaskRunInfoResult(
            id=str(info.id),
            task_id=str(task_id),
            task_slug=client.task(id=task_id).get("slug") or "",
            version=info.version or 0,
            state=_state(info.serialized_state),
        )

    @deprecated(
        "client.get_task_run_state() is deprecated since 0.1 and goes with 1.0; write client.task_run(id=…).serialized_state."
    )
    def get_task_run_state(self, task_run_id: UUID | str) -> State:
        """The state that a task run is in. Raises `ClientError` where there is no such run."""
        return _client(self).task_run(id=task_run_id).get("serialized_state")

    @deprecated(
        "client.set_task_run_state() is deprecated since 0.1 and goes with 1.0; write client.task_run(id=…).set_state(state, version=…)."
    )
    def set_task_run_state(
        self,
        task_run_id: UUID | str,
        state: Any = None,
        version: Any = None,
        cache_for: timedelta | None = None,
    ) -> Any:
        """Moves a task run to a state; gives the state, or `Queued` where its tags leave no room.

        `cache_for` has no meaning any more. The order before 0.13, `(task_run_id, version, state)`, is told apart by the types.
        """
        state, version = _state_and_version(state, version)
        answer = _client(self).task_run(id=task_run_id).set_state(_serialized(state), version=_given(version))
        return _unless_queued(state, answer)

    @deprecated(
        "client.set_task_run_name() is deprecated since 0.1 and goes with 1.0; write client.task_run(id=…).set_name(name=…)."
    )
    def set_task_run_name(self, task_run_id: UUID | str, name: str) -> bool:
        """Renames a task run."""
        _client(self).task_run(id=task_run_id).set_name(name)
        return True

    @deprecated(
        "client.update_task_run_heartbeat() is deprecated since 0.1 and goes with 1.0; write client.task_run(id=…).heartbeat()."
    )
    def update_task_run_heartbeat(self, task_run_id: UUID | str) -> None:
        """Shows that a task run is alive; what the server refuses is passed over."""
        from contextlib import suppress

        with suppress(GraphQLError, ActionFailed):
            _client(self).task_run(id=task_run_id).heartbeat()

    @deprecated(
        "client.get_latest_cached_states() is deprecated since 0.1 and goes with 1.0; write client.task_run.serialized_states(where=…)."
    )
    def get_latest_cached_states(
        self, task_id: UUID | str, cache_key: str | None, created_after: datetime
    ) -> list[State]:
        """The newest Cached states, 100 at most, since a time: by cache key, else of the task."""
        if created_after.tzinfo is None:
            created_after = created_after.replace(tzinfo=UTC)
        where: TaskRunBoolExp = {
            "state": {"_eq": "Cached"},
            "state_timestamp": {"_gte": created_after},
        }
        if cache_key:
            where["cache_key"] = {"_eq": cache_key}
        else:
            where["task_id"] = {"_eq": str(task_id)}
        found = _client(self).task_run.serialized_states(
            where=where,
            order_by=[{"state_timestamp": "desc"}],
            limit=100,
        )
        return [item.serialized_state for item in found]

    @deprecated(
        "client.create_task_run_artifact() is deprecated since 0.1 and goes with 1.0; "
        "write client.task_run(id=…).create_artifact(kind=…, data=…)."
    )
    def create_task_run_artifact(
        self, task_run_id: UUID | str, kind: str, data: Any, tenant_id: UUID | str | None = None
    ) -> str:
        """Attaches an artifact to a task run; gives its id."""
        made = _client(self).task_run(id=task_run_id).create_artifact(kind, data, tenant_id=_given(tenant_id))
        return str(made.id)

    @deprecated(
        "client.update_task_run_artifact() is deprecated since 0.1 and goes with 1.0; "
        "write client.task_run_artifact(id=…).update(data=…)."
    )
    def update_task_run_artifact(self, task_run_artifact_id: UUID | str, data: Any) -> None:
        """Replaces an artifact's data."""
        _client(self).task_run_artifact(id=task_run_artifact_id).update(data)

    @deprecated(
        "client.delete_task_run_artifact() is deprecated since 0.1 and goes with 1.0; write client.task_run_artifact(id=…).delete()."
    )
    def delete_task_run_artifact(self, task_run_artifact_id: UUID | str) -> None:
        """Deletes an artifact."""
        _client(self).task_run_artifact(id=task_run_artifact_id).delete()

    # ------------------------------------------------------------------------------------------- secrets and limits

    @deprecated(
        "client.set_secret() is deprecated since 0.1 and goes with 1.0; write client.secret.set(name=…, value=…)."
    )
    def set_secret(self, name: str, value: Any) -> None:
        """Stores a secret. Raises `ValueError` where that failed."""
        try:
            _client(self).secret.set(name, value)
        except ActionFailed:
            raise ValueError("Setting secret failed.") from None

    @deprecated(
        "client.get_task_tag_limit() is deprecated since 0.1 and goes with 1.0; write client.task_tag_limit(tag=…).limit."
    )
    def get_task_tag_limit(self, tag: str) -> int | None:
        """How many task runs with a tag may be Running at a time; None where there is no limit."""
        try:
            return _client(self).task_tag_limit(tag=tag).get("limit")
        except NotFound:
            return None

    @deprecated(
        "client.update_task_tag_limit() is deprecated since 0.1 and goes with 1.0; write client.task_tag_limit.set(tag=…, limit=…)."
    )
    def update_task_tag_limit(self, tag: str, limit: int) -> None:
        """Limits how many task runs with a tag may be Running at a time. Raises `ValueError` for a limit below 0."""
        if limit < 0:
            raise ValueError("Concurrency limits must be >= 0")
        _client(self).task_tag_limit.set(tag, limit)

    @deprecated(
        "client.delete_task_tag_limit() is deprecated since 0.1 and goes with 1.0; write client.task_tag_limit(id=…).delete()."
    )
    def delete_task_tag_limit(self, limit_id: UUID | str) -> None:
        """Removes a limit, by its id."""
        _client(self).task_tag_limit(id=limit_id).delete()

    # -------------------------------------------------------------------------------------------------------- logs

    @deprecated(
        "client.write_run_log() is deprecated since 0.1 and goes with 1.0; write client.log.write([…])."
    )
    def write_run_log(
        self,
        flow_run_id: UUID | str,
        task_run_id: UUID | str | None = None,
        timestamp: datetime | None = None,
        name: str | None = None,
        message: str | None = None,
        level: str | None = None,
        info: Any = None,
    ) -> None:
        """Writes one log entry. Raises `ValueError` where that failed."""
        entry = {
            "flow_run_id": flow_run_id,
            "task_run_id": task_run_id,
            "timestamp": timestamp or datetime.now(UTC),
            "name": name,
            "message": message,
            "level": level,
            "info": info,
        }
        self._write_logs([{key: value for key, value in entry.items() if value is not None}])

    @deprecated(
        "client.write_run_logs() is deprecated since 0.1 and goes with 1.0; write client.log.write([…])."
    )
    def write_run_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Writes log entries; keys in camelCase, as the first releases had them, are taken too. Raises `ValueError` where that failed."""
        self._write_logs(logs)

    def _write_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        entries: Any = [{_snake_case(key): value for key, value in entry.items()} for entry in logs]
        for entry in entries:
            moment = entry.get("timestamp")
            if isinstance(moment, datetime) and moment.tzinfo is None:
                entry["timestamp"] = moment.replace(tzinfo=UTC)
        try:
            _client(self).log.write(entries)
        except ActionFailed:
            raise ValueError("Writing logs failed.") from None

    # ------------------------------------------------------------------------------------------------------ agents

    @deprecated(
        "client.register_agent() is deprecated since 0.1 and goes with 1.0; write client.agent.register(type=…, name=…, labels=…)."
    )
    def register_agent(
        self,
        agent_type: str,
        name: str | None = None,
        labels: Sequence[str] | None = None,
        agent_config_id: UUID | str | None = None,
    ) -> str:
        """Registers an agent; gives its id."""
        made = _client(self).agent.register(
            agent_type, name=_given(name), labels=_given(labels), agent_config_id=_given(agent_config_id)
        )
        return str(made.id)

    @deprecated(
        "client.get_agent_config() is deprecated since 0.1 and goes with 1.0; write client.agent_config(id=…).settings."
    )
    def get_agent_config(self, agent_config_id: UUID | str) -> dict[str, Any]:
        """The settings of an agent configuration."""
        return _client(self).agent_config(id=agent_config_id).settings

    # ----------------------------------------------------------------------------------------------------- tenants

    @deprecated(
        "client.login_to_tenant() is deprecated since 0.1 and goes with 1.0; write client.tenant(slug=…).login()."
    )
    def login_to_tenant(self, tenant_slug: str | None = None, tenant_id: UUID | str | None = None) -> bool:
        """Works in a tenant from now on; always True. Raises `ValueError` where neither is given, an id is no UUID, or there is none."""
        self._login_to(tenant_slug, tenant_id)
        return True

    @deprecated(
        "client.switch_tenant() is deprecated since 0.1 and goes with 1.0; write client.tenant(slug=…).login()."
    )
    def switch_tenant(self, tenant_slug: str | None = None, tenant_id: UUID | str | None = None) -> str:
        """Works in a tenant from now on; gives its id. Raises what `login_to_tenant` raises."""
        return self._login_to(tenant_slug, tenant_id)

    def _login_to(self, slug: str | None, tenant_id: UUID | str | None) -> str:
        if slug is None and tenant_id is None:
            raise ValueError("At least one of `tenant_slug` or `tenant_id` must be provided.")
        client = _client(self)
        try:
            key = None if tenant_id is None else uuid.UUID(str(tenant_id))
        except ValueError:
            raise ValueError("The `tenant_id` must be a valid UUID.") from None
        try:
            if slug is None:
                return str(client.tenant(id=str(key)).login().id)
            tenant = client.tenant(slug=slug)
            if key is not None and tenant.id != key:
                raise NotFound("tenant", {"slug": slug, "id": key})
            return str(tenant.login().id)
        except NotFound:
            raise ValueError(
                f"No matching tenant found: {slug if slug is not None else tenant_id}."
            ) from None

    @deprecated(
        "client.logout_from_tenant() is deprecated since 0.1 and goes with 1.0; write client.logout()."
    )
    def logout_from_tenant(self) -> None:
        """Goes back to the client's own key."""
        _client(self).logout()

    @deprecated(
        "client.get_available_tenants() is deprecated since 0.1 and goes with 1.0; write client.tenant.list()."
    )
    def get_available_tenants(self) -> list[dict[str, Any]]:
        """The tenants that the key opens, by slug: dicts with `id`, `slug` and `name`."""
        found = _client(self).tenant.list(order_by=[{"slug": "asc"}])
        return [{"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name} for tenant in found]

    @deprecated(
        "client.get_default_tenant_slug() is deprecated since 0.1 and goes with 1.0; write client.tenant(id=client.tenant_id).slug."
    )
    def get_default_tenant_slug(self, as_user: bool = True) -> str:
        """The slug of the tenant that the client works in."""
        return _client(self).tenant(id=self.tenant_id).slug

    @deprecated(
        "client.create_tenant() is deprecated since 0.1 and goes with 1.0; write client.tenant.create(name=…, slug=…)."
    )
    def create_tenant(self, name: str, slug: str | None = None) -> str:
        """Creates a tenant; gives its id. Without a slug, one is made of the name."""
        return str(_client(self).tenant.create(name, slug if slug is not None else slugify(name)).id)

    # ------------------------------------------------------------------------------------------------ settings

    @deprecated(
        "client.save_api_token() is deprecated since 0.1 and goes with 1.0; write `penstock auth login` once, on the command line."
    )
    def save_api_token(self) -> None:
        """Keeps the key, the URL and the tenant in the profile that counts."""
        _save(_client(self))

    @deprecated(
        "client.save_auth_to_disk() is deprecated since 0.1 and goes with 1.0; write `penstock auth login` once, on the command line."
    )
    def save_auth_to_disk(self) -> None:
        """Keeps the key, the URL and the tenant in the profile that counts."""
        _save(_client(self))

    @deprecated(
        "client.load_auth_from_disk() is deprecated since 0.1 and goes with 1.0; write Client(), which reads the profile itself."
    )
    def load_auth_from_disk(self) -> dict[str, str]:
        """What the profile that counts holds: `api_key` and `tenant_id`, as far as they are there."""
        from penstock.settings import profiles_path, read_profiles

        stored = read_profiles(profiles_path())
        profile = stored.profiles.get(stored.active)
        if profile is None:
            return {}
        found = {
            "api_key": profile.api_key.get_secret_value() if profile.api_key else None,
            "tenant_id": str(profile.tenant_id) if profile.tenant_id else None,
        }
        return {name: value for name, value in found.items() if value}

    @deprecated(
        "client.get_auth_token() is deprecated since 0.1 and goes with 1.0; "
        "write client.flow(id=…) and the like, which send and renew tokens themselves."
    )
    def get_auth_token(self) -> str:
        """The token that the next request shows, renewed 30 seconds before it expires; empty where there is none."""
        headers = {name.lower(): value for name, value in _client(self)._call_headers().items()}
        return headers.get("authorization", "").removeprefix("Bearer ")

    @deprecated(
        "client.attach_headers() is deprecated since 0.1 and goes with 1.0; write client = client.with_options(headers=…)."
    )
    def attach_headers(self, headers: Mapping[str, str]) -> None:
        """Sends these headers with every request from now on."""
        client = _client(self)
        changed = client.with_options(headers=headers)
        client._options, client._headers = changed._options, changed._headers

    @deprecated(
        "client.get_cloud_url() is deprecated since 0.1 and goes with 1.0; "
        'write f"{client.url}/{slug}/{subdirectory}/{id}", with your server\'s own pages.'
    )
    def get_cloud_url(self, subdirectory: str, id: UUID | str, as_user: bool = True) -> str:
        """The address of an object's page: the server's, then the tenant's slug, the kind, and the id."""
        client = _client(self)
        base = client.url.removesuffix("/graphql").rstrip("/")
        slug = client.tenant(id=self.tenant_id).get("slug")
        return f"{base}/{slug}/{subdirectory}/{id}"


def _client(self: OldMethods) -> Client:
    """The methods are those of `Client` and of nothing else."""
    return cast("Client", self)


def _given(value: Any) -> Any:
    return UNSET if value is None else value


def _state(serialized: Any) -> State:
    from penstock.states import Pending, State

    return State.deserialize(serialized) if serialized else Pending()


def _serialized(state: Any) -> Any:
    return state.serialize() if isinstance(state, _Serializes) else state


def _state_and_version(first: Any, second: Any) -> tuple[Any, int | None]:
    """(state, version), in whatever order they came."""
    if isinstance(first, int) or (first is None and second is not None and not isinstance(second, int)):
        first, second = second, first
    if first is None:
        raise TypeError("The state is missing.")
    return first, second


def _unless_queued(state: Any, answer: Any) -> Any:
    if answer.status != "QUEUED":
        return state
    from penstock.states import Queued

    return Queued(message=answer.message, start_time=datetime.now(UTC) + _QUEUED_FOR)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def slugify(name: str) -> str:
    """A name as part of an address: lower-case letters and digits, joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))


def _raw(
    client: Client,
    method: str,
    path: str,
    server: str | None,
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any] | None,
    token: str | None,
) -> dict[str, Any]:
    import json
    from urllib.parse import urlencode, urlsplit, urlunsplit

    parts = urlsplit(server if server is not None else client.url)
    base = parts._replace(path=parts.path.removesuffix("/graphql") if server is None else parts.path)
    query = urlencode(dict(params or {}), doseq=True) if method == "GET" else ""
    url = urlunsplit(base._replace(path=f"{base.path.rstrip('/')}/{path.lstrip('/')}", query=query))
    own: Mapping[str, str] = client._call_headers()
    carrier = client._http
    here = urlsplit(client.url)
    elsewhere = (here.scheme, here.netloc) != (parts.scheme, parts.netloc)
    if elsewhere:
        # Another server has no business with this one's key, and the connections may send it by themselves.
        import httpx

        own = {"Content-Type": "application/json"}
        carrier = httpx.Client()
    sent = {**own, **(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    content = json.dumps(dict(params or {})).encode() if method == "POST" else b""
    shown = urlunsplit(base._replace(netloc=base.netloc.rpartition("@")[2], path=path, query=""))
    try:
        response = carrier.send(
            carrier.build_request(method, url, content=content, headers=sent, timeout=client._options.timeout)
        )
    except Exception as error:
        if any(kind.__name__ == "RequestError" for kind in type(error).__mro__):
            raise TransportError(f"{method} {shown}: the server cannot be reached: {error}") from error
        raise
    finally:
        if elsewhere:
            carrier.close()
    if response.status_code == 401:
        raise AuthenticationError(f"{method} {shown}: the server wants another token.", status_code=401)
    if response.status_code >= 400:
        raise HTTPStatusError(
            f"{method} {shown}: the server answered HTTP {response.status_code}.",
            status_code=response.status_code,
            body=response.content[:500].decode(errors="replace"),
        )
    if not response.content:
        return {}
    try:
        answer = json.loads(response.content)
    except ValueError:
        raise ClientError(f"{method} {shown}: the answer is no JSON.") from None
    return answer if isinstance(answer, dict) else {"data": answer}


def _save(client: Client) -> None:
    from pydantic import SecretStr

    from penstock.settings import Profile, load_settings, profiles_path, read_profiles, save_profile

    path = profiles_path()
    key = (client._own_authorization or "").removeprefix("Bearer ")
    tenant = client._context.get("tenant_id")
    name = load_settings().profile or read_profiles(path).active
    profile = Profile(
        url=client.url,
        api_key=SecretStr(key) if key else None,
        tenant_id=uuid.UUID(str(tenant)) if tenant is not None else None,
    )
    save_profile(path, name, profile, activate=True)


__all__ = ["OldMethods", "slugify"]
