"""
What the last page of ``/api/v1/enrollment/`` costs staff, against the first one.

200,000 enrollments (``ROWS``), pages of 50. The rival is the page-number pagination that DRF offers by default.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from benchmarks.common import median_time, scratch_database

ROWS = int(os.environ.get("ROWS", "200000"))
LEARNERS = 2000
PAGE = 50
REPEATS = 30
URL = "/api/v1/enrollment/"


def fill() -> Any:
    """Make the learners, the paths and an enrollment for each pair; return a member of the staff."""
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath, LearningPathEnrollment

    User.objects.bulk_create(
        [User(username=f"learner{number}", email=f"learner{number}@example.com") for number in range(LEARNERS)]
    )
    LearningPath.objects.bulk_create(
        [
            LearningPath(key=f"path-v1:DemoX+P{number}+2026", display_name=f"Path {number}", description="text " * 500)
            for number in range(ROWS // LEARNERS)
        ]
    )
    users = User.objects.filter(username__startswith="learner").values_list("pk", flat=True)
    for path in LearningPath.objects.only("pk"):
        LearningPathEnrollment.objects.bulk_create(
            [LearningPathEnrollment(user_id=user, learning_path=path) for user in users], batch_size=2000
        )
    return User.objects.create(username="staff", is_staff=True)


def main() -> None:
    """Print the ratios."""
    with scratch_database() as database:
        from django.db.models import Max, Min
        from rest_framework.pagination import PageNumberPagination
        from rest_framework.test import APIClient

        from learning_paths.models import LearningPathEnrollment
        from learning_paths.rest_api.v1.views import EnrollmentViewSet

        client = APIClient()
        client.force_authenticate(fill())

        def get(query: str) -> Any:
            response = client.get(f"{URL}?{query}")
            assert response.status_code == 200, response.content
            return response.json()

        rows = LearningPathEnrollment.objects.aggregate(first=Min("pk"), last=Max("pk"))
        cursor = get(f"page_size={PAGE}")["next"].partition("cursor=")[2].partition("&")[0]
        from base64 import b64decode, b64encode
        from urllib.parse import quote, unquote

        assert b64decode(unquote(cursor)).startswith(b"p=")
        last = quote(b64encode(f"p={rows['first'] + PAGE}".encode()).decode())
        final = get(f"page_size={PAGE}&cursor={last}")
        assert len(final["results"]) == PAGE
        assert final["next"] is None

        first_page = median_time(lambda: get(f"page_size={PAGE}"), repeats=REPEATS)
        last_page = median_time(lambda: get(f"page_size={PAGE}&cursor={last}"), repeats=REPEATS)

        filtered = {
            query: median_time(lambda query=query: get(f"page_size={PAGE}&{query}"), repeats=5)  # type: ignore[misc]
            for query in (
                "learning_path=path-v1:DemoX%2BP7%2B2026",
                "username=learner7",
                "org=DemoX",
                "is_active=true",
                "is_active=false",
                "enrolled_before=2000-01-01",
            )
        }

        class Numbered(PageNumberPagination):
            """The rival."""

            page_size = PAGE

        pages = ROWS // PAGE
        with mock.patch.object(EnrollmentViewSet, "pagination_class", Numbered):
            numbered_first = median_time(lambda: get("page=1"), repeats=5)
            numbered_last = median_time(lambda: get(f"page={pages}"), repeats=5)

    print(f"{database}, {ROWS:,} enrollments, pages of {PAGE}")
    print(f"first page                        {first_page * 1000:8.1f} ms")
    print(f"last page                         {last_page * 1000:8.1f} ms   {last_page / first_page:6.2f} x the first")
    for query, seconds in filtered.items():
        print(f"first page, {query:42} {seconds * 1000:8.1f} ms   {seconds / first_page:6.2f} x")
    print(f"page numbers instead, first page  {numbered_first * 1000:8.1f} ms   {numbered_first / first_page:6.2f} x")
    print(f"page numbers instead, last page   {numbered_last * 1000:8.1f} ms   {numbered_last / first_page:6.2f} x")


if __name__ == "__main__":
    main()
