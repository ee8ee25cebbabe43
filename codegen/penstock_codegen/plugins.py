"""Plugins: found without running them, allowed by a person, then run one after the other.

A configuration comes with a checkout, and what comes with a checkout must not run: so a plugin runs only where the command line says so
(`--plugins`), the environment does (`PENSTOCK_PLUGINS=once`), or the user has said so before (`--plugins=always`), and then only as long
as its code is what it was. What is remembered lies in the user's own folder, never in the project.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from .cache import default_folder, digest
from .config import Config, setting_place
from .diagnostics import GenerationError, shown_path

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from . import ir

Allowed = Literal["no", "once", "always"]
_ALLOWED: tuple[Allowed, ...] = ("no", "once", "always")


def allowed_by(option: str | None) -> Allowed:
    """What the command line, or else the environment, says of plugins. Raises `ValueError` where the environment says something else."""
    said = option or os.environ.get("PENSTOCK_PLUGINS", "") or "no"
    for known in _ALLOWED:
        if said == known:
            return known
    raise ValueError('PENSTOCK_PLUGINS is "once", "always" or "no".')


# --------------------------------------------------------------------------------------------------------------- finding


def plugin_files(config: Config) -> Mapping[str, bytes]:
    """The files of a configuration's plugins by path: of each module, and of what it imports from the project. Runs nothing."""
    found: dict[str, bytes] = {}
    waiting = [entry.partition(":")[0] for entry in config.plugins]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for path in _modules_on_the_way(module, config.root):
            shown = shown_path(path, config.root)
            if shown in found:
                continue
            found[shown] = path.read_bytes()
            if path.is_relative_to(config.root):
                waiting += _imported(found[shown], module, is_package=path.name == "__init__.py")
    return found


def _modules_on_the_way(module: str, root: Path) -> Iterator[Path]:
    """The files that importing a module runs: its packages and itself, in the project, else where it is installed."""
    parts = module.split(".")
    folder = root
    if not (root / parts[0]).is_dir() and not (root / f"{parts[0]}.py").is_file():
        spec = PathFinder.find_spec(parts[0])
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return
        origin = Path(spec.origin)
        folder = origin.parent.parent if origin.name == "__init__.py" else origin.parent
    for part in parts:
        if (folder / part / "__init__.py").is_file():
            yield folder / part / "__init__.py"
        elif (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py"
        folder = folder / part


def _imported(source: bytes, module: str, *, is_package: bool) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -(node.level - is_package) or None]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{item.name}" for item in node.names)


# ---------------------------------------------------------------------------------------------------------------- trust


def plugins_digest(config: Config) -> str:
    """A hash of a configuration's plugins: their names and all of their code."""
    parts: list[str | bytes] = [str(config.file), *config.plugins]
    for path, content in sorted(plugin_files(config).items()):
        parts += [path, content]
    return digest(*parts)


def _remembered() -> Path:
    return default_folder().parent.parent / "plugins"


def check_allowed(config: Config, allowed: Allowed) -> None:
    """Refuses to go on where plugins are named and nobody has allowed them. With "always", that is remembered."""
    if not config.plugins:
        return
    mark = _remembered() / plugins_digest(config)
    if allowed == "always":
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.write_text(f"{config.file}\n", encoding="utf-8")
    if allowed == "no" and not mark.is_file():
        names = ", ".join(config.plugins)
        _refuse(
            config,
            f"plugins names code that generating would run ({names}), and nothing says that it may.",
            "G001",
            "Read it, then run penstock generate --plugins; --plugins=always remembers that until its code changes.",
        )


def _refuse(config: Config, message: str, code: str, hint: str = "") -> NoReturn:
    raise GenerationError([setting_place(config, ("plugins",), message, code, hint)])


# -------------------------------------------------------------------------------------------------------------- running


@dataclass(frozen=True, slots=True)
class Outcome:
    """What plugins made of a package, and the files that they add, each with the plugin that it is of."""

    package: ir.Package
    files: Mapping[str, tuple[str, str]]


