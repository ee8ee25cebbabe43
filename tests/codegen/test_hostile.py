"""Nothing in a schema, an operation or a configuration ever runs: the corpus has the hostile texts, this one looks at what is generated."""

from __future__ import annotations

import ast

from tests.codegen.golden import FOLDER


def test_no_file_of_the_odd_package_does_more_than_define() -> None:
    """Its modules hold imports, definitions and assignments, and no call but those that the templates write."""
    allowed = {
        "Field", "Nested", "Relation", "AbstractNested", "AbstractRelation", "SharedField",
        "Operation", "Problems", "Flag", "ResourceType", "Lookup", "Identity", "Schema",
        "TypedDict", "TypeVar", "deprecated",
    }  # fmt: skip
    for path in sorted((FOLDER / "odd" / "expected").rglob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            for node in _outside_functions(statement):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else ""
                    assert name in allowed, f"{path.name}:{node.lineno}: {ast.unparse(node)[:80]}"


def _outside_functions(node: ast.AST) -> list[ast.AST]:
    found = [node]
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or child in getattr(
            node, "decorator_list", []
        ):
            found += _outside_functions(child)
    return found
