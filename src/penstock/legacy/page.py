"""The page "Coming from the flat Client", made from the table: `python -m penstock.legacy.page > docs/coming-from-the-flat-client.md`."""

from __future__ import annotations

import sys

from penstock.legacy.table import OLD_METHODS

_HEAD = """\
# Coming from the flat Client

The client used to have one flat method for everything. They all still work, each warns once per place with the call that is written
today, and they go with release {removal}.

    penstock migrate PATH…            # shows what would change
    penstock migrate --write PATH…    # changes it

`penstock migrate` (in the extra `migrate`) works offline. It rewrites a call only where the new one does the same; what it cannot decide it
marks with a comment and lists with its place and the reason. To see every old call in the editor, switch on mypy's error code `deprecated`
or pyright's `reportDeprecated`.

`Client(api_server, api_token)` is written `Client(url=…, api_key=…)`. The async client never had flat methods, and has no shims.

Ids come back as `UUID` in handles, where they were text: `str(flow.id)`.

| old | takes | gave | today | what is different |
| --- | --- | --- | --- | --- |
"""

_TAIL = """
The old command line's spellings (`penstock get flows`, `penstock run cloud`, …) work as well; see [the command line](cli.md).
"""


def page() -> str:
    """The page, as Markdown: one row per method."""
    rows = []
    for method in OLD_METHODS:
        where = "where its result is used, " if method.statement else ""
        told = method.note or (f"{where}decided by you: {method.reason}" if method.reason else "")
        cells = (f"`{method.name}`", _code(method.signature), _code(method.returns), _new(method.new), told)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return _HEAD.format(removal=OLD_METHODS[0].removal) + "\n".join(rows) + "\n" + _TAIL


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _new(text: str) -> str:
    # What holds code of its own is a sentence.
    return text if "`" in text else f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(page())
