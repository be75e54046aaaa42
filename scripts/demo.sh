#!/usr/bin/env bash
# demo.sh PORT [redis]: serves the sandbox with its demo data. With "redis", background jobs run in a Celery worker behind
# a Redis of its own; both end with the server. Without, they run in the server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
port=${1:-8000}
broker=${2:-}
python=.venv/bin/python

if [[ -n $broker && $broker != redis ]]; then
    echo "BROKER=$broker is not known here. Say BROKER=redis, or leave it out: then jobs run without a broker." >&2
    exit 2
fi
if [[ -n $broker ]] && ! command -v redis-server > /dev/null; then
    scripts/apt_install.sh redis-server || {
        echo "BROKER=redis takes redis-server, which is missing here. Install it, or leave BROKER out." >&2
        exit 1
    }
fi

where="in the server itself; with BROKER=redis in a Celery worker"
if [[ -n $broker ]]; then
    where="in a Celery worker, behind a Redis of its own"
fi

export LMS_ROOT_URL="http://localhost:$port"
"$python" manage.py migrate --verbosity 0
"$python" manage.py seed_demo
cat <<TEXT

  Front page  http://localhost:$port/
  Admin       http://localhost:$port/admin/
  REST API    http://localhost:$port/api/v1/enrollment/
  OpenAPI     http://localhost:$port/api/learning_paths/schema/

  Accounts    staff/staff (staff)   ana/ana   ben/ben   chloe/chloe

  Background jobs run $where.
  Ctrl-C stops it all.

TEXT
if [[ -z $broker ]]; then
    exec "$python" manage.py runserver "$port"
fi

data=$(mktemp -d "${TMPDIR:-/tmp}/learning-paths-demo.XXXXXX")
names=()
pids=()

# Each gets a process group of its own (set -m): Ctrl-C reaches this script alone, which then ends them in their order.
start() {
    names+=("$1")
    set -m
    "${@:2}" < /dev/null &
    set +m
    pids+=($!)
}

stop() {
    trap '' INT TERM HUP
    local index
    for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
        kill "${pids[index]}" 2> /dev/null || true
        for _ in {1..100}; do
            kill -0 "${pids[index]}" 2> /dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-${pids[index]}" 2> /dev/null || true
    done
    wait
    rm -rf "$data"
}
trap stop EXIT
trap 'exit 0' INT
trap 'exit 143' TERM HUP

start "Redis" redis-server --port 0 --unixsocket "$data/redis.sock" --dir "$data" --save "" --appendonly no \
    --logfile "$data/redis.log"
export BROKER_URL="redis+socket://$data/redis.sock"
start "The Celery worker" "$python" -m celery --quiet --app=sandbox worker --concurrency=1 --loglevel=INFO \
    --without-gossip --without-mingle
start "The server" "$python" manage.py runserver "$port"

wait -n || true
for index in "${!pids[@]}"; do
    if ! kill -0 "${pids[index]}" 2> /dev/null; then
        echo "${names[index]} has ended, and so does the demo." >&2
    fi
done
exit 1
