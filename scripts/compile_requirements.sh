#!/usr/bin/env bash
# Compiles requirements/*.in with pip-compile of the Python given as the first argument (3.11, the lowest supported).
# The pin of Django goes to files of its own, so that an environment can choose its Django.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"
python=$1

"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "The requirements are compiled with Python 3.11, the lowest that is supported." >&2
    exit 1
}

compile() {
    CUSTOM_COMPILE_COMMAND="make requirements" "$python" -m piptools compile --quiet --upgrade --strip-extras \
        --annotation-style=line --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
        --output-file="$1" "${@:2}"
}

for name in base test quality docs services dev; do
    echo "requirements/$name.txt"
    compile "$name.txt" --constraint constraints.txt "$name.in"
done

printf 'Django>=4.2,<4.3\n' > django42.in
compile django42.txt django42.in
printf 'Django>=5.2,<5.3\n' > django52.in
compile django52.txt django52.in
rm django42.in django52.in
for series in 42 52; do
    pin=$(grep -i '^django==' "django$series.txt" | sed 's/ *#.*//')
    printf '# Compiled by: make requirements\n%s\n' "$pin" > "django$series.txt"
done
sed -i '/^django==/d' base.txt test.txt quality.txt dev.txt

conflicts=$(grep -hoE '^[a-z0-9._-]+==[^ ]+' base.txt test.txt quality.txt docs.txt services.txt dev.txt |
    sort -u | cut -d= -f1 | uniq -d)
if [[ -n $conflicts ]]; then
    echo "Pinned differently in two files: $conflicts" >&2
    exit 1
fi
