"""penstock: a typed client of a workflow-orchestration API, and what runs its flows.

    from penstock import Client, flow

    with Client() as client:
        for run in client.flow_run.list(where={"state": {"_eq": "Failed"}}):
            print(run.name, run.state_message)

Importing this package imports nothing else: its names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.client import AsyncClient, Client
    from penstock.flows import FlowDefinition, FlowLike, flow
    from penstock.login import AsyncTenant, Tenant
    from penstock.settings import SettingsError
    from penstock.tasks import TaskDefinition, task
    from penstock_api import (
        UNSET,
        ActionFailed,
        Agent,
        AgentConfig,
        AsyncAgent,
        AsyncAgentConfig,
        AsyncCloudHook,
        AsyncFlow,
        AsyncFlowGroup,
        AsyncFlowRun,
        AsyncLog,
        AsyncMessage,
        AsyncPages,
        AsyncProject,
        AsyncTask,
        AsyncTaskRun,
        AsyncTaskRunArtifact,
        AsyncTaskTagLimit,
        AuthenticationError,
        ClientError,
        CloudHook,
        Flow,
        FlowGroup,
        FlowRun,
        GraphQLError,
        HTTPStatusError,
        InvalidResponse,
        InvalidSelection,
        Log,
        Message,
        MissingContext,
        NotFound,
        NotLoaded,
        Pages,
        PermissionDenied,
        Project,
        RateLimited,
        RequestTimeout,
        Task,
        TaskRun,
        TaskRunArtifact,
        TaskTagLimit,
        TransportError,
        Unset,
    )

__version__ = "0.1.0"

__all__ = [
    "UNSET",
    "ActionFailed",
    "Agent",
    "AgentConfig",
    "AsyncAgent",
    "AsyncAgentConfig",
    "AsyncClient",
    "AsyncCloudHook",
    "AsyncFlow",
    "AsyncFlowGroup",
    "AsyncFlowRun",
    "AsyncLog",
    "AsyncMessage",
    "AsyncPages",
    "AsyncProject",
    "AsyncTask",
    "AsyncTaskRun",
    "AsyncTaskRunArtifact",
    "AsyncTaskTagLimit",
    "AsyncTenant",
    "AuthenticationError",
    "Client",
    "ClientError",
    "CloudHook",
    "Flow",
    "FlowDefinition",
    "FlowGroup",
    "FlowLike",
    "FlowRun",
    "GraphQLError",
    "HTTPStatusError",
    "InvalidResponse",
    "InvalidSelection",
    "Log",
    "Message",
    "MissingContext",
    "NotFound",
    "NotLoaded",
    "Pages",
    "PermissionDenied",
    "Project",
    "RateLimited",
    "RequestTimeout",
    "SettingsError",
    "Task",
    "TaskDefinition",
    "TaskRun",
    "TaskRunArtifact",
    "TaskTagLimit",
    "Tenant",
    "TransportError",
    "Unset",
    "__version__",
    "flow",
    "task",
]

# What this package makes itself; everything else it exports is the generated package's.
_OWN = {
    "AsyncClient": "penstock.client",
    "AsyncTenant": "penstock.login",
    "Client": "penstock.client",
    "FlowDefinition": "penstock.flows",
    "FlowLike": "penstock.flows",
    "SettingsError": "penstock.settings",
    "Tenant": "penstock.login",
    "TaskDefinition": "penstock.tasks",
    "flow": "penstock.flows",
    "task": "penstock.tasks",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_OWN.get(name, "penstock_api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
