"""
No request is answered by a fault: every address of the urlconf and of the admin, with what nobody sends in good faith.

An address, a parameter or a header that is added later is tested as well: they are read from the urlconf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client, TestCase, override_settings
from django.urls import URLPattern, get_resolver, reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from learning_paths import api
from learning_paths.models import Skill
from learning_paths.rest_api.v1.query import heard_by
from sandbox.courses.models import CourseRun
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.rest_api.endpoints import Endpoint, endpoints, patterns_of

OPEN = "path-v1:DemoX+DS101+2026"
COURSE = "course-v1:DemoX+PY101+2026"

# Percent-encoded, as they come over the wire.
VALUES = [
    "9" * 5000,
    "9" * 19,
    "2147483648",
    "-1",
    "1e999",
    "NaN",
    "%00",
    "%ED%A0%80",  # half of a surrogate pair
    "%FF",
    "x" * 5000,
    "%D9%A1%D9%A2",  # digits, to Python
    "%C2%B2",  # a digit, to some of it
    "%F0%9F%98%80",
    "%0D%0A",
    "%E2%80%AE",
    "path-v1:A+B+" + "9" * 5000,
    "path-v1:A+B+%ED%A0%80",
    "00000000-0000-0000-0000-00000000000%D9%A1",
]
HEADERS: list[dict[str, str]] = [
    *(
        {"HTTP_ACCEPT": value}
        for value in ["", ";", "*", "a/b;q=x", "text/html", "application/json; indent=99999", "\xff/*"]
    ),
    {"HTTP_ACCEPT": "application/json;" + "q=1;" * 2000},
    {"HTTP_RANGE": "bytes=9-1"},
    {"HTTP_RANGE": "bytes=" + "9" * 5000 + "-"},
    {"HTTP_IF_NONE_MATCH": '"' + "x" * 5000},
    {"HTTP_IF_MODIFIED_SINCE": "Sat, 99 Foo 99999 99:99:99 GMT"},
    {"HTTP_ACCEPT_LANGUAGE": "xx-" + "9" * 5000 + ";q=" + "9" * 5000},
    {"HTTP_AUTHORIZATION": "Basic \xff"},
    {"HTTP_AUTHORIZATION": "Basic " + "A" * 5001},
    {"HTTP_AUTHORIZATION": "Basic //8="},
    {"HTTP_AUTHORIZATION": "JWT x.y.z"},
    {"HTTP_AUTHORIZATION": "JWT " + "9" * 5000},
    {"HTTP_AUTHORIZATION": "JWT eyJhbGciOiJub25lIn0.e30."},
    {"HTTP_COOKIE": "sessionid=\xff; csrftoken=" + "9" * 5000},
    {"HTTP_X_CSRFTOKEN": "\xff"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    {"CONTENT_LENGTH": "9" * 5000},
    {"CONTENT_LENGTH": "-1"},
    {"CONTENT_LENGTH": "x"},
]
TYPES = [
    "",
    "x",
    "application/json",
    "application/json; charset=hex",
    "application/json; charset=utf-16",
    "application/json; charset=idna",
    "application/json; charset=undefined",
    "application/json; charset=" + "9" * 5000,
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=hex",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\xff",
    "multipart/form-data; boundary=x; charset=hex",
    "multipart/form-data; boundary=" + "x" * 5000,
]
BODIES: list[bytes] = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"9" * 5000,
    b'{"\\ud800": 1}',
    b'{"username": "\\ud800"}',
    b'{"emails": "\\ud800@x", "learning_paths": ["\\udfff"], "reason": "\\ud800"}',
    b'{"emails": "a@x.org", "learning_paths": "' + OPEN.encode() + b'", "subscription": "\\ud800"}',
    b'{"emails": "a@x.org", "learning_paths": "' + OPEN.encode() + b'", "subscription": ' + b"9" * 4000 + b"}",
    b'{"emails": "a@x.org", "dry_run": "\\ud800", "notify": {"\\ud800": []}}',
    b'{"enrollments_info": [{"\\ud800": 1, "user_id": ' + b"9" * 4000 + b', "course_run_key": "\\ud800"}]}',
    b'{"enrollments_info": [{"user_id": 1e999, "course_run_key": 1, "license_uuid": "\\ud800"}]}',
    b'{"enrollments_info": {"\\ud800": 1}}',
    b'{"enroll_all": "\\ud800", "course_run_keys": 1}',
    b"{" * 100_000,
    b'{"a":' * 5000,
    b"a=%ED%A0%80&%ED%A0%80=1&username=%00",
    b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xed\xa0\x80"\r\n\r\na@x.org\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="username"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--',
]


ADMIN_PARAMETERS = ["q", "p", "o", "e", "all", "page", "group", "term", "learning_paths", "subscription", "operation"]


class HostileCase(TestCase):
    """A site with one of each thing, and a superuser who may do everything."""

    def setUp(self) -> None:
        self.sam = make_staff("sam", is_superuser=True)
        path = make_path(OPEN)
        make_user("ana")
        CourseRun.objects.create(course_key=COURSE, display_name="Python")
        api.enroll(self.sam, path, acting_user=None)
        api.invite("new@example.com", path, acting_user=self.sam)
        Skill.objects.create(display_name="Python")
        api.assign_licenses(make_plan(), "ana@example.com", acting_user=None)
        job = api.draft_bulk_job(api.prepare_bulk("ana@example.com", [OPEN]), acting_user=self.sam)
        self.values = {
            "learning_path_key": OPEN,
            "course_key": COURSE,
            "uuid": str(job.uuid),
            "pk": str(path.pk),
        }
        self.client = Client(raise_request_exception=False)
        self.client.force_login(self.sam)

    def send(self, method: str, address: str, **extra: Any) -> int:
        """Send a request in a savepoint; return the status, which must be no fault."""
        with transaction.atomic():
            response = self.client.generic(method.upper(), address, **extra)
            list(response)  # a list that is sent while it is read
            assert response.status_code < 500, (method, address[:200], response.status_code, extra)
            transaction.set_rollback(True)
        return int(response.status_code)


def addresses_of_rest(values: dict[str, str]) -> Iterator[tuple[Endpoint, str]]:
    """Yield each endpoint with an address in which everything is as it should be."""
    for endpoint in endpoints():
        yield endpoint, endpoint.address(values)


@pytest.mark.no_cover
class AddressTests(HostileCase):
    """What stands in an address."""

    def test_rest(self) -> None:
        for endpoint in endpoints():
            for name in endpoint.arguments:
                marked = endpoint.address({**self.values, name: "MARK"})
                for value in VALUES:
                    assert self.send(endpoint.method, marked.replace("MARK", value)) < 500

    def test_pages(self) -> None:
        patterns = [*patterns_of(get_resolver("learning_paths.pages.urls").url_patterns)]
        assert patterns
        for pattern in patterns:
            names = pattern.pattern.regex.groupindex
            for value in VALUES if names else [""]:
                address = reverse(f"learning_paths:{pattern.name}", kwargs=dict.fromkeys(names, "MARK"))
                for method in ("get", "post"):
                    self.send(method, address.replace("MARK", value))

    def test_admin(self) -> None:
        addresses = list(addresses_of_admin())
        assert len(addresses) > 50
        for address in addresses:
            for value in VALUES if "MARK" in address else []:
                self.send("get", address.replace("MARK", value))
                self.send("post", address.replace("MARK", value))

    def test_admin_of_what_is_there(self) -> None:
        """The same pages of the first of each: most are shown, or the tests below test little."""
        statuses = [self.send("get", address) for address in addresses_of_admin() if "MARK" not in address]
        assert sum(status == 200 for status in statuses) > 30


@pytest.mark.no_cover
class QueryTests(HostileCase):
    """What stands in a query."""

    def test_rest(self) -> None:
        for endpoint, address in addresses_of_rest(self.values):
            for name in sorted(heard_by(endpoint.view)):
                for value in VALUES:
                    self.send(endpoint.method, f"{address}?{name}={value}")
            for value in VALUES:
                self.send(endpoint.method, f"{address}?{value}={value}&{value}")

    def test_cursors(self) -> None:
        for inside in ("p=" + "9" * 5000, "o=" + "9" * 5000, "p=\u0661", "r=1&p=-1", "p=1e9", "\ud800", "p=\x00"):
            encoded = quote(_base64(inside))
            for endpoint, address in addresses_of_rest(self.values):
                if "cursor" in heard_by(endpoint.view):
                    assert self.send("get", f"{address}?cursor={encoded}") == 400

    def test_schema_and_pages(self) -> None:
        for value in VALUES:
            for name in ("format", "lang", "version"):
                self.send("get", f"/api/learning_paths/schema/?{name}={value}")
            for name in ("search", "page", value):
                self.send("get", f"/learning_paths/?{name}={value}")

    def test_admin(self) -> None:
        values = ["9" * 5000, "9" * 19, "%00%ED%A0%80"]
        for address in addresses_of_admin():
            if "MARK" in address:
                continue
            fields = _fields_of(self.client.get(address), inlines=False) if address.endswith("/add/") else []
            for value in values:
                together = "&".join(f"{name}={value}" for name in [*ADMIN_PARAMETERS, *fields])
                self.send("get", f"{address}?{together}")
        for model, model_admin in ours():
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            for name in ADMIN_PARAMETERS[:5]:
                for value in values:
                    self.send("get", f"{address}?{name}={value}")
            for name in model_admin.get_list_filter(None):
                name = name[0] if isinstance(name, tuple) else getattr(name, "parameter_name", name)
                for value in VALUES[:8]:
                    self.send("get", f"{address}?{name}={value}")
                for value in values:
                    self.send("get", f"{address}?{name}__exact={value}")
                    self.send("get", f"{address}?{name}__id__exact={value}")


@pytest.mark.no_cover
class HeaderTests(HostileCase):
    """What stands in the headers."""

    def test_headers(self) -> None:
        for endpoint, address in addresses_of_rest(self.values):
            for headers in HEADERS:
                self.send(endpoint.method, address, **headers)
        for address in ("/api/learning_paths/schema/", "/learning_paths/", f"/learning_paths/{OPEN}/"):
            for headers in HEADERS:
                self.send("get", address, **headers)

    def test_types_of_bodies(self) -> None:
        for endpoint, address in addresses_of_rest(self.values):
            if endpoint.method == "get":
                for content_type in TYPES:
                    self.send("get", address, content_type=content_type)
                continue
            for content_type in TYPES:
                for body in (b"", b"{}", b"a=1", BODIES[-3]):
                    self.send(endpoint.method, address, data=body, content_type=content_type)


@pytest.mark.no_cover
class BodyTests(HostileCase):
    """What is sent."""

    def test_bodies(self) -> None:
        for endpoint, address in addresses_of_rest(self.values):
            if endpoint.method == "get":
                continue
            for body in BODIES:
                for content_type in (
                    "application/json",
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=x",
                ):
                    self.send(endpoint.method, address, data=body, content_type=content_type)

    @override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=1, DATA_UPLOAD_MAX_MEMORY_SIZE=20)
    def test_forms_of_the_admin_that_are_too_large(self) -> None:
        for address in addresses_of_admin():
            if "MARK" not in address:
                for data in (b"a=1&b=2", b"a=" + b"x" * 100):
                    self.send("post", address, data=data, content_type="application/x-www-form-urlencoded")

    def test_forms_of_the_admin(self) -> None:
        for address in addresses_of_admin():
            if "MARK" in address or not address.endswith(("/add/", "/change/", "/edit/", "/assign/", "/duplicate/")):
                continue
            fields = _fields_of(self.client.get(address))
            for value in ("9" * 5000, "\x00", "\u0661", "-1", "x" * 5000, "1e999", "path-v1:A+B+C"):
                data = "&".join(f"{quote(name)}={quote(value)}" for name in fields)
                self.send("post", address, data=data.encode(), content_type="application/x-www-form-urlencoded")


JSON_TEXT = st.text(alphabet=st.sampled_from("a9@.-,\x00\ud800\udfff\u0661é "), max_size=8)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_TEXT, inner, max_size=3),
    max_leaves=6,
)
WITH_BODY = [endpoint for endpoint in endpoints() if endpoint.method != "get"]
FIELDS = ["username", "emails", "learning_paths", "course_run_keys", "reason", "dry_run", "subscription", "notify"]
FIELDS += ["enrollments_info", "licenses_info", "enroll_all", "file", "role", "org"]


@pytest.mark.no_cover
class AnyBodyTests(HypothesisTestCase):
    """JSON of any shape."""

    @hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(WITH_BODY), st.dictionaries(st.sampled_from(FIELDS) | JSON_TEXT, JSON_VALUE, max_size=4))
    def test_json(self, endpoint: Endpoint, body: dict[str, Any]) -> None:
        path = make_path(OPEN)
        client = Client(raise_request_exception=False)
        client.force_login(make_staff("sam"))
        address = endpoint.address({"learning_path_key": OPEN, "course_key": COURSE, "uuid": "x", "pk": str(path.pk)})
        with transaction.atomic():
            response = client.generic(
                endpoint.method.upper(), address, json.dumps(body).encode(), content_type="application/json"
            )
            transaction.set_rollback(True)
        assert response.status_code < 500


def ours() -> list[tuple[Any, Any]]:
    """Return our models that the admin has, each with its admin."""
    found = [(model, each) for model, each in admin.site._registry.items() if model._meta.app_label == "learning_paths"]
    assert found
    return found


def addresses_of_admin() -> Iterator[str]:
    """Yield the addresses of our pages in the admin: with the first row that there is, and with MARK in its place."""
    for model, model_admin in ours():
        first = model.objects.order_by("pk").first()
        for pattern in model_admin.get_urls():
            if not isinstance(pattern, URLPattern) or pattern.name is None:
                continue
            regex = pattern.pattern.regex
            names, count = list(regex.groupindex), regex.groups
            for value in ["MARK", *([str(first.pk)] if first is not None else [])] if count else [""]:
                if names:
                    yield reverse(f"admin:{pattern.name}", kwargs=dict.fromkeys(names, value))
                else:
                    yield reverse(f"admin:{pattern.name}", args=[value] * count)


def _fields_of(response: Any, *, inlines: bool = True) -> list[str]:
    """Return the names of the fields of the forms on a page."""
    context = response.context or {}
    form = context["adminform"].form if "adminform" in context else context.get("form")
    names = [form.add_prefix(name) for name in form.fields] if form is not None else []
    for inline in context.get("inline_admin_formsets", []) if inlines else []:
        management = inline.formset.management_form
        names += [management.add_prefix(name) for name in management.fields]
        names += [each.add_prefix(name) for each in inline.formset.forms for name in each.fields]
    return names


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode("utf-8", "surrogatepass")).decode()
