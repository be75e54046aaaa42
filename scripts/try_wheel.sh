#!/usr/bin/env bash
# try_wheel.sh [DIRECTORY]: builds the wheel, installs it into an empty virtual environment, with one supported Django
# and then the other, and migrates a host of two files that finds the plugin as the LMS does. Where a directory is named,
# what was built and tried is left there, in place of what was in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/learning-paths-wheel.XXXXXX")
trap 'rm -rf "$work"' EXIT

.venv/bin/python -m build --outdir "$work/dist" . > "$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
mkdir "$work/host"
cat > "$work/host/host_settings.py" <<'PYTHON'
from edx_django_utils.plugins import add_plugins, get_plugin_apps

SECRET_KEY = "x"
USE_TZ = True
ROOT_URLCONF = "host_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "host.sqlite3"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "simple_history", "rest_framework"]
INSTALLED_APPS.extend(get_plugin_apps("lms.djangoapp"))
LOCALE_PATHS = object()  # as in the LMS, a setting that has no value yet while the plugins are asked for theirs
add_plugins(__name__, "lms.djangoapp", "common")
LOCALE_PATHS = []
PYTHON
cat > "$work/host/host_urls.py" <<'PYTHON'
from edx_django_utils.plugins import get_plugin_url_patterns

urlpatterns = get_plugin_url_patterns("lms.djangoapp")
PYTHON

.venv/bin/python -m venv "$work/venv"
for django in "Django>=4.2.22,<4.3" "Django>=5.2,<5.3"; do
    rm -f "$work/host/host.sqlite3"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$django" "$work"/dist/*.whl 2> "$work/pip.log" \
        || { cat "$work/pip.log" >&2; exit 1; }
    (
        cd "$work/host"
        export DJANGO_SETTINGS_MODULE=host_settings PYTHONPATH=.
        django_admin=("$work/venv/bin/python" -m django)
        "${django_admin[@]}" check
        "${django_admin[@]}" migrate --verbosity 0
        "${django_admin[@]}" makemigrations --check --dry-run learning_paths
        "${django_admin[@]}" shell -c '
import django
from importlib.resources import files
from django.test import Client

from learning_paths.models import LearningPath
for name in (
    "py.typed",
    "locale/en/LC_MESSAGES/django.po",
    "templates/learning_paths/admin/learning_path_change_form.html",
    "templates/learning_paths/edx_ace/invited/email/body.html",
    "templates/learning_paths/pages/base.html",
    "static/learning_paths/pages.css",
    "static/learning_paths/admin/steps.js",
):
    assert files("learning_paths").joinpath(name).is_file(), name
path = LearningPath.objects.create(key="path-v1:A+B+C", display_name="Path")
assert Client().get("/api/v1/enrollment/", headers={"Host": "localhost"}).status_code == 401
assert Client().get("/api/learning_paths/schema/", headers={"Host": "localhost"}).status_code == 200
print("The wheel works in an empty environment with Django", django.__version__)
' 2>&1 | grep -v "^[0-9]* objects\|^$\|^  learning_paths\.Hist" || exit 1
    )
done

if [[ -n ${1:-} ]]; then
    rm -rf "$1"
    cp -r "$work/dist" "$1"
    echo "Built and tried:" "$1"/*
fi
