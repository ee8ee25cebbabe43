"""Working in a tenant: access tokens, their renewal by one caller at a time, and what stays secret."""

from __future__ import annotations

import asyncio
import threading
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_type

import pytest
from tests.legacy.servers import AsyncRecorder, Recorder, Served, make_key

from penstock import (
    AsyncClient,
    AuthenticationError,
    Client,
    NotFound,
    PermissionDenied,
    Tenant,
    TransportError,
)
from penstock.login import AsyncTenant, Session


@pytest.fixture
def carrier() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def client(guarded: Served, carrier: Recorder) -> Iterator[Client]:
    with Client(guarded.url, api_key=guarded.api_key, http_client=carrier) as made:
        yield made


@pytest.fixture
def second(client: Client) -> Tenant:
    """A second tenant that the key opens."""
    slug = f"t-{uuid.uuid4().hex[:12]}"
    return client.tenant.create(name=slug, slug=slug)


def session_of(client: Client | AsyncClient) -> Session:
    session = client._login.session
    assert session is not None
    return session


def age(client: Client | AsyncClient, left: timedelta) -> Session:
    """Leaves the session this much time, and gives what it was."""
    session = session_of(client)
    client._login.session = replace(session, expires_at=datetime.now(UTC) + left)
    return session


def test_a_login_moves_the_client_into_the_tenant_and_a_logout_back(
    client: Client, second: Tenant, guarded: Served, carrier: Recorder
) -> None:
    first = client.tenant_id
    tenant = client.tenant(slug=second.slug).login()
    assert_type(tenant, Tenant)
    assert client.tenant_id == second.id != first
    project = client.project.create(name="there")
    assert project.tenant_id == second.id
    assert client.auth_info() is not None
    assert carrier.sent[-1].headers["authorization"] == f"Bearer {session_of(client).access_token}"

    client.logout()
    assert client.tenant_id == first
    assert carrier.sent[-1].headers["authorization"] == f"Bearer {guarded.api_key}"
    assert client.project.list(where={"name": {"_eq": "there"}}).first() is None


def test_from_one_tenant_to_the_next_without_logging_out(client: Client, second: Tenant) -> None:
    client.tenant(id=second.id).login()
    home = client.tenant(slug="default").login()
    assert client.tenant_id == home.id


def test_copies_share_the_login(client: Client, second: Tenant) -> None:
    copy = client.with_options(timeout=5)
    client.tenant(id=second.id).login()
    assert copy.tenant_id == second.id
    copy.logout()
    assert client._login.session is None


def test_a_copy_with_its_own_credentials_is_not_in_the_session(
    client: Client, second: Tenant, guarded: Served, carrier: Recorder
) -> None:
    client.tenant(id=second.id).login()
    other = make_key(guarded.database, "--name", "other")
    client.with_options(headers={"authorization": f"Bearer {other}"}).hello()
    assert carrier.sent[-1].headers["authorization"] == f"Bearer {other}"


def test_a_tenant_that_was_chosen_goes_with_the_key(guarded: Served, client: Client, second: Tenant) -> None:
    with (
        Recorder() as carrier,
        Client(guarded.url, api_key=guarded.api_key, tenant_id=second.id, http_client=carrier) as chosen,
    ):
        assert chosen.project.create(name="by header").tenant_id == second.id
        assert carrier.sent[0].headers["x-prefect-tenant-id"] == str(second.id)
        chosen.tenant(slug="default").login()
        chosen.hello()
        assert carrier.sent[-1].headers["x-prefect-tenant-id"] == str(session_of(chosen).tenant_id)
        chosen.logout()
        assert chosen.tenant_id == second.id


def test_with_connections_of_its_own_too(guarded: Served, second: Tenant, open_server: Served) -> None:
    with Client(guarded.url, api_key=guarded.api_key, tenant_id=second.id) as chosen:
        home = chosen.tenant(slug="default").login()
        assert chosen.project.create(name="home").tenant_id == home.id
        age(chosen, timedelta(seconds=-1))
        assert chosen.auth_info() is not None
        chosen.logout()
        assert chosen.project.create(name="there").tenant_id == second.id
    with Client(open_server.url) as anyone:
        slugs = [f"t-{uuid.uuid4().hex[:12]}" for _ in range(2)]
        ids = [anyone.tenant.create(name=slug, slug=slug).id for slug in slugs]
    with Client(open_server.url, tenant_id=ids[0]) as client:
        assert client.tenant(slug=slugs[1]).login().id == ids[1]
        assert client.project.create(name="there").tenant_id == ids[1]


def test_a_token_is_renewed_before_it_expires(client: Client, second: Tenant, carrier: Recorder) -> None:
    client.tenant(id=second.id).login()
    before = age(client, timedelta(seconds=31))
    client.hello()
    assert not carrier.asked("refresh_token(")
    age(client, timedelta(seconds=29))
    client.hello()
    (renewal,) = carrier.asked("refresh_token(")
    assert renewal.headers["authorization"] == f"Bearer {before.refresh_token}"
    after = session_of(client)
    assert after.tenant_id == second.id
    assert after.expires_at > datetime.now(UTC) + timedelta(minutes=5)
    assert carrier.sent[-1].headers["authorization"] == f"Bearer {after.access_token}"


