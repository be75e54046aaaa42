"""A commit is published only when its version, its changelog and its tag say the same: scripts/release_check.sh."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import ddt
import pytest
from django.test import SimpleTestCase

SCRIPT = Path(__file__).parent.parent / "scripts" / "release_check.sh"
CHANGELOG = """Changelog
#########

What is new.

{}
******************

* Paths.

0.1.0 - 2026-11-22
******************
"""


@ddt.ddt
class ReleaseCheckTests(SimpleTestCase):
    """A small repository is about to be released as 0.2.0."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def setUp(self) -> None:
        (self.folder / "scripts").mkdir()
        shutil.copy(SCRIPT, self.folder / "scripts")
        (self.folder / "learning_paths").mkdir()
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=sam", "-c", "user.email=sam@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True)

    def commit(self, version: str = "0.2.0", section: str = "0.2.0 - 2027-01-15", tags: str = "v0.2.0") -> None:
        (self.folder / "learning_paths" / "__init__.py").write_text(f'"""Paths."""\n\n__version__ = "{version}"\n')
        (self.folder / "CHANGELOG.rst").write_text(CHANGELOG.format(section))
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "build: release")
        for tag in tags.split():
            self.git("tag", tag)

    def check(self) -> tuple[int, str]:
        """Return the exit status, and what was complained of."""
        script = self.folder / "scripts" / SCRIPT.name
        done = subprocess.run([str(script)], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_what_agrees_may_be_released(self) -> None:
        self.commit()
        assert self.check() == (0, "")

    @ddt.data(
        ({"version": "0.3.0"}, ["CHANGELOG.rst: the top section", "git tag"]),
        ({"version": "0.2.0.dev1"}, ["the version is", "CHANGELOG.rst", "git tag"]),
        (
            {"section": "Unreleased"},
            ['CHANGELOG.rst: the top section is "Unreleased"; it must be "0.2.0 - YYYY-MM-DD"'],
        ),
        ({"section": "0.2.0"}, ["CHANGELOG.rst"]),
        ({"section": "0x2.0 - 2027-01-15"}, ["CHANGELOG.rst"]),
        ({"tags": ""}, ["git tag"]),
        ({"tags": "v0.1.0"}, ['git tag: the tags of this commit are "v0.1.0"']),
        ({"tags": "v0.1.0 v0.2.0"}, ['git tag: the tags of this commit are "v0.1.0, v0.2.0"; there must be v0.2.0']),
    )
    @ddt.unpack
    def test_what_does_not_agree_is_named(self, committed: dict[str, str], complaints: list[str]) -> None:
        self.commit(**committed)
        status, output = self.check()
        assert status == 1
        assert len(output.splitlines()) == len(complaints)
        for complaint in complaints:
            assert complaint in output

    def test_what_is_not_committed_would_not_be_released(self) -> None:
        self.commit()
        (self.folder / "learning_paths" / "new.py").touch()
        status, output = self.check()
        assert status == 1
        assert output.startswith("git status: there are changes")
