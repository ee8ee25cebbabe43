"""The background services: a round of each at a chosen time, and all of them in a real server."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from tests.server.api import FLOW, Api, Refused, new_tenant

from penstock.server.database import Database, open_database
from penstock.server.local import local_transport
from penstock.server.scheduling import Clock, coming
from penstock.server.services import cloud_hooks, lazarus, scheduler, zombies
from penstock.server.tables import flow_run, task_run
from penstock.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def url(database_kind: str, new_database: Callable[[str], str]) -> str:
    return new_database(database_kind)


@pytest.fixture(scope="module")
def transport_api(url: str) -> Iterator[Api]:
    """A server in this process, its services off, so that a test decides when they look and what time it is."""
    with Api("http://local", transport=local_transport(url)) as api:
        yield api


@pytest.fixture
def api(transport_api: Api) -> Iterator[Api]:
    """The same, in a tenant of its own, which goes afterwards: services see every tenant."""
    transport_api.tenant_id = new_tenant(transport_api)
    yield transport_api
    transport_api.do("delete_tenant", "success", tenant_id=transport_api.tenant_id, confirm=True)


@pytest.fixture
def database(url: str, api: Api) -> Iterator[Database]:
    assert api.tenant_id
    opened = open_database(url)
    yield opened
    opened.close()


def age(database: Database, key: str, by: timedelta) -> None:
    """Make the heartbeats of a flow run and its task runs older."""
    with database.write() as connection:
        old = datetime.now(UTC) - by
        connection.execute(flow_run.update().where(flow_run.c.id == key).values(heartbeat=old))
        connection.execute(task_run.update().where(task_run.c.flow_run_id == key).values(heartbeat=old))


class TestClocks:
    def times(self, kind: str, definition: dict[str, Any], after: datetime, count: int = 3) -> list[datetime]:
        return [time for time, _ in coming([Clock(kind, definition)], after, count)]

    def test_cron_keeps_the_hour_on_the_wall_across_daylight_saving(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        start = {"dt": "2026-01-01T00:00:00", "tz": "Europe/Berlin"}
        times = self.times(
            "CronClock", {"cron": "0 9 * * *", "start_date": start}, datetime(2026, 3, 28, 8, 30, tzinfo=UTC)
        )
        assert [time.astimezone(berlin).hour for time in times] == [9, 9, 9]
        assert [time.hour for time in times] == [7, 7, 7]
        before = self.times(
            "CronClock", {"cron": "0 9 * * *", "start_date": start}, datetime(2026, 3, 26, tzinfo=UTC), 4
        )
        assert [time.hour for time in before] == [8, 8, 8, 7]

    def test_an_interval_counts_from_its_start_and_ends(self) -> None:
        definition = {"interval": 90 * 60 * 1_000_000, "start_date": "2026-01-01T00:00:00+00:00"}
        after = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
        expected = [after + timedelta(minutes=90 * step) for step in (1, 2, 3)]
        assert self.times("IntervalClock", definition, after) == expected
        assert self.times("IntervalClock", definition, after - SECOND)[0] == after
        early = self.times("IntervalClock", definition, datetime(2025, 1, 1, tzinfo=UTC), 1)
        assert early == [datetime(2026, 1, 1, tzinfo=UTC)]
        ended = definition | {"end_date": "2026-01-01T06:00:00+00:00"}
        assert self.times("IntervalClock", ended, after) == expected[:2]

    def test_whole_days_keep_the_hour_and_shorter_steps_the_distance(self) -> None:
        start = {"dt": "2026-03-27T09:00:00", "tz": "Europe/Berlin"}
        after = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
        daily = self.times("IntervalClock", {"interval": 86_400_000_000, "start_date": start}, after)
        assert [time.hour for time in daily] == [8, 7, 7]
        half = self.times("IntervalClock", {"interval": 43_200_000_000, "start_date": start}, after, 5)
        assert {later - sooner for sooner, later in pairwise(half)} == {timedelta(hours=12)}

    def test_dates_and_several_clocks_come_in_order(self) -> None:
        dates = Clock(
            "DatesClock",
            {"dates": ["2026-05-03T00:00:00+00:00", "2026-05-01T00:00:00", "2020-01-01T00:00:00"]},
        )
        cron = Clock("CronClock", {"cron": "0 0 2 * *"})
        strikes = coming([dates, cron], datetime(2026, 4, 30, tzinfo=UTC), 3)
        assert [(time.day, clock.kind) for time, clock in strikes] == [
            (1, "DatesClock"),
            (2, "CronClock"),
            (3, "DatesClock"),
        ]


class TestScheduler:
    def scheduled(self, api: Api, key: str) -> list[datetime]:
        rows = api.by_id(
            "flow", key, "flow_runs(order_by: {scheduled_start_time: asc}) { scheduled_start_time }"
        )
        return [datetime.fromisoformat(row["scheduled_start_time"]) for row in rows["flow_runs"]]

    def test_it_keeps_ten_runs_ahead_and_makes_none_twice(self, api: Api, database: Database) -> None:
        clock = {
            "type": "IntervalClock",
            "interval": 3_600_000_000,
            "start_date": None,
            "parameter_defaults": {"x": 1},
        }
        key = api.flow(
            serialized=FLOW | {"schedule": {"type": "Schedule", "clocks": [clock]}}, set_schedule_active=True
        )
        first = self.scheduled(api, key)
        assert len(first) == 10
        assert scheduler.schedule(database, datetime.now(UTC)) == 0
        assert scheduler.schedule(database, first[2] + SECOND) == 3
        assert self.scheduled(api, key) == [first[0] + timedelta(hours=step) for step in range(13)]

    def test_two_schedulers_at_once_make_no_run_twice(self, api: Api, database: Database) -> None:
        key = api.flow()
        group = api.by_id("flow", key, "flow_group_id")["flow_group_id"]
        api.do("set_schedule_active", "success", flow_id=key)
        api.do("set_flow_group_default_parameters", "success", flow_group_id=group, parameters={"x": 1})
        api.do("set_flow_group_schedule", "success", flow_group_id=group, interval_clocks=[{"interval": 60}])
        later = datetime.now(UTC) + timedelta(days=1)
        made: list[int] = []
        threads = [
            threading.Thread(target=lambda: made.append(scheduler.schedule(database, later)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(made) == 10
        assert len(set(self.scheduled(api, key))) == len(self.scheduled(api, key)) == 20

    def test_an_archived_or_inactive_flow_is_left_alone(self, api: Api, database: Database) -> None:
        clock = {"type": "CronClock", "cron": "* * * * *", "parameter_defaults": {"x": 1}}
        schedule = {"type": "Schedule", "clocks": [clock]}
        key = api.flow(serialized=FLOW | {"schedule": schedule})
        archived = api.flow(serialized=FLOW | {"schedule": schedule}, set_schedule_active=True)
        api.do("archive_flow", "success", flow_id=archived)
        assert scheduler.schedule(database, datetime.now(UTC) + timedelta(days=2)) == 0
        assert self.scheduled(api, key) == self.scheduled(api, archived) == []

    def test_a_schedule_that_cannot_be_read_is_refused_on_registering(self, api: Api) -> None:
        for clock in ({"type": "CronClock", "cron": "x"}, {"type": "IntervalClock"}):
            with pytest.raises(Refused, match="cannot be read"):
                api.flow(serialized=FLOW | {"schedule": {"clocks": [clock]}}, set_schedule_active=True)


class TestLostRuns:
    def running(self, api: Api, **settings: bool) -> str:
        key = api.run()
        flow_id = api.by_id("flow_run", key, "flow_id")["flow_id"]
        for name, on in settings.items():
            api.do(f"{'enable' if on else 'disable'}_flow_{name}", "success", flow_id=flow_id)
        api.set_run(key, "Submitted")
        api.set_run(key, "Running")
        return key

    def test_an_abandoned_run_is_rescheduled_three_times_and_then_failed(
        self, api: Api, database: Database
    ) -> None:
        key = self.running(api)
        for attempt in (1, 2, 3):
            age(database, key, timedelta(minutes=9))
            assert lazarus.revive(database, datetime.now(UTC)) == 0
            age(database, key, timedelta(minutes=11))
            assert zombies.end_zombies(database, datetime.now(UTC)) == 0
            assert lazarus.revive(database, datetime.now(UTC)) == 1
            run = api.by_id("flow_run", key, "state times_resurrected state_message")
            assert (run["state"], run["times_resurrected"]) == ("Scheduled", attempt)
            assert f"Attempt {attempt} of 3" in run["state_message"]
            assert lazarus.revive(database, datetime.now(UTC)) == 0
            api.set_run(key, "Running")
        age(database, key, timedelta(minutes=11))
        assert lazarus.revive(database, datetime.now(UTC)) == 0
        assert zombies.end_zombies(database, datetime.now(UTC)) == 1
        assert api.by_id("flow_run", key, "state")["state"] == "Failed"

    def test_a_living_task_run_keeps_its_flow_run(self, api: Api, database: Database) -> None:
        key = self.running(api)
        task = api.task_run(key, "x")
        api.set_task(task, "Running")
        age(database, key, timedelta(minutes=11))
        api.do("update_task_run_heartbeat", "success", task_run_id=task)
        assert lazarus.revive(database, datetime.now(UTC)) == 0
        assert zombies.end_zombies(database, datetime.now(UTC)) == 0

    def test_a_silent_task_run_is_failed(self, api: Api, database: Database) -> None:
        key = self.running(api)
        task = api.task_run(key, "x")
        api.set_task(task, "Running")
        age(database, key, timedelta(minutes=11))
        api.do("update_flow_run_heartbeat", "success", flow_run_id=key)
        assert zombies.end_zombies(database, datetime.now(UTC)) == 1
        assert api.by_id("task_run", task, "state")["state"] == "Failed"
        assert api.by_id("flow_run", key, "state")["state"] == "Running"

    def test_a_run_that_is_not_watched_or_not_revived_is_treated_so(
        self, api: Api, database: Database
    ) -> None:
        unwatched = self.running(api, heartbeat=False, lazarus_process=False)
        mortal = self.running(api, lazarus_process=False)
        cancelling = self.running(api)
        api.do("cancel_flow_run", "state", flow_run_id=cancelling)
        for key in (unwatched, mortal, cancelling):
            age(database, key, timedelta(minutes=11))
        assert lazarus.revive(database, datetime.now(UTC)) == 0
        assert zombies.end_zombies(database, datetime.now(UTC)) == 2
        states = [api.by_id("flow_run", key, "state")["state"] for key in (unwatched, mortal, cancelling)]
        assert states == ["Running", "Failed", "Cancelled"]


class Receiver:
    """An HTTP server that keeps what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(
                    ({name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class TestCloudHooks:
    def hook(self, api: Api, receiver: Receiver, **more: Any) -> str:
        fields: dict[str, Any] = {
            "type": "WEBHOOK",
            "states": ["FAILED", "Running"],
            "config": {"url": receiver.url},
        }
        key: str = api.do("create_cloud_hook", tenant_id=api.tenant_id, **fields | more)
        return key

    def test_a_change_of_state_is_told_signed(self, api: Api, database: Database, receiver: Receiver) -> None:
        key = self.hook(api, receiver, name="h")
        hook = api.by_id("cloud_hook", key, "name type states active config")
        assert hook["states"] == ["Failed", "Running"]
        run = api.run(flow_run_name="nightly")
        for state in ("Submitted", "Running", "TimedOut"):
            api.set_run(run, state, message=state)
        assert cloud_hooks.deliver(database, datetime.now(UTC)) == 2
        assert cloud_hooks.deliver(database, datetime.now(UTC) + timedelta(hours=1)) == 0
        bodies = [json.loads(body) for _, body in receiver.received]
        assert [body["state"]["type"] for body in bodies] == ["Running", "TimedOut"]
        assert bodies[0]["flow_run"] == {"id": run, "name": "nightly", "version": 3}
        headers, body = receiver.received[0]
        stamp, _, digest = headers["x-penstock-signature"].partition(",v1=")
        seconds = stamp.removeprefix("t=")
        secret = hook["config"]["secret"]
        assert hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest() == digest

    def test_it_is_told_again_until_it_arrives(
        self, api: Api, database: Database, receiver: Receiver
    ) -> None:
        self.hook(api, receiver)
        receiver.answers = [500, 302, 204]
        api.set_run(api.run(), "Running")
        now = datetime.now(UTC)
        assert cloud_hooks.deliver(database, now) == 0
        assert cloud_hooks.deliver(database, now) == 0
        assert len(receiver.received) == 1
        assert cloud_hooks.deliver(database, now + timedelta(seconds=15)) == 0
        assert cloud_hooks.deliver(database, now + timedelta(minutes=1)) == 1
        assert len({headers["x-penstock-delivery"] for headers, _ in receiver.received}) == 1
        assert len(receiver.received) == 3

    def test_inactive_hooks_and_hooks_of_other_flows_say_nothing(
        self, api: Api, database: Database, receiver: Receiver
    ) -> None:
        quiet = self.hook(api, receiver)
        api.do("set_cloud_hook_inactive", "success", cloud_hook_id=quiet)
        self.hook(api, receiver, version_group_id="another")
        api.set_run(api.run(), "Running")
        assert cloud_hooks.deliver(database, datetime.now(UTC)) == 0
        api.do("set_cloud_hook_active", "success", cloud_hook_id=quiet)
        api.set_run(api.run(), "Running")
        assert cloud_hooks.deliver(database, datetime.now(UTC)) == 1
        api.do("delete_cloud_hook", "success", cloud_hook_id=quiet)
        assert len(api.ask("{ cloud_hook { id } }")["cloud_hook"]) >= 1

    def test_a_message_is_left_read_and_deleted(self, api: Api, database: Database) -> None:
        api.do("create_cloud_hook", tenant_id=api.tenant_id, type="PREFECT_MESSAGE", states=["Success"])
        run = api.run(flow_run_name="n")
        api.set_run(run, "Success", message="done")
        assert cloud_hooks.deliver(database, datetime.now(UTC)) == 1
        fields = f'message(where: {{tenant_id: {{_eq: "{api.tenant_id}"}}}}) {{ id text read content }}'
        message = api.ask(f"{{ {fields} }}")["message"][0]
        assert message["text"] == "Flow run n of etl is Success: done"
        assert (message["read"], message["content"]["flow_run"]["id"]) == (False, run)
        api.do("mark_message_as_read", "success", message_id=message["id"])
        assert api.by_id("message", message["id"], "read") == {"read": True}
        api.do("mark_message_as_unread", "success", message_id=message["id"])
        assert api.by_id("message", message["id"], "read") == {"read": False}
        api.do("delete_message", "success", message_id=message["id"])
        assert api.ask(f"{{ {fields} }}") == {"message": []}

    def test_a_hook_can_be_tried_out(self, api: Api, receiver: Receiver) -> None:
        key = self.hook(api, receiver)
        assert api.do("test_cloud_hook", "success error", cloud_hook_id=key, state_type="FAILED") == {
            "success": True,
            "error": None,
        }
        assert json.loads(receiver.received[0][1])["state"]["type"] == "Failed"
        receiver.answers = [404]
        answer = api.do("test_cloud_hook", "success error", cloud_hook_id=key)
        assert answer == {"success": False, "error": "The hook answered 404."}
        dead = self.hook(api, receiver, config={"url": "http://127.0.0.1:9/"})
        answer = api.do("test_cloud_hook", "success error", cloud_hook_id=dead)
        assert answer == {"success": False, "error": "ConnectError while calling the hook."}

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"states": ["Walking"]}, "no state"),
            ({"states": []}, "at least one state"),
            ({"config": {}}, "needs `config"),
            ({"config": {"url": "ftp://x"}}, "needs `config"),
            ({"type": "PAGERDUTY"}, "no PAGERDUTY hooks"),
        ],
    )
    def test_a_hook_that_cannot_work_is_refused(
        self, api: Api, receiver: Receiver, fields: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(Refused, match=words):
            self.hook(api, receiver, **fields)


def test_a_real_server_runs_its_services(
    database_kind: str, new_database: Callable[[str], str], receiver: Receiver
) -> None:
    with (
        ServerProcess(new_database(database_kind), "--service-interval", "0.1") as process,
        Api(process.url) as api,
    ):
        api.tenant_id = api.ask("{ tenant { id } }")["tenant"][0]["id"]
        config = {"url": receiver.url}
        api.do(
            "create_cloud_hook", tenant_id=api.tenant_id, type="WEBHOOK", states=["Running"], config=config
        )
        api.set_run(api.run(), "Running")
        deadline = time.monotonic() + 20
        while not receiver.received and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(receiver.received) == 1
