"""How pages write dates, amounts and signs. One place, so that no template invents its own form.

Dates: `6月9日`, the year only when it is not the year the page speaks of (context `page_year`, else the present one).
Amounts arrive in thousandths of a unit and print without rounding: `560`, `12.5`, `2000 多`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gongzhi.ground import SHANGHAI, day_of, today

register = template.Library()
WEEKDAYS = "一二三四五六日"
MISSING = "不适用"


def digits(thousandths: int, *, grouped: bool = False) -> str:
    """`12500` → `12.5`; exact, the minus is a real one, commas only when grouped."""
    whole, rest = divmod(abs(thousandths), 1000)
    text = f"{whole:,}" if grouped else str(whole)
    if rest:
        text += "." + f"{rest:03d}".rstrip("0")
    return ("−" if thousandths < 0 else "") + text


def amount(thousandths: int, bound: str = "exact", unit: str = "") -> str:
    """A quantity in prose: `12 间`, `200 多平方米`. “At least” keeps the whole part and says 多; nothing rounds up."""
    if bound == "at_least":
        return f"{digits(thousandths // 1000 * 1000)} 多{unit}"
    return f"{digits(thousandths)} {unit}" if unit else digits(thousandths)


def percent(numerator: int, denominator: int) -> str:
    """One decimal, half away from zero in integers; a rate over nothing is 不适用, never 0."""
    if denominator <= 0:
        return MISSING
    tenths = (abs(numerator) * 2000 + denominator) // (2 * denominator)
    return ("−" if numerator < 0 else "") + f"{tenths // 10}.{tenths % 10}%"


def day_words(value: date, year: int) -> str:
    return f"{value.month}月{value.day}日" if value.year == year else f"{value.year}年{value.month}月{value.day}日"


def span_words(start: date, end: date, year: int) -> str:
    """`6月1日—14日`, `6月28日—7月5日`, with years where they are not `year`."""
    if start == end:
        return day_words(start, year)
    if (start.year, start.month) == (end.year, end.month):
        return f"{day_words(start, year)}—{end.day}日"
    return f"{day_words(start, year)}—{day_words(end, start.year)}"


def clock_words(value: datetime) -> str:
    local = value.astimezone(SHANGHAI)
    return f"{local.hour}:{local.minute:02d}"


def moment_words(value: datetime, year: int) -> str:
    """`今天 11:30`, `昨天 17:20`, `明天 8:30`, otherwise the day alone."""
    day, reference = day_of(value), today()
    near = {reference: "今天", reference - timedelta(days=1): "昨天", reference + timedelta(days=1): "明天"}
    return f"{near[day]} {clock_words(value)}" if day in near else day_words(day, year)


def stamp_words(value: datetime, year: int) -> str:
    return f"{day_words(day_of(value), year)} {clock_words(value)}"


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
