"""A pack with decorators: typed inputs and payloads, a health check, an event of its own.

FLYTE_API=http://localhost:8080 python examples/packs/tickets.py
"""

from __future__ import annotations

import itertools

from pydantic import BaseModel, Field

from penstock.packs import Event, EventDef, Health, Pack, RateLimit

pack = Pack("Tickets", help_url="https://example.com/tickets", labels={"env": "example"})


class OpenTicket(BaseModel):
    """What a flow says to have a ticket opened."""

    project: str
    text: str = Field(alias="ticketText", description="What is wrong.")


class Ticket(BaseModel):
    """A ticket that was opened."""

    project: str
    number: int
    url: str


TicketOpened = EventDef("TicketOpened", payload=Ticket)
TicketRefused = EventDef("TicketRefused")
# The pack sends this by itself, when it sees fit.
ManyTickets = pack.event("ManyTickets", payload=int)

numbers = itertools.count(1)


@pack.command(
    "openTicket",
    outputs=[TicketOpened, TicketRefused],
    help_url="https://example.com/tickets#open",
    timeout=30,
    rate_limit=RateLimit(50, seconds=1),
)
async def open_ticket(request: OpenTicket) -> Event:
    """Open a ticket in a project."""
    if not request.text:
        return TicketRefused({"project": request.project, "reason": "no text"})
    number = next(numbers)
    if number % 100 == 0:
        await pack.send_event(ManyTickets(number))
    return TicketOpened(Ticket(project=request.project, number=number, url=f"https://example.com/{number}"))


@pack.health_check("Tickets")
def tickets() -> Health:
    """Whether tickets can be opened."""
    return Health(healthy=True, status="All good")


if __name__ == "__main__":
    pack.run()
