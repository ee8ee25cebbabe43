"""The base of the generated models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """An answer's object. Fields the model does not know are passed over: a server may say more than its schema did."""

    model_config = ConfigDict(
        extra="ignore",
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=True,
    )
