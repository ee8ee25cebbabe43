"""The peer: the packages that ariadne-codegen makes from our schema and from the documents that our package
sends.

`python -m benchmarks._peer FOLDER` writes them below a folder, each with all that was read for it:

    FOLDER/default/peer_default    as ariadne-codegen comes
    FOLDER/tuned/peer_tuned        with every option on that makes its package faster
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The two generators as programs for an interpreter; the peer's has to be in the project's folder.
COMMAND_LINE = "import sys; from penstock.cli import main; sys.exit(main())"
PEER_IN_FOLDER = "import os; os.chdir({folder!r}); from ariadne_codegen import main; main.main()"
COMMAND = (sys.executable, "-m", "ariadne_codegen")

_SETTINGS = """
[tool.ariadne-codegen]
schema_path = "schema.graphql"
queries_path = "operations.graphql"
target_package_name = "peer_{name}"
async_client = false
{options}
"""

# The same scalars as ours, so that both read the same values out of an answer.
_SCALARS = {
    "UUID": "uuid.UUID",
    "uuid": "uuid.UUID",
    "DateTime": "datetime.datetime",
    "timestamptz": "datetime.datetime",
    "interval": "str",
    "JSON": "typing.Any",
    "jsonb": "typing.Any",
}

_OPTIONS = {
    "default": "",
    "tuned": "\n".join(
        (
            "include_all_inputs = false",
            "include_all_enums = false",
            "defer_model_build = true",
            "use_alias_generator = true",
            "lazy_imports = true",
        )
    ),
}


def documents() -> str:
    """Every operation that our package can send, and every fragment once, as one text."""
    from graphql import FragmentDefinitionNode, parse, print_ast

    from penstock_api import _operations
    from penstock_api._runtime.operation import Operation

    definitions: dict[tuple[bool, str], str] = {}
    for module in pkgutil.iter_modules(_operations.__path__):
        for value in vars(importlib.import_module(f"{_operations.__name__}.{module.name}")).values():
            if not isinstance(value, Operation):
                continue
            for node in parse(value.document, no_location=True).definitions:
                name = getattr(node, "name", None)
                key = (isinstance(node, FragmentDefinitionNode), name.value if name else "")
                definitions[key] = print_ast(node)
    return "\n\n".join(definitions.values()) + "\n"


def prepare(folder: Path, name: str, operations: str) -> Path:
    """A folder in which `COMMAND` makes the package: schema, operations and settings."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "schema.graphql").write_bytes((ROOT / "schema.graphql").read_bytes())
    (place / "operations.graphql").write_text(operations, encoding="utf-8")
    scalars = "".join(
        f'\n[tool.ariadne-codegen.scalars.{scalar}]\ntype = "{type_}"\n' for scalar, type_ in _SCALARS.items()
    )
    settings = _SETTINGS.format(name=name, options=_OPTIONS[name]) + scalars
    (place / "pyproject.toml").write_text(settings, encoding="utf-8")
    return place


def main() -> None:
    """Write both packages below the folder that is named on the command line."""
    folder = Path(sys.argv[1])
    operations = documents()
    for name in _OPTIONS:
        subprocess.run(COMMAND, cwd=prepare(folder, name, operations), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
