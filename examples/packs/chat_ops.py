"""The orchestrator as a pack: flows of flyte run, label and cancel flows of the orchestrator.

export PENSTOCK_URL=http://localhost:4200 FLYTE_API=http://localhost:4200
python examples/packs/chat_ops.py
curl -H 'Content-Type: application/x-yaml' --data-binary @examples/packs/chat_ops.yaml $FLYTE_API/v1/flows
"""

from __future__ import annotations

from penstock import Client
from penstock.packs.bridge import pack_from_client

if __name__ == "__main__":
    with Client() as client:
        pack_from_client(client, resources=["flow", "flow_run"]).run()
