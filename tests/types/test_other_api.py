"""A package generated for another API, at work: enums that the server has more of, what is deprecated, errors without a server."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.misbehaving import Misbehaving, Received, Reply, misbehaving_server
from tests.types.test_types import HERE, generate

PRODUCTS = [
    {"id": f"p{number}", "name": f"Product {number}", "status": "ACTIVE", "maker": None}
    for number in range(7)
]


@pytest.fixture(scope="module")
def shop_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The shop's package, generated and imported. It exists only here, so that checkers know nothing of it."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(HERE / "shop", folder, dirs_exist_ok=True)
    generate(Path(folder) / "penstock.toml")
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("shop_api")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "shop_api"]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def server() -> Iterator[Misbehaving]:
    with misbehaving_server() as running:
        yield running


@pytest.fixture
def client(shop_api: Any, server: Misbehaving) -> Iterator[Any]:
    with shop_api.Client(server.url, retries=0) as made:
        yield made


def test_an_enum_member_that_is_new_survives(shop_api: Any, client: Any, server: Misbehaving) -> None:
    status = importlib.import_module("shop_api.enums").Status
    product = {
        "id": "p1",
        "name": "Chair",
        "status": "PAUSED",
        "maker": {"id": "m1", "name": "Oak"},
        "color": "red",
    }
    server.script(Reply({"data": {"product": product}}))
    found = client.product(id="p1")
    assert isinstance(found.status, status)
    assert not found.status.is_known
    assert found.status == "PAUSED"
    assert json.loads(str(found))["status"] == "PAUSED"
    server.script(Reply({"data": {"product": {"status": "ACTIVE"}}}))
    assert client.product(id="p1").get("status") is status.ACTIVE
    server.script(Reply({"data": {"product": {"status": "PAUSED"}}}))
    assert client.product(id="p1").get(shop_api.Product.status) == "PAUSED"


def test_an_action_that_returns_its_object_updates_the_handle(client: Any, server: Misbehaving) -> None:
    server.script(Reply({"data": {"renameProduct": {**PRODUCTS[1], "name": "Stool"}}}))
    product = client.product(id="p1")
    assert product.rename("Stool") is product
    assert (product.name, product.status, product.maker) == ("Stool", "ACTIVE", None)
    assert [received.json["variables"] for received in server.received] == [{"id": "p1", "name": "Stool"}]


def test_a_relation_that_came_with_the_object_needs_no_request(client: Any, server: Misbehaving) -> None:
    server.script(Reply({"data": {"product": {**PRODUCTS[1], "maker": {"id": "m1", "name": "Oak"}}}}))
    product = client.product(id="p1").refresh()
    assert (product.maker.id, product.maker.name) == ("m1", "Oak")
    assert product.maker == client.maker(id="m1")
    assert len(server.received) == 1


def test_what_is_deprecated_works_and_warns(client: Any, server: Misbehaving) -> None:
    product = client.product(id="p1")
    server.script(Reply({"data": {"product": {"title": "Chair"}}}))
    with pytest.warns(DeprecationWarning, match="Read name instead"):
        assert product.title == "Chair"
    server.script(Reply({"data": {"relabelProduct": PRODUCTS[1]}}))
    with pytest.warns(DeprecationWarning, match="Call rename instead"):
        product.relabel("Chair")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert product.name == "Product 1"


def test_a_list_by_limit_and_offset(client: Any, server: Misbehaving) -> None:
    makers = [{"id": f"m{number}", "name": f"Maker {number}"} for number in range(7)]

    def answer(received: Received) -> Reply:
        limit, offset = received.json["variables"]["limit"], received.json["variables"]["offset"]
        return Reply({"data": {"makers": makers[offset : offset + limit]}})

    server.script(Reply())
    server.answer = answer
    try:
        assert [maker.id for maker in client.maker.list(page_size=3)] == [item["id"] for item in makers]
        assert len(server.received) == 3
    finally:
        server.answer = None


def test_a_relay_connection_pages_by_its_cursors(client: Any, server: Misbehaving) -> None:
    def answer(received: Received) -> Reply:
        variables = received.json["variables"]
        start = int(variables.get("after") or 0)
        end = start + variables["first"]
        info = {"hasNextPage": end < len(PRODUCTS), "endCursor": str(end)}
        edges = [{"node": product} for product in PRODUCTS[start:end]]
        return Reply({"data": {"products": {"edges": edges, "pageInfo": info}}})

    server.script(Reply())
    server.answer = answer
    try:
        listed = client.product.list(page_size=3)
        assert server.received == []
        assert [product.id for product in listed] == [item["id"] for item in PRODUCTS]
        asked = [received.json["variables"] for received in server.received]
        assert [variables.get("after") for variables in asked] == [None, "3", "6"]
        server.received.clear()
        assert [product.id for product in client.product.list(limit=4, page_size=3)] == [
            "p0",
            "p1",
            "p2",
            "p3",
        ]
        assert [received.json["variables"]["first"] for received in server.received] == [3, 1]
        first = client.product.list(after="5").first()
        assert first.id == "p5"
    finally:
        server.answer = None
