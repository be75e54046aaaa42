"""Bulk jobs that take a while, in the browser: followed, cancelled, retried and undone, with a real worker."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from learning_paths import api
from learning_paths.actions.bulk_enrollment import ADDRESSES_PER_CHUNK
from learning_paths.data import JobState, RowCode
from learning_paths.models import BulkEnrollmentJob, LearningPath, ManualEnrollmentAudit
from tests.browser.bulk import Desk, enrolled, eventually, invited, the_job
from tests.factories import make_user
from tests.worker import StartWorker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="A worker needs a database that it can reach."),
]


def make_learners(number: int) -> list[User]:
    learners = [User(username=f"learner{n}", email=f"learner{n}@example.com") for n in range(number)]
    User.objects.bulk_create(learners)
    return list(User.objects.filter(username__startswith="learner").order_by("pk"))


@contextmanager
def held(learner: User) -> Iterator[Callable[[], None]]:
    """Keep the learner's row locked: a worker that enrolls the learner waits, with its chunk. Gives what ends that."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM auth_user WHERE id = %s FOR UPDATE", [learner.pk])
        yield other.close
    finally:
        other.close()


def waiting_for_locks() -> int:
    """Return how many transactions wait for a lock in the database of the test."""
    return sum("LOCK WAIT" in transaction for transaction in transactions())


def cancelling_waits() -> bool:
    """Whether whoever cancels waits for the job: a worker waits for it with an UPDATE."""
    job = f"SELECT `{BulkEnrollmentJob._meta.db_table}`"
    return any(state == "LOCK WAIT" and (query or "").startswith(job) for state, query in transactions())


