"""Reading an act's raw values: codes become places, numbers become problems, words become quantities."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation, Overflow
from functools import cache, partial
from typing import Annotated, Any, Union, get_args, get_origin

from django.db import models
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from gongzhi.ground import SHANGHAI, today
from gongzhi.ground.ledger.models import Bound, Indicator
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as rules

_district: ContextVar[str] = ContextVar("district")
# Whose eyes references are looked up with; without one everything there is is found.
_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)
# While many rows are read, a reference is looked up once.
_found: ContextVar[dict[tuple[Any, str], Any] | None] = ContextVar("found", default=None)

TEXT_LIMIT = 4000
BOUNDS = frozenset(Bound.values)


LOOSE = ConfigDict(arbitrary_types_allowed=True)


class Parameters(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")


@dataclass(frozen=True)
class Vocabulary:
    """A closed vocabulary kept as dated rows (`rules.Term`)."""

    name: str

    def check(self, code: str) -> str:
        """The code, if it is in force today, for all or for the district that is read for. Raises Refused naming some
        that are."""
        district = _district.get("")
        if rules.find_term(self.name, code, on=today(), district=district) is None:
            terms = rules.terms(self.name, on=today(), district=district)
            some = "、".join(f"{term.code} {term.name}" for term in list(terms.values())[:5])
            raise Refused("ledger.facet", f"没有代码为“{code}”的类别，可用的如：{some}")
        return code

    def choices(self) -> list[tuple[str, str]]:
        return [(term.code, term.name) for term in rules.terms(self.name, on=today()).values()]


@dataclass(frozen=True)
class Quantity:
    """An amount of an indicator: thousandths of its unit, exact or at least."""

    indicator: str
    thousandths: int
    bound: str = Bound.EXACT

    @classmethod
    def of(cls, indicator: str, amount: int | str | Decimal, bound: str = Bound.EXACT) -> Quantity:
        """Raises Refused for what is not a positive amount of at most three decimals."""
        try:
            exact = Decimal(str(amount)) * 1000
        except InvalidOperation as error:
            raise Refused("ledger.quantity", f"“{amount}”不是数量，请填数字") from error
        except Overflow as error:
            raise Refused("ledger.quantity", f"数量“{amount}”太大，请核对单位") from error
        # First of all: 1e999990 as a whole number takes a minute to write out.
        if exact.is_finite() and exact >= 10**15:
            raise Refused("ledger.quantity", f"数量“{amount}”太大，请核对单位")
        if not exact.is_finite() or (exact.adjusted() < 18 and exact != int(exact)):
            raise Refused("ledger.quantity", f"数量“{amount}”最多三位小数")
        if bound not in BOUNDS:
            raise Refused("ledger.bound", f"“{bound}”不是界，请填 exact（正好）或 at_least（至少）")
        if exact <= 0:
            raise Refused("ledger.quantity", "数量要大于 0。没有量，请删掉这一行")
        return cls(indicator, int(exact), bound)


def hides(annotation: Any) -> bool:
    """Whether a parameter may name a row that some do not see."""
    if inspect.isclass(annotation) and issubclass(annotation, models.Model):
        return hasattr(annotation._default_manager, "visible_to")
    return any(map(hides, get_args(annotation)))


def _reference(model: type[models.Model]) -> Any:
    def look_up(value: Any) -> Any:
        if isinstance(value, model):
            return value
        if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
            raise Refused("ledger.reference", f"请填{model._meta.verbose_name}的编号")
        found = _found.get()
        key = (model, str(value))
        if found is not None and key in found:
            return found[key]
        refer, viewer = model.refer, _viewer.get()  # type: ignore[attr-defined]
        if viewer is not None and hides(model):
            refer = partial(refer, among=model._default_manager.visible_to(viewer))  # type: ignore[attr-defined]
        row = refer(str(value), _district.get())
        if found is not None:
            found[key] = row
        return row

    schema = {"type": "string", "description": f"{model._meta.verbose_name}编号", "x-refers-to": model._meta.label}
    return Annotated[model, BeforeValidator(look_up), WithJsonSchema(schema)]


def _quantity(value: Any) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if not isinstance(value, Mapping) or not {"indicator", "quantity"} <= value.keys():
        raise Refused("ledger.quantity", "每个数量要有指标（indicator）和数值（quantity），可加界（bound）")
    if unknown := sorted(str(name) for name in value.keys() - {"indicator", "quantity", "bound", "unit"}):
        raise Refused("ledger.quantity", f"数量里没有“{unknown[0]}”这一项，只填 indicator、quantity、bound、unit")
    code = str(value["indicator"])
    indicator = Indicator.objects.filter(code=code).first()
    if indicator is None or not indicator.by_hand:
        known = "、".join(f"{one.code} {one.name}" for one in Indicator.objects.filter(by_hand=True)[:8])
        raise Refused("ledger.indicator", f"没有可填的指标“{code}”，可用的有：{known}")
    if (unit := value.get("unit")) and unit != indicator.unit:
        raise Refused("ledger.unit", f"“{indicator.name}”的单位是{indicator.unit}，不是{unit}，请换算后再填")
    quantity = Quantity.of(code, value["quantity"], str(value.get("bound") or Bound.EXACT))
    if indicator.whole and quantity.thousandths % 1000:
        raise Refused("ledger.quantity", f"“{indicator.name}”按{indicator.unit}计，要填整数")
    return quantity


QuantityValue = Annotated[
    Quantity,
    BeforeValidator(_quantity),
    WithJsonSchema(
        {
            "type": "object",
            "title": "数量",
            "x-quantity": True,
            "properties": {
                "indicator": {"type": "string", "description": "指标代码"},
                "quantity": {"type": "number", "exclusiveMinimum": 0},
                "bound": {"enum": ["exact", "at_least"], "default": "exact"},
            },
            "required": ["indicator", "quantity"],
        }
    ),
]


def _instant(value: Any) -> Any:
    """ISO texts; without an offset they are Shanghai time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise Refused("ledger.instant", f"“{value}”不是时间，请写成 2020-06-08T07:30") from error
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=SHANGHAI)
    if isinstance(value, datetime) and not 1900 <= value.year <= 9000:
        raise Refused("ledger.instant", f"“{value:%Y-%m-%d}”的年份不对，请核对")
    return value


