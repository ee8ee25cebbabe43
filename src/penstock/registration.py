"""`client.flow.register`: a flow object becomes a flow of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.flows import FlowLike
from penstock_api import UNSET, AsyncProject, Project
from penstock_api import flow as generated
from penstock_api.project import AsyncProjectAccessor, ProjectAccessor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from penstock.environments import Environment
    from penstock.schedules import Schedule
    from penstock.storage import Storage
    from penstock_api import AsyncFlow, Flow, Unset


class FlowAccessor(generated.FlowAccessor):
    """`client.flow`: the flows of the API, and the way there for flows that are code."""

    def register(
        self,
        flow: FlowLike,
        *,
        project: Project | UUID | str,
        storage: Storage | None = None,
        environment: Environment | None = None,
        schedule: Schedule | str | timedelta | None = None,
        labels: Sequence[str] | None = None,
        version_group_id: str | None = None,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
        compressed: bool = False,
    ) -> Flow:
        """Registers a flow under a project: a new version of its group, or its first.

        Args:
            flow: A function decorated with `@flow`, or any object that meets `FlowLike`.
            project: The project, its id, or its name.
            storage: Where the flow is put, so that it can be executed; it is built. Without one, the API knows the flow and nobody can
                execute it.
            environment: Where it is executed; in the agent's own process, where it is None and there is a storage.
            schedule: When it runs by itself: a `Schedule`, a cron expression in UTC, or an interval.
            labels: What an agent must have to be given the flow's runs; the environment's, where it is None.
            version_group_id: The name of the group that the version belongs to; the flow's name within its project, where it is None.
            set_schedule_active: Whether its schedule, if it has one, is on at once.
            idempotency_key: Registering again with the group's last key makes no new version and gives the newest there is.
            compressed: Whether the flow is sent compressed, which pays for large flows on slow lines.

        Returns:
            The registered flow, as a handle.

        Raises:
            NotFound: There is no project of that name.
            TypeError: The object is no flow.
            StorageError: The storage cannot hold the flow, or cannot be built.
            UnsuitableStorage: The environment cannot execute flows from the storage.
            ValueError: The schedule is none.
        """
        serialized = serialize_for(flow, storage, environment, schedule, labels)
        project_id = _project_id(project)
        if project_id is None:
            project_id = ProjectAccessor(self._client)(name=str(project)).get("id")
        if compressed:
            return self.create_from_compressed_string(
                compress(serialized),
                project_id,
                version_group_id=_given(version_group_id),
                set_schedule_active=set_schedule_active,
                idempotency_key=_given(idempotency_key),
            )
        return self.create(
            serialized,
            project_id,
            version_group_id=_given(version_group_id),
            set_schedule_active=set_schedule_active,
            idempotency_key=_given(idempotency_key),
        )


class AsyncFlowAccessor(generated.AsyncFlowAccessor):
    """`FlowAccessor`, for the async client."""

    async def register(
        self,
        flow: FlowLike,
        *,
        project: AsyncProject | Project | UUID | str,
        storage: Storage | None = None,
        environment: Environment | None = None,
        schedule: Schedule | str | timedelta | None = None,
        labels: Sequence[str] | None = None,
        version_group_id: str | None = None,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
        compressed: bool = False,
    ) -> AsyncFlow:
        """Registers a flow under a project; it takes and raises what `FlowAccessor.register` does.

        The storage is written in a thread, so that the event loop goes on.
        """
        import asyncio

        serialized = await asyncio.to_thread(serialize_for, flow, storage, environment, schedule, labels)
        project_id = _project_id(project)
        if project_id is None:
            project_id = await AsyncProjectAccessor(self._client)(name=str(project)).get("id")
        if compressed:
            return await self.create_from_compressed_string(
                compress(serialized),
                project_id,
                version_group_id=_given(version_group_id),
                set_schedule_active=set_schedule_active,
                idempotency_key=_given(idempotency_key),
            )
        return await self.create(
            serialized,
            project_id,
            version_group_id=_given(version_group_id),
            set_schedule_active=set_schedule_active,
            idempotency_key=_given(idempotency_key),
        )


def serialize_for(
    flow: FlowLike,
    storage: Storage | None,
    environment: Environment | None,
    schedule: Schedule | str | timedelta | None,
    labels: Sequence[str] | None,
) -> Mapping[str, Any]:
    """A flow as it is registered: with `storage`, `flow_location`, `environment` and `schedule`. The flow is put into the storage."""
    if storage is None and environment is None and schedule is None and labels is None:
        return _serialize(flow)
    serialized = dict(_serialize(flow))
    if schedule is not None:
        from penstock.schedules import as_schedule

        serialized["schedule"] = as_schedule(schedule).serialize()
    if storage is None and environment is None:
        if labels is not None:
            serialized["run_config"] = {"type": "UniversalRun", "labels": sorted(set(labels))}
        return serialized
    from penstock.environments import LocalEnvironment

    chosen = environment if environment is not None else LocalEnvironment()
    if labels is not None:
        import dataclasses

        chosen = dataclasses.replace(chosen, labels=tuple(sorted(set(labels))))
    serialized["environment"] = chosen.serialize()
    if storage is not None:
        # Before anything is written: a storage that does not fit shall not be left with a flow.
        chosen.check(storage)
        serialized["flow_location"] = storage.add_flow(flow)
        serialized["storage"] = storage.build().serialize()
    return serialized


def compress(value: Any) -> str:
    """A JSON value as the API takes it compressed: its text gzipped, then in base64. Equal values give equal texts."""
    import base64
    import gzip
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _serialize(flow: FlowLike) -> Mapping[str, Any]:
    if not isinstance(flow, FlowLike):
        raise TypeError(
            f"{flow!r} is no flow: decorate the function with @flow, or pass an object with a name and a serialize() method."
        )
    return flow.serialize()  # type: ignore[no-any-return]  # other libraries' flows say no more than that it is JSON


def _project_id(project: Project | AsyncProject | UUID | str) -> UUID | str | None:
    """The project's id where it is one, None where it is a name."""
    from uuid import UUID

    if isinstance(project, Project | AsyncProject):
        return project.id
    if isinstance(project, UUID):
        return project
    try:
        return UUID(project)
    except ValueError:
        return None


def _given(value: str | None) -> str | Unset:
    return UNSET if value is None else value