def transactions() -> list[tuple[str, str]]:
    """Return the state and statement of each transaction that is open in the database of the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trx.trx_state, LEFT(trx.trx_query, 80) FROM information_schema.INNODB_TRX AS trx "
            "JOIN information_schema.PROCESSLIST AS process ON process.ID = trx.trx_mysql_thread_id "
            "WHERE process.DB = DATABASE()"
        )
        return list(cursor.fetchall())


def draft_from_file(desk: Desk, file: Path, path: LearningPath) -> None:
    desk.visit_form(path)
    desk.one("input[type=file]").send_keys(str(file))
    desk.fill_in(reason="Autumn intake")
    desk.press("Show the preview")


def download(desk: Desk, directory: Path) -> list[list[str]]:
    """Download the result by the link of the page, and return the rows of the file."""
    behavior = {"behavior": "allow", "downloadPath": str(directory)}
    desk.browser.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    desk.button("Download all rows as CSV").click()
    file = directory / f"job-{the_job().pk}-results.csv"
    assert eventually(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def test_a_file_of_5000_lines_is_enrolled_by_a_worker_while_the_page_tells_how_far_it_is(
    desk: Desk, data_science: LearningPath, start_worker: StartWorker, tmp_path: Path
) -> None:
    learners = make_learners(2500)
    make_user("twin1", email="twin@example.com")
    make_user("twin2", email="Twin@Example.com")
    guests = [f"guest{n}@example.com" for n in range(2300)]
    known = [learner.email for learner in learners]
    lines = [address for pair in zip(known, guests, strict=False) for address in pair]
    lines += [*known[len(guests) :], *map(str.upper, known[:100]), *(f"broken{n}.example.com" for n in range(99))]
    lines.insert(50, "twin@example.com")
    assert len(lines) == 5000
    file = tmp_path / "intake.csv"
    file.write_text("email\n" + "\n".join(lines) + "\n")

    draft_from_file(desk, file, data_science)
    assert desk.tiles() == {
        "all rows": 4900,
        "will be enrolled": 2500,
        "pending until they register": 2300,
        "can't be enrolled": 1,
        "not valid": 99,
    }
    start_worker()
    first, second = learners[900], learners[2000]
    with held(second):
        with held(first):
            desk.press("Enroll 2,500, invite 2,300")
            assert desk.step() == "3 Run"
            before = done_before(first, lines)
            assert desk.await_progress(f"{before:,} of 4,801 rows") == 100 * before // 4801
            assert desk.state() == "running"
            desk.await_texts(".lp-rows tbody tr:nth-child(100) .lp-mark", ["Enrolled."])
            assert len(enrolled(data_science)) + len(invited(data_science)) + 1 == before
        later = done_before(second, lines)
        assert desk.await_progress(f"{later:,} of 4,801 rows") == 100 * later // 4801
        assert 0 < before < later < 4801
    desk.await_state("finished")

    assert desk.step() == "4 Result"
    assert desk.tiles() == {
        "all rows": 4900,
        "enrolled": 2500,
        "pending until they register": 2300,
        "failed": 1,
        "not valid": 99,
    }
    job = the_job()
    assert job.state == JobState.FINISHED
    assert enrolled(data_science) == {learner.username for learner in learners}
    assert invited(data_science) == set(guests)
    audits = ManualEnrollmentAudit.objects.filter(reason="Autumn intake", enrolled_by__username="sam")
    assert {audit.enrolled_email for audit in audits} == {*known, *guests}
    assert audits.count() == 4800

    header, *rows = download(desk, tmp_path)
    assert header == ["email address", "learning path", "enrollment status", "notes"]
    stored = job.rows.order_by("pk").values_list("email", "learning_path__key", "code")
    assert [row[:3] for row in rows] == [[email, str(key or ""), code] for email, key, code in stored]
    assert Counter(row[2] for row in rows) == {
        RowCode.ENROLLED: 2500,
        RowCode.INVITED: 2300,
        RowCode.AMBIGUOUS: 1,
        RowCode.INVALID_EMAIL: 99,
    }

    desk.press_tile("failed")
    assert [email for email, _, _ in desk.rows()] == ["twin@example.com"]


def done_before(learner: User, lines: list[str]) -> int:
    """Return how many rows are done when the worker waits in the chunk of this learner."""
    return lines.index(learner.email) // ADDRESSES_PER_CHUNK * ADDRESSES_PER_CHUNK


def test_a_job_is_cancelled_in_the_middle_and_what_was_not_done_is_done_by_another(
    desk: Desk, data_science: LearningPath, start_worker: StartWorker, tmp_path: Path
) -> None:
    learners = make_learners(1001)
    file = tmp_path / "intake.txt"
    file.write_text("\n".join(learner.email for learner in learners))
    draft_from_file(desk, file, data_science)
    start_worker()
    with held(learners[500]) as release:
        desk.press("Enroll 1,001")
        desk.await_progress("400 of 1,001 rows")
        with desk.pressing("Cancel the job"):
            assert eventually(lambda: waiting_for_locks() == 2 and cancelling_waits()), (
                f"Not the worker and the cancelling wait: {transactions()}"
            )
            release()
    assert desk.texts(".messagelist li") == ["The job was cancelled. What was done before stays done."]
    assert desk.state() == "cancelled"
    assert desk.tiles() == {"all rows": 1001, "enrolled": 800, "not done": 201}
    assert enrolled(data_science) == {learner.username for learner in learners[:800]}
    cancelled = the_job()

    desk.press("Retry what failed or was not done")
    assert desk.step() == "2 Preview"
    assert desk.tiles() == {"all rows": 201, "will be enrolled": 201}
    desk.press("Enroll 201")
    assert desk.state() == "finished"
    assert desk.tiles() == {"all rows": 201, "enrolled": 201}
    assert enrolled(data_science) == {learner.username for learner in learners}
    assert the_job().origin == cancelled
    desk.press(str(cancelled))
    assert desk.button(str(the_job()))
    assert [job.state for job in BulkEnrollmentJob.objects.order_by("pk")] == [JobState.CANCELLED, JobState.FINISHED]


def test_a_row_that_failed_is_retried_once_the_account_is_mended(desk: Desk, data_science: LearningPath) -> None:
    make_user("ana")
    make_user("ben")
    twin = make_user("ben2", email="Ben@example.com")
    desk.visit_form(data_science)
    desk.fill_in(emails="ana@example.com\nben@example.com", reason="Autumn intake")
    desk.press("Show the preview")
    assert desk.tiles() == {"all rows": 2, "will be enrolled": 1, "can't be enrolled": 1}
    desk.press("Enroll 1")
    assert desk.tiles() == {"all rows": 2, "enrolled": 1, "failed": 1}
    assert enrolled(data_science) == {"ana"}

    twin.email = "bens-other-address@example.com"
    twin.save()
    desk.press("Retry the failed rows")
    assert desk.rows() == [("ben@example.com", "Data Science", "Will be enrolled.")]
    desk.press("Enroll 1")
    assert desk.tiles() == {"all rows": 1, "enrolled": 1}
    assert enrolled(data_science) == {"ana", "ben"}


def test_a_job_is_undone_but_for_those_who_changed_since(desk: Desk, data_science: LearningPath) -> None:
    ana, ben, chloe = map(make_user, ("ana", "ben", "chloe"))
    api.enroll(make_user("eve"), data_science, acting_user=None)
    addresses = "ana@example.com ben@example.com chloe@example.com dan@example.com eve@example.com"
    desk.visit_form(data_science)
    desk.fill_in(emails=addresses, reason="Autumn intake")
    desk.press("Show the preview")
    desk.press("Enroll 3, invite 1")
    api.unenroll(ben, data_science, acting_user=None)
    api.enroll(ben, data_science, acting_user=None)

    desk.press("Undo this job")
    assert desk.step() == "2 Preview"
    assert desk.tiles() == {"all rows": 4, "will be undone": 3, "changed since, left alone": 1}
    assert [words for _, _, words in desk.rows()] == [
        "Will be unenrolled.",
        "Has changed since then, and is left as it is.",
        "Will be unenrolled.",
        "The invitation will be withdrawn.",
    ]
    assert enrolled(data_science) == {"ana", "ben", "chloe", "eve"}

    api.unenroll(chloe, data_science, acting_user=None)
    api.enroll(chloe, data_science, acting_user=None)
    desk.press("Undo 3 changes")
    assert desk.state() == "finished"
    assert desk.tiles() == {"all rows": 4, "undone": 2, "changed since, left alone": 2}
    assert (enrolled(data_science), invited(data_science)) == ({"ben", "chloe", "eve"}, set())
    audit = ManualEnrollmentAudit.objects.filter(enrollment__user=ana).latest("pk")
    assert audit.reason == f"Undoes job {the_job().origin_id}. Autumn intake"
