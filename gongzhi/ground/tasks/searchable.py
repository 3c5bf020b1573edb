from __future__ import annotations

from typing import Any

from gongzhi.ground.people.may import Viewer
from gongzhi.ground.search.searchable import Document, Source, searchable
from gongzhi.ground.tasks.models import Task


@searchable
class Tasks(Source):
    """交办事项, by what is asked and of whom; to whom it may be shown, its words are too."""

    kind, sign, chinese, model = "task", "t", "交办事项", Task
    follows = ("tasks.",)

    def rows(self) -> Any:
        return Task.objects.select_related("fact", "assignee", "place")

    def document(self, row: Task) -> Document:
        return Document(
            row.place.path,
            texts=[row.number, row.assignee.name, row.text],
            organisations=[row.assignee.path],
            actors=[row.fact.by_id],
        )

    def visible(self, district: str, viewer: Viewer | None) -> Any:
        return self.rows().filter(district=district).visible_to(viewer)
