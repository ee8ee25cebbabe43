"""The one table of the old flat methods: what each was called, what it took and gave, and what is written today.

It drives the warnings, the page "Coming from the flat Client", the tests that hold old against new, and the codemod `penstock migrate`.
Rewriting is data too: `value` and `statement` are expressions in which `CLIENT` stands for the client and an old parameter's name for the
argument that was passed; a keyword whose argument was not passed, or is a literal None, falls away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OldMethod:
    """One flat method.

    Attributes:
        name: The method's name.
        signature: What it takes, as Python writes it. Where 0.8 and 1.4 differ, the union of both.
        returns: What it gives.
        new: The call that is written today, as warnings and documentation show it.
        value: What the codemod writes where the result is used; None where that has to be decided by a person.
        statement: What it writes where the result is not used; None as above.
        reason: Why a person has to decide, where one has to; ends the sentence "it is not rewritten, because …".
        note: What is different about the new call, for the reader of the migration's report.
        since: The release that deprecated it.
        removal: The release that takes it out.
    """

    name: str
    signature: str
    returns: str
    new: str
    value: str | None = None
    statement: str | None = None
    reason: str | None = None
    note: str | None = None
    since: str = "0.1"
    removal: str = "1.0"

    @property
    def message(self) -> str:
        """The warning's text."""
        return f"client.{self.name}() is deprecated since {self.since} and goes with {self.removal}; write {self.new}."

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what it takes, in order."""
        import ast

        function = ast.parse(f"def _({self.signature}): ...").body[0]
        assert isinstance(function, ast.FunctionDef)
        return tuple(argument.arg for argument in function.args.args)


_REGISTER = (
    "flow, project_name=None, build=True, set_schedule_active=True, version_group_id=None, compressed=True, no_url=False, "
    "idempotency_key=None"
)
_REGISTER_NEW = (
    "CLIENT.flow.register(flow, project=project_name, set_schedule_active=set_schedule_active, "
    "version_group_id=version_group_id, idempotency_key=idempotency_key)"
)
_RUN_NEW = (
    "CLIENT.flow(id=flow_id).run(parameters=parameters, flow_run_name=run_name, scheduled_start_time=scheduled_start_time, "
    "labels=labels, run_config=run_config, context=context, idempotency_key=idempotency_key)"
)
_RUN_GROUP_NEW = (
    "CLIENT.flow_run.create(version_group_id=version_group_id, parameters=parameters, flow_run_name=run_name, "
    "scheduled_start_time=scheduled_start_time, labels=labels, run_config=run_config, context=context, idempotency_key=idempotency_key)"
)
_LOGIN_NEW = "CLIENT.tenant(id=tenant_id, slug=tenant_slug).login()"
_LOG_NEW = (
    'CLIENT.log.write([{"flow_run_id": flow_run_id, "task_run_id": task_run_id, "timestamp": timestamp, "name": name, '
    '"message": message, "level": level, "info": info}])'
)
_RAISES = "what the server refuses raises ActionFailed, where it was passed over before"
_NAME_RESULT = "its result, which was always True, is used; the new call gives None and raises where it fails"

OLD_METHODS: tuple[OldMethod, ...] = (
    OldMethod(
        "graphql",
        "query, raise_on_error=True, headers=None, variables=None, token=None, retry_on_api_error=True",
        "GraphQLResult",
        'client.execute(document, variables); simple reads: client.flow(id=…).get("name")',
        value="CLIENT.execute(query, variables=variables)",
        statement="CLIENT.execute(query, variables=variables)",
    ),
    OldMethod(
        "get",
        "path, server=None, headers=None, params=None, token=None, retry_on_api_error=True",
        "dict",
        "httpx.get(url, headers=…), since the API is GraphQL",
        reason="the API has no REST side any more",
    ),
    OldMethod(
        "post",
        "path, server=None, headers=None, params=None, token=None, retry_on_api_error=True",
        "dict",
        "httpx.post(url, json=…), since the API is GraphQL",
        reason="the API has no REST side any more",
    ),
    OldMethod(
        "create_project",
        "project_name, project_description=None",
        "str",
        "client.project.create(name=…, description=…)",
        value="str(CLIENT.project.create(name=project_name, description=project_description).id)",
        statement="CLIENT.project.create(name=project_name, description=project_description)",
        note="a name that is taken raises GraphQLError, where the existing project's id came back before",
    ),
    OldMethod(
        "delete_project",
        "project_name",
        "bool",
        "client.project(name=…).delete()",
        statement="CLIENT.project(name=project_name).delete()",
        reason=_NAME_RESULT,
        note="an unknown name raises NotFound, where it was ValueError before",
    ),
    OldMethod(
        "register",
        _REGISTER,
        "str",
        "client.flow.register(flow, project=…)",
        value=f"str({_REGISTER_NEW}.id)",
        statement=_REGISTER_NEW,
        note="an unknown project raises NotFound, where it was ValueError before",
    ),
    OldMethod(
        "deploy",
        _REGISTER,
        "str",
        "client.flow.register(flow, project=…)",
        value=f"str({_REGISTER_NEW}.id)",
        statement=_REGISTER_NEW,
        note="an unknown project raises NotFound, where it was ValueError before",
    ),
    OldMethod(
        "create_flow_run",
        "flow_id=None, context=None, parameters=None, run_config=None, labels=None, scheduled_start_time=None, idempotency_key=None, "
        "run_name=None, version_group_id=None",
        "str",
        "client.flow(id=…).run(parameters=…)",
        value=f"str({_RUN_NEW}.id)",
        statement=_RUN_NEW,
    ),
    OldMethod(
        "get_flow_run_info",
        "flow_run_id",
        "FlowRunInfoResult",
        "client.flow_run(id=…)",
        reason="its result is used in more ways than by its attributes, and a handle is no tuple",
    ),
    OldMethod(
        "get_flow_run_state",
        "flow_run_id",
        "State",
        "client.flow_run(id=…).serialized_state",
        value="CLIENT.flow_run(id=flow_run_id).serialized_state",
        statement="CLIENT.flow_run(id=flow_run_id).serialized_state",
    ),
    OldMethod(
        "set_flow_run_state",
        "flow_run_id, state, version=None",
        "State",
        "client.flow_run(id=…).set_state(state, version=…)",
        statement="CLIENT.flow_run(id=flow_run_id).set_state(state, version=version)",
        reason="its result, a State, is used; the new call gives the server's answer, with `status` and `message`",
    ),
    OldMethod(
        "set_flow_run_name",
        "flow_run_id, name",
        "bool",
        "client.flow_run(id=…).set_name(name=…)",
        statement="CLIENT.flow_run(id=flow_run_id).set_name(name=name)",
        reason=_NAME_RESULT,
    ),
    OldMethod(
        "cancel_flow_run",
        "flow_run_id",
        "bool",
        "client.flow_run(id=…).cancel()",
        value="bool(CLIENT.flow_run(id=flow_run_id).cancel())",
        statement="CLIENT.flow_run(id=flow_run_id).cancel()",
    ),
    OldMethod(
        "update_flow_run_heartbeat",
        "flow_run_id",
        "None",
        "client.flow_run(id=…).heartbeat()",
        statement="CLIENT.flow_run(id=flow_run_id).heartbeat()",
        value="CLIENT.flow_run(id=flow_run_id).heartbeat()",
        note=_RAISES,
    ),
    OldMethod(
        "get_task_run_info",
        "flow_run_id, task_id, map_index=None",
        "TaskRunInfoResult",
        "client.task_run.get_or_create_info(flow_run_id, task_id, map_index=…)",
        statement="CLIENT.task_run.get_or_create_info(flow_run_id, task_id, map_index=map_index)",
        reason="its result is used in more ways than by its attributes, and the answer is no tuple",
    ),
    OldMethod(
        "get_task_run_state",
        "task_run_id",
        "State",
        "client.task_run(id=…).serialized_state",
        value="CLIENT.task_run(id=task_run_id).serialized_state",
        statement="CLIENT.task_run(id=task_run_id).serialized_state",
    ),
    OldMethod(
        "set_task_run_state",
        "task_run_id, state, version=None, cache_for=None",
        "State",
        "client.task_run(id=…).set_state(state, version=…)",
        statement="CLIENT.task_run(id=task_run_id).set_state(state, version=version)",
        reason="its result, a State, is used; the new call gives the server's answer, with `status` and `message`",
    ),
    OldMethod(
        "set_task_run_name",
        "task_run_id, name",
        "bool",
        "client.task_run(id=…).set_name(name=…)",
        statement="CLIENT.task_run(id=task_run_id).set_name(name=name)",
        reason=_NAME_RESULT,
    ),
    OldMethod(
        "update_task_run_heartbeat",
        "task_run_id",
        "None",
        "client.task_run(id=…).heartbeat()",
        statement="CLIENT.task_run(id=task_run_id).heartbeat()",
        value="CLIENT.task_run(id=task_run_id).heartbeat()",
        note=_RAISES,
    ),
    OldMethod(
        "get_latest_cached_states",
        "task_id, cache_key, created_after",
        "list[State]",
        "client.task_run.serialized_states(where=…)",
        reason="what it asks for depends on whether there is a cache key",
    ),
    OldMethod(
        "create_task_run_artifact",
        "task_run_id, kind, data, tenant_id=None",
        "str",
        "client.task_run(id=…).create_artifact(kind=…, data=…)",
        value="str(CLIENT.task_run(id=task_run_id).create_artifact(kind=kind, data=data, tenant_id=tenant_id).id)",
        statement="CLIENT.task_run(id=task_run_id).create_artifact(kind=kind, data=data, tenant_id=tenant_id)",
    ),
    OldMethod(
        "update_task_run_artifact",
        "task_run_artifact_id, data",
        "None",
        "client.task_run_artifact(id=…).update(data=…)",
        value="CLIENT.task_run_artifact(id=task_run_artifact_id).update(data=data)",
        statement="CLIENT.task_run_artifact(id=task_run_artifact_id).update(data=data)",
    ),
    OldMethod(
        "delete_task_run_artifact",
        "task_run_artifact_id",
        "None",
        "client.task_run_artifact(id=…).delete()",
        value="CLIENT.task_run_artifact(id=task_run_artifact_id).delete()",
        statement="CLIENT.task_run_artifact(id=task_run_artifact_id).delete()",
    ),
    OldMethod(
        "set_secret",
        "name, value",
        "None",
        "client.secret.set(name=…, value=…)",
        value="CLIENT.secret.set(name=name, value=value)",
        statement="CLIENT.secret.set(name=name, value=value)",
        note="a failure raises ActionFailed, where it was ValueError before",
    ),
    OldMethod(
        "get_task_tag_limit",
        "tag",
        "int | None",
        "client.task_tag_limit(tag=…).limit",
        reason="a tag without a limit gave None, and raises NotFound in client.task_tag_limit(tag=…).limit",
    ),
    OldMethod(
        "update_task_tag_limit",
        "tag, limit",
        "None",
        "client.task_tag_limit.set(tag=…, limit=…)",
        statement="CLIENT.task_tag_limit.set(tag=tag, limit=limit)",
        reason="its result, which was always None, is used",
    ),
    OldMethod(
        "delete_task_tag_limit",
        "limit_id",
        "None",
        "client.task_tag_limit(id=…).delete()",
        value="CLIENT.task_tag_limit(id=limit_id).delete()",
        statement="CLIENT.task_tag_limit(id=limit_id).delete()",
    ),
    OldMethod(
        "write_run_log",
        "flow_run_id, task_run_id=None, timestamp=None, name=None, message=None, level=None, info=None",
        "None",
        "client.log.write([…])",
        value=_LOG_NEW,
        statement=_LOG_NEW,
    ),
    OldMethod(
        "write_run_logs",
        "logs",
        "None",
        "client.log.write([…])",
        value="CLIENT.log.write(logs)",
        statement="CLIENT.log.write(logs)",
        note="a failure raises ActionFailed, where it was ValueError before",
    ),
    OldMethod(
        "register_agent",
        "agent_type, name=None, labels=None, agent_config_id=None",
        "str",
        "client.agent.register(type=…, name=…, labels=…)",
        value="str(CLIENT.agent.register(type=agent_type, name=name, labels=labels, agent_config_id=agent_config_id).id)",
        statement="CLIENT.agent.register(type=agent_type, name=name, labels=labels, agent_config_id=agent_config_id)",
    ),
    OldMethod(
        "get_agent_config",
        "agent_config_id",
        "dict",
        "client.agent_config(id=…).settings",
        value="CLIENT.agent_config(id=agent_config_id).settings",
        statement="CLIENT.agent_config(id=agent_config_id).settings",
    ),
    OldMethod(
        "login_to_tenant",
        "tenant_slug=None, tenant_id=None",
        "bool",
        "client.tenant(slug=…).login()",
        value=f"bool({_LOGIN_NEW})",
        statement=_LOGIN_NEW,
        note="an unknown tenant raises NotFound, where it was ValueError before",
    ),
    OldMethod(
        "switch_tenant",
        "tenant_slug=None, tenant_id=None",
        "str",
        "client.tenant(slug=…).login()",
        value=f"str({_LOGIN_NEW}.id)",
        statement=_LOGIN_NEW,
        note="an unknown tenant raises NotFound, where it was ClientError before",
    ),
    OldMethod(
        "logout_from_tenant",
        "",
        "None",
        "client.logout()",
        value="CLIENT.logout()",
        statement="CLIENT.logout()",
    ),
    OldMethod(
        "get_available_tenants",
        "",
        "list[dict]",
        "client.tenant.list()",
        value='[{"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name} '
        'for tenant in CLIENT.tenant.list(order_by=[{"slug": "asc"}])]',
        statement='CLIENT.tenant.list(order_by=[{"slug": "asc"}]).all()',
    ),
    OldMethod(
        "get_default_tenant_slug",
        "",
        "str",
        "client.tenant(id=client.tenant_id).slug",
        value="CLIENT.tenant(id=CLIENT.tenant_id).slug",
        statement="CLIENT.tenant(id=CLIENT.tenant_id).slug",
    ),
    OldMethod(
        "create_tenant",
        "name, slug=None",
        "str",
        "client.tenant.create(name=…, slug=…)",
        value="str(CLIENT.tenant.create(name=name, slug=slug).id)",
        statement="CLIENT.tenant.create(name=name, slug=slug)",
    ),
    OldMethod(
        "save_api_token",
        "",
        "None",
        "`penstock auth login` once, on the command line",
        reason="`penstock auth login` on the command line took its place",
    ),
    OldMethod(
        "get_auth_token",
        "",
        "str",
        "client.flow(id=…) and the like, which send and renew tokens themselves",
        reason="the client sends and renews its tokens itself",
    ),
    OldMethod(
        "save_auth_to_disk",
        "",
        "None",
        "`penstock auth login` once, on the command line",
        reason="`penstock auth login` on the command line took its place",
    ),
    OldMethod(
        "load_auth_from_disk",
        "",
        "dict",
        "Client(), which reads the profile itself",
        reason="Client() reads the profile itself",
    ),
    OldMethod(
        "attach_headers",
        "headers",
        "None",
        "client = client.with_options(headers=…)",
        reason="it changed the client itself; client.with_options(headers=…) gives another one, to be used from there on",
    ),
    OldMethod(
        "get_cloud_url",
        "subdirectory, id, as_user=True",
        "str",
        'f"{client.url}/{slug}/{subdirectory}/{id}", with your server\'s own pages',
        reason="where a server shows its pages is the server's own affair",
    ),
)

BY_NAME = {method.name: method for method in OLD_METHODS}

# What each attribute of the old tuples is on what takes their place: expressions in which RESULT stands for it.
FLOW_RUN_ATTRIBUTES = {
    "id": "str(RESULT.id)",
    "name": "RESULT.name",
    "flow_id": "str(RESULT.flow_id)",
    "parameters": "RESULT.parameters",
    "context": "RESULT.context",
    "version": "RESULT.version",
    "scheduled_start_time": "RESULT.scheduled_start_time",
    "state": "RESULT.serialized_state",
}

TASK_RUN_ATTRIBUTES = {"id": "str(RESULT.id)", "version": "RESULT.version"}
"""Of the payload of `get_or_create_info`."""

RUN_BY_GROUP = _RUN_GROUP_NEW
"""`create_flow_run` without a flow id: by the version group's name."""
