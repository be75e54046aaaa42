#!/usr/bin/env bash
# Serves the sandbox with its demo data on the port that is given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
port=${1:-8000}
python=.venv/bin/python

"$python" manage.py migrate --verbosity 0
"$python" manage.py seed_demo
cat <<TEXT

  Front page  http://localhost:$port/
  Admin       http://localhost:$port/admin/
  REST API    http://localhost:$port/api/v1/enrollment/
  OpenAPI     http://localhost:$port/api/learning_paths/schema/

  Accounts    staff/staff (staff)   ana/ana   ben/ben   chloe/chloe

  Ctrl-C stops the server.

TEXT
exec "$python" manage.py runserver "$port"
