"""What can go wrong, how each error is told apart, and what the client tries again by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from penstock import (
    ActionFailed,
    Client,
    ClientError,
    GraphQLError,
    InvalidSelection,
    NotFound,
    TransportError,
    flow,
)


@flow
def work(day: str) -> None:
    """Does the work of a day."""


def main() -> None:
    """Makes mistakes, and shows what comes of them."""
    # Connection failures, 429 and 502 to 504 are tried again: reads always, actions only where they cannot happen twice.
    with Client(timeout=10, retries=2) as client:
        flow_that_is_gone = client.flow(id=uuid4())
        try:
            print(flow_that_is_gone.name)
        except NotFound as error:
            print("NotFound:", error)

        try:
            flow_that_is_gone.query("nmae")
        except InvalidSelection as error:
            print("InvalidSelection, and nothing was sent:", error)

        try:
            client.flow_run(id=uuid4()).set_name("anything")
        except (ActionFailed, GraphQLError) as error:
            print(f"{type(error).__name__}:", error)

        # An action that carries an idempotency key may be repeated: it happens once.
        project = client.project.create(name=f"retries {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}")
        registered = client.flow.register(work, project=project)
        first = registered.run(parameters={"day": "monday"}, idempotency_key="monday")
        again = registered.run(parameters={"day": "monday"}, idempotency_key="monday")
        print("One run for one key:", first == again)

        # Options for one call, or for many.
        patient = client.with_options(timeout=60, retries=5, headers={"X-Request-Id": str(uuid4())})
        print("Patiently:", patient.flow(id=registered.id).get("name"))

        registered.delete()
        project.delete()

    # Nothing listens here. Every error of the client has one base class.
    with Client("http://127.0.0.1:9", retries=0, timeout=2) as nowhere:
        try:
            nowhere.hello()
        except TransportError as error:
            print("TransportError:", error)
            print("The request may have reached the server:", error.sent)
            print("It is a ClientError:", isinstance(error, ClientError))


if __name__ == "__main__":
    main()
