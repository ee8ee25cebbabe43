"""How deep a document may nest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

if TYPE_CHECKING:
    from typing import Any


def depth_rule(limit: int) -> type[ValidationRule]:
    """A validation rule that refuses operations with more than `limit` levels of fields.

    Introspection does not count: it cannot reach data.
    """

    class DepthRule(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self._fragment_depths: dict[str, int] = {}

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
            depth = self._depth(node.selection_set)
            if depth > limit:
                self.report_error(
                    GraphQLError(
                        f"The operation is {depth} levels deep; this server takes {limit}. Ask in several requests.",
                        node,
                        extensions={"code": "DEPTH_LIMIT"},
                    )
                )

        def _depth(self, selection_set: SelectionSetNode) -> int:
            deepest = 0
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    if selection.name.value.startswith("__"):
                        continue
                    below = self._depth(selection.selection_set) if selection.selection_set else 0
                    deepest = max(deepest, 1 + below)
                elif isinstance(selection, InlineFragmentNode):
                    deepest = max(deepest, self._depth(selection.selection_set))
                elif isinstance(selection, FragmentSpreadNode):
                    deepest = max(deepest, self._fragment_depth(selection.name.value))
            return deepest

        def _fragment_depth(self, name: str) -> int:
            if name not in self._fragment_depths:
                self._fragment_depths[name] = 0  # a fragment inside itself is another rule's to report
                fragment = self.context.get_fragment(name)
                if fragment:
                    self._fragment_depths[name] = self._depth(fragment.selection_set)
            return self._fragment_depths[name]

    return DepthRule