def test_one_thread_renews_and_the_others_wait(client: Client, second: Tenant, carrier: Recorder) -> None:
    client.tenant(id=second.id).login()
    old = age(client, timedelta(seconds=-5))
    ready = threading.Barrier(8)

    def call() -> str | None:
        ready.wait()
        return client.hello()

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(call) for _ in range(8)]]
    assert all(answers)
    assert len(carrier.asked("refresh_token(")) == 1
    used = {item.headers["authorization"] for item in carrier.asked("hello")}
    assert used == {f"Bearer {session_of(client).access_token}"} and f"Bearer {old.access_token}" not in used


async def _many_tasks(guarded: Served, slug: str) -> None:
    async with (
        AsyncRecorder() as carrier,
        AsyncClient(guarded.url, api_key=guarded.api_key, http_client=carrier) as client,
    ):
        tenant = await client.tenant(slug=slug).login()
        assert_type(tenant, AsyncTenant)
        assert [item.slug async for item in client.tenant.list(where={"slug": {"_eq": slug}})] == [slug]
        age(client, timedelta(seconds=-5))
        assert all(await asyncio.gather(*(client.hello() for _ in range(20))))
        assert len(carrier.asked("refresh_token(")) == 1
        used = {item.headers["authorization"] for item in carrier.asked("hello")}
        assert used == {f"Bearer {session_of(client).access_token}"}

        # A task that is cancelled while it renews leaves the renewal to the next.
        age(client, timedelta(seconds=-5))
        first = asyncio.create_task(client.hello())
        await asyncio.sleep(0)
        first.cancel()
        assert await client.hello()
        with pytest.raises(asyncio.CancelledError):
            await first
        await client.logout()
        assert client._login.session is None


def test_one_task_renews_and_the_others_wait(guarded: Served, second: Tenant) -> None:
    asyncio.run(_many_tasks(guarded, second.slug))


def test_while_the_server_cannot_be_reached_a_token_is_used_as_long_as_it_holds(
    client: Client, second: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.tenant(id=second.id).login()
    age(client, timedelta(seconds=20))

    def unreachable(*_: object) -> Session:
        raise TransportError("no way")

    monkeypatch.setattr("penstock.client.renewed", unreachable)
    assert client.hello()
    age(client, timedelta(seconds=-1))
    with pytest.raises(TransportError, match="no way"):
        client.hello()


def test_a_logout_while_another_thread_renews_stays_a_logout(
    client: Client, second: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.tenant(id=second.id).login()
    session = age(client, timedelta(seconds=-1))

    def renewing(*_: object) -> Session:
        client.logout()
        return session

    monkeypatch.setattr("penstock.client.renewed", renewing)
    assert client.hello()
    assert client._login.session is None


def test_a_session_that_cannot_be_renewed_says_what_to_do(client: Client, second: Tenant) -> None:
    client.tenant(id=second.id).login()
    session = session_of(client)
    client._login.session = replace(
        session, expires_at=datetime.now(UTC), refresh_token=session.refresh_token[:-4] + "XXXX"
    )
    with pytest.raises(AuthenticationError, match=r"could not be renewed.*Log in again with client\.tenant"):
        client.hello()
    # It does not go on as somebody else: the next call fails too, until someone logs in or out.
    with pytest.raises(AuthenticationError):
        client.hello()
    client.logout()
    assert client.hello()


def test_no_token_in_what_is_shown(client: Client, second: Tenant) -> None:
    client.tenant(id=second.id).login()
    session = session_of(client)
    client._login.session = replace(session, expires_at=datetime.now(UTC), refresh_token="ps_broken.x")
    with pytest.raises(AuthenticationError) as raised:
        client.hello()
    shown = "".join(traceback.format_exception(raised.value)) + f"{client!r}{session!r}{client._login!r}"
    for secret in (session.access_token, session.refresh_token, "ps_broken.x", client._own_authorization):
        assert secret and secret not in shown


def test_an_unknown_tenant_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="slug nowhere"):
        client.tenant(slug="nowhere").login()
    with pytest.raises(NotFound, match="tenant"):
        client.tenant(slug=str(uuid.uuid4())).login()
    assert client._login.session is None


def test_a_key_of_a_runner_cannot_switch(guarded: Served) -> None:
    key = make_key(guarded.database, "--name", "runner", "--scope", "RUNNER")
    with Client(guarded.url, api_key=key) as client, pytest.raises(PermissionDenied, match="scope"):
        client.tenant(slug="default").login()


def test_on_a_server_without_keys_a_login_confines_too(open_server: Served) -> None:
    with Client(open_server.url) as client:
        slug = f"t-{uuid.uuid4().hex[:12]}"
        client.tenant.create(name=slug, slug=slug)
        client.tenant(slug=slug).login()
        client.project.create(name="here")
        assert [project.name for project in client.project.list()] == ["here"]
        client.tenant(slug="default").login()
        assert client.project.list(where={"name": {"_eq": "here"}}).first() is None
