#!/usr/bin/env bash
# with_services.sh COMMAND...: runs the command with DATABASE_URL and REDIS_URL set. A server that is not given by its
# variable is installed if it is missing, started with its data in a temporary directory, and removed afterwards.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

data=$(mktemp -d "${TMPDIR:-/tmp}/learning-paths-services.XXXXXX")
pids=()

stop() {
    if [[ ${#pids[@]} != 0 ]]; then
        kill "${pids[@]}" 2> /dev/null || true
        wait "${pids[@]}" 2> /dev/null || true
    fi
    rm -rf "$data"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
    "$scripts/../.venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

await() {
    local log=$1
    shift
    for _ in {1..150}; do
        if "$@" > /dev/null 2>&1; then
            return
        fi
        sleep 0.2
    done
    echo "The server did not start; its log:" >&2
    cat "$log" >&2
    exit 1
}

start_mariadb() {
    PATH=$PATH:/usr/sbin
    command -v mariadbd > /dev/null || "$scripts/apt_install.sh" mariadb-server
    local directory=$data/mariadb socket=$data/mariadb.sock port client as_user=()
    port=$(free_port)
    client=(mariadb --no-defaults --socket="$socket" --user=root)
    mkdir "$directory"
    if [[ $(id -u) == 0 ]]; then
        as_user=(--user=mysql)
        chown mysql "$data" "$directory"
    fi

    # A directory of its own for temporary tables: a server that starts deletes those of others from a shared one.
    TMPDIR=$data mariadb-install-db --no-defaults --datadir="$directory" --auth-root-authentication-method=normal --skip-test-db \
        "${as_user[@]}" > "$data/mariadb.log" 2>&1 || { cat "$data/mariadb.log" >&2; exit 1; }
    TMPDIR=$data mariadbd --no-defaults --datadir="$directory" --socket="$socket" --pid-file="$data/mariadb.pid" \
        --bind-address=127.0.0.1 --port="$port" --skip-name-resolve --max-connections=500 \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci \
        --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-buffer-pool-size=256M --skip-log-bin \
        "${as_user[@]}" >> "$data/mariadb.log" 2>&1 &
    pids+=($!)
    await "$data/mariadb.log" "${client[@]}" -e "SELECT 1"

    "${client[@]}" <<SQL
CREATE DATABASE learning_paths;
CREATE USER 'learning_paths'@'127.0.0.1' IDENTIFIED BY 'learning_paths';
GRANT ALL ON *.* TO 'learning_paths'@'127.0.0.1';
SQL
    export DATABASE_URL="mysql://learning_paths:learning_paths@127.0.0.1:$port/learning_paths?charset=utf8mb4"
    echo "Database: MariaDB $("${client[@]}" -Ne "SELECT VERSION()") on 127.0.0.1:$port, started for this run"
}

start_redis() {
    command -v redis-server > /dev/null || "$scripts/apt_install.sh" redis-server
    local port
    port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$port" --dir "$data" --save "" --appendonly no > "$data/redis.log" 2>&1 &
    pids+=($!)
    await "$data/redis.log" redis-cli -h 127.0.0.1 -p "$port" ping
    export REDIS_URL="redis://127.0.0.1:$port/0"
    echo "Redis: $(redis-server --version | grep -o 'v=[^ ]*' | cut -c3-) on 127.0.0.1:$port, started for this run"
}

if [[ -z ${DATABASE_URL:-} ]]; then
    start_mariadb
else
    echo "Database: as DATABASE_URL says"
fi
if [[ -z ${REDIS_URL:-} ]]; then
    start_redis
else
    echo "Redis: as REDIS_URL says"
fi

"$@"
