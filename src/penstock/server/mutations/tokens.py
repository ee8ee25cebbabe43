"""API tokens and switching between tenants."""

from __future__ import annotations

from penstock.server import access, sessions
from penstock.server.errors import ApiError, ForbiddenError
from penstock.server.mutations.call import SUCCESS, Call, mutation
from penstock.server.mutations.various import current_tenant
from penstock.server.tables import api_token


@mutation
def create_api_token(call: Call, *, name: str, scope: str) -> dict[str, object]:
    """The token is shown this once; the server keeps its digest."""
    call.principal.require_scope("USER", "TENANT")
    if scope not in access.SCOPES:
        raise ApiError(f"{scope!r} is no scope; write one of {', '.join(access.SCOPES)}.")
    if call.principal.scope == "TENANT" and scope == "USER":
        raise ForbiddenError("A token of scope TENANT cannot make one of scope USER.")
    if not name.strip():
        raise ApiError("A token needs a name that is not blank.")
    token = access.new_token()
    key = call.insert(
        api_token,
        tenant_id=current_tenant(call),
        user_id=call.principal.user_id,
        name=name,
        scope=scope,
        digest=access.token_digest(token),
    )
    return {"id": key, "token": token}


@mutation
def revoke_api_token(call: Call, *, token_id: str) -> dict[str, object]:
    """Make a token worthless."""
    call.principal.require_scope("USER", "TENANT")
    call.row(api_token, token_id, api_token.c.id)
    call.connection.execute(api_token.update().where(api_token.c.id == token_id).values(revoked=call.now))
    return SUCCESS


@mutation
def switch_tenant(call: Call, *, tenant_id: str) -> dict[str, object]:
    """Tokens for another tenant that the caller is a member of."""
    call.principal.require_scope("USER")
    return sessions.switch(call.connection, call.principal, tenant_id, call.now)


@mutation
def refresh_token(call: Call, *, access_token: str) -> dict[str, object]:
    """Fresh tokens for an access token; its refresh token is sent as the bearer."""
    return sessions.refresh(call.connection, call.headers, access_token, call.now)
