"""我要反映 and 查进度: anyone tells of a problem without an account, and comes back with the tracking code.

The code is never in an address: it is posted, and what it opens is remembered by the session. A link may carry it
behind the #, which browsers send to nobody.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.ground import now, today
from gongzhi.ground.files import photos, store
from gongzhi.ground.files.models import Photo, Purpose, Stored
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.parameters import TEXT_LIMIT
from gongzhi.ground.people.models import AREA_OFFICERS, Actor
from gongzhi.ground.places.models import Place, PlaceKind, nearest
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as rules
from gongzhi.hall import places as hall
from gongzhi.rooms.problems.deadlines import ACCEPT
from gongzhi.rooms.problems.intake import (
    CODE_LENGTH,
    CODE_SIGNS,
    CONTACT_DAYS,
    LONGEST_ADDRESS,
    reachable,
    reporting_of,
    whereabouts,
)
from gongzhi.rooms.problems.intake import code_of as typed_code
from gongzhi.rooms.problems.models import Opinion, Reporting
from gongzhi.rooms.problems.near import Near, near
from gongzhi.web import maps, tracking
from gongzhi.web.access import viewer
from gongzhi.web.exchange import is_part
from gongzhi.web.facts import root_place
from gongzhi.web.limits import Limit
from gongzhi.web.periods import Period
from gongzhi.web.photos import HEADERS, kept_photos
from gongzhi.web.toasts import done

SENDING = Limit("report", 10, 600)
LOOKING = Limit("track", 60, 600)
# What one sender's photos may take in a day, and all of them together on the disk.
PHOTOS = Limit("report-photos", 300 * store.MIB, 86400)
PHOTOS_A_DAY = 2048 * store.MIB
# Over everybody: what a district can take in a minute and still read.
MOST_A_MINUTE = 60
FIELDS = ("key", "place", "sign", "address", "longitude", "latitude", "category", "description", "phone", "same_as")
AGAIN = "again"
# What the reporter may say of what was done.
WORDS = {
    Opinion.SATISFIED.value: "办好了，满意",
    Opinion.PARTLY.value: "办好了，基本满意",
    Opinion.UNSATISFIED.value: "办好了，不满意",
    AGAIN: "没有办好，请重新办",
}
# What people call it who have never seen the list of categories.
PLAIN = {
    "0101": "私自搭建（棚子、阳光房、加层）",
    "0102": "垃圾没人清、垃圾桶满了",
    "0103": "渣土、建筑垃圾、旧家具长期堆着",
    "0104": "路面脏、有积灰污渍",
    "0105": "河里、池里脏",
    "0106": "绿地里有垃圾、杂草",
    "0121": "毁了绿地种菜",
    "0122": "楼道里堆东西",
    "0123": "飞线充电、私拉电线",
    "0201": "小广告、乱贴乱画",
    "0221": "广告牌、招牌不合规或者不牢",
    "0321": "施工占了路",
    "0322": "工地扬尘",
    "0323": "施工噪声、夜里施工",
    "0421": "路上积水",
    "0422": "水管、暖气管、污水管破了",
    "0423": "路面塌了、有坑",
    "0521": "摆摊占道",
    "0522": "车乱停、占消防通道",
    "0523": "店铺把东西摆到门外",
    "0621": "邻里纠纷",
    "0622": "油烟扰民",
    "0623": "别的事",
    "9121": "路灯不亮",
    "9122": "井盖坏了、没了",
    "9123": "路面破损",
    "9124": "健身器材、座椅、栏杆等坏了",
    "9221": "红绿灯、交通标志坏了",
    "9222": "路上的护栏、隔离桩坏了",
    "9223": "公交站亭坏了",
    "9321": "垃圾桶破了、少了",
    "9322": "公共厕所的设施坏了",
    "9323": "招牌、灯箱破了、要掉",
    "9421": "树倒了、树枝断了",
    "9422": "绿地的护栏、树池坏了",
    "9521": "宣传栏、门牌破了",
    "9522": "别的设施坏了",
}


def code_of(key: str) -> str:
    """The tracking code of a form: pressed twice it is the same. Drawn from a secret, so that nobody guesses it."""
    drawn = int.from_bytes(hmac.digest(settings.SECRET_KEY.encode(), f"gongzhi.tracking/{key}".encode(), "sha256"))
    signs = []
    for _ in range(CODE_LENGTH):
        drawn, at = divmod(drawn, len(CODE_SIGNS))
        signs.append(CODE_SIGNS[at])
    return "".join(signs)


def spaced(code: str) -> str:
    """As it is printed: 7KMA-94TX-QC2H."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def flooded(district: str) -> bool:
    """Whether more arrives than can be read, whoever sends it."""
    since = now() - timedelta(minutes=1)
    recent = Fact.objects.filter(
        district=district, kind="problems.submitted", known_on__gte=today() - timedelta(days=1), recorded_at__gte=since
    )
    return recent.order_by()[:MOST_A_MINUTE].count() >= MOST_A_MINUTE


