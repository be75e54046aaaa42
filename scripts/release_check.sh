#!/usr/bin/env bash
# Whether the commit at hand can be published: what is committed, the version, the top section of the changelog and the
# tag must agree. Says each thing that does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

problems=()
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' learning_paths/__init__.py)
# A section is a line above a line of asterisks; the first one is the newest.
section=$(awk '/^\*+$/ { print previous; exit } { previous = $0 }' CHANGELOG.rst)
tags=$(git tag --points-at HEAD)

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] ||
    problems+=("learning_paths/__init__.py: the version is \"$version\"; it must be three numbers such as 1.2.3.")
[[ $section =~ ^"$version - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
    problems+=("CHANGELOG.rst: the top section is \"$section\"; it must be \"$version - YYYY-MM-DD\".")
[[ -z $(git status --porcelain) ]] ||
    problems+=("git status: there are changes that are not committed, or files that git does not know.")
[[ $tags == "v$version" ]] ||
    problems+=("git tag: the tags of this commit are \"${tags//$'\n'/, }\"; there must be v$version and no other.")

if [[ ${#problems[@]} != 0 ]]; then
    printf '%s\n' "${problems[@]}" >&2
    exit 1
fi
echo "Version, changelog and tag agree: $version"
