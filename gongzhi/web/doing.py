"""登记: every act as a form, made from what the act declares; nothing about an act is written here twice.

The form sends the act's raw values through the same door as programs do. Its hidden key makes a second press of the
button give back the first record. What was typed comes back with every refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.http import url_has_allowed_host_and_scheme

from gongzhi.ground import today
from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import MOST
from gongzhi.ground.ledger import parameters
from gongzhi.ground.ledger.acts import Act, By, registry
from gongzhi.ground.ledger.models import Audience, Bound, Fact, Indicator, IndicatorKind
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS, Person
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as rules
from gongzhi.rooms.problems import routing
from gongzhi.rooms.problems.models import Problem
from gongzhi.web import choosing
from gongzhi.web.access import signed_in
from gongzhi.web.entrance import ask_again, proved
from gongzhi.web.naming import ROOMS, address_of
from gongzhi.web.photos import kept_photos, own_photos
from gongzhi.web.templatetags.words import thing
from gongzhi.web.toasts import done
from gongzhi.web.undoing import undo_address

RADIOS = 6
LONG = {"note", "description", "text", "words", "answer", "ask", "reason", "minutes", "summary", "finding", "result"}
CHOSEN = {"choice", "choices", "decide"}
AMOUNT_ROWS = 2
# So many empty lines stand ready where several may be named.
SEVERAL_ROWS = 2
# Choices the law keeps from whoever fills in the form: shown, not to be chosen.
BARRED = {
    ("problems.resolve", "mode", "forced"): "由有权机关依法决定、催告、公告后实施"
    "（行政强制法第三十四条至第四十四条），请移交综合执法",
}
# Acts whose amounts are what there is, not what was done.
STOCKTAKING = {"places.count"}
# Where the rules of who answers for what say whom to name.
ROUTED = {("problems.dispatch", "organisation"), ("problems.decide", "organisation")}
MERGED = {("problems.merge", "into")}
# What cannot be taken back or opens what is sealed: only for somebody who has just proved who they are.
PROVED = {"people.end_sessions", "people.erase", "people.invite", "people.reset_mfa", "people.reveal"}
# Sealed too, though no person's: where a channel leads and with what it is signed.
SECRET = {"address", "secret", "body"}
# Questions that only some answers call for: folded away under what they are for.
FOLDED = {
    "problems.reconsider": {"organisation": "现在解决的，派给谁", "reason": "继续暂缓的", "review_on": "继续暂缓的"},
    "problems.mirror": {
        "ruling": "复议、诉讼有了结果",
        "measures": "自行拆除、强制拆除的数量",
        "began": "强制拆除当天",
        "ended": "强制拆除当天",
        "cut_off": "强制拆除当天",
        "urgent": "强制拆除当天",
    },
}
YES_NO = (("true", "是"), ("false", "否"))


@dataclass(frozen=True)
class Option:
    code: str
    name: str
    chosen: bool = False
    group: str = ""
    barred: str = ""


@dataclass
class Field:
    """One parameter of an act as it stands in the form."""

    name: str
    title: str
    kind: str
    required: bool
    options: list[Option] = field(default_factory=list)
    value: str = ""
    values: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    fixed: str = ""
    error: str = ""
    most: int = 0
    # Why what stands in it is suggested; where what is typed is looked up.
    why: str = ""
    searched: str = ""
    # What was typed may be one of these.
    candidates: Sequence[choosing.Choice] = ()
    # What it is only asked for; empty where it always is.
    fold: str = ""

    @property
    def touched(self) -> bool:
        """Whether something stands in it or is wrong with it, so that it must not be folded away."""
        typed = [self.value, *self.values, *(row["quantity"] or row["indicator"] for row in self.rows)]
        return bool(self.error or any(typed))

    @property
    def help(self) -> str:
        how = "填名称、编号或拼音首字母，也可以从列表里选。" if self.searched else "填编号或名称。"
        if self.options and not self.searched:
            how = "从列表里选，或者填编号。"
        if self.kind == "reference":
            return self.why + how
        if self.kind == "references":
            return f"一格填一个。{how}没有的空着。"
        return "一行写一个。" if self.kind == "lines" else ""

    @property
    def described(self) -> str:
        parts = (("help", self.help), ("error", self.error))
        return " ".join(f"{self.name}-{part}" for part, words in parts if words)

    @property
    def sealed(self) -> bool:
        """Whether the vault will keep it: no browser keeps it meanwhile."""
        return self.name in vault.Field.values or self.name in SECRET


def shape(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema without its `or null`."""
    some = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return {**schema, **some[0]} if len(some) == 1 else dict(schema)


