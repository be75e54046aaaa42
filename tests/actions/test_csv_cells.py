"""What no spreadsheet may take for a formula, in every CSV that is written."""

from __future__ import annotations

import ast
import csv
import io
import unicodedata
from pathlib import Path

import ddt
from django.test import SimpleTestCase, TestCase

import learning_paths
from learning_paths import api
from learning_paths.data import BulkReport, InvalidEntry, NoticeState
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPathEnrollment
from tests.admin.base import admin_url
from tests.factories import make_path, make_staff, make_user

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−"  # noqa: RUF001  # that they look alike is the matter
BLANKS = [chr(number) for number in range(0x110000) if chr(number).isspace()] + list(
    "\0\x07\x1b\x7f\x85\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2061\u2066"
    "\u2800\u3164\ufe0f\ufeff\uffa0\U000e0020"
)


@ddt.ddt
class CellTests(SimpleTestCase):
    """The one function."""

    @ddt.data(*SIGNS)
    def test_a_sign_that_begins_a_formula_is_made_text(self, sign: str) -> None:
        assert api.safe_cell(f"{sign}1+1") == f"'{sign}1+1"

    def test_so_is_one_behind_anything_that_a_spreadsheet_may_leave_out(self) -> None:
        for blank in BLANKS:
            for sign in SIGNS:
                for cell, safe in (
                    (f" {blank}{sign}1", f" {blank}'{sign}1"),
                    (f"{blank * 3} {sign}{sign}", f"{blank * 3} '{sign}{sign}"),
                ):
                    with self.subTest(blank=f"U+{ord(blank):04X}", sign=sign):
                        assert api.safe_cell(cell).removeprefix("'") == safe

    @ddt.data("\tx", "\rx", "\nx", "\t", "\n")
    def test_a_cell_that_begins_with_a_tab_or_a_line_break_is_made_text(self, cell: str) -> None:
        assert api.safe_cell(cell) == f"'{cell}"

    @ddt.data(
        ("a;=1+1", "a;'=1+1"),
        ("a;; \u00a0＝1;b;-2", "a;; \u00a0'＝1;b;'-2"),  # noqa: RUF001
        ("a\t@x", "a\t'@x"),
        ("a\r\n=1", "a\r\n'=1"),
        ("=1;=2", "'=1;'=2"),
        (";=1", ";'=1"),
        ("\t=1", "'\t'=1"),
    )
    @ddt.unpack
    def test_so_is_what_begins_a_cell_where_the_spreadsheet_divides_by_another_character(
        self, cell: str, safe: str
    ) -> None:
        assert api.safe_cell(cell) == safe

    @ddt.data(
        "", " ", "ana@example.com", "a+b@example.com", "path-v1:DemoX+DS101+2026", "a = b", "a -b", "2026-11-25", "; a",
        "Is enrolled already. Nothing was changed - look again; that is all.", "'=1",
    )  # fmt: skip
    def test_what_begins_nothing_stays_as_it_is(self, cell: str) -> None:
        assert api.safe_cell(cell) == cell

    def test_any_character_that_is_no_letter_number_or_sign_hides_no_formula(self) -> None:
        for number in range(0x110000):
            character = chr(number)
            if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}:
                assert api.safe_cell(f"{character}=1").endswith("'=1"), f"U+{number:04X}"

    def test_a_cell_of_a_megabyte_is_read_once(self) -> None:
        for cell in ("\t" * 2**20, ";" * 2**20 + "x", " \t;" * 2**18 + "=", "=" * 2**20, "x" * 2**20):
            assert len(api.safe_cell(cell)) >= len(cell)


FORMULA = "\u00a0＝cmd@example.com"  # noqa: RUF001
"""What a person can bring in as an address that is none, as a key that is none, as a username and as an address."""


@ddt.ddt
class WriterTests(TestCase):
    """Every place that writes a CSV."""

    def setUp(self) -> None:
        self.sam = make_staff("sam", is_superuser=True)
        self.path = make_path()
        self.client.force_login(self.sam)

    def test_each_is_listed_here(self) -> None:
        """A writer that goes around ``csv_lines`` would not be looked at."""
        package = Path(learning_paths.__file__).parent
        writers = {
            str(file.relative_to(package))
            for file in package.rglob("*.py")
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
            and node.attr in {"writer", "DictWriter"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "csv"
        }
        assert writers == {"actions/csv_cells.py"}

    @ddt.data("report", "job", "admin_job", "rest_job", "undelivered", "enrollments")
    def test_no_cell_of_it_is_a_formula(self, writer: str) -> None:
        text = getattr(self, writer)()
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        hidden = [cell for cell in cells if "cmd" in cell]
        assert hidden
        for cell in cells:
            assert not unicodedata.normalize("NFKC", cell).strip().startswith(("=", "+", "-", "@")), cell
        assert all(cell.strip().startswith("'") for cell in hidden), hidden

    def report(self) -> str:
        file = io.StringIO(newline="")
        api.write_csv(BulkReport((), (InvalidEntry(FORMULA, 1),), (FORMULA,), unlicensed_emails=(FORMULA,)), file)
        return file.getvalue()

    def job(self) -> str:
        return "".join(api.job_csv(self._job()))

    def admin_job(self) -> str:
        return self._fetched(admin_url("bulkenrollmentjob", "results", self._job().pk))

    def rest_job(self) -> str:
        return self._fetched(f"/api/v1/bulk-enrollment-jobs/{self._job().uuid}/results.csv/")

    def undelivered(self) -> str:
        job = self._job()
        job.rows.update(notice=NoticeState.FAILED)
        return self._fetched(admin_url("bulkenrollmentjob", "undelivered", job.pk))

    def enrollments(self) -> str:
        learner = make_user(FORMULA, email=FORMULA)
        api.enroll(learner, self.path, acting_user=learner)
        form = {"action": "download_selected", "_selected_action": LearningPathEnrollment.objects.get().pk}
        return self._fetched(admin_url("learningpathenrollment", "changelist"), form)

    def _job(self) -> BulkEnrollmentJob:
        job = api.draft_bulk_job(api.prepare_bulk("ana@example.com", [self.path.key]), acting_user=self.sam)
        BulkEnrollmentRow.objects.create(job=job, email=FORMULA, unknown_path=FORMULA)
        return job

    def _fetched(self, address: str, form: dict[str, object] | None = None) -> str:
        response = self.client.get(address) if form is None else self.client.post(address, form)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        return str(response.getvalue().decode())
