"""Templates of a project: those that are there replace ours, none can run code, and errors name the file and line."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta
from tests.codegen.projects import base_project, generate_project, write_project

from penstock_codegen.cache import Cache
from penstock_codegen.config import load_config
from penstock_codegen.diagnostics import GenerationError
from penstock_codegen.generate import generate
from penstock_codegen.overrides import OURS
from penstock_codegen.watch import sources

CONTRACT = Path(__file__).parents[2] / "docs" / "extending.md"


def project(root: Path, templates: dict[str, str], setting: str = "ours/templates") -> Path:
    files = base_project()
    files["pyproject.toml"] = files["pyproject.toml"].replace(
        "\n\n[tool.penstock.scalars]", f'\ntemplates = "{setting}"\n\n[tool.penstock.scalars]'
    )
    return write_project(
        root, {**files, **{f"ours/templates/{name}": text for name, text in templates.items()}}
    )


def refused(root: Path) -> list[str]:
    with pytest.raises(GenerationError) as caught:
        generate_project(root)
    return str(caught.value).splitlines()


def test_only_what_is_there_is_replaced(tmp_path: Path) -> None:
    plain = generate_project(write_project(tmp_path / "plain", base_project()))
    text = '# {{ package }} has {{ inputs | length }} input.\n{% include "penstock/inputs.py.jinja" %}\n{% include "more.jinja" %}\n'
    root = project(
        tmp_path / "own", {"inputs.py.jinja": text, "more.jinja": "MORE = {{ package | literal }}\n"}
    )
    made = generate_project(root)
    assert (
        made.files["inputs.py"] == f'# shop_api has 0 input.\n{plain.files["inputs.py"]}\nMORE = "shop_api"\n'
    )
    assert {**made.files, "inputs.py": ""} == {**plain.files, "inputs.py": ""}
    assert made.warnings == ()


def test_a_change_of_a_template_is_a_change_of_the_package(tmp_path: Path) -> None:
    root, cache = project(tmp_path / "own", {"inputs.py.jinja": "ONE = 1\n"}), Cache(tmp_path / "cache")
    config = load_config(root / "pyproject.toml")
    assert generate(config, cache).files["inputs.py"] == "ONE = 1\n"
    before = sources(config.file)
    (root / "ours/templates/inputs.py.jinja").write_text("TWO = 22\n", encoding="utf-8")
    assert sources(config.file) != before
    assert generate(config, cache).files["inputs.py"] == "TWO = 22\n"
    # What was compiled for the sandbox is not what others run.
    plain = write_project(tmp_path / "plain", base_project())
    assert "What methods take" in generate(load_config(plain / "pyproject.toml"), cache).files["inputs.py"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "a\n{% if %}\n",
            "2:1: This template cannot be rendered: Expected an expression, got 'end of statement block'.",
        ),
        ("a\n\n{{ nothing }}\n", "3:1: This template cannot be rendered: 'nothing' is undefined."),
        ("{{ 1 / 0 }}\n", "1:1: This template cannot be rendered: division by zero."),
        ('a\n{% include "gone.jinja" %}\n', '2:1: There is no template "gone.jinja".'),
        (
            "a\n{{ package.__class__.__mro__ }}\n",
            "2:1: This template cannot be rendered: access to attribute '__class__' of 'str' object is unsafe.",
        ),
        (
            "{{ inputs.__class__ }}\n",
            "1:1: This template cannot be rendered: access to attribute '__class__' of 'list' object is unsafe.",
        ),
        (
            "{% for x in range(10 ** 9) %}{% endfor %}\n",
            "1:1: This template cannot be rendered: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        ),
    ],
)
def test_a_template_that_is_wrong(text: str, line: str, tmp_path: Path) -> None:
    lines = refused(project(tmp_path, {"inputs.py.jinja": text}))
    hint = "docs/extending.md lists what each template is given. [T003]"
    assert lines == [f"ours/templates/inputs.py.jinja:{line} {hint}"]


@pytest.mark.parametrize(
    "reach",
    [
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ self.__init__ }}",
        "{{ inputs | attr('__class__') }}",
        "{{ ('%s' | format(inputs)).format.__globals__ }}",
        "{{ '{0.__class__}'.format(inputs) }}",
    ],
)
def test_a_template_reaches_no_code(reach: str, tmp_path: Path) -> None:
    (line,) = refused(project(tmp_path, {"inputs.py.jinja": f"{reach}\n"}))
    assert re.search(
        r"inputs\.py\.jinja:1:1: This template cannot be rendered: .*(unsafe|undefined|no attribute)", line
    )


def test_what_a_template_prints_has_to_be_python(tmp_path: Path) -> None:
    (line, *_) = refused(project(tmp_path, {"inputs.py.jinja": "class\n"}))
    assert line.startswith("pyproject.toml:6:1: The formatter refused what was generated:")


def test_a_folder_that_is_not_there_or_not_in_the_project(tmp_path: Path) -> None:
    assert refused(project(tmp_path / "a", {}, "nowhere")) == [
        "pyproject.toml:6:1: templates is nowhere, and there is no such folder. Make it, or remove the setting. [T001]"
    ]
    assert refused(project(tmp_path / "b", {}, "../elsewhere")) == [
        'pyproject.toml:6:1: templates is "../elsewhere", which is not in the project. '
        'Name a folder below that of this file, such as "templates". [C005]'
    ]


def test_a_name_that_is_nearly_one_of_ours_is_told(tmp_path: Path) -> None:
    made = generate_project(project(tmp_path, {"input.py.jinja": ""}))
    assert [str(item.sentence()) for item in made.warnings] == [
        "ours/templates/input.py.jinja: This replaces no template, and none of its name is there. "
        'Did you mean "inputs.py.jinja"? [T002]'
    ]


def test_the_contract_names_everything_that_a_template_is_given() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    environment = jinja2.Environment()
    environment.filters.update(dict.fromkeys(("docstring", "literal", "with_article"), str))
    for path in sorted(OURS.iterdir()):
        told = re.search(rf"^\| `{re.escape(path.name)}` \| .* \| (.*) \|$", text, re.MULTILINE)
        assert told, f"{path.name} is not in docs/extending.md"
        source = path.read_text(encoding="utf-8")
        used = meta.find_undeclared_variables(environment.parse(source)) - set(
            re.findall(r"macro (\w+)", source)
        )
        missing = used - set(re.findall(r"`(\w+)`", told[1])) - {"package"}
        assert not missing, f"docs/extending.md does not say that {path.name} is given {sorted(missing)}"
