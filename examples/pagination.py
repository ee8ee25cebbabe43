"""Lists: lazy, filtered, ordered, a page at a time, and counted without being fetched."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock import Client, flow


@flow
def work(number: int) -> None:
    """Does some work."""


def main() -> None:
    """Starts thirty runs and reads them in several ways."""
    with Client() as client:
        project = client.project.create(name=f"pagination {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}")
        registered = client.flow.register(work, project=project)
        for number in range(30):
            run = registered.run(parameters={"number": number}, flow_run_name=f"run {number:02}")
            if number % 10 == 0:
                run.cancel()

        # Nothing is sent before the loop, and nothing after the page that it stops in.
        for run in registered.runs(order_by=[{"name": "asc"}], page_size=10):
            if run.name == "run 04":
                print("Found", run.name, run.state)
                break

        # Filters and orders are completed and checked by editors: columns, comparisons, relations.
        cancelled = client.flow_run.list(
            where={"flow": {"project": {"id": {"_eq": project.id}}}, "state": {"_eq": "Cancelled"}},
            order_by=[{"name": "desc"}],
        )
        print("Cancelled, the last first:", [run.name for run in cancelled])

        print("The first of all:", registered.runs(order_by=[{"name": "asc"}], limit=1).all())
        newest = registered.runs(order_by=[{"created": "desc"}]).first()
        print("The newest:", newest.name if newest is not None else "none")

        for number, page in enumerate(registered.runs(order_by=[{"name": "asc"}], page_size=12).pages(), 1):
            print(f"Page {number}: {len(page)} runs, {page[0].name} to {page[-1].name}")

        print("In all:", client.flow_run.count(where={"flow_id": {"_eq": registered.id}}))

        registered.delete()
        project.delete()


if __name__ == "__main__":
    main()