def instant(text: str) -> datetime:
    """Read an instant. Raises Refused."""
    value = _instant(text)
    if not isinstance(value, datetime):
        raise Refused("ledger.instant", f"“{text}”不是时间，请写成 2020-06-08T07:30")
    return value


def _choice(enum: type[models.TextChoices]) -> Any:
    known = {str(one): one for one in enum}

    def choose(value: Any) -> Any:
        if isinstance(value, str) and value in known:
            return known[value]
        options = "、".join(f"{code} {label}" for code, label in enum.choices)
        raise Refused("ledger.facet", f"“{value}”不在可选项里，可用的有：{options}")

    schema = {
        "type": "string",
        "enum": list(enum.values),
        "x-labels": [str(label) for label in enum.labels],
    }
    return Annotated[enum, BeforeValidator(choose), WithJsonSchema(schema)]


def _number(value: Any) -> Any:
    """Python counts true as 1; whoever sends it has mixed two fields up."""
    if isinstance(value, bool):
        raise PydanticCustomError("not_a_number", "a truth value")
    return value


def _term(vocabulary: Vocabulary) -> Callable[[Any], str]:
    return lambda code: vocabulary.check(str(code))


def _value_type(annotation: Any) -> Any:
    """The annotation with the readers put in."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        members: Any = Union[tuple(_value_type(one) for one in get_args(annotation))]  # noqa: UP007
        return members
    if origin is list:
        return list[_value_type(get_args(annotation)[0])]  # type: ignore[misc]
    if origin is Annotated:
        base, *extra = get_args(annotation)
        for one in extra:
            if isinstance(one, Vocabulary):
                schema = {"type": "string", "x-vocabulary": one.name}
                return Annotated[base, BeforeValidator(_term(one)), WithJsonSchema(schema)]
        return annotation
    if inspect.isclass(annotation):
        if issubclass(annotation, models.Model):
            return _reference(annotation)
        if issubclass(annotation, models.TextChoices):
            return _choice(annotation)
        if annotation is Quantity:
            return QuantityValue
        if annotation in (int, float):
            return Annotated[annotation, BeforeValidator(_number)]
        if annotation is datetime:
            return Annotated[datetime, BeforeValidator(_instant)]
    return annotation


def model_of(name: str, given: Mapping[str, inspect.Parameter], terms: Mapping[str, str]) -> type[Parameters]:
    fields: dict[str, Any] = {}
    for parameter, declared in given.items():
        default = ... if declared.default is inspect.Parameter.empty else declared.default
        fields[parameter] = (_value_type(declared.annotation), Field(default, title=terms[parameter]))
    made: type[Parameters] = create_model(name.replace(".", "_"), __base__=Parameters, **fields)
    return made


MESSAGES = {
    "int_parsing": "要填整数",
    "int_type": "要填整数",
    "int_from_float": "要填整数",
    "float_parsing": "要填数字",
    "not_a_number": "要填数字，不是“是”或“否”",
    "decimal_parsing": "要填数字",
    "bool_parsing": "要填是或否",
    "date_from_datetime_parsing": "要填日期，如 2020-06-08",
    "date_parsing": "要填日期，如 2020-06-08",
    "string_type": "要填文字",
    "list_type": "要填一个列表",
    "greater_than_equal": "数值太小",
    "less_than_equal": "数值太大",
}


@cache
def _adapters(model: type[Parameters]) -> dict[str, TypeAdapter[Any]]:
    adapters: dict[str, TypeAdapter[Any]] = {}
    for name, field in model.model_fields.items():
        annotated: Any = Annotated[field.annotation, *field.metadata, Field()]
        adapters[name] = TypeAdapter(annotated, config=LOOSE)
    return adapters


def read(
    model: type[Parameters], raw: Mapping[str, Any], district: str, viewer: Viewer | None = None
) -> dict[str, Any]:
    """Typed values of an act. Raises Refused for the first wrong parameter (`field`), with the others in `also`.

    For a `viewer` what they may not see is not there.
    """
    fields = model.model_fields
    if unknown := sorted(str(name) for name in raw.keys() - fields.keys()):
        named = "、".join(f"{field.title}（{name}）" for name, field in fields.items())
        raise Refused("ledger.unknown_parameter", f"没有“{unknown[0]}”这一项，可填的有：{named}", field=unknown[0])
    values: dict[str, Any] = {}
    wrong: list[Refused] = []
    here, eyes = _district.set(district), _viewer.set(viewer)
    try:
        for name, adapter in _adapters(model).items():
            try:
                values[name] = _read_one(adapter, fields[name], name, raw)
            except Refused as refused:
                refused.field = refused.field or name
                wrong.append(refused)
    finally:
        _district.reset(here)
        _viewer.reset(eyes)
    if wrong:
        first, *first.also = wrong
        raise first
    return values


def _read_one(adapter: TypeAdapter[Any], field: FieldInfo, name: str, raw: Mapping[str, Any]) -> Any:
    if name not in raw:
        if field.is_required():
            raise Refused("ledger.missing", f"“{field.title}”必须填写")
        return field.get_default(call_default_factory=True)
    try:
        value = adapter.validate_python(raw[name])
    except ValidationError as error:
        kind = error.errors(include_url=False)[0]["type"]
        raise Refused(f"ledger.{kind}", f"“{field.title}”{MESSAGES.get(kind, '填写的内容不合要求')}") from error
    if isinstance(value, date) and not 1900 <= value.year <= 9000:
        raise Refused("ledger.day", f"“{field.title}”的年份不对，请核对")
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        raise Refused("ledger.too_long", f"“{field.title}”文字太长，最多 {TEXT_LIMIT} 字")
    return value


class ReadMany:
    """Reads many rows of one act: places and organisations named by code in one query each, other references once."""

    def __init__(self, model: type[Parameters], rows: Sequence[Mapping[str, Any]], district: str) -> None:
        self.model = model
        self.found: dict[tuple[Any, str], Any] = {}
        for name, field in model.model_fields.items():
            if field.annotation in (Place, Organisation):
                codes = {row[name] for row in rows if isinstance(row.get(name), str)}
                here: models.QuerySet[Any] = field.annotation._default_manager.filter(district=district)
                # Permission asks where an organisation sits.
                joined = here.select_related("place") if field.annotation is Organisation else here
                coded = joined.filter(code__in=codes)
                self.found |= {(field.annotation, one.code): one for one in coded}

    def __call__(self, raw: Mapping[str, Any], district: str) -> dict[str, Any]:
        token = _found.set(self.found)
        try:
            return read(self.model, raw, district)
        finally:
            _found.reset(token)
