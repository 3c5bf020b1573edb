from __future__ import annotations

from typing import Any

from gongzhi.ground.people.may import Viewer
from gongzhi.ground.search.searchable import Document, Source, searchable
from gongzhi.rooms.problems.models import Problem


@searchable
class Problems(Source):
    """问题, by place, category and number; by their words for those who work or belong there."""

    kind, sign, chinese, model = "problem", "p", "问题", Problem
    follows = ("problems.",)

    def rows(self) -> Any:
        return Problem.objects.select_related("fact", "place", "handler")

    def document(self, row: Problem) -> Document:
        return Document(
            row.path,
            texts=[row.label],
            words=[row.text],
            public=row.public,
            area=not row.public,
            organisations=[row.handler.path] if row.handler else [],
            actors=[row.fact.by_id, row.fact.recorded_by_id],
        )

    def visible(self, district: str, viewer: Viewer | None) -> Any:
        return self.rows().filter(district=district).visible_to(viewer)

    def title(self, row: Problem) -> str:
        return row.label
