"""Who a run is and where the API is: what another process needs to execute it, as environment variables.

| variable | holds |
| --- | --- |
| `PENSTOCK_URL`, `PENSTOCK_API_KEY`, `PENSTOCK_TENANT_ID` | the API, as for every client |
| `PENSTOCK_FLOW_RUN_ID` | the run; without it, the flow is executed and nobody is told |
| `PENSTOCK_FLOW_RUN_NAME`, `PENSTOCK_ATTEMPT` | its name, and which execution of it this is: 1, 2, … |
| `PENSTOCK_PARAMETERS` | the run's parameters, a JSON object |
| `PENSTOCK_STORAGE`, `PENSTOCK_FLOW_LOCATION` | the serialized storage, and where in it the flow is |
| `PENSTOCK_SIGNING_KEY` | the key that stored flows are signed with |
| `PENSTOCK_MEMORY_LIMIT` | bytes that the process may take |
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr


class RunIdentity(BaseModel):
    """A run of the API, and how to reach the API about it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    url: str
    flow_run_id: UUID
    flow_run_name: str = ""
    attempt: int = 1
    api_key: SecretStr | None = None
    tenant_id: UUID | None = None
    heartbeat_interval: float = 30.0

    def variables(self) -> dict[str, str]:
        """The environment variables that say so."""
        found = {
            "PENSTOCK_URL": self.url,
            "PENSTOCK_FLOW_RUN_ID": str(self.flow_run_id),
            "PENSTOCK_FLOW_RUN_NAME": self.flow_run_name,
            "PENSTOCK_ATTEMPT": str(self.attempt),
            "PENSTOCK_HEARTBEAT_INTERVAL": str(self.heartbeat_interval),
        }
        if self.api_key is not None:
            found["PENSTOCK_API_KEY"] = self.api_key.get_secret_value()
        if self.tenant_id is not None:
            found["PENSTOCK_TENANT_ID"] = str(self.tenant_id)
        return found

    def with_secrets(self) -> str:
        """Everything as JSON text, the key included: for another process of the same run, and for nobody else."""
        import json

        plain = self.model_dump(mode="json")
        plain["api_key"] = self.api_key.get_secret_value() if self.api_key is not None else None
        return json.dumps(plain)

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> RunIdentity | None:
        """The run that environment variables name; None where they name none."""
        if not variables.get("PENSTOCK_FLOW_RUN_ID"):
            return None
        names = {
            "url": "PENSTOCK_URL",
            "flow_run_id": "PENSTOCK_FLOW_RUN_ID",
            "flow_run_name": "PENSTOCK_FLOW_RUN_NAME",
            "attempt": "PENSTOCK_ATTEMPT",
            "api_key": "PENSTOCK_API_KEY",
            "tenant_id": "PENSTOCK_TENANT_ID",
            "heartbeat_interval": "PENSTOCK_HEARTBEAT_INTERVAL",
        }
        return cls.model_validate(
            {field: variables[name] for field, name in names.items() if variables.get(name)}
        )
