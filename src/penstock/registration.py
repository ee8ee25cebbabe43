"""`client.flow.register`: a flow object becomes a flow of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.flows import FlowLike
from penstock_api import UNSET, AsyncProject, Project
from penstock_api import flow as generated
from penstock_api.project import AsyncProjectAccessor, ProjectAccessor

if TYPE_CHECKING:
    from uuid import UUID

    from penstock_api import AsyncFlow, Flow, Unset


class FlowAccessor(generated.FlowAccessor):
    """`client.flow`: the flows of the API, and the way there for flows that are code."""

    def register(
        self,
        flow: FlowLike,
        *,
        project: Project | UUID | str,
        version_group_id: str | None = None,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
        compressed: bool = False,
    ) -> Flow:
        """Registers a flow under a project: a new version of its group, or its first.

        Args:
            flow: A function decorated with `@flow`, or any object that meets `FlowLike`.
            project: The project, its id, or its name.
            version_group_id: The name of the group that the version belongs to; the flow's name within its project, where it is None.
            set_schedule_active: Whether its schedule, if it has one, is on at once.
            idempotency_key: Registering again with the group's last key makes no new version and gives the newest there is.
            compressed: Whether the flow is sent compressed, which pays for large flows on slow lines.

        Returns:
            The registered flow, as a handle.

        Raises:
            NotFound: There is no project of that name.
            TypeError: The object is no flow.
        """
        serialized = _serialize(flow)
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
        version_group_id: str | None = None,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
        compressed: bool = False,
    ) -> AsyncFlow:
        """Registers a flow under a project; it takes and raises what `FlowAccessor.register` does."""
        serialized = _serialize(flow)
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
