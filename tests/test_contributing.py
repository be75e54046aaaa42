"""What contributors are told, and what checks their changes, is what the Makefile and .ci/run do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ddt
import yaml
from django.test import SimpleTestCase

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("CONTRIBUTING.rst", "README.rst", "SECURITY.rst", "docs/releasing.rst", ".github/pull_request_template.md")


def read(name: str) -> str:
    """Return the text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    """Return what is in a YAML file of the repository."""
    return yaml.safe_load(read(name))


@ddt.ddt
class DocumentTests(SimpleTestCase):
    """CONTRIBUTING and what it belongs with name things that exist."""

    @ddt.data(*DOCUMENTS)
    def test_each_make_target_that_is_named_is_in_the_makefile(self, document: str) -> None:
        named = set(re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", read(document), re.MULTILINE))
        assert named <= set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))

    @ddt.data(*DOCUMENTS)
    def test_each_file_that_is_named_exists(self, document: str) -> None:
        prefix = r"``((?:tests|docs|scripts|benchmarks|requirements|\.github|\.ci)/[\w./-]+)``"
        missing = [name for name in re.findall(prefix, read(document)) if not (ROOT / name).exists()]
        assert missing in ([], ["docs/_build"])

    def test_each_layer_and_each_room_is_explained(self) -> None:
        explained = set(re.findall(r"``(\w+)/?``", read("CONTRIBUTING.rst")))
        contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
        layers = {name for layer in contracts[0]["layers"] for name in re.findall(r"\w+", layer)}
        rooms = {
            room.parent.name
            for layer in ("actions", "admin", "rest_api")
            for room in (ROOT / "learning_paths" / layer).glob("*/__init__.py")
        }
        assert layers | rooms <= explained, layers | rooms - explained

    def test_each_module_that_is_explained_exists(self) -> None:
        table = read("CONTRIBUTING.rst").partition("Where things live")[2].partition("**One door.**")[0]
        named = set(re.findall(r"``(?:\w+/)?(\w+)/?``", table)) - {"learning_paths", "code"}
        there = {path.stem for path in (ROOT / "learning_paths").rglob("*")}
        assert named <= there, named - there

    def test_the_catalog_names_this_package(self) -> None:
        assert f'name="{load("catalog-info.yaml")["metadata"]["name"]}"' in read("setup.py")

    def test_what_the_metadata_link_to_exists(self) -> None:
        linked = re.findall(r"/blob/HEAD/([\w./]+)", read("setup.py"))
        assert linked
        assert all((ROOT / name).is_file() for name in linked)


@ddt.ddt
class PreCommitTests(SimpleTestCase):
    """The hooks are the steps of ``make quality``, and a check of the message."""

    def setUp(self) -> None:
        self.hooks = {hook["id"]: hook for repo in load(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]}
        self.message = self.hooks.pop("commit-message")["entry"]

    def test_each_step_of_quality_is_a_hook(self) -> None:
        steps = re.search(r"^steps=\((.+)\)$", read("scripts/quality.sh"), re.MULTILINE)
        assert steps is not None
        assert [hook["entry"] for hook in self.hooks.values()] == [f"scripts/quality.sh {hook}" for hook in self.hooks]
        assert sorted(self.hooks) == sorted(steps[1].split())

    def test_the_types_of_commits_are_those_that_are_explained(self) -> None:
        section = read("CONTRIBUTING.rst").partition("\nCommits\n")[2].partition("\n* ")[0]
        explained = set(re.findall(r"``([a-z]+)``", section))
        types = re.search(r"\(\(([a-z|]+)\)", self.message)
        assert types is not None
        assert set(types[1].split("|")) == explained

    @ddt.data(
        "fix: the lock\n\nBecause.", "feat(rest)!: no pages", "Merge branch 'x'", 'Revert "fix: x"', "fixup! fix: x"
    )
    def test_a_message_that_is_taken(self, message: str) -> None:
        assert re.search(self.message, message)

    @ddt.data("Fixed the lock", "fix:no space", "fix the lock: again", "wip\n\nfix: the lock", "fixing: it")
    def test_a_message_that_is_refused(self, message: str) -> None:
        assert not re.search(self.message, message, re.MULTILINE | re.DOTALL)


class WorkflowTests(SimpleTestCase):
    """The workflow does on several machines what .ci/run does on one."""

    COMMAND = re.compile(r"make [a-z-]+|scripts/try_wheel\.sh|tox run -e \S+")

    def setUp(self) -> None:
        self.jobs: dict[str, Any] = load(".github/workflows/ci.yml")["jobs"]

    def commands(self) -> Iterator[str]:
        """Yield what the jobs run, for each row of their matrices."""
        for job in self.jobs.values():
            for row in job.get("strategy", {"matrix": {"include": [{}]}})["matrix"]["include"]:
                for step in job["steps"]:
                    yield re.sub(r"\$\{\{ matrix\.(\w+) }}", lambda match: row[match[1]], step.get("run", ""))  # noqa: B023

    def test_it_runs_what_ci_runs(self) -> None:
        lines = [line.strip() for line in read(".ci/run").splitlines()]
        ci = "\n".join(line for line in lines if not line.startswith(("#", "heading ")))
        assert set(self.COMMAND.findall("\n".join(self.commands()))) == set(self.COMMAND.findall(ci))

    def test_each_supported_pair_of_python_and_django(self) -> None:
        pairs = {(row["python"], row["django"]) for row in self.jobs["test"]["strategy"]["matrix"]["include"]}
        supported = re.findall(r"py(\d)(\d+)-django(\d+)", read("tox.ini").partition("\n[testenv]")[0])
        assert pairs == {(f"{major}.{minor}", django) for major, minor, django in supported}

    def test_both_databases_are_tested_with_both_versions_of_django(self) -> None:
        rows = self.jobs["services"]["strategy"]["matrix"]["include"]
        tested = {(row["database"].split(":")[0], row["django"]) for row in rows if row["target"] == "test-services"}
        assert tested == {("mysql", "42"), ("mysql", "52"), ("mariadb", "42"), ("mariadb", "52")}
