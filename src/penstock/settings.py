"""Where the API is and who asks: the call's arguments, else the environment, else a profile, else the local server.

A profile is a table of `profiles.toml` in `PENSTOCK_HOME` (`~/.penstock`), which `penstock auth login` writes:

    active = "default"

    [profiles.default]
    url = "https://api.example.com"
    api_key = "…"
    tenant_id = "…"

A profile's key is only ever sent to the profile's own URL: with another `url` or `PENSTOCK_URL`, the profile does not count.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DEFAULT_URL = "http://127.0.0.1:4200"
DEFAULT_PROFILE = "default"


class SettingsError(ValueError):
    """The environment or the file of profiles holds what cannot be used. The message says where and what to do."""


class Profile(BaseModel):
    """One place to work: an API, the key to show there, and the tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = DEFAULT_URL
    api_key: SecretStr | None = None
    tenant_id: UUID | None = None


class Profiles(BaseModel):
    """The file of profiles, and which of them counts where none is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    active: str = DEFAULT_PROFILE
    profiles: dict[str, Profile] = Field(default_factory=dict)


class Settings(BaseSettings):
    """What holds where a call says nothing else.

    `PENSTOCK_URL` is the API's URL, `PENSTOCK_API_KEY` the key, `PENSTOCK_TENANT_ID` the tenant, `PENSTOCK_PROFILE` the profile to take the
    rest from, `PENSTOCK_HOME` the folder of all that is kept on disk. Make it with `load_settings`, whose errors are sentences.
    """

    model_config = SettingsConfigDict(
        env_prefix="PENSTOCK_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    url: str = DEFAULT_URL
    api_key: SecretStr | None = None
    tenant_id: UUID | None = None
    profile: str | None = None
    home: Path = Field(default_factory=lambda: Path.home() / ".penstock")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order: arguments, environment, profile."""
        return init_settings, env_settings, _ProfileSource(settings_cls)


class _ProfileSource(PydanticBaseSettingsSource):
    """The values of the profile that counts, where the URL is the profile's own."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # asked for by the base class; __call__ gives all fields at once

    def __call__(self) -> dict[str, Any]:
        given = self.current_state
        home = given.get("home")
        path = profiles_path(Path(home) if home is not None else None)
        stored = read_profiles(path)
        name = given.get("profile") or stored.active
        profile = stored.profiles.get(name)
        if profile is None:
            if given.get("profile"):
                known = ", ".join(sorted(stored.profiles)) or "none"
                raise SettingsError(
                    f"There is no profile {name!r} in {path} (there: {known}). "
                    f"Make it with `penstock auth login --profile {name}`, or change PENSTOCK_PROFILE."
                )
            return {}
        url = given.get("url")
        if url is not None and graphql_url(url) != graphql_url(profile.url):
            return {}
        return {name: value for name, value in profile if value is not None}


def load_settings(**given: Any) -> Settings:
    """The settings, with what is given (and not None) before everything else.

    Raises:
        SettingsError: The environment or the file of profiles holds what cannot be used; no value of theirs is repeated.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(_sentence(error, given)) from None


def _sentence(error: ValidationError, given: dict[str, Any]) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0])
    where = name if given.get(name) is not None else f"PENSTOCK_{name.upper()}"
    what = {
        "tenant_id": "it is a UUID, such as 2c7b8a52-0f0e-4b0e-9d7a-2f6a1b3c4d5e; `penstock tenant list` shows them"
    }
    return f"{where} cannot be used: {what.get(name, first['msg'])}."


def profiles_path(home: Path | None = None) -> Path:
    """Where the profiles are kept."""
    if home is None:
        named = os.environ.get("PENSTOCK_HOME")
        home = Path(named) if named else Path.home() / ".penstock"
    return home / "profiles.toml"


def read_profiles(path: Path) -> Profiles:
    """The profiles in a file; none where there is no file.

    Raises:
        SettingsError: The file is not as it should be, or others may read the keys in it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().decode()
        stored = Profiles.model_validate(tomllib.loads(text))
    except (FileNotFoundError, NotADirectoryError):
        return Profiles()
    except OSError as error:
        raise SettingsError(f"The profiles in {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8. Mend it, or delete it and log in again.") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's message says where, and repeats one character at most.
        raise SettingsError(f"{path} is not TOML: {error}. Mend it, or delete it and log in again.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{path} cannot be used at {place}: {first['msg']}.") from None
    open_to_others = stat.S_IMODE(mode) & 0o077
    if os.name == "posix" and open_to_others and any(item.api_key for item in stored.profiles.values()):
        raise SettingsError(
            f"{path} holds API keys and others may read it (mode {stat.S_IMODE(mode):04o}). Run: chmod 600 {path}"
        )
    return stored


def write_profiles(path: Path, profiles: Profiles) -> None:
    """Writes the file in one step, readable by its owner alone: whoever reads meanwhile finds the old file or the new one.

    Raises:
        SettingsError: The file cannot be written.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes it 0600.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".profiles-", suffix=".toml")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(_toml(profiles))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from None


def save_profile(path: Path, name: str, profile: Profile | None, *, activate: bool = False) -> None:
    """Puts one profile into the file, or takes it out (None), and leaves the others as they are."""
    stored = read_profiles(path)
    profiles = {key: value for key, value in stored.profiles.items() if key != name}
    if profile is not None:
        profiles[name] = profile
    active = name if activate else stored.active
    write_profiles(path, Profiles(active=active, profiles=dict(sorted(profiles.items()))))


def _toml(profiles: Profiles) -> str:
    lines = [f"active = {_string(profiles.active)}"]
    for name, profile in profiles.profiles.items():
        lines += ["", f"[profiles.{_string(name)}]", f"url = {_string(profile.url)}"]
        if profile.api_key is not None:
            lines.append(f"api_key = {_string(profile.api_key.get_secret_value())}")
        if profile.tenant_id is not None:
            lines.append(f"tenant_id = {_string(str(profile.tenant_id))}")
    return "\n".join(lines) + "\n"


def _string(value: str) -> str:
    """A TOML basic string (toml.io/en/v1.0.0#string): quotes, backslashes and control characters escaped."""
    escaped = re.sub(
        r'["\\\x00-\x1f\x7f]',
        lambda found: f"\\{found[0]}" if found[0] in '"\\' else f"\\u{ord(found[0]):04x}",
        value,
    )
    return f'"{escaped}"'


def graphql_url(url: str) -> str:
    """The URL that operations are posted to: `/graphql` of a bare host, any other path as it is.

    Raises:
        ValueError: It is no URL with http or https and a host.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(
            # What stands before an @ may be a password.
            f"{url.rpartition('@')[2]!r} is no URL of an API; it should look like {DEFAULT_URL}. Check PENSTOCK_URL."
        )
    if parts.path in ("", "/"):
        return parts._replace(path="/graphql").geturl()
    return url