def kind_of(name: str, schema: Mapping[str, Any]) -> str:
    """Which control a parameter takes; empty when no form can ask for it (tables come by import)."""
    if "x-refers-to" in schema:
        return "reference"
    if "enum" in schema or "x-vocabulary" in schema:
        return "choice"
    match schema.get("type"), schema.get("format"):
        case "array", _:
            items = shape(schema.get("items", {}))
            if items.get("x-refers-to") == Stored._meta.label:
                return "photos"
            if "x-refers-to" in items:
                return "references"
            if items.get("x-quantity"):
                return "amounts"
            if "enum" in items or "x-vocabulary" in items:
                return "choices"
            return "lines" if items.get("type") == "string" else ""
        case "string", "date-time":
            return "instant"
        case "string", "date":
            return "date"
        case "string", _:
            return "long" if name in LONG else "text"
        case "boolean", _:
            return "yes" if "default" in schema else "decide"
        case (("integer" | "number"), _):
            return "number"
    return "number" if "anyOf" in schema else ""


def parameters_of(act: Act[Any]) -> dict[str, tuple[dict[str, Any], str, bool]]:
    """name → (schema, control, required), without the optional ones no form can ask for."""
    schema = act.json_schema()
    required = set(schema.get("required", []))
    found = {}
    for name, raw in schema.get("properties", {}).items():
        one = shape(raw)
        kind = kind_of(name, one)
        if kind or name in required:
            found[name] = (one, kind, name in required)
    return found


@cache
def has_form(act: Act[Any]) -> bool:
    return bool(act.who) and all(kind for _, kind, _ in parameters_of(act).values())


def open_acts(looking: Viewer) -> list[Act[Any]]:
    """The acts some post of this person may do somewhere, in the order of their rooms."""
    roles = {post.role for post in looking.held}
    return [act for act in registry.values() if roles & set(act.who) and has_form(act)]


def undoing() -> set[str]:
    """Acts in no list of their own: they take back another and stand behind what was done, or their own page does
    them."""
    return {act.undo for act in registry.values() if act.undo} | {"people.export"}


@dataclass(frozen=True)
class Verb:
    """An act as templates may hold it: they would call the act itself."""

    name: str
    chinese: str
    leaves: str
    reason: str = ""

    @classmethod
    def of(cls, act: Act[Any], reason: str = "") -> Verb:
        return cls(act.name, act.chinese, act.fact_chinese, reason)


def vocabulary(schema: Mapping[str, Any], district: str) -> list[tuple[str, str, str]]:
    """(code, name, class above) of what may be chosen; a class that has kinds below it is only a heading."""
    if name := schema.get("x-vocabulary"):
        terms = rules.terms(name, on=today(), district=district)
        headings = {term.parent_code for term in terms.values()}
        return [
            (term.code, term.name, terms[term.parent_code].name if term.parent_code in terms else "")
            for term in terms.values()
            if term.code not in headings
        ]
    codes = schema.get("enum", [])
    return [(code, word, "") for code, word in zip(codes, schema.get("x-labels", codes), strict=True)]


