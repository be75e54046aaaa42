"""An address in an internationalized domain is one address, in its own letters and in its ``xn--`` form."""

from __future__ import annotations

import ddt
from django.test import TestCase

from learning_paths import api
from learning_paths.data import LicenseCode, RowCode
from learning_paths.emails import normalize_email
from learning_paths.models import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    ManualEnrollmentAudit,
)
from learning_paths.queries.users import users_by_email
from sandbox.accounts.models import RetiredAccount
from tests.factories import make_path, make_plan, make_user

OWN, ENCODED = "ana@bücher.example", "ana@xn--bcher-kva.example"
FORMS = (OWN, ENCODED, "Ana@BÜCHER.example", "ANA@XN--BCHER-KVA.EXAMPLE")
OTHERS = ("ana@bucher.example", "ana@buecher.example", "ana@bücher.example.com", "änä@bücher.example")
"""Of other people; to MySQL the first is the same text."""


@ddt.ddt
class FindingTests(TestCase):
    """The accounts that have an address."""

    def setUp(self) -> None:
        for number, email in enumerate(OTHERS):
            make_user(f"other{number}", email=email)

    @ddt.data(*FORMS)
    def test_in_whatever_form_the_account_has_it(self, form: str) -> None:
        ana = make_user("ana", email=form)
        with self.assertNumQueries(1):
            assert users_by_email([ENCODED]) == {ENCODED: [ana]}

    def test_two_accounts_are_an_ambiguity(self) -> None:
        anas = [make_user("ana1", email=OWN), make_user("ana2", email=ENCODED)]
        assert users_by_email([ENCODED]) == {ENCODED: anas}
        report = api.bulk_enroll(api.prepare_bulk(OWN, [make_path().key]), acting_user=None)
        assert [row.code for row in report.rows] == [RowCode.AMBIGUOUS]

    def test_nobody_else(self) -> None:
        assert users_by_email([ENCODED]) == {}
        others = [normalize_email(email) for email in OTHERS[:3]]
        assert {email: [user.email for user in users] for email, users in users_by_email(others).items()} == {
            normalize_email(email): [email] for email in OTHERS[:3]
        }

    def test_lower_case_makes_no_two_letters_one(self) -> None:
        make_user("kelvin", email="mi\u212ae@example.com")
        make_user("sharp", email="dan@straße.example")
        assert users_by_email(["mike@example.com", "dan@strasse.example"]) == {}


@ddt.ddt
class PromiseTests(TestCase):
    """What is promised to an address, in whatever form, is its owner's, in whatever form."""

    def setUp(self) -> None:
        self.path = make_path()
        for number, email in enumerate(OTHERS):
            make_user(f"other{number}", email=email)

    @ddt.data(*((named, had) for named in FORMS[:3] for had in FORMS[:3]))
    @ddt.unpack
    def test_an_invitation(self, named: str, had: str) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            assert api.invite(named, self.path, acting_user=None).email == ENCODED
        with self.captureOnCommitCallbacks(execute=True):
            ana = make_user("ana", email=had)
        assert [enrollment.user for enrollment in LearningPathEnrollment.objects.all()] == [ana]
        assert LearningPathEnrollmentAllowed.objects.get().user == ana
        assert set(ManualEnrollmentAudit.objects.values_list("enrolled_email", flat=True)) == {ENCODED}

    @ddt.data(*((named, had) for named in FORMS[:3] for had in FORMS[:3]))
    @ddt.unpack
    def test_a_license(self, named: str, had: str) -> None:
        plan = make_plan()
        with self.captureOnCommitCallbacks(execute=True):
            api.assign_licenses(plan, named, acting_user=None)
        assert License.objects.get().email == ENCODED
        with self.captureOnCommitCallbacks(execute=True):
            ana = make_user("ana", email=had)
        assert License.objects.get().user == ana
        [again] = api.assign_licenses(plan, [had], acting_user=None).rows
        assert again.code == LicenseCode.ALREADY_ASSIGNED
        api.revoke_license(plan, had, acting_user=None)

    @ddt.data(*FORMS[:3])
    def test_bulk(self, had: str) -> None:
        ana = make_user("ana", email=had)
        content = "\n".join(["email;name", *(f"{form};Ana" for form in FORMS), "nö@bücher.example;No"]).encode()
        work = api.prepare_bulk(api.parse_csv(content), [self.path.key])
        assert work.emails == (ENCODED,)
        assert [entry.text for entry in work.invalid_emails] == ["nö@bücher.example"]
        report = api.bulk_enroll(work, acting_user=None)
        assert [(row.email, row.code, row.username) for row in report.rows] == [(ENCODED, RowCode.ENROLLED, "ana")]
        report = api.bulk_unenroll(api.prepare_bulk(had, [self.path.key]), acting_user=None)
        assert [row.code for row in report.rows] == [RowCode.UNENROLLED]
        assert LearningPathEnrollment.objects.get().user == ana

    def test_by_hand(self) -> None:
        """The audit names an account's address in the form that everything else has."""
        ana, staff = make_user("ana", email=OWN), make_user("sam")
        api.enroll(ana, self.path, acting_user=staff)
        assert ManualEnrollmentAudit.objects.get().enrolled_email == ENCODED

    def test_a_retired_account(self) -> None:
        retired = RetiredAccount(email=OWN)
        retired.full_clean()
        retired.save()
        report = api.plan_bulk_enrollment(api.prepare_bulk(f"{OWN} {OTHERS[0]}", [self.path.key]))
        assert [row.code for row in report.rows] == [RowCode.RETIRED, RowCode.ENROLLED]
