"""``penstock pack``: run a pack, describe one, and look at what its outbox holds."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from penstock.packs import Pack, PackError, settings
from penstock.packs.describe import as_html, describe
from penstock.packs.outbox import Outbox, outbox_path

app = typer.Typer(no_args_is_help=True, help="Run and describe flyte packs.")

Target = Annotated[
    str, typer.Argument(metavar="MODULE:PACK", help="Where the pack is, such as my_packs.jira:pack.")
]


@app.callback()
def _packs() -> None:
    """Run and describe flyte packs."""


@app.command()
def run(
    target: Target,
    api: Annotated[str | None, typer.Option(help="URL of the flyte API; default: FLYTE_API.")] = None,
    health_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the health server; default: what the pack says."),
    ] = None,
    health: Annotated[bool, typer.Option(help="Whether there is a health server.")] = True,
    metrics: Annotated[
        bool | None, typer.Option(help="Serve Prometheus metrics beside the health checks.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run a pack until SIGTERM, SIGINT or SIGHUP, then finish what it began."""
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        _fail(f"{log_level!r} is no log level; write DEBUG, INFO, WARNING or ERROR.")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(max(level, logging.WARNING))
    pack = load(target)
    try:
        pack.configure(api=api, health_port=health_port if health else False, metrics=metrics)
    except PackError as error:
        _fail(str(error))
    pack.run()


@app.command(name="describe")
def describe_pack(
    target: Target,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the help page there instead, - for standard output."),
    ] = None,
) -> None:
    """Print a pack's commands and events with the JSON schemas of their inputs and payloads."""
    try:
        description = describe(load(target).definition)
    except PackError as error:
        _fail(str(error))
    if html is None:
        print(json.dumps(description.as_json(), indent=2, ensure_ascii=False))
    elif str(html) == "-":
        print(as_html(description), end="")
    else:
        try:
            html.write_text(as_html(description), encoding="utf-8")
        except OSError as error:
            _fail(f"{html} cannot be written: {error.strerror}.")
        print(f"Wrote {html}.", file=sys.stderr)


@app.command()
def outbox(
    target: Target,
    api: Annotated[str | None, typer.Option(help="URL of the flyte API; default: FLYTE_API.")] = None,
) -> None:
    """Print what waits for the API and what was set aside, for a pack that is not running."""

    async def look(path: Path) -> dict[str, object]:
        opened = Outbox(path)
        try:
            refusals = [{"what": what, "reason": reason} for what, reason in await opened.refusals()]
            unfinished = [action.command for action in await opened.unfinished()]
            return {
                "file": str(path),
                "waiting": await opened.count(),
                "unfinished": unfinished,
                "set_aside": refusals,
            }
        finally:
            opened.close()

    try:
        url = settings.api_url() if api is None else settings.check_url(api, "--api")
        path = outbox_path(settings.home() / "packs", load(target).definition.id, url)
        if not path.exists():
            _fail(f"There is no outbox {path}: the pack has not run here, or keeps its outbox elsewhere.")
        print(json.dumps(asyncio.run(look(path)), indent=2))
    except PackError as error:
        _fail(str(error))


def load(target: str) -> Pack:
    """The pack at ``module:name``; ends the program with a sentence where there is none."""
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        _fail(f"{target!r} names no pack; write MODULE:PACK, such as my_packs.jira:pack.")
    # A command-line program finds its own folder's modules no more than python -m does without this.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = (
            f"; it needs the module {error.name!r}"
            if error.name and not module_name.startswith(error.name)
            else ""
        )
        _fail(f"There is no module {module_name!r} to import{missing}. Is its folder the current one?")
    except PackError as error:
        _fail(f"The module {module_name!r} does not define its pack well: {error}")
    pack = getattr(module, name, None)
    if not isinstance(pack, Pack):
        known = [known for known, value in vars(module).items() if isinstance(value, Pack)]
        hint = f" It has: {', '.join(known)}." if known else ""
        _fail(f"{name!r} of the module {module_name!r} is no Pack.{hint}")
    return pack


def main(arguments: Sequence[str]) -> int:
    """Run ``penstock pack`` with these arguments; the exit code: 0 done, 2 wrong input."""
    try:
        app(list(arguments), prog_name="penstock pack")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    app()
