"""A question asked at every request, written with the ORM and compiled once.

Building SQL costs the ORM more than running it costs the database. A prepared question has holes where its values go:

    by_digest = Prepared(lambda: Token.objects.filter(digest=Hole("digest", CharField())))
    token, = by_digest(digest=…)
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar, cast

from django.db import connection, connections, models
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class Hole(Expression):
    """Where a value goes; the field says of which kind it is."""

    def __init__(self, name: str, field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class _Bound:
    """Stands for the query of a queryset: its compiler has its SQL already."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self.compiler = compiler

    def get_compiler(self, using: str | None = None, connection: Any = None) -> SQLCompiler:
        return self.compiler


# The queryset, its compiler, the SQL with its parameters (values and holes), and what turns columns into values.
Compiled = tuple[models.QuerySet[Any, Row], SQLCompiler, str, tuple[Any, ...], Any]


class Prepared(Generic[Row]):
    """A queryset compiled at the first asking, once per kind of database; asking again only binds values."""

    def __init__(self, question: Callable[[], models.QuerySet[Any, Row]]) -> None:
        self.question = question
        self.compiled: dict[str, Compiled[Row]] = {}

    def __call__(self, **values: Any) -> list[Row]:
        """The rows for these values. Raises KeyError when a hole has none."""
        # The connection itself, of this thread: the proxy is asked once.
        link = connections[connection.alias]
        if link.vendor not in self.compiled:
            self.compiled[link.vendor] = self._compile()
        queryset, compiler, sql, holes, converters = self.compiled[link.vendor]
        bound = [
            hole.output_field.get_db_prep_value(values[hole.name], link) if isinstance(hole, Hole) else hole
            for hole in holes
        ]
        compiler = copy(compiler)
        compiler.connection = link
        # Both are methods to mypy, and constant once the question is compiled.
        setattr(compiler, "as_sql", lambda *_, **__: (sql, bound))  # noqa: B010
        setattr(compiler, "get_converters", lambda *_: converters)  # noqa: B010
        asked: Any = type(queryset)(queryset.model, cast(Any, _Bound(compiler)))
        # How rows are made, and of which columns, is the queryset's own matter.
        asked._iterable_class, asked._fields = cast(Any, queryset)._iterable_class, cast(Any, queryset)._fields
        return list(asked._iterable_class(asked))

    def _compile(self) -> Compiled[Row]:
        queryset = self.question()
        compiler = queryset.query.get_compiler(connection.alias)
        sql, params = compiler.as_sql()
        columns = [one for one, *_ in compiler.select[: compiler.col_count]]
        return queryset, compiler, sql, tuple(params), compiler.get_converters(columns)
