"""Looking for an address in an internationalized domain, as people write it."""

from __future__ import annotations

from learning_paths import api
from tests.admin.base import AdminTestCase, admin_url
from tests.factories import make_path, make_plan, make_user

OWN, ENCODED = "new@bücher.example", "new@xn--bcher-kva.example"


class SearchTests(AdminTestCase):
    """Each list that has addresses."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()
        for email in (OWN, "new@bucher.example"):
            api.invite(email, self.path, acting_user=self.sam)
            api.assign_licenses(make_plan(email), email, acting_user=None)

    def found(self, model: str, search: str) -> list[str]:
        """Return what is found, as text. MySQL ignores accents, and finds more."""
        page = self.client.get(admin_url(model, "changelist"), {"q": search})
        return [str(getattr(row, "enrolled_email", row)) for row in page.context["cl"].result_list]

    def test_lists_of_what_is_stored(self) -> None:
        for model in ("learningpathenrollmentallowed", "license", "manualenrollmentaudit"):
            for search in (OWN, ENCODED, OWN.upper()):
                with self.subTest(f"{model} {search}"):
                    found = self.found(model, search)
                    assert any(text.startswith(ENCODED) for text in found)
                    assert len(found) == 1 or search != ENCODED

    def test_enrollments_of_accounts_in_either_form(self) -> None:
        two = make_user("two", email="two@bücher.example")
        api.enroll(two, self.path, acting_user=self.sam)
        with self.captureOnCommitCallbacks(execute=True):
            make_user("one", email=ENCODED)  # claims the invitation
        assert any(text.startswith("one") for text in self.found("learningpathenrollment", OWN))
        assert any(text.startswith("two") for text in self.found("learningpathenrollment", two.email))

    def test_the_rows_of_a_job(self) -> None:
        draft = api.draft_bulk_job(api.prepare_bulk(f"{OWN} other@example.com", [self.path.key]), acting_user=self.sam)
        for search in (OWN, ENCODED):
            page = self.client.get(admin_url("bulkenrollmentjob", "change", draft.pk), {"q": search})
            assert ENCODED in [line.row.email for line in page.context["table"].lines]
