"""The environment variables of the flyte clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from penstock.packs.definitions import check_labels
from penstock.packs.errors import ConfigurationError, DefinitionError

DEFAULT_TIMEOUT = 10.0
"""Seconds a request may take where ``FLYTE_API_TIMEOUT`` does not say."""


def api_url(environment: Mapping[str, str] | None = None) -> str:
    """``FLYTE_API``; raises ``ConfigurationError`` where it is missing or no URL."""
    url = _environment(environment).get("FLYTE_API", "").strip()
    if not url:
        raise ConfigurationError(
            "FLYTE_API is not set; set it to the URL of the flyte API, such as http://localhost:8080."
        )
    return check_url(url, "FLYTE_API")


def check_url(url: str, where: str) -> str:
    """``url`` without a slash or ``/v1`` at its end; raises ``ConfigurationError`` where it is no http(s)
    URL.

    The API answers at exactly ``{url}/v1``, and two slashes are not one.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{where} is {url!r}, which is no http:// or https:// URL.")
    if parts.username or parts.password:
        raise ConfigurationError(
            f"{where} holds a user name or password; use FLYTE_JWT for access to the API."
        )
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def jwt(environment: Mapping[str, str] | None = None) -> str:
    """``FLYTE_JWT``, or ``""``; raises ``ConfigurationError`` where it cannot stand in a header."""
    return check_jwt(_environment(environment).get("FLYTE_JWT", ""))


def check_jwt(token: str) -> str:
    """``token`` without blanks around it; raises ``ConfigurationError`` (which does not repeat it)."""
    token = token.strip()
    if not token.isascii() or any(not character.isprintable() or character == " " for character in token):
        raise ConfigurationError(
            "The JSON Web Token holds characters that cannot be sent; check FLYTE_JWT for line breaks."
        )
    return token


def labels(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """``FLYTE_LABELS`` (``k=v,k=v``); raises ``ConfigurationError``."""
    text = _environment(environment).get("FLYTE_LABELS", "").strip()
    found: dict[str, str] = {}
    for pair in text.split(",") if text else []:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ConfigurationError(f"FLYTE_LABELS is {text!r}; write it as key=value,key=value.")
        found[key.strip()] = value.strip()
    try:
        check_labels(found)
    except DefinitionError as error:
        raise ConfigurationError(f"FLYTE_LABELS: {error}") from None
    return found


def timeout(environment: Mapping[str, str] | None = None) -> float:
    """``FLYTE_API_TIMEOUT`` in seconds, 10 where it is not set; raises ``ConfigurationError``."""
    text = _environment(environment).get("FLYTE_API_TIMEOUT", "").strip()
    if not text:
        return DEFAULT_TIMEOUT
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ConfigurationError(f"FLYTE_API_TIMEOUT is {text!r}; write it as whole seconds, at least 1.")
    return float(text)


def home(environment: Mapping[str, str] | None = None) -> Path:
    """Where packs keep their outboxes: ``PENSTOCK_HOME``, else ``~/.penstock``."""
    text = _environment(environment).get("PENSTOCK_HOME", "").strip()
    return Path(text).expanduser() if text else Path.home() / ".penstock"


def _environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environment is None else environment