def photos_today(actor: Actor) -> int:
    """Bytes of photos kept since yesterday for all who have no account."""
    since = now() - timedelta(days=1)
    kept = Stored.objects.filter(actor=actor, purpose=Purpose.PHOTO, recorded_at__gte=since)
    return int(kept.aggregate(all=Sum("size"))["all"] or 0)


@dataclass(frozen=True)
class Group:
    """Categories of one class, in plain words."""

    name: str
    options: Sequence[tuple[str, str]]


def groups(district: str) -> list[Group]:
    terms = rules.terms("problem_category", on=today(), district=district)
    found: dict[str, list[tuple[str, str]]] = {}
    for term in terms.values():
        if term.parent_code:
            found.setdefault(term.parent_code, []).append((term.code, PLAIN.get(term.code, term.name)))
    return [Group(terms[parent].name, options) for parent, options in found.items() if parent in terms]


def homes(district: str) -> list[Group]:
    """The communities and villages, by street."""
    kinds = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    found: dict[str, list[tuple[str, str]]] = {}
    street = ""
    for one in Place.objects.filter(district=district, kind__in=kinds).in_force().order_by("path"):
        if one.kind == PlaceKind.STREET:
            street = one.name
        else:
            found.setdefault(street, []).append((one.code, one.name))
    return [Group(name, options) for name, options in found.items()]


def clerk_of(request: HttpRequest) -> Actor | None:
    """Who writes down for somebody else: an officer signed in."""
    looking = viewer(request)
    return looking.actor if looking and looking.holds(*AREA_OFFICERS) else None


def sign_of(code: str, district: str) -> Place | None:
    """The place a sign stands at, or that a link names."""
    place = Place.objects.filter(district=district, code=code[:32]).in_force().first() if code else None
    return place if place and place.kind in hall.PUBLIC else None


class Report:
    """A report as it is being written: what was typed, the photos kept meanwhile, what is wrong with it."""

    def __init__(self, request: HttpRequest, root: Place, typed: QueryDict) -> None:
        self.request, self.root = request, root
        self.given: dict[str, str] = {name: typed.get(name, "").strip()[: TEXT_LIMIT + 1] for name in FIELDS}
        self.given["key"] = self.given["key"][:64] or str(uuid4())
        self.sign = sign_of(self.given["sign"], root.district)
        self.clerk = clerk_of(request)
        self.actor = self.clerk or Actor.public(root.district)
        self.errors: dict[str, str] = {}
        own = request.session.get("report_photos", [])
        away = set(typed.getlist("photos-without"))
        self.photos = [token for token in typed.getlist("photos") if token in own and token not in away]

    def keep_photos(self) -> None:
        """Keep what was chosen, so that it is still there when something else has to be put right first."""
        chosen = self.request.FILES.getlist("photos-file")
        if not chosen:
            return
        sent = sum(one.size or 0 for one in chosen)
        if PHOTOS.over(self.request, sent) or photos_today(self.actor) + sent > PHOTOS_A_DAY:
            self.errors["photos"] = "今天收到的照片太多，存不下了。不带照片也能反映，请直接再按一次"
            return
        room = max(0, photos.MOST - len(self.photos))
        tokens, wrong = kept_photos(chosen[:room], self.actor)
        if len(chosen) > room:
            wrong.append(f"最多 {photos.MOST} 张照片，多出来的没有收下")
        if wrong:
            self.errors["photos"] = "；".join(dict.fromkeys(wrong))
        self.photos += [token for token in tokens if token not in self.photos]
        self.request.session["report_photos"] = [*self.request.session.get("report_photos", []), *tokens][-50:]

    @property
    def place_code(self) -> str:
        return self.sign.code if self.sign else self.given["place"]

    def raw(self) -> dict[str, Any]:
        """The act's own values; what was left empty is left out. Raises Refused."""
        told: dict[str, Any] = {
            name: self.given[name] for name in ("address", "category", "description", "phone", "same_as")
        }
        told |= {"place": self.place_code, "photos": self.photos, "code": code_of(self.given["key"])}
        for name in ("longitude", "latitude"):
            told[name] = number(self.given[name])
        return {name: value for name, value in told.items() if value not in ("", [], None)}

    def refuse(self, refused: Refused) -> None:
        """Everything a refusal names, each at its field, in the words of this page."""
        told = {"category": "请选一下是什么事", "description": "请写下是什么情况，一句话也可以"}
        fields = {"longitude": "place", "latitude": "place"}
        for one in (refused, *refused.also):
            name = fields.get(one.field, one.field)
            self.errors.setdefault(name, told.get(name, one.reason) if one.code == "ledger.missing" else one.reason)

    def where(self) -> Place:
        """The place all of this means. Raises Refused."""
        here = Place.refer(self.place_code, self.root.district) if self.place_code else None
        lon, lat = number(self.given["longitude"]), number(self.given["latitude"])
        return whereabouts(self.root.district, here, self.given["address"], lon, lat)

    def look_around(self) -> list[Near]:
        """What was told of there before and may be the same."""
        raw, place = self.raw(), self.where()
        point = (raw["longitude"], raw["latitude"]) if "longitude" in raw and "latitude" in raw else None
        return near(place=place, category=self.given["category"], text=self.given["description"], point=point)

    def by(self) -> By:
        return By(Actor.public(self.root.district), key=self.given["key"], recorded_by=self.clerk)


