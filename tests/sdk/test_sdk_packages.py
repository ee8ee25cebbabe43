"""What importing costs, and what the wheel holds."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib import metadata, resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "httpx",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "asyncio",
    "typer",
    "rich",
    "graphql",
    "ariadne",
}


def loaded_by(program: str) -> set[str]:
    """The modules that a new interpreter has loaded after a program."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def of(package: str, modules: set[str]) -> set[str]:
    """The modules of a package among these."""
    return {name for name in modules if name.startswith(f"{package}.")}


@pytest.mark.parametrize("package", ["penstock_api", "penstock"])
def test_importing_a_package_loads_nothing(package: str) -> None:
    modules = loaded_by(f"import {package}; dir({package}); {package}.__all__")
    assert of("penstock_api", modules) == set()
    assert of("penstock", modules) == set()
    assert modules & HEAVY == set()


def test_the_generated_package_does_not_need_the_rest() -> None:
    modules = loaded_by("from penstock_api import Client; Client('http://127.0.0.1:1/graphql').close()")
    assert "penstock_codegen" not in modules
    assert "penstock.client" not in modules
    assert modules & {"pydantic_settings", "typer", "graphql", "ariadne"} == set()


def test_a_resource_is_loaded_when_it_is_used() -> None:
    before = loaded_by("from penstock_api import Client; c = Client('http://127.0.0.1:1/graphql')")
    after = loaded_by("from penstock_api import Client; c = Client('http://127.0.0.1:1/graphql'); c.flow")
    assert of("penstock_api", after) - of("penstock_api", before) >= {
        "penstock_api.flow",
        "penstock_api._operations.flow",
    }
    assert "penstock_api.project" not in after
    assert of("penstock_api.models", after) == set()


def test_errors_are_caught_without_loading_the_client() -> None:
    modules = loaded_by(
        "from penstock import NotFound, ClientError; assert issubclass(NotFound, ClientError)"
    )
    assert modules & HEAVY == set()
    assert of("penstock_api", modules) == {"penstock_api._runtime", "penstock_api._runtime.errors"}


def test_a_name_that_is_none() -> None:
    import penstock
    import penstock_api

    for package in (penstock, penstock_api):
        with pytest.raises(AttributeError, match="has no attribute 'Flwo'"):
            package.Flwo  # noqa: B018
        for name in package.__all__:
            assert getattr(package, name) is not None
        assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("package", ["penstock", "penstock_api", "penstock_codegen"])
def test_the_packages_are_typed(package: str) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the working tree as pip builds it, without asking any index."""
    target = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import hatchling.build; print(hatchling.build.build_wheel({str(target)!r}))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(target / done.stdout.strip().splitlines()[-1])


def test_the_wheel_holds_the_three_packages_and_what_they_need(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {name.split("/")[0] for name in names} == {
        "penstock",
        "penstock_api",
        "penstock_codegen",
        f"penstock-{metadata.version('penstock')}.dist-info",
    }
    assert {f"{package}/py.typed" for package in ("penstock", "penstock_api", "penstock_codegen")} <= names
    assert wheel.read("penstock/server/schema.graphql") == (ROOT / "schema.graphql").read_bytes()
    for folder, package in (
        ("src", "penstock"),
        ("generated", "penstock_api"),
        ("codegen", "penstock_codegen"),
    ):
        sources = {
            path.relative_to(ROOT / folder).as_posix()
            for pattern in ("*.py", "*.jinja", "*.html", "*.js", "*.css")
            for path in (ROOT / folder / package).rglob(pattern)
        }
        assert sources <= names
    assert not [
        name
        for name in names
        if name.rpartition("/")[2].startswith("test_")
        or "__pycache__" in name
        or name.endswith((".db", ".pyc"))
    ]
    wheel.close()


def test_a_base_install_needs_four_libraries() -> None:
    needed = [line for line in metadata.requires("penstock") or [] if "extra ==" not in line]
    assert sorted(line.split(">")[0].split("<")[0] for line in needed) == [
        "httpx",
        "pydantic",
        "pydantic-settings",
        "typing-extensions",
    ]


def test_the_command_says_what_it_can_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "generate" in done.stdout
    assert "server" in done.stdout
    wrong = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "sevrer"], capture_output=True, text=True, timeout=60
    )
    assert wrong.returncode == 2
    assert wrong.stderr == 'There is no command "sevrer". Did you mean "server"?\n'
