"""The flat methods of the old `Client`, kept alive on the new calls, and the helpers that came with them.

Old scripts go on as they are; each old call warns once per place, with the new call spelled out. `penstock migrate` rewrites them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.legacy.documents import EnumValue, parse_graphql, parse_graphql_arguments, with_args
    from penstock.legacy.results import FlowRunInfoResult, GraphQLResult, ProjectInfo, TaskRunInfoResult
    from penstock.legacy.table import OLD_METHODS, OldMethod
    from penstock_api import AuthenticationError as AuthorizationError
    from penstock_api import ClientError

__all__ = [
    "OLD_METHODS",
    "AuthorizationError",
    "ClientError",
    "EnumValue",
    "FlowRunInfoResult",
    "GraphQLResult",
    "OldMethod",
    "ProjectInfo",
    "TaskRunInfoResult",
    "parse_graphql",
    "parse_graphql_arguments",
    "with_args",
]

_WHERE = {
    "AuthorizationError": "penstock_api:AuthenticationError",
    "ClientError": "penstock_api:ClientError",
    "EnumValue": "penstock.legacy.documents",
    "parse_graphql": "penstock.legacy.documents",
    "parse_graphql_arguments": "penstock.legacy.documents",
    "with_args": "penstock.legacy.documents",
    "OLD_METHODS": "penstock.legacy.table",
    "OldMethod": "penstock.legacy.table",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _WHERE.get(name, "penstock.legacy.results").partition(":")
    value = getattr(importlib.import_module(module), attribute or name)
    globals()[name] = value
    return value
