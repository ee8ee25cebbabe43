"""Executing flows: what a run needs around the flow's own function, wherever it runs.

context     the run that this thread works on, and how to stop it
engine      running a flow and its tasks one after the other
reporting   telling the API about states, and keeping the run alive there
logs        lines of logs, collected and sent in batches
identity    who a run is, as environment variables for other processes
runner      a stored flow, ready to be called
"""