def run_plugins(config: Config, package: ir.Package, schema: GraphQLSchema) -> Outcome:
    """The package as the plugins want it. Raises `GenerationError` that names the plugin where one fails, or gives what cannot be."""
    from .settle import faults, settle

    files: dict[str, tuple[str, str]] = {}
    with _importable(config):
        for entry in config.plugins:
            plugin = _load(config, entry)
            before = package
            package = _transformed(config, entry, plugin, package)
            wrong = list(faults(package, before, schema))
            if wrong:
                raise GenerationError(
                    [
                        setting_place(
                            config,
                            ("plugins",),
                            f"The package that the plugin {entry} gives cannot be: {message}",
                            "G004",
                        )
                        for message in wrong
                    ]
                )
            package = settle(package)
            if hasattr(plugin, "files"):
                for path, text in _files(config, entry, plugin, package).items():
                    if path in files:
                        _refuse(config, f"The plugins {files[path][0]} and {entry} both add {path}.", "G005")
                    files[path] = (entry, text)
    return Outcome(package, files)


@contextmanager
def _importable(config: Config) -> Iterator[None]:
    """The project's own modules can be imported; afterwards they are forgotten, so that the next run reads them again."""
    before = set(sys.modules)
    written = sys.dont_write_bytecode
    sys.path.insert(0, str(config.root))
    # No trace of a run may lie in the project.
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = written
        sys.path.remove(str(config.root))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(config.root):
                del sys.modules[name]


def _load(config: Config, entry: str) -> Any:
    module, _, name = entry.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found() if isinstance(found, type) else found
    except Exception as error:
        _failed(config, entry, "cannot be imported", error)


def _transformed(config: Config, entry: str, plugin: Any, package: ir.Package) -> ir.Package:
    from . import ir

    change = getattr(plugin, "transform", plugin)
    if not callable(change):
        _refuse(
            config,
            f"{entry} is no plugin: it has no transform, and is no function.",
            "G003",
            "See penstock_codegen.plugin.Plugin.",
        )
    found = _called(config, entry, change, package)
    if not isinstance(found, ir.Package):
        _refuse(
            config,
            f"The plugin {entry} gives {type(found).__name__}, where it is to give the package.",
            "G003",
            "End transform with `return package`.",
        )
    return found


def _files(config: Config, entry: str, plugin: Any, package: ir.Package) -> dict[str, str]:
    found = _called(config, entry, plugin.files, package)
    if not isinstance(found, Mapping):
        _refuse(
            config,
            f"files of the plugin {entry} gives {type(found).__name__}, where it is to give a mapping.",
            "G003",
        )
    for path, text in found.items():
        if not isinstance(path, str) or not isinstance(text, str):
            _refuse(
                config, f"files of the plugin {entry} gives something else than texts by their paths.", "G003"
            )
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or pure.as_posix() != path or "\\" in path:
            _refuse(
                config,
                f'The plugin {entry} adds "{path}", which is no path in the package.',
                "G005",
                'Such as "extras.py".',
            )
        if path.endswith(".py"):
            try:
                ast.parse(text)
            except (SyntaxError, ValueError) as error:
                _refuse(config, f"{path}, which the plugin {entry} adds, is not Python: {error}.", "G005")
    return dict(found)


def _called(
    config: Config, entry: str, function: Callable[[ir.Package], object], package: ir.Package
) -> object:
    try:
        return function(package)
    except Exception as error:
        _failed(config, entry, "failed", error)


def _failed(config: Config, entry: str, what: str, error: Exception) -> NoReturn:
    """Says that a plugin failed, and where in its code."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(config.root)
    ]
    where = f" at {shown_path(Path(frames[-1].filename), config.root)}:{frames[-1].lineno}" if frames else ""
    message = f"The plugin {entry} {what}{where}: {type(error).__name__}: {error}"
    refusal = GenerationError(
        [
            setting_place(
                config,
                ("plugins",),
                message if message.endswith((".", "!", "?")) else f"{message}.",
                "G002",
                "--traceback shows where it comes from.",
            )
        ]
    )
    raise refusal from error
