"""
What one upload of the worst kind costs a web worker: ten megabytes of it, read as the bulk endpoint and the admin do.

No database. Each input is a file of 10 MB (``MEGABYTES``), read by ``api.parse_csv`` and, where it is text, by
``api.parse_text``, each in a process of its own. See README.rst for what the inputs are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, product
from pathlib import Path

from benchmarks.common import peak_memory, set_up_django

BYTES = int(float(os.environ.get("MEGABYTES", "10")) * 2**20)
MOST_SECONDS = 5
MOST_MEGABYTES = 100
MET = {True: "met", False: "NOT met"}


def repeated(text: str) -> Callable[[], bytes]:
    """Return what makes a file of one text over and over."""
    return lambda: (text * (BYTES // len(text.encode()) + 1)).encode()[:BYTES]


def numbered(pattern: str) -> Callable[[], bytes]:
    """Return what makes a file of one text over and over, with another number each time."""
    return lambda: joined(pattern.format(number) for number in count())


def spelled(word: str, after: str) -> Callable[[], bytes]:
    """Return what makes a file of one word in ever another mixture of upper and lower case."""
    cases = (sorted({letter, letter.upper()}) for letter in word)
    return lambda: joined("".join(letters) + after for letters in product(*cases))


def joined(texts: Iterator[str]) -> bytes:
    """Return so many of the texts as make up the size."""
    pieces, size = [], 0
    for text in texts:
        pieces.append(text)
        if (size := size + len(text.encode())) >= BYTES:
            break
    return "".join(pieces).encode()


INPUTS: dict[str, Callable[[], bytes]] = {
    "a log": numbered("2026-11-22 12:00:00,{0} INFO [worker-{0}] GET /courses/{0} 200\n"),
    "a@, with blanks": repeated("a@ "),
    "a@b.co, with blanks": repeated("a@b.co "),
    "an address in all spellings": spelled("abcdefghijk@lmnopqrstu.com", " "),
    "no address in all spellings": spelled("abcdefghijk@lmnopqrstu.c-m", " "),
    "addresses, each another": numbered("learner{0}@example.com\n"),
    "no addresses, each another": numbered("learner{0}@example\n"),
    "letters with commas": repeated("a,"),
    "letters with blanks": repeated("a "),
    "commas": repeated(","),
    "line feeds": repeated("\n"),
    "blanks": repeated(" "),
    "quotes": repeated('"'),
    "quotes with blanks": repeated('" '),
    "quoted names without an address": repeated('"a" '),
    "brackets": repeated("<"),
    "empty brackets": repeated("<>"),
    "brackets with a letter": repeated("<a>"),
    "names with an address": numbered('"Last{0}, First" <learner@example.com>, '),
    "names before one address": numbered("name{0} <learner@example.com> "),
    "one long word": repeated("x"),
    "one long address": repeated("x@"),
    "invisible characters": repeated("\u200b"),
    "an address in umlauts, in all spellings": spelled("abcdefghi@äöüéèàñçåø.com", " "),
    "a table with one column of addresses": numbered("{0},learner{0}@example.com,x,y,z\n"),
    "a table of the same address": repeated("1,a@b.co\n"),
    "a table of nothing": repeated(",\n"),
    "a table without addresses": lambda: b"email,x\n" + repeated(",y\n")(),
    "a table of wide rows": repeated("a," * 60_000 + "\n"),
    "rows with a quote too many": repeated('"a,b@c.de\n'),
    "zeros": repeated("\x00"),
    "bytes that are no text": lambda: b"\xff\xfe\xfd" * (BYTES // 3),
}


def read(path: Path, parser: str) -> None:
    """Read one file, and print what it took."""
    set_up_django()
    from learning_paths import api
    from learning_paths.exceptions import BulkTooLarge

    api.parse_csv(b"email\nana@example.com\n")  # so that what is loaded at the first call is not counted
    content = path.read_bytes()
    before = peak_memory()
    begin, cpu = time.perf_counter(), time.process_time()
    try:
        parsed = api.parse_csv(content) if parser == "csv" else api.parse_text(content.decode(errors="replace"))
        outcome = f"{len(parsed.emails)} addresses, {len(parsed.invalid)} others"
    except BulkTooLarge:
        outcome = "too large"
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(seconds, cpu, peak_memory() - before, outcome, sep="\t")


def main() -> None:
    """Read each of the inputs in a process of its own, by each parser that takes it."""
    worst_cpu = worst_memory = 0.0
    print(f"{BYTES / 2**20:.0f} MB of                                 parser    time     CPU  memory")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "input"
        for name, make in INPUTS.items():
            path.write_bytes(make())
            for parser in ["csv"] if name == "bytes that are no text" else ["csv", "text"]:
                command = [sys.executable, __file__, str(path), parser]
                answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
                seconds, cpu, memory, outcome = answer.rstrip("\n").split("\t")
                worst_cpu = max(worst_cpu, float(cpu))
                worst_memory = max(worst_memory, float(memory))
                took = f"{float(seconds):6.2f} s {float(cpu):5.2f} s {float(memory):5.0f} MB"
                print(f"{name:40} {parser:6} {took}  {outcome}")
    print(f"worst CPU     {worst_cpu:6.2f} s, at most {MOST_SECONDS}: {MET[worst_cpu <= MOST_SECONDS]}")
    print(f"worst memory  {worst_memory:6.0f} MB, at most {MOST_MEGABYTES}: {MET[worst_memory <= MOST_MEGABYTES]}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
