"""What README.rst shows is what happens."""

from __future__ import annotations

import argparse
import doctest
import json
import re
import shlex
from base64 import b64encode
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from sandbox.demo.seed import seed

README = Path(__file__).parent.parent / "README.rst"
SHOWN_SITE = "http://localhost:8000"

BLOCK = r"\n\.\. code-block:: {}\n\n((?:    .*\n|\n)+)"
COMMAND_AND_ANSWER = re.compile(BLOCK.format("shell") + BLOCK.format("text"))

curl = argparse.ArgumentParser("curl")
curl.add_argument("-u", dest="account", required=True)
curl.add_argument("-w", dest="status_format", choices=[r"\n%{http_code}\n"], required=True)
curl.add_argument("-X", dest="method")
curl.add_argument("-H", dest="headers", action="append", default=[])
curl.add_argument("-d", dest="body")
curl.add_argument("url")


def run(command: str, site: str) -> tuple[int, Any]:
    """Send what a curl command would send, to another site; return the status and the answer."""
    program, *arguments = shlex.split(command.replace("\\\n", ""))
    assert program == "curl", command
    options = curl.parse_args(arguments)
    assert options.url.startswith(f"{SHOWN_SITE}/"), command
    headers = dict(header.split(": ", 1) for header in options.headers)
    headers["Authorization"] = "Basic " + b64encode(options.account.encode()).decode()
    method = options.method or ("GET" if options.body is None else "POST")
    with closing(HTTPConnection(urlsplit(site).netloc, timeout=30)) as connection:
        connection.request(method, options.url.removeprefix(SHOWN_SITE), options.body, headers)
        response = connection.getresponse()
        return response.status, parsed(response.read().decode().replace(site, SHOWN_SITE))


def parsed(text: str) -> Any:
    """Return an answer without what differs each time: moments, ids of accounts, and those in the cursors of pages."""
    text = re.sub(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', '"<moment>"', text)
    text = re.sub(r'"user_id": ?\d+', '"user_id": "<id>"', text)
    text = re.sub(r"(?<=[?&]cursor=)[^&\"]+", "<cursor>", text)
    return json.loads(text) if text.strip() else None


@pytest.mark.django_db(transaction=True)
def test_the_tour_of_the_rest_api(live_server: LiveServer) -> None:
    seed()
    readme = README.read_text(encoding="utf-8")
    steps = COMMAND_AND_ANSWER.findall(readme)
    assert len(steps) == readme.count("\n    curl ") > 0, "each command is followed by its answer"

    for command, answer in steps:
        body, status = re.fullmatch(r"(.*?)(\d{3})\s*", answer, re.DOTALL).groups()  # type: ignore[union-attr]
        assert run(command, live_server.url) == (int(status), parsed(body)), command


@pytest.mark.django_db
def test_the_example_of_the_python_api() -> None:
    seed(crowd=False)
    results = doctest.testfile(str(README), module_relative=False)  # prints what differs
    assert results.attempted > 0
    assert results.failed == 0
