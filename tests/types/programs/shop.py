"""A package of another API: what is deprecated, and enums in answers. Lines marked D are deprecated."""

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
for each in client.product.list():
    assert_type(each, Product)


async def main(client: AsyncClient) -> None:
    other = await client.product(id="p1")
    other.title  # D
    await other.relabel("new")  # D
    assert_type(await other.get("name"), str)
