"""How amounts, days and instants are written for people: one form for pages, papers and the terminal.

Amounts arrive in thousandths of a unit and print without rounding; days and times are those of Shanghai.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

from gongzhi.ground import SHANGHAI, day_of

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


def tenths(value: Fraction) -> int:
    """A number in tenths, half away from zero: what is compared is what is printed."""
    whole = (2 * 10 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return -whole if value < 0 else whole


def one_decimal(value: Fraction, *, signed: bool = False) -> str:
    """`88.4`; `+2.3`, `−1.1` and `0.0` when signed."""
    number = tenths(value)
    sign = "−" if number < 0 else "+" if signed and number else ""
    return f"{sign}{abs(number) // 10}.{abs(number) % 10}"


def percent(numerator: int, denominator: int) -> str:
    """One decimal, half away from zero; a rate over nothing is 不适用, never 0."""
    return f"{one_decimal(Fraction(100 * numerator, denominator))}%" if denominator > 0 else MISSING


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


def stamp_words(value: datetime, year: int) -> str:
    return f"{day_words(day_of(value), year)} {clock_words(value)}"