class Form:
    """An act's fields with what was given, and the raw values to send."""

    def __init__(self, act: Act[Any], looking: Viewer, given: QueryDict, link: QueryDict) -> None:
        self.act, self.looking, self.given, self.link = act, looking, given, link
        self.parameters = parameters_of(act)
        self.errors: dict[str, str] = {}
        # What was typed may be one of these.
        self.candidates: dict[str, Sequence[choosing.Choice]] = {}
        self.code = ""

    @property
    def title(self) -> str:
        return self.act.chinese

    def raw(self) -> dict[str, Any]:
        """The values as a program would send them; what was left empty is left out."""
        told: dict[str, Any] = {}
        for name, (schema, kind, _) in self.parameters.items():
            value = self._value(name, kind, schema)
            if value not in ("", [], None):
                told[name] = value
        return told

    def _meant(self, name: str, schema: Mapping[str, Any], text: str) -> str:
        """The code of what was typed; as it stands, with an error, where it may mean several."""
        if not text.strip():
            return ""
        try:
            return choosing.meant(apps.get_model(str(schema["x-refers-to"])), text.strip(), self.looking)
        except choosing.Several as several:
            if self.parameters[name][1] == "reference":
                self.candidates[name] = several.found
            words = f"“{text.strip()}”可能是好几个，请选一个，或者写全" if name in self.candidates else several.reason
            self.errors.setdefault(name, words)
            return text.strip()

    def _value(self, name: str, kind: str, schema: Mapping[str, Any]) -> Any:
        given = self.given
        match kind:
            case "amounts":
                return [
                    {"indicator": row["indicator"], "quantity": row["quantity"], "bound": row["bound"]}
                    for row in self._amounts(name)
                    if row["quantity"]
                ]
            case "choices":
                return given.getlist(name)
            case "reference":
                return given.get(f"{name}-choice") or self._meant(name, schema, given.get(name, ""))
            case "references":
                return [one for each in given.getlist(name) if (one := self._meant(name, shape(schema["items"]), each))]
            case "photos":
                return [token for token in given.getlist(name) if token not in given.getlist(f"{name}-without")]
            case "lines":
                return [line.strip() for line in given.get(name, "").splitlines() if line.strip()]
            case "instant":
                return joined(given.get(f"{name}-day", ""), given.get(f"{name}-time", "")) or given.get(name, "")
        return given.get(name, "").strip()

    def _amounts(self, name: str) -> list[dict[str, str]]:
        columns = [self.given.getlist(f"{name}-{part}") for part in ("indicator", "bound", "quantity")]
        return [
            {"indicator": indicator, "bound": bound, "quantity": quantity.strip()}
            for indicator, bound, quantity in zip(*columns, strict=False)
        ]

    def by(self) -> By:
        """Who acts, when, because of what. Raises Refused."""
        at = joined(self.given.get("at-day", ""), self.given.get("at-time", ""))
        because = self.given.get("because", "")
        district = self.looking.actor.district
        actor, writer = self.looking.actor, None
        if number := self.given.get("on_behalf", "").strip():
            person = Person.refer(choosing.meant(Person, number, self.looking), district)
            if person.actor is None:
                raise Refused("people.erased", "这名人员的个人信息已删除，不能代登记", field="on_behalf")
            actor, writer = person.actor, self.looking.actor
        return By(
            actor,
            at=parameters.instant(at) if at else None,
            key=self.given.get("key") or None,
            because=Fact.refer(because, district, Fact.objects.visible_to(self.looking)) if because else None,
            recorded_by=writer,
        )

    def keep_photos(self, sent: MultiValueDict[str, UploadedFile[Any]]) -> None:
        """Keep what was chosen, so that it is still there when something else has to be changed first."""
        for name, (_, kind, _) in self.parameters.items():
            chosen = sent.getlist(f"{name}-file") if kind == "photos" else []
            tokens, wrong = kept_photos(chosen, self.looking.actor)
            if wrong:
                self.errors[name] = "；".join(dict.fromkeys(wrong))
            if tokens:
                self.given = self.given.copy()
                known = self.given.getlist(name)
                self.given.setlist(name, [*known, *(token for token in tokens if token not in known)])

    def send(self) -> Fact | None:
        """Do the act; None with `errors` when something has to be changed first."""
        raw = self.raw()
        for name, (_, kind, required) in self.parameters.items():
            if required and name not in raw:
                verb = "请选" if kind in CHOSEN else "请填"
                self.errors[name] = f"{verb}“{self.act.terms.get(name, name)}”"
        try:
            self.act.read(By(self.looking.actor), raw)
        except Refused as refused:
            self._refuse(refused)
        for name, (_, kind, _) in self.parameters.items():
            if kind == "amounts" and (unfinished := self._unfinished(name)):
                self.errors[name] = unfinished
        if self.errors:
            return None
        try:
            return self.act.call(self.by(), raw)
        except Refused as refused:
            self._refuse(refused)
            self.code = refused.code
            if isinstance(refused, Conflict) and refused.code == "ledger.key":
                self.errors = {"": "这一页刚才已经登记过一条。改过的内容要另记一条，请再按一次"}
                self.given = self.given.copy()
                self.given["key"] = str(uuid4())
            return None

    def _refuse(self, refused: Refused) -> None:
        """Everything a refusal names, each at its field; what the form found itself stands."""
        for one in (refused, *refused.also):
            self.errors.setdefault(one.field, one.reason)

    def _unfinished(self, name: str) -> str:
        """What is missing in a row of amounts that was begun: a number without its indicator, or the other way."""
        rows = self._amounts(name)
        if any(row["quantity"] and not row["indicator"] for row in rows):
            return "填了数，没有选指标，请选上；没有量，请把数删掉"
        if any(row["indicator"] and not row["quantity"] for row in rows):
            return "选了指标，没有填数，请填上；没有量，请改回“选指标”"
        return ""

    @property
    def status(self) -> int:
        return 422 if self.errors else 200

    @property
    def key(self) -> str:
        return self.given.get("key") or str(uuid4())

    @property
    def because(self) -> Fact | None:
        text = self.given.get("because") or self.link.get("because", "")
        try:
            key = UUID(text)
        except ValueError:
            return None
        return Fact.objects.filter(pk=key).visible_to(self.looking).first()

    @property
    def may_write_for_others(self) -> bool:
        return self.looking.holds(*AREA_OFFICERS)

    def problems(self) -> list[dict[str, str]]:
        """The error summary."""
        shown = {one.name for one in self.fields()} | {"at", "on_behalf"}
        return [{"reason": reason, "field": name if name in shown else ""} for name, reason in self.errors.items()]

    def fields(self) -> list[Field]:
        district = self.looking.actor.district
        made = []
        for name, (schema, kind, required) in self.parameters.items():
            one = Field(name, self.act.terms.get(name, name), kind, required, error=self.errors.get(name, ""))
            one.fold = FOLDED.get(self.act.name, {}).get(name, "")
            one.value = self.given.get(name, "") if self.given else self.link.get(name, "")
            one.values = self.given.getlist(name)
            match kind:
                case "reference":
                    model = str(schema["x-refers-to"])
                    one.value = self.given.get(f"{name}-choice") or one.value
                    self._reference(one, model)
                    self._suggest(one, model)
                case "choice":
                    default = str(schema.get("default") or "")
                    picked = one.value or default
                    one.options = [
                        Option(code, word, code == picked, group, BARRED.get((self.act.name, name, code), ""))
                        for code, word, group in sorted(vocabulary(schema, district), key=lambda one: one[2] != "")
                    ]
                    one.kind = "radio" if len(one.options) <= RADIOS else "select"
                case "choices":
                    words = vocabulary(shape(schema["items"]), district)
                    one.options = [Option(code, word, code in one.values) for code, word, _ in words]
                case "decide":
                    one.kind = "radio"
                    one.options = [Option(code, word, code == one.value) for code, word in YES_NO]
                case "amounts":
                    blank = {"indicator": "", "bound": Bound.EXACT, "quantity": ""}
                    one.rows = self._amounts(name) or [dict(blank) for _ in range(AMOUNT_ROWS)]
                    one.options = [
                        Option(code, f"{word}（{unit}）")
                        for code, word, unit in self._measurable().values_list("code", "name", "unit")
                    ]
                case "references":
                    model = str(shape(schema["items"])["x-refers-to"])
                    self._offer(one, model, choosing.offered(model, self.looking))
                    typed = [each.strip() for each in one.values or self.link.getlist(name) if each.strip()]
                    read = [choosing.text_of(apps.get_model(model), each, self.looking) for each in typed]
                    one.values = read + [""] * SEVERAL_ROWS
                case "photos":
                    one.values = own_photos(self._value(name, kind, schema), self.looking.actor)
                    one.most = MOST
                case "instant":
                    one.values = [self.given.get(f"{name}-day", ""), self.given.get(f"{name}-time", "")]
            made.append(one)
        return made

    def _measurable(self) -> models.QuerySet[Indicator]:
        """What may be entered by hand here: stocks when stocks are counted, else what happened."""
        stock = self.act.name in STOCKTAKING
        return Indicator.objects.filter(by_hand=True, kind=IndicatorKind.STOCK if stock else IndicatorKind.FLOW)

    def _reference(self, one: Field, model: str) -> None:
        """A reference that came with the link stands fixed; another is typed, with suggestions where they are few."""
        if text := self.link.get(one.name, ""):
            one.fixed, one.value = self.named(apps.get_model(model), text), text
        if not one.fixed:
            self._offer(one, model, choosing.offered(model, self.looking))

    def _offer(self, one: Field, model: str, some: Sequence[choosing.Choice]) -> None:
        one.candidates = self.candidates.get(one.name, ())
        one.options = [Option(each.text, each.beside) for each in some]
        one.searched = reverse("choices", args=[model]) if model in choosing.KINDS else ""

    def _suggest(self, one: Field, model: str) -> None:
        """What the records say should stand here: who answers for the problem by the rules laid down, and why; what
        it may be the same as. Whoever fills it in may write something else."""
        if one.fixed:
            return
        if (self.act.name, one.name) in ROUTED and (problem := self._problem()):
            laid_down = routing.answer(problem.place, problem.category, today())
            if laid_down is not None:
                one.why = laid_down.words
                some = choosing.choices(laid_down.organisations)
                texts = {each.text for each in some}
                one.options = [Option(each.text, each.beside) for each in some] + [
                    each for each in one.options if each.code not in texts
                ]
                # Whoever sent it back is not named again.
                if not self.given and laid_down.organisation not in (None, problem.handler):
                    one.value = laid_down.organisation.code
        if (self.act.name, one.name) in MERGED and (problem := self._problem()):
            self._offer(one, model, choosing.same_as(problem, self.looking))
            if one.options:
                one.why = "列表里先列可能是同一件的。"
        one.value = choosing.text_of(apps.get_model(model), one.value, self.looking)

    def _problem(self) -> Problem | None:
        """The problem that came with the link, if one may see it."""
        here = Problem.objects.filter(district=self.looking.actor.district, number=self.link.get("problem", ""))
        return here.visible_to(self.looking).select_related("place", "handler", "fact").first()

    def named(self, model: type[models.Model], text: str) -> str:
        """What a code that came with the link means, if one may see it."""
        try:
            row = model.refer(text, self.looking.actor.district)  # type: ignore[attr-defined]
        except Refused:
            return ""
        seen = getattr(model._default_manager.all(), "visible_to", None)
        if seen is not None and not seen(self.looking).filter(pk=row.pk).exists():
            return ""
        fact = getattr(row, "fact", None)
        return thing(getattr(row, "label", fact.label)) if fact else str(row)


