"""`penstock generate --watch`: generate again whenever a source changes. It looks, twice a second: that works on every file system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import Config

_EVERY = 0.5
# The state of the sources: path → (time of change in ns, size).
State = Mapping[str, tuple[int, int]]


def watch(
    config: Path | None,
    run: Callable[[], int],
    *,
    wait: Callable[[float], None] = time.sleep,
    say: Callable[[str], None] = print,
) -> int:
    """Calls `run` at once, and again after each change, until Ctrl-C. Gives the last exit code.

    `wait` is called between looks with seconds; an editor that saves several files at once is waited for until nothing moves.
    """
    known = sources(config)
    code = run()
    say("Watching the sources; Ctrl-C ends it.")
    try:
        while True:
            wait(_EVERY)
            found = sources(config)
            if found == known:
                continue
            while True:
                wait(_EVERY / 5)
                again = sources(config)
                if again == found:
                    break
                found = again
            say(f"{_told(known, found)} changed.")
            known = found
            code = run()
    except KeyboardInterrupt:
        return code


def sources(config: Path | None) -> State:
    """Everything that packages are made from, as it is now. A configuration that is wrong is watched alone: mending it is a change."""
    from .config import find_config, load_configs
    from .diagnostics import GenerationError

    file = config or find_config(Path.cwd())
    paths = [file]
    try:
        found = load_configs(file)
    except GenerationError:
        return _state(paths)
    for loaded in found:
        paths += _sources(loaded)
    return _state(paths)


def _sources(loaded: Config) -> Iterator[Path]:
    for entry in loaded.schema:
        if "://" not in entry:
            yield from (
                loaded.root.glob(entry) if any(mark in entry for mark in "*?[") else [loaded.root / entry]
            )
    yield from (*loaded.queries.rglob("*.graphql"), *loaded.queries.rglob("*.gql"))
    if loaded.templates is not None:
        yield from (path for path in loaded.templates.rglob("*") if path.is_file())
    if loaded.plugins:
        from .plugins import plugin_files

        yield from (loaded.root / name for name in plugin_files(loaded))


def _state(paths: list[Path]) -> State:
    state: dict[str, tuple[int, int]] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        state[str(path)] = (status.st_mtime_ns, status.st_size)
    return state


def _told(before: State, after: State) -> str:
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    first = Path(changed[0]).name
    return first if len(changed) == 1 else f"{first} and {len(changed) - 1} more"
