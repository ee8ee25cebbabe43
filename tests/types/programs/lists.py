"""Lists, filters, orders and counts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_type
from uuid import UUID

from penstock import UNSET, Client, Flow, FlowRun, Log, Pages, Unset
from penstock_api.inputs import FlowRunBoolExp, FlowRunOrderBy

client = Client()
flow = client.flow(id=UUID(int=1))

assert_type(client.flow.list(), Pages[Flow])
assert_type(client.flow.list().all(), list[Flow])
assert_type(client.flow.list().first(), Flow | None)
assert_type(client.flow.list().pages(), Iterator[list[Flow]])
assert_type(flow.runs(), Pages[FlowRun])
assert_type(client.flow_run(id=UUID(int=1)).logs(limit=3), Pages[Log])
for run in client.flow_run.list(
    where={
        "state": {"_in": ["Failed", "Cancelled"]},
        "flow": {"project": {"name": {"_eq": "etl"}}},
        "_or": [{"name": {"_like": "a%"}}, {"name": {"_is_null": True}}],
        "_not": {"id": {"_eq": UUID(int=1)}},
        "created": {"_gte": datetime.now(UTC)},
        "version": {"_gt": 3},
    },
    order_by=[{"created": "desc"}, {"flow": {"name": "asc_nulls_last"}}],
    distinct_on=["flow_id"],
    limit=10,
    offset=5,
    page_size=50,
):
    assert_type(run, FlowRun)
    assert_type(run.state, str | None)

where: FlowRunBoolExp = {"flow_id": {"_eq": "8a1c5b7e-0f0e-4b0e-9d7a-2f6a1b3c4d5e"}}
order: list[FlowRunOrderBy] = [{"created": "asc"}]
assert_type(client.flow_run.count(where=where), int)
client.flow_run.list(where=where, order_by=order)
client.flow_run.list(where=None)


def newest(where: FlowRunBoolExp | Unset = UNSET) -> FlowRun | None:
    return client.flow_run.list(where=where, order_by=[{"created": "desc"}]).first()
