"""A package of another API: what is deprecated, enums in answers, a Relay connection. Lines marked D are deprecated."""

from typing import assert_type

from shop_api import AsyncClient, Client, Maker, Product
from shop_api.enums import Status

client = Client("https://shop.example/graphql")
product = client.product(id="p1")

assert_type(product.id, str)
assert_type(product.status, Status)
assert_type(product.get(Product.maker.name), str | None)
assert_type(product.get("status"), Status)
maker = product.maker
assert_type(maker, Maker | None)
product.title  # D
product.get("title")  # D
assert_type(product.name, str)
product.rename("new")
product.relabel("new")  # D
for each in client.product.list(limit=10, page_size=5):
    assert_type(each, Product)
assert_type(client.product.list(after="cursor").first(), Product | None)
assert_type(client.maker.list(offset=3).all(), list[Maker])


async def main(client: AsyncClient) -> None:
    other = await client.product(id="p1")
    other.title  # D
    await other.relabel("new")  # D
    assert_type(await other.get("name"), str)
