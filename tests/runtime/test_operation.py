"""How an operation reads its answer: the way to the result, errors as data, and answers that do not fit."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from penstock_codegen.runtime.errors import ActionFailed, GraphQLError, InvalidResponse
from penstock_codegen.runtime.failures import Flag, Problems
from penstock_codegen.runtime.model import Model
from penstock_codegen.runtime.operation import Operation, describe


class Fields(Model):
    id: UUID
    name: str


class FlowData(Model):
    flow: list[Fields]


class OneData(Model):
    flow: Fields | None


def answer(data: object, **more: object) -> bytes:
    return json.dumps({"data": data, **more}).encode()


ID = "8a1c5b7e-0f0e-4b0e-9d7a-2f6a1b3c4d5e"

ONE: Operation[Fields | None] = Operation(
    "one", "query", "query one{flow{id name}}", ("flow",), model=lambda: OneData, whole=True
)
ONLY: Operation[Fields | None] = Operation(
    "only", "query", "query only{flow{id name}}", ("flow", 0), model=lambda: FlowData, whole=True
)
DELETE: Operation[None] = Operation(
    "delete",
    "mutation",
    "mutation delete{delete{success error}}",
    ("delete",),
    keeps_nothing=True,
    failure=(1, Flag("success", "error")),
)
RENAME: Operation[UUID] = Operation(
    "rename",
    "mutation",
    "mutation rename{rename{userErrors{message} flow{id}}}",
    ("rename", "flow", "id"),
    leaf=lambda: UUID,
    failure=(1, Problems("userErrors")),
)


def test_the_body_is_encoded_once_up_to_the_variables() -> None:
    assert ONE.body == b'{"operationName":"one","query":"query one{flow{id name}}","variables":'
    assert repr(ONE) == "<query one>"


def test_a_model_is_read_and_followed() -> None:
    found = ONE.read(answer({"flow": {"id": ID, "name": "etl"}}))
    assert found == Fields(id=UUID(ID), name="etl")
    assert ONE.read(answer({"flow": None})) is None


def test_fields_that_the_schema_did_not_have_are_passed_over() -> None:
    found = ONE.read(
        answer({"flow": {"id": ID, "name": "etl", "new": {"deep": 1}}, "other": 1}, extensions={"cost": 3})
    )
    assert found is not None
    assert found.name == "etl"


def test_the_only_element_of_a_list() -> None:
    assert ONLY.read(answer({"flow": []})) is None
    found = ONLY.read(answer({"flow": [{"id": ID, "name": "etl"}]}))
    assert found is not None
    assert found.name == "etl"
    two = answer({"flow": [{"id": ID, "name": "a"}, {"id": ID, "name": "b"}]})
    with pytest.raises(InvalidResponse, match=r"only was expected to find one element and found 2") as caught:
        ONLY.read(two)
    assert caught.value.path == "data.flow"


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (answer({"flow": {"id": "no", "name": "etl"}}), "data.flow.id"),
        (answer({"flow": {"id": ID}}), "data.flow.name"),
        (answer({"flow": {"id": ID, "name": None}}), "data.flow.name"),
        (answer({"flow": [1]}), "data.flow"),
        (answer({}), "data.flow"),
        (answer("text"), "data"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_place(content: bytes, path: str) -> None:
    with pytest.raises(InvalidResponse, match="one does not fit the schema at") as caught:
        ONE.read(content)
    assert caught.value.path == path
    assert caught.value.operation == "one"
    assert "generate the client again" in str(caught.value)


def test_errors_win_over_an_answer_that_does_not_fit() -> None:
    with pytest.raises(GraphQLError, match=r"^one: no$") as caught:
        ONE.read(answer({"flow": 3}, errors=[{"message": "no"}]))
    assert caught.value.data == {"flow": 3}


@pytest.mark.parametrize("operation", [ONE, DELETE])
@pytest.mark.parametrize(
    "content", [b'{"data":null}', b'{"data":null,"errors":null}', b'{"data":null,"errors":[]}']
)
def test_neither_data_nor_errors(operation: Operation[Any], content: bytes) -> None:
    with pytest.raises(InvalidResponse, match="neither data nor errors"):
        operation.read(content)


def test_a_payload_that_says_that_it_failed() -> None:
    DELETE.read(answer({"delete": {"success": True, "error": None}}))
    with pytest.raises(ActionFailed, match=r"^delete failed: still in use$") as caught:
        DELETE.read(answer({"delete": {"success": False, "error": "still in use"}}))
    assert caught.value.action == "delete"
    assert caught.value.reasons == ("still in use",)
    with pytest.raises(ActionFailed, match="delete failed; the server gives no reason"):
        DELETE.read(answer({"delete": {"success": False, "error": None}}))
    with pytest.raises(ActionFailed, match="delete failed: half done"):
        DELETE.read(answer({"delete": {"success": True, "error": "half done"}}))
    with pytest.raises(ActionFailed, match="delete answered null at delete without saying why"):
        DELETE.read(answer({"delete": None}))


def test_a_payload_that_lists_what_went_wrong() -> None:
    fine = {"rename": {"userErrors": [], "flow": {"id": ID}}}
    assert RENAME.read(answer(fine)) == UUID(ID)
    with pytest.raises(ActionFailed, match=r"^rename failed: too long; taken$") as caught:
        RENAME.read(
            answer({"rename": {"userErrors": [{"message": "too long"}, {"message": "taken"}], "flow": None}})
        )
    assert caught.value.reasons == ("too long", "taken")


@pytest.mark.parametrize("data", [{"rename": None}, {"rename": {"userErrors": None, "flow": None}}])
def test_a_mutation_answered_with_null(data: object) -> None:
    with pytest.raises(ActionFailed, match=r"rename answered null at rename\.flow\.id without saying why"):
        RENAME.read(answer(data))


@pytest.mark.parametrize("data", [{}, {"rename": {"userErrors": []}}, {"rename": 3}])
def test_an_answer_without_what_the_schema_has(data: object) -> None:
    with pytest.raises(InvalidResponse, match="rename has no '") as caught:
        RENAME.read(answer(data))
    assert caught.value.operation == "rename"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"<!DOCTYPE html>", "it is HTML or XML"),
        (b"  <HTML>", "it is HTML or XML"),
        (b"upstream connect error", "it starts with 'upstream connect err'"),
        (b"\xff\xfe", "it starts with '\ufffd\ufffd'"),
    ],
)
def test_describing_what_came_instead(content: bytes, said: str) -> None:
    assert describe(content) == said