def number(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise Refused("problems.point", "经度、纬度要写数字，如 113.6003 和 34.7452", field="place") from error


@login_not_required
@require_safe
def sign(request: HttpRequest, code: str) -> HttpResponse:
    """What the QR of a sign opens; short enough to be typed."""
    return redirect(f"{reverse('report')}?sign={code}")


@never_cache
@login_not_required
@sensitive_post_parameters("phone", "key")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """我要反映: where, what, in a few words."""
    root = root_place()
    if root is None:
        raise Http404
    if request.method == "POST":
        return sent(request, root)
    report = Report(request, root, request.GET)
    report.given["key"] = str(uuid4())
    return written(request, report)


def written(request: HttpRequest, report: Report, status: int = 200, **more: Any) -> HttpResponse:
    """The page with what was typed."""
    district = report.root.district
    home = report.sign or sign_of(report.given["place"], district) or report.root
    office = hall.office_of(home)
    context = {
        "report": report,
        "given": report.given,
        "errors": report.errors,
        "problems": [{"reason": reason, "field": name} for name, reason in report.errors.items()],
        "problems_title": "还没有发出",
        "root": report.root,
        "sign_place": report.sign,
        "sign_gone": bool(report.given["sign"]) and report.sign is None,
        "groups": groups(district),
        "homes": homes(district),
        "limit": TEXT_LIMIT,
        "longest_address": LONGEST_ADDRESS,
        "most_photos": photos.MOST,
        "photos": report.photos,
        "clerk": report.clerk is not None,
        "accept": rules.rule(ACCEPT, on=today(), district=district),
        "contact": rules.rule(CONTACT_DAYS, on=today(), district=district),
        "office": office,
        "features": maps.address(map_place(home), Period.around(today())),
        "tiles": maps.tiles(),
        "near": (),
        **more,
    }
    # A script shows the form again only where it is told that the form wants putting right.
    asked = bool(report.errors or context["near"])
    return render(request, "reporting/page.html", context, status=422 if asked and is_part(request) else status)


def map_place(place: Place) -> Place:
    """What the map for pointing shows: the community, so that yards and roads are there to point at."""
    return nearest(place, PlaceKind.COMMUNITY, PlaceKind.VILLAGE) or place


def sent(request: HttpRequest, root: Place) -> HttpResponse:
    report = Report(request, root, request.POST)
    # Before anything is kept of it.
    if SENDING.over(request) or flooded(root.district):
        reason = "这几分钟收到的太多，这一条还没有发出。写的内容还在下面，请过 10 分钟再发；急事请打 12345"
        if request.FILES:
            reason += "。照片要重新选"
        report.errors[""] = reason
        answer = written(request, report, 429)
        answer["Retry-After"] = str(SENDING.seconds)
        return answer
    if request.POST.get("website"):
        report.errors[""] = "“网站”那一栏是防机器人的，请清空后再发"
        return written(request, report, 422)
    report.keep_photos()
    act = registry["problems.submit"]
    try:
        raw = report.raw()
        act.read(report.by(), raw)
        if report.errors:
            return written(request, report, 422)
        if not (request.POST.get("checked") or report.given["same_as"]) and (found := report.look_around()):
            return written(request, report, near=[tracking.told(one) for one in found])
        act.call(report.by(), raw)
    except Refused as refused:
        if refused.code == "ledger.key":
            report.given["key"] = str(uuid4())
            report.errors = {"": "这一页刚才已经发出过一条。改过的内容要另发一条，请再按一次"}
            return written(request, report, 409)
        if refused.code == "problems.same_as":
            report.given["same_as"] = ""
        report.refuse(refused)
        return written(request, report, refused.status)
    request.session.pop("report_photos", None)
    remember(request, raw["code"])
    return redirect(reverse("track") + "?new=1")


@login_not_required
@require_safe
def photo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A photo chosen in this very window and not sent yet, small; nobody else's session opens it."""
    if str(pk) not in request.session.get("report_photos", []):
        raise Http404
    stored = Stored.objects.filter(pk=pk, purpose=Purpose.PHOTO).first()
    try:
        data = store.read(stored).read() if stored else None
    except FileNotFoundError:
        data = None
    if data is None:
        raise Http404
    return HttpResponse(photos.thumbnail(data), content_type="image/jpeg", headers=HEADERS)


def _box() -> Fernet:
    """Seals a code for the session: whoever reads the table of sessions must not be able to speak for a reporter."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"gongzhi.tracking.session", "sha256")
    return Fernet(urlsafe_b64encode(key))


def remember(request: HttpRequest, code: str) -> None:
    request.session["tracked"] = _box().encrypt(code.encode()).decode()


def remembered(request: HttpRequest) -> str:
    """The code this session sent or looked up last."""
    try:
        return _box().decrypt(request.session.get("tracked", "").encode()).decode()
    except InvalidToken:
        return ""


@never_cache
@login_not_required
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """查进度: what became of what one told of. Whoever has the code is the reporter."""
    root = root_place()
    if root is None:
        raise Http404
    if request.POST.get("forget"):
        request.session.pop("tracked", None)
        return redirect("track")
    if request.method == "POST" and not request.POST.get("say"):
        return looked_up(request, root)
    code = remembered(request)
    if not code or request.GET.get("other"):
        return asking(request, root)
    try:
        told = reporting_of(code, root.district)
    except Refused as refused:
        return asking(request, root, refused.reason)
    return said(request, told, code) if request.method == "POST" else shown(request, told, code)


def looked_up(request: HttpRequest, root: Place) -> HttpResponse:
    code = request.POST.get("code", "")[:40]
    if LOOKING.over(request):
        return asking(request, root, "查得太多，请过 10 分钟再查", code, 429)
    try:
        reporting_of(code, root.district)
    except Refused as refused:
        return asking(request, root, refused.reason, code, refused.status)
    remember(request, typed_code(code))
    return redirect("track")


def asking(request: HttpRequest, root: Place, wrong: str = "", code: str = "", status: int = 200) -> HttpResponse:
    context = {"root": root, "wrong": wrong, "code": code, "office": hall.office_of(root)}
    return render(request, "reporting/ask.html", context, status=status)


def said(request: HttpRequest, told: Reporting, code: str) -> HttpResponse:
    """Done or not, in the reporter's own word."""
    word, note = request.POST.get("word", ""), request.POST.get("note", "")
    key = request.POST.get("key", "")[:64] or None
    if word not in WORDS:
        return shown(request, told, code, {"word": "请选办好了没有"}, note)
    raw = {"code": code} | ({"note": note} if note.strip() else {})
    act, raw = ("problems.reopen", raw) if word == AGAIN else ("problems.confirm", raw | {"opinion": word})
    try:
        registry[act].call(By(Actor.public(told.district), key=key), raw)
    except Refused as refused:
        missing = refused.code == "ledger.missing"
        errors = {"note" if missing else refused.field or "word": "请写明哪里没有办好" if missing else refused.reason}
        return shown(request, told, code, errors, note, word)
    done(request, "收到了，会重新办" if word == AGAIN else "收到了，谢谢")
    return redirect("track")


def shown(
    request: HttpRequest,
    told: Reporting,
    code: str,
    errors: dict[str, str] | None = None,
    note: str = "",
    word: str = "",
) -> HttpResponse:
    context = {
        "told": told,
        "new": bool(request.GET.get("new")),
        "code": spaced(code),
        "link": request.build_absolute_uri(reverse("track")) + f"#{spaced(code)}",
        "phone_kept": bool(told.person_id and reachable(told.problem)),
        "photos": Photo.objects.filter(fact=told.fact).count(),
        "office": hall.office_of(told.problem.place),
        "choices": WORDS.items(),
        "errors": errors or {},
        "problems": [{"reason": reason, "field": name} for name, reason in (errors or {}).items()],
        "given": {"note": note, "word": word},
        "key": str(uuid4()),
        **tracking.of(told),
    }
    return render(request, "reporting/track.html", context, status=422 if errors else 200)
