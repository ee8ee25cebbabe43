"""Templates of a project's own, which replace ours by name: in a sandbox, with errors that name the file and line.

A template is data to the generator: it prints what it is given, and can neither import nor call what is not in its context.
"""

from __future__ import annotations

import difflib
import traceback
from pathlib import Path
from typing import NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .config import Config, setting_place
from .diagnostics import Diagnostic, GenerationError, Problems, at, shown_path

OURS = Path(__file__).with_name("templates")
# Under this prefix ours can be included by a template that replaces it.
_PREFIX = "penstock"
# How near a name has to be to be a slip: a project may have templates of its own, which others include.
_NEAR = 0.85


class Sandbox(ImmutableSandboxedEnvironment):
    """Where templates of a project are rendered."""


def loader(folder: Path) -> jinja2.BaseLoader:
    """Finds a project's templates, then ours; ours under `penstock/` in any case."""
    ours = jinja2.FileSystemLoader(OURS)
    return jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), ours, jinja2.PrefixLoader({_PREFIX: ours})])


def check_templates(config: Config, problems: Problems) -> None:
    """Tells of a folder that is not there, and of files that are near one of ours in name, but replace nothing."""
    folder = config.templates
    if folder is None:
        return
    if not folder.is_dir():
        problems.add(
            setting_place(
                config,
                ("templates",),
                f"templates is {shown_path(folder, config.root)}, and there is no such folder.",
                "T001",
                "Make it, or remove the setting.",
            )
        )
        return
    ours = [path.name for path in OURS.iterdir()]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        near = difflib.get_close_matches(name, ours, 1, _NEAR)
        if path.is_file() and name not in ours and near:
            message = "This replaces no template, and none of its name is there."
            shown = shown_path(path, config.root)
            hint = f'Did you mean "{near[0]}"?'
            problems.add(Diagnostic(shown, 0, 0, message, "T002", hint, level="warning"))


def told(error: Exception, config: Config) -> NoReturn:
    """Raises what went wrong in a project's template as a sentence at its line; what did elsewhere, as it is."""
    assert config.templates is not None
    file, line = "", 0
    if isinstance(error, jinja2.TemplateSyntaxError):
        file, line = error.filename or "", error.lineno
    elif isinstance(error, jinja2.TemplateNotFound):
        _at(config, *_last_frame(error, config.templates), f'There is no template "{error.name}".')
    else:
        file, line = _last_frame(error, config.templates)
    if not file or not Path(file).is_relative_to(config.templates):
        raise error
    reason = str(error) or type(error).__name__
    _at(config, file, line, f"This template cannot be rendered: {reason.rstrip('.')}.")


def _last_frame(error: Exception, folder: Path) -> tuple[str, int]:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(folder)
    ]
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)


def _at(config: Config, file: str, line: int, message: str) -> NoReturn:
    path = Path(file)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    hint = "docs/extending.md lists what each template is given."
    raise GenerationError([at(shown_path(path, config.root), text, line, 1, message, "T003", hint)]) from None
