"""Package metadata of openedx-learning-paths."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

# The address of the public repository, without a slash at its end. Empty until there is one: see docs/releasing.rst.
REPOSITORY = ""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def version() -> str:
    match = re.search(r'^__version__ = "([^"]+)"', read("learning_paths/__init__.py"), re.MULTILINE)
    if match is None:
        raise RuntimeError("learning_paths/__init__.py has no __version__")
    return match.group(1)


def install_requires() -> list[str]:
    lines = (line.partition("#")[0].strip() for line in read("requirements/base.in").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def project_urls() -> dict[str, str]:
    if not REPOSITORY:
        return {}
    return {
        "Source": REPOSITORY,
        "Documentation": f"{REPOSITORY}/blob/HEAD/README.rst",
        "Changelog": f"{REPOSITORY}/blob/HEAD/CHANGELOG.rst",
        "Issues": f"{REPOSITORY}/issues",
        "Security": f"{REPOSITORY}/blob/HEAD/SECURITY.rst",
    }


setup(
    name="openedx-learning-paths",
    version=version(),
    description="Learning paths for the Open edX LMS: ordered sets of course runs that learners enroll in",
    long_description=read("README.rst") + "\n\n" + read("CHANGELOG.rst"),
    long_description_content_type="text/x-rst",
    project_urls=project_urls(),
    license="AGPL-3.0",
    keywords="Open edX learning paths enrollment",
    packages=find_packages(include=["learning_paths", "learning_paths.*"]),
    package_data={"learning_paths": ["py.typed", "templates/**/*", "static/**/*", "locale/**/*"]},
    zip_safe=False,
    python_requires=">=3.11",
    install_requires=install_requires(),
    entry_points={
        "lms.djangoapp": ["learning_paths = learning_paths.apps:LearningPathsConfig"],
        "context_key": ["path-v1 = learning_paths.keys:LearningPathKey"],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Framework :: Django",
        "Framework :: Django :: 4.2",
        "Framework :: Django :: 5.2",
        "Intended Audience :: Developers",
        "License :: OSI Approved :: GNU Affero General Public License v3",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
    ],
)