# The list a thing stands in, by what it is.
LISTS = {
    "problems.Problem": ("problems", "问题"),
    "tasks.Task": ("tasks", "交办事项"),
    "feedback.Feedback": ("feedback_handling", "投诉建议"),
}


def crumbs_of(form: Form) -> list[tuple[str, str]]:
    """(address, words) of where the act is done: the thing the link names and its list, else the list of acts."""
    for name, (schema, kind, _) in form.parameters.items():
        text = form.link.get(name, "") if kind == "reference" else ""
        if not text:
            continue
        model = apps.get_model(str(schema["x-refers-to"]))
        words, address = form.named(model, text), address_of(f"{model._meta.model_name}/{text}")
        if words and address:
            above, said = LISTS.get(model._meta.label, ("", ""))
            return [*([(reverse(above), said)] if above else []), (address, words)]
    return [(reverse("doing"), "可以登记的事")]


def joined(day: str, time: str) -> str:
    return f"{day}T{time or '00:00'}" if day else ""


def index(request: HttpRequest) -> HttpResponse:
    """可以登记的事: the acts open to one's posts."""
    groups: dict[str, list[Verb]] = {name: [] for name in ROOMS.values()}
    for act in open_acts(signed_in(request)):
        if act.name in undoing():
            continue
        groups[ROOMS[act.room]].append(Verb.of(act))
    return render(request, "doing/index.html", {"groups": {name: acts for name, acts in groups.items() if acts}})


