"""A stored flow, ready to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.execution.engine import FlowFailed, run_flow_with_error

if TYPE_CHECKING:
    from penstock.flows import FlowLike
    from penstock.states import State


class FlowRunner:
    """Runs a flow that came out of a storage.

    Attributes:
        flow: The flow.
    """

    def __init__(self, flow: FlowLike) -> None:
        self.flow = flow

    def __repr__(self) -> str:
        return f"<runner of {self.flow.name}>"

    def run(self, **parameters: Any) -> Any:
        """Run the flow here and now.

        Args:
            parameters: The flow's parameters, by name, as values or as they come from JSON.

        Returns:
            The flow's result.

        Raises:
            ParameterError: The parameters do not fit.
            FlowFailed: The flow ended in a state that is no success, without raising.
            Exception: What the flow raised.
        """
        state, error = run_flow_with_error(self.flow, parameters)
        if error is not None:
            raise error
        if not state.is_successful():
            raise FlowFailed(state)
        return state.result

    def state(self, **parameters: Any) -> State:
        """Run the flow here and now; its final state. Nothing is raised where the flow fails."""
        return run_flow_with_error(self.flow, parameters)[0]
