"""Where the API is and who asks: the constructor's arguments, else the environment, else the local server."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_URL = "http://127.0.0.1:4200"


class Settings(BaseSettings):
    """The settings that the environment gives.

    `PENSTOCK_URL` is the API's URL, `PENSTOCK_API_KEY` the key, `PENSTOCK_TENANT_ID` the tenant, `PENSTOCK_HOME` the folder of all that
    is kept on disk.
    """

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", extra="ignore")

    url: str = DEFAULT_URL
    api_key: SecretStr | None = None
    tenant_id: str | None = None
    home: Path = Field(default_factory=lambda: Path.home() / ".penstock")


def graphql_url(url: str) -> str:
    """The URL that operations are posted to: `/graphql` of a bare host, any other path as it is."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(
            # What stands before an @ may be a password.
            f"{url.rpartition('@')[2]!r} is no URL of an API; it should look like {DEFAULT_URL}. Check PENSTOCK_URL."
        )
    if parts.path in ("", "/"):
        return parts._replace(path="/graphql").geturl()
    return url
