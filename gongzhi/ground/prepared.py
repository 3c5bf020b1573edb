"""A question asked at every request, written with the ORM and compiled once.

Building SQL costs the ORM more than running it costs the database. A prepared question has holes where its values go:

    by_digest = Prepared(lambda: Token.objects.filter(digest=Hole("digest", CharField())))
    token, = by_digest(digest=…)

PostgreSQL keeps a plan for what it was asked often: for any area the same. `planned_anew` has it look at the area.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.db import connection, connections, models
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


@contextmanager
def planned_anew() -> Iterator[None]:
    """Questions asked inside, or by the function this decorates, are planned for their very values: a plan kept for
    any values reads a whole district as if it were a yard. A queryset is asked where its rows are first wanted."""
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    link: Any = connection.connection
    kept, link.prepare_threshold = link.prepare_threshold, None
    try:
        yield
    finally:
        link.prepare_threshold = kept


class Hole(Expression):
    """Where a value goes; the field says of which kind it is."""

    def __init__(self, name: str, field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class Compiled(NamedTuple):
    """A question as SQL with its parameters (values and holes), and what makes of its columns what was asked for."""

    sql: str
    parameters: tuple[Any, ...]
    converters: dict[int, Any]
    made: Callable[[Sequence[Any]], Any]


class Prepared(Generic[Row]):
    """A queryset compiled at the first asking, once per kind of database; asking again only binds values.

    For models, with `select_related`, and for `values_list`; annotations are left out.
    """

    def __init__(self, question: Callable[[], models.QuerySet[Any, Row]]) -> None:
        self.question = question
        self.compiled: dict[str, Compiled] = {}

    def __call__(self, **values: Any) -> list[Row]:
        """The rows for these values. Raises KeyError when a hole has none."""
        # The connection itself, of this thread: the proxy is asked once.
        link = connections[connection.alias]
        if link.vendor not in self.compiled:
            self.compiled[link.vendor] = self._compile()
        sql, parameters, converters, made = self.compiled[link.vendor]
        bound = [
            one.output_field.get_db_prep_value(values[one.name], link) if isinstance(one, Hole) else one
            for one in parameters
        ]
        with link.cursor() as cursor:
            cursor.execute(sql, bound)
            rows = cursor.fetchall()
        if converters:
            rows = [_converted(row, converters, link) for row in rows]
        return list(map(made, rows))

    def _compile(self) -> Compiled:
        queryset = self.question()
        compiler = queryset.query.get_compiler(connection.alias)
        sql, parameters = compiler.as_sql()
        columns = [one for one, *_ in compiler.select[: compiler.col_count]]
        is_model = cast(Any, queryset)._iterable_class is ModelIterable
        converters = compiler.get_converters(columns)
        return Compiled(sql, tuple(parameters), converters, _maker(compiler) if is_model else tuple)


def _converted(row: Sequence[Any], converters: dict[int, Any], link: Any) -> list[Any]:
    told = list(row)
    for at, (functions, expression) in converters.items():
        for function in functions:
            told[at] = function(told[at], expression, link)
    return told


def _maker(compiler: SQLCompiler) -> Callable[[Sequence[Any]], models.Model]:
    """What makes a model of a row, with those that `select_related` brought."""
    # Untyped: the stubs are those of a later Django, which asks for more.
    populators: Any = get_related_populators
    info: Any = compiler.klass_info
    model, fields = info["model"], info["select_fields"]
    names = [cast(Any, compiler.select[at][0]).target.attname for at in fields]
    start, end = fields[0], fields[-1] + 1
    alias = connection.alias
    related = populators(info, compiler.select, alias)

    def made(row: Sequence[Any]) -> models.Model:
        one: models.Model = model.from_db(alias, names, row[start:end])
        for each in related:
            each.populate(row, one)
        return one

    return made
