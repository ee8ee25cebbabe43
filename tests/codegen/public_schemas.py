"""Public APIs' schemas, from the npm packages that ship them: fetched once, kept in a folder of the user's."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PublicSchema:
    """A schema in an npm package: the package with its version, and the file in it."""

    name: str
    package: str
    member: str

    @property
    def file_name(self) -> str:
        """SDL, or an introspection answer."""
        return "schema.json" if ".json" in self.member else "schema.graphql"


GITHUB = PublicSchema("github", "@octokit/graphql-schema@15.26.1", "package/schema.graphql")
SHOPIFY_ADMIN = PublicSchema(
    "shopify_admin", "@shopify/dev-mcp@1.16.0", "package/dist/data/admin_2026-10.json.gz"
)
SHOPIFY_STOREFRONT = PublicSchema(
    "shopify_storefront", "@shopify/hydrogen-react@2026.4.4", "package/storefront.schema.json"
)


def fetch(schema: PublicSchema) -> Path | None:
    """The schema's file, or None where npm is not there or cannot reach its registry."""
    kept = os.environ.get("PENSTOCK_TEST_SCHEMAS")
    folder = (Path(kept) if kept else Path(tempfile.gettempdir()) / "penstock-public-schemas") / schema.name
    target = folder / schema.file_name
    if target.exists():
        return target
    npm = shutil.which("npm")
    if npm is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            subprocess.run(
                [npm, "pack", "--silent", schema.package],
                cwd=place,
                check=True,
                capture_output=True,
                timeout=120,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as files:
            found = files.extractfile(schema.member)
            assert found is not None, f"{schema.package} has no {schema.member}"
            content = found.read()
        if schema.member.endswith(".gz"):
            content = gzip.decompress(content)
        new = Path(place) / "schema"
        new.write_bytes(content)
        # Several test processes may do this at once: the last one wins, with the same bytes.
        new.replace(target)
    return target
