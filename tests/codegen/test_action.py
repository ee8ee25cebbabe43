"""The GitHub Action: its scripts are run as GitHub runs them, in a real checkout, with a `gh` that keeps comments in a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from tests.codegen.projects import base_project, write_project

ROOT = Path(__file__).parents[2]
GH = """#!{python}
import json, pathlib, re, sys
comments = pathlib.Path({comments!r})
kept = json.loads(comments.read_text())
arguments = sys.argv[1:]
assert arguments.pop(0) == "api", sys.argv
values, flags, place = {{}}, set(), ""
while arguments:
    word = arguments.pop(0)
    if word in ("--method", "--jq", "--field"):
        values[word] = arguments.pop(0)
    elif word.startswith("--"):
        flags.add(word)
    else:
        place = word
if values.get("--method") is None:
    mark = re.fullmatch(r'[.]\\[\\] [|] select[(][.]body [|] startswith[(]"(.+)"[)][)] [|] [.]id', values["--jq"]).group(1)
    assert place == "repos/us/shop/issues/7/comments", place
    print("\\n".join(key for key, body in kept.items() if body.startswith(mark)))
    sys.exit()
name, _, file = values["--field"].partition("=@")
assert name == "body"
if values["--method"] == "PATCH":
    key = place.removeprefix("repos/us/shop/issues/comments/")
    assert key in kept, place
else:
    assert place == "repos/us/shop/issues/7/comments", place
    key = str(len(kept) + 1)
kept[key] = pathlib.Path(file).read_text()
comments.write_text(json.dumps(kept))
"""


@dataclass
class Job:
    """One job's folders, and what its steps left."""

    checkout: Path
    temporary: Path
    inputs: dict[str, str] = field(default_factory=dict)

    def run(self) -> tuple[int, str]:
        """Run the steps in order until one fails; the exit code, and what was printed."""
        action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        inputs = {name: item["default"] for name, item in action["inputs"].items()} | self.inputs
        outputs, printed = self.temporary / "outputs", ""
        outputs.write_text("")
        for step in action["runs"]["steps"]:
            if "run" not in step or "pip install" in step["run"]:
                continue
            known = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
            if "if" in step and not self._holds(step["if"], inputs, known):
                continue
            values = {name: self._filled(value, inputs) for name, value in step.get("env", {}).items()}
            script = self.temporary / "step.sh"
            script.write_text(step["run"])
            environment = {
                **os.environ,
                **values,
                "PATH": os.pathsep.join(
                    [str(self.temporary / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
                ),
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"),
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=self.checkout,
                env=environment,
                capture_output=True,
                text=True,
            )
            printed += done.stdout + done.stderr
            if done.returncode:
                return done.returncode, printed
        self.outputs = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return 0, printed

    @property
    def comments(self) -> dict[str, str]:
        """The pull request's comments by id."""
        found: dict[str, str] = json.loads((self.temporary / "comments.json").read_text())
        return found

    def _holds(self, condition: str, inputs: dict[str, str], outputs: dict[str, str]) -> bool:
        for part in condition.split("&&"):
            match = re.fullmatch(r"(\S+) (==|!=) '(.*)'", part.strip())
            if match is None:
                assert part.strip() == "github.event.pull_request", part
                continue
            name, sign, expected = match.groups()
            value = (
                inputs[name.removeprefix("inputs.")]
                if name.startswith("inputs.")
                else outputs.get(name.removeprefix("steps.diff.outputs."), "")
            )
            if (value == expected) != (sign == "=="):
                return False
        return True

    def _filled(self, text: str, inputs: dict[str, str]) -> str:
        known = {"github.repository": "us/shop", "github.event.pull_request.number": "7"}
        known |= {f"inputs.{name}": value for name, value in inputs.items()}
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: known[match[1]], text)


def penstock(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "penstock.cli", *arguments], cwd=folder, check=True)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A checkout of a project whose package is current, one commit in."""
    checkout = write_project(tmp_path / "checkout", base_project())
    penstock(checkout, "generate", "--quiet")
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    temporary = tmp_path / "runner"
    program = temporary / "bin" / "gh"
    program.parent.mkdir(parents=True)
    comments = temporary / "comments.json"
    comments.write_text(json.dumps({"1": "Looks good to me."}))
    program.write_text(GH.format(python=sys.executable, comments=str(comments)))
    program.chmod(0o755)
    return Job(checkout, temporary, {"base": "HEAD", "github-token": "secret-token"})


def test_the_comparison_becomes_a_comment_that_later_runs_rewrite(job: Job) -> None:
    (job.checkout / "queries/book/titles.graphql").write_text("query { books { title } }\n")
    penstock(job.checkout, "generate", "--quiet")
    code, printed = job.run()
    assert code == 0, printed
    assert job.outputs["bump"] == "minor"
    assert job.comments["1"] == "Looks good to me."
    assert "client.book.titles()" in job.comments["2"]
    assert "client.book.titles()" in (job.temporary / "summary.md").read_text()

    (job.checkout / "queries/book/delete.graphql").unlink()
    penstock(job.checkout, "generate", "--quiet")
    code, printed = job.run()
    assert code == 0, printed
    assert job.outputs["bump"] != "minor"
    assert set(job.comments) == {"1", "2"}
    assert "Book.delete()" in job.comments["2"]
    assert "secret-token" not in printed + "".join(job.comments.values())


def test_without_a_token_nothing_is_posted(job: Job) -> None:
    job.inputs["github-token"] = ""
    code, printed = job.run()
    assert code == 0, printed
    assert set(job.comments) == {"1"}


def test_a_breaking_change_fails_the_job_where_that_is_asked_for(job: Job) -> None:
    job.inputs["fail-on-breaking"] = "true"
    (job.checkout / "queries/book/delete.graphql").unlink()
    penstock(job.checkout, "generate", "--quiet")
    code, printed = job.run()
    assert code == 1
    assert "::error::This breaks programs" in printed
    assert "Book.delete()" in job.comments["2"], "it is told before the job fails"


def test_of_several_apis_the_named_one_is_compared(job: Job) -> None:
    configuration = job.checkout / "pyproject.toml"
    text = configuration.read_text()
    configuration.write_text(re.sub(r"\[tool\.penstock(?=[.\]])", "[tool.penstock.apis.shop", text))
    git(job.checkout, "commit", "--quiet", "--all", "-m", "two")
    (job.checkout / "queries/book/titles.graphql").write_text("query { books { title } }\n")
    penstock(job.checkout, "generate", "--quiet")
    job.inputs["api"] = "shop"
    code, printed = job.run()
    assert code == 0, printed
    assert job.outputs["bump"] == "minor"
    assert "client.book.titles()" in job.comments["2"]


def test_a_package_that_is_not_current_fails_the_job(job: Job) -> None:
    (job.checkout / "queries/book/titles.graphql").write_text("query { books { title } }\n")
    code, printed = job.run()
    assert code != 0
    assert "::error" in printed


def test_a_revision_that_is_not_there_fails_the_job_with_a_sentence(job: Job) -> None:
    job.inputs["base"] = "nowhere"
    code, printed = job.run()
    assert code == 2
    assert "nowhere" in printed
    assert "Traceback" not in printed
