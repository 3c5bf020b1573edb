"""How pages write dates, amounts and signs. One place, so that no template invents its own form.

Dates: `6月9日`, the year only when it is not the year the page speaks of (context `page_year`, else the present one).
Amounts arrive in thousandths of a unit and print without rounding: `560`, `12.5`, `2000 多`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.messages.storage.base import Message
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gongzhi.ground import SHANGHAI, day_of, today
from gongzhi.ground.words import amount, clock_words, day_words, digits, one_decimal, percent, span_words, stamp_words
from gongzhi.web.toasts import Toast

__all__ = ["amount", "clock_words", "day_words", "digits", "percent", "span_words", "stamp_words"]

register = template.Library()
TELEPHONE = re.compile(r"\d[\d -]{2,}")
WEEKDAYS = "一二三四五六日"


def moment_words(value: datetime, year: int) -> str:
    """`今天 11:30`, `昨天 17:20`, `明天 8:30`, otherwise the day alone."""
    day, reference = day_of(value), today()
    near = {reference: "今天", reference - timedelta(days=1): "昨天", reference + timedelta(days=1): "明天"}
    return f"{near[day]} {clock_words(value)}" if day in near else day_words(day, year)


def _year(context: template.Context) -> int:
    return int(context.get("page_year") or today().year)


def _time(machine: str, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', machine, text)


@register.simple_tag(takes_context=True)
def day(context: template.Context, value: date | datetime | None, empty: str = "未知") -> SafeString | str:
    if value is None:
        return empty
    if isinstance(value, datetime):
        value = day_of(value)
    return _time(value.isoformat(), day_words(value, _year(context)))


@register.simple_tag(takes_context=True)
def moment(context: template.Context, value: datetime | None, empty: str = "未知") -> SafeString | str:
    if value is None:
        return empty
    return _time(value.astimezone(UTC).isoformat(), moment_words(value, _year(context)))


@register.simple_tag(takes_context=True)
def stamp(context: template.Context, value: datetime | None, empty: str = "未知") -> SafeString | str:
    """Day and time of day, always both: `6月9日 16:40`."""
    if value is None:
        return empty
    return _time(value.astimezone(UTC).isoformat(), stamp_words(value, _year(context)))


@register.simple_tag
def full_stamp(value: datetime) -> SafeString:
    """Day and time with the year, unless it is this year."""
    return _time(value.astimezone(UTC).isoformat(), stamp_words(value, today().year))


@register.simple_tag
def clock(value: datetime) -> SafeString:
    return _time(value.astimezone(UTC).isoformat(), clock_words(value))


@register.simple_tag(takes_context=True)
def span(context: template.Context, start: date, end: date) -> str:
    return span_words(start, end, _year(context))


@register.simple_tag
def full_span(start: date, end: date) -> str:
    """A range with its year, for titles: `2020年6月1日—14日`."""
    return span_words(start, end, 0)


@register.simple_tag(takes_context=True)
def occurred(context: template.Context, fact: Any) -> SafeString:
    """When a fact happened; one written down on a later day says so: `6月3日（6月5日补记）`."""
    year = _year(context)
    happened, written = day_of(fact.at), day_of(fact.recorded_at)
    if written > happened:
        return format_html(
            '<time datetime="{}">{}</time>（<time datetime="{}">{}补记</time>）',
            happened.isoformat(),
            day_words(happened, year),
            written.isoformat(),
            day_words(written, year),
        )
    return _time(happened.isoformat(), day_words(happened, year))


@register.filter
def local_input(value: datetime | None) -> str:
    """An instant as a `datetime-local` field takes it."""
    return value.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M") if value else ""


@register.filter
def weekday(value: date) -> str:
    return "星期" + WEEKDAYS[value.weekday()]


@register.filter(name="digits")
def digits_filter(value: int) -> str:
    return digits(value)


@register.filter
def grouped(value: int) -> str:
    """Thousandths for a table cell: comma from four digits."""
    return digits(value, grouped=True)


@register.filter
def counted(value: int) -> str:
    """A plain count for a table cell: comma from four digits."""
    return f"{value:,}".replace("-", "−")


@register.simple_tag(name="amount")
def amount_tag(quantity: int, bound: str = "exact", unit: str = "") -> str:
    return amount(quantity, bound, unit)


@register.simple_tag
def rate(numerator: int, denominator: int) -> str:
    return percent(numerator, denominator)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A sign from the sprite. It is always beside its word, so a reader of the page aloud skips it."""
    return format_html(
        '<svg class="ico" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def here(context: template.Context, **changes: Any) -> str:
    """This page's address with some of its parameters changed; None or an empty text takes one away."""
    request = context["request"]
    kept = {name: values for name, values in request.GET.lists() if name not in changes}
    kept.update({name: [str(value)] for name, value in changes.items() if value not in (None, "")})
    query = urlencode(kept, doseq=True)
    return f"{request.path}?{query}" if query else str(request.path)


@register.simple_tag(takes_context=True)
def here_with(context: template.Context, name: str, value: Any, **changes: Any) -> str:
    """As `here`, with one parameter whose name the template was given."""
    return here(context, **{name: value}, **changes)


@register.simple_tag
def swaps() -> SafeString:
    """Links and forms inside fetch the page they lead to and put its main part in place of this one's: same address,
    same words, no reload. Without scripts they are links and forms."""
    words = 'hx-boost="true" hx-target="#{}" hx-select="#{}" hx-swap="outerHTML" hx-push-url="true"'
    return format_html(words, "main", "main")


@register.filter
def toasts(told: Iterable[Message]) -> list[Toast]:
    """The messages of a page as what was done (web/toasts.py)."""
    return [Toast.of(one) for one in told]


@register.filter
def telephone(words: str) -> str:
    """The first number in words that people read, as a telephone dials it."""
    found = TELEPHONE.search(words)
    return "".join(filter(str.isdecimal, found[0])) if found else ""


@register.filter
def percent_words(value: Fraction) -> str:
    """A share of a formula as people read it: 60%, −20%."""
    return f"{one_decimal(value * 100).removesuffix('.0')}%"


@register.filter
def item(given: Mapping[str, Any], name: str) -> Any:
    """A value by its name, where the name cannot stand behind a dot."""
    return given.get(name, "")


@register.filter
def at(given: Sequence[Any], number: int) -> Any:
    """The member at a position counted from 0."""
    return given[number]


@register.filter
def urlpairs(pairs: Mapping[str, str]) -> str:
    """A query of these parameters, escaped."""
    return urlencode(pairs)


NUMBERED = re.compile(r"，\d{6}-\d{4}-\d{6}$")


@register.filter
def thing(label: str) -> str:
    """What a label names, without the number behind it: 花园街3号院私搭乱建."""
    return NUMBERED.sub("", label)
