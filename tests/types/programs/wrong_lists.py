"""What checkers must refuse of lists, filters and orders: the lines marked E."""

from uuid import UUID

from penstock import Client

client = Client()

client.flow.list(where={"nmae": {"_eq": "x"}})  # E
client.flow.list(where={"name": {"_equals": "x"}})  # E
client.flow.list(where={"name": {"_eq": 3}})  # E
client.flow.list(where={"name": "x"})  # E
client.flow.list(where={"id": {"_eq": 3}})  # E
client.flow.list(where={"project": {"nmae": {"_eq": "x"}}})  # E
client.flow.list(where={"_or": {"name": {"_eq": "x"}}})  # E
client.flow.list(where=[{"name": {"_eq": "x"}}])  # E
client.flow.list(where="name = 'x'")  # E
client.flow.list({"name": {"_eq": "x"}})  # E
client.flow.list(order_by=[{"name": "down"}])  # E
client.flow.list(order_by=[{"nmae": "asc"}])  # E
client.flow.list(order_by=["name"])  # E
client.flow.list(distinct_on=["nmae"])  # E
client.flow.list(limit="10")  # E
client.flow.list(page_size=None)  # E
client.flow.list(first=10)  # E
client.flow.count(limit=3)  # E
client.flow(id=UUID(int=1)).runs(where={"stat": {"_eq": "Failed"}})  # E
client.flow.list()[0]  # E
client.flow.list().name  # E
number: str = client.flow.count()  # E
for flow in client.flow.list():
    flow.nmae  # E
async_: object = [flow async for flow in client.flow.list()]  # E

client.flow.list(where={"name": {"_eq": "x"}}, order_by=[{"name": "asc"}])
