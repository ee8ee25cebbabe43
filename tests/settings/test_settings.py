"""Where settings come from, in which order, and how profiles are kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import tomllib
import traceback
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from penstock import Client
from penstock.settings import (
    DEFAULT_URL,
    Profile,
    Profiles,
    SettingsError,
    graphql_url,
    load_settings,
    profiles_path,
    read_profiles,
    save_profile,
    write_profiles,
)

TENANT = UUID("2c7b8a52-0f0e-4b0e-9d7a-2f6a1b3c4d5e")
OTHER = UUID("00000000-0000-4000-8000-000000000001")
SECRET = "pk_do-not-show-me"


def keep(**profile: object) -> Path:
    """A profile `default` in the file of this test."""
    path = profiles_path()
    save_profile(path, "default", Profile.model_validate(profile), activate=True)
    return path


def test_without_anything_it_is_the_local_server() -> None:
    settings = load_settings()
    assert (settings.url, settings.api_key, settings.tenant_id) == (DEFAULT_URL, None, None)


def test_the_order_is_argument_environment_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(url="http://profile", api_key=SECRET, tenant_id=TENANT)
    settings = load_settings()
    assert settings.url == "http://profile" and settings.tenant_id == TENANT
    assert settings.api_key is not None and settings.api_key.get_secret_value() == SECRET

    monkeypatch.setenv("PENSTOCK_TENANT_ID", str(OTHER))
    monkeypatch.setenv("PENSTOCK_API_KEY", "from-environment")
    settings = load_settings()
    assert settings.tenant_id == OTHER
    assert settings.api_key is not None and settings.api_key.get_secret_value() == "from-environment"

    assert load_settings(tenant_id=str(TENANT)).tenant_id == TENANT


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_API_KEY", "")
    monkeypatch.setenv("PENSTOCK_URL", "")
    assert load_settings().api_key is None
    assert load_settings().url == DEFAULT_URL


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_profiles_key_never_goes_to_another_url(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(url="https://mine.example", api_key=SECRET, tenant_id=TENANT)
    if how == "environment":
        monkeypatch.setenv("PENSTOCK_URL", "https://other.example")
        settings = load_settings()
    else:
        settings = load_settings(url="https://other.example")
    assert settings.api_key is None and settings.tenant_id is None
    # The same place in other words is the same place.
    assert load_settings(url="https://mine.example/graphql").api_key is not None


def test_a_named_profile_counts_before_the_active_one(monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(url="http://one")
    save_profile(path, "work", Profile(url="http://two"))
    assert load_settings().url == "http://one"
    monkeypatch.setenv("PENSTOCK_PROFILE", "work")
    assert load_settings().url == "http://two"
    monkeypatch.setenv("PENSTOCK_PROFILE", "play")
    with pytest.raises(
        SettingsError, match=r"no profile 'play' in .*profiles\.toml \(there: default, work\)"
    ):
        load_settings()


def test_the_client_shows_what_the_profile_says() -> None:
    keep(url="http://127.0.0.1:9", api_key=f"{SECRET}\n", tenant_id=TENANT)
    with Client() as client:
        assert client.url == "http://127.0.0.1:9/graphql"
        assert client._headers["Authorization"] == f"Bearer {SECRET}"
        assert client._headers["X-PREFECT-TENANT-ID"] == str(TENANT)
        assert client.tenant_id == TENANT


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PENSTOCK_TENANT_ID", "etl", "PENSTOCK_TENANT_ID cannot be used: it is a UUID"),
        ("PENSTOCK_URL", "localhost:4200", "'localhost:4200' is no URL of an API"),
        ("PENSTOCK_URL", "http://[::1", "is no URL of an API"),
        ("PENSTOCK_URL", "ftp://user:s3cret@host", "'host' is no URL of an API"),
    ],
)
def test_a_bad_variable_is_named(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        Client()
    assert sentence in str(raised.value) and "s3cret" not in str(raised.value)


def test_a_bad_argument_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^tenant_id cannot be used: it is a UUID"):
        Client(tenant_id="etl")


# ------------------------------------------------------------------------------------------------------------- the file


def test_the_file_is_its_owners_alone() -> None:
    path = keep(api_key=SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"others may read it \(mode 0644\). Run: chmod 600") as raised:
        Client()
    assert SECRET not in str(raised.value)
    # Without a key there is nothing to hide.
    write_profiles(path, Profiles(profiles={"default": Profile(url="http://one")}))
    path.chmod(0o644)
    assert load_settings().url == "http://one"


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.builds(
            Profile,
            url=st.text(st.characters(codec="utf-8")),
            api_key=st.none() | st.text(st.characters(codec="utf-8")).map(SecretStr),
            tenant_id=st.none() | st.uuids(),
        ),
        max_size=3,
    ),
    st.text(st.characters(codec="utf-8")),
)
def test_every_profile_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, profiles: dict[str, Profile], active: str
) -> None:
    path = tmp_path_factory.mktemp("profiles") / "profiles.toml"
    written = Profiles(active=active, profiles=profiles)
    write_profiles(path, written)
    assert read_profiles(path) == written


def test_other_profiles_are_left_alone() -> None:
    path = keep(url="http://one", api_key=SECRET)
    save_profile(path, "work", Profile(url="http://two"))
    save_profile(path, "work", None)
    stored = tomllib.loads(path.read_text(encoding="utf-8"))
    assert stored == {"active": "default", "profiles": {"default": {"url": "http://one", "api_key": SECRET}}}


def test_a_reader_never_finds_half_a_file() -> None:
    path = keep(url="http://one", api_key=SECRET)
    stop = threading.Event()
    found: list[object] = []

    def read() -> None:
        while not stop.is_set():
            found.append(read_profiles(path).profiles["default"].api_key)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        save_profile(path, f"p{turn % 3}", Profile(url="http://" + "x" * 5000))
    stop.set()
    reader.join()
    assert found and set(found) == {SecretStr(SECRET)}
    assert [item.name for item in path.parent.iterdir()] == ["profiles.toml"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("active = ", "is not TOML"),
        ("active = 3", "cannot be used at active"),
        (f'[profiles.default]\napi_kye = "{SECRET}"', "cannot be used at profiles.default.api_kye"),
        (f'[profiles.default]\ntenant_id = "{SECRET}"', "cannot be used at profiles.default.tenant_id"),
        (f'[profiles.default]\napi_key = "{SECRET}', "is not TOML"),
        ("\ud800", "is not UTF-8"),
    ],
)
def test_a_broken_file_is_told_without_what_it_holds(text: str, sentence: str) -> None:
    path = profiles_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o600)
    with pytest.raises(SettingsError) as raised:
        Client()
    assert sentence in str(raised.value) and str(path) in str(raised.value)
    shown = "".join(traceback.format_exception(raised.value))
    assert SECRET not in shown


@pytest.mark.skipif(os.name != "posix", reason="NOT TESTED: folders have no modes here.")
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_profiles(tmp_path / "file" / "profiles.toml", Profiles())


def test_no_secret_in_a_repr() -> None:
    keep(api_key=SECRET)
    with Client() as client:
        shown = f"{client!r} {load_settings()!r} {read_profiles(profiles_path())!r} {client._options!r}"
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("url", "posted_to"),
    [
        ("http://host", "http://host/graphql"),
        ("http://host/", "http://host/graphql"),
        ("https://host:1/api", "https://host:1/api"),
    ],
)
def test_a_bare_host_means_its_graphql(url: str, posted_to: str) -> None:
    assert graphql_url(url) == posted_to


def test_importing_penstock_reads_no_settings(tmp_path: Path) -> None:
    broken = tmp_path / "profiles.toml"
    broken.write_text("broken")
    code = "import penstock; penstock.Client; print('fine')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PENSTOCK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "fine\n"
