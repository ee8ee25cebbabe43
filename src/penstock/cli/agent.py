"""`penstock agent start`: an agent in the foreground, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from types import FrameType

    from penstock.agent.agent import Agent, Progress

app = typer.Typer(
    name="agent",
    help="Take the flow runs that are due, and execute each where its flow says.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

WRONG_INPUT = 2


def main(arguments: Sequence[str]) -> int:
    """Runs the command line and gives its exit code."""
    try:
        app(list(arguments), prog_name="penstock agent")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _show(progress: Progress) -> None:
    colours = {"Success": typer.colors.GREEN, "taken": typer.colors.BLUE, "Cancelled": typer.colors.YELLOW}
    event = typer.style(f"{progress.event:<9}", fg=colours.get(progress.event, typer.colors.RED))
    message = f"  {progress.message}" if progress.event not in ("taken", "Success") else ""
    _say(f"{progress.time:%H:%M:%S}  {event}  {progress.flow} / {progress.run}{message}")


def _drain_on_signals(agent: Agent, drain_timeout: float | None) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        again = agent.health()[1]["draining"]
        # A thread: what a signal handler takes, the interrupted code may hold.
        threading.Thread(target=_end, args=(agent, again, drain_timeout), daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _end(agent: Agent, again: bool, drain_timeout: float | None) -> None:
    if again:
        _say("Ending the runs that are not over.")
        agent.abort()
        return
    active = agent.health()[1]["active_runs"]
    _say(f"No more runs are taken; {active} are not over. Once more to end them." if active else "Stopping.")
    agent.drain()
    if drain_timeout is not None:
        timer = threading.Timer(drain_timeout, agent.abort)
        timer.daemon = True
        timer.start()


def _tell_health(agent: Agent, host: str) -> None:
    if agent.ready.wait(60):
        _say(f"Health  http://{host}:{agent.health_port}/health")


@app.callback()
def _agent() -> None:
    """Take the flow runs that are due, and execute each where its flow says."""


@app.command()
def start(
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "-l", help="A label that the agent has; runs all of whose labels it has are its."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The agent's name.  [default: HOST-PROCESS]", show_default=False)
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1, help="Runs executed at a time.  [default: 4 for each processor]", show_default=False
        ),
    ] = None,
    poll_interval: Annotated[
        float, typer.Option(min=0.05, help="Seconds between two looks at the queue.")
    ] = 1.0,
    max_poll_interval: Annotated[
        float, typer.Option(min=0.05, help="Seconds to which that grows while the queue is empty.")
    ] = 10.0,
    prefetch: Annotated[
        float, typer.Option(min=0, help="Seconds ahead of their time that runs are taken.")
    ] = 10.0,
    heartbeat_interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two signs of life of each run.")
    ] = 30.0,
    watch_interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks at whether runs are to be cancelled.")
    ] = 2.0,
    drain_timeout: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds that runs have to end after SIGTERM.  [default: no limit]",
            show_default=False,
        ),
    ] = None,
    health_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve GET /health here; 0 takes a free port.")
    ] = None,
    health_host: Annotated[str, typer.Option(help="The address of GET /health.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="End when no run is due and all are over.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show what happens to runs.")] = False,
) -> None:
    """Start an agent. SIGTERM or Ctrl-C lets it finish what it has taken; a second one ends that, too."""
    from penstock import Client, ClientError
    from penstock.agent.agent import Agent

    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    try:
        with Client() as client:
            agent = Agent(
                client,
                labels=label or (),
                name=name,
                concurrency=concurrency,
                poll_interval=poll_interval,
                max_poll_interval=max(max_poll_interval, poll_interval),
                prefetch=prefetch,
                heartbeat_interval=heartbeat_interval,
                watch_interval=watch_interval,
                progress=(lambda _: None) if quiet else _show,
                health_port=health_port,
                health_host=health_host,
            )
            _drain_on_signals(agent, drain_timeout)
            shown = (
                f"with the labels {', '.join(agent.labels)}" if agent.labels else "for runs without labels"
            )
            _say(
                f"Agent {agent.name} {shown} at {client.url}, {agent.concurrency} runs at a time. Stop with Ctrl-C."
            )
            if health_port is not None:
                threading.Thread(target=_tell_health, args=(agent, health_host), daemon=True).start()
            if once:
                executed = agent.run_until_idle(timeout=float("inf"))
                _say(f"{executed} runs were executed.")
            else:
                agent.start()
    except (ClientError, ValueError, OSError) as error:
        _say(f"Error: {error}")
        raise typer.Exit(WRONG_INPUT) from None