def do(request: HttpRequest, name: str) -> HttpResponse:
    """The form of one act; to someone none of whose posts may do it, it does not exist."""
    looking = signed_in(request)
    act = registry.get(name)
    if act is None or act not in open_acts(looking):
        raise Http404
    if act.name in PROVED and not proved(request):
        keep_typed(request, request.POST)
        return ask_again(request)
    typed = typed_before(request)
    form = Form(act, looking, typed or request.POST, request.GET)
    if request.method == "POST":
        form.keep_photos(request.FILES)
    if request.method == "POST" and (fact := form.send()):
        said = "这条已经登记过，没有重复登记" if getattr(fact, "repeated", False) else act.fact_chinese
        undo = "" if getattr(fact, "repeated", False) else undo_address(fact)
        done(request, f"{said}：{fact.label}", undo, see_url=reverse("fact", args=[fact.pk]))
        return redirect(back(request, fact))
    fields = form.fields()
    folds: dict[str, list[Field]] = {}
    for one in fields:
        if one.fold:
            folds.setdefault(one.fold, []).append(one)
    context = {
        "form": form,
        "act": Verb.of(act),
        "crumbs": crumbs_of(form),
        "fields": [one for one in fields if not one.fold],
        "folds": [(title, some, any(one.touched for one in some)) for title, some in folds.items()],
        "problems": form.problems(),
        "refusal_code": form.code,
        "audience": [Audience(one).label for one in act.audience],
        "people": choosing.people_near(looking) if form.may_write_for_others else [],
        "bounds": Bound.choices,
        "next": request.GET.get("next", ""),
        # What opens or shuts a door happens now, and no figure is made of it.
        "at_once": act.name in PROVED,
        "resumed": bool(typed),
        "photos_lost": bool(typed and typed.get("photos-lost")),
        "takes_files": any(kind == "photos" for _, kind, _ in form.parameters.values()),
    }
    return render(request, "doing/form.html", context, status=form.status)


def keep_typed(request: HttpRequest, typed: QueryDict) -> None:
    """What was sent waits in the session until the way back to this form is free."""
    if typed:
        kept = typed.copy()
        kept.pop("csrfmiddlewaretoken", None)
        request.session["typed"], request.session["typed_at"] = kept.urlencode(), request.get_full_path()


def typed_before(request: HttpRequest) -> QueryDict | None:
    """What was sent to this form after the session had ended; it came through the sign-in, and is told once."""
    if request.method == "POST" or request.session.get("typed_at") != request.get_full_path():
        return None
    del request.session["typed_at"]
    return QueryDict(request.session.pop("typed", ""))


def back(request: HttpRequest, fact: Fact) -> str:
    """Where to go after a record: where one came from, else the thing's page, else the record."""
    wanted = request.GET.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return address_of(fact.subject) or reverse("fact", args=[fact.pk])
