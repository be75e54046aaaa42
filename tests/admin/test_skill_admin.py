"""Skills, and offering them to the forms of the paths."""

from __future__ import annotations

from learning_paths.models import Skill
from tests.admin.base import AdminTestCase

LIST = "/admin/learning_paths/skill/"


class SkillAdminTest(AdminTestCase):
    def test_a_skill_is_added_and_found(self) -> None:
        self.client.post(f"{LIST}add/", {"display_name": "Linear algebra"})
        Skill.objects.create(display_name="Statistics")
        (found,) = self.client.get(f"{LIST}?q=LINEAR").context["cl"].result_list
        assert found.display_name == "Linear algebra"

    def test_forms_of_paths_offer_skills_by_search(self) -> None:
        skill = Skill.objects.create(display_name="Statistics")
        query = {"app_label": "learning_paths", "model_name": "requiredskill", "field_name": "skill", "term": "stat"}
        response = self.client.get("/admin/autocomplete/", query)
        assert response.json()["results"] == [{"id": str(skill.pk), "text": "Statistics"}]

    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        for number in range(30):
            if number == 5:
                few = self.count_queries(LIST)
            Skill.objects.create(display_name=f"Skill {number}")
        assert self.count_queries(LIST) == few
