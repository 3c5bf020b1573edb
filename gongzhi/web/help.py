"""操作手册: for each post what to do the first morning and after it, two pages on paper.

Sources are docs/manuals/*.md; a wheel carries them. Of Markdown only what they use is read: headings, paragraphs,
lists, pictures on a line of their own; within a line links, bold words (words that stand on the screen) and code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground.people.models import CHIEFS, Role
from gongzhi.web.access import viewer


@dataclass(frozen=True)
class Manual:
    """A sheet of docs/manuals, by the name of its file; no roles: everybody's, without an account."""

    slug: str
    name: str
    words: str
    roles: Collection[Role] = ()


MANUALS = (
    Manual("residents", "居民", "看公开栏、提投诉建议、查答复，不用登录"),
    Manual(
        "member",
        "党员",
        "登记看到的问题、走路段、长辈模式",
        (Role.MEMBER, Role.ROAD_STEWARD, *sorted(CHIEFS), Role.BUILDING_HEAD),
    ),
    Manual(
        "worker",
        "社区工作者",
        "巡查、派遣、入户、办结、核查",
        (Role.WORKER, Role.GRID_WORKER, Role.SECTION_HEAD, Role.PROPERTY_MANAGER),
    ),
    Manual("secretary", "社区书记", "每天看什么、给人开账号、答复居民、开周会", (Role.COMMUNITY_SECRETARY,)),
    Manual(
        "branch",
        "支部书记、两新党组织书记",
        "党员编入、会议活动、联系户和路段",
        (Role.BRANCH_SECRETARY, Role.ENTERPRISE_SECRETARY, Role.DEPARTMENT_BRANCH, Role.PARTY_INSTRUCTOR),
    ),
    Manual("street", "街道组织员", "周例会、简报、交办、给社区开账号", (Role.STREET_ORGANISER,)),
    Manual("district", "区委组织部组织员", "启用工作对比、认定地名、交办和投诉建议", (Role.DISTRICT_ORGANISER,)),
    Manual("administrator", "系统管理员", "上线检查、备份、作业、第一批账号", (Role.ADMINISTRATOR,)),
    Manual("auditor", "安全审计员", "记录、规则、封存，三种抽查办法", (Role.AUDITOR,)),
)
PUBLIC = MANUALS[0]

WITHIN = re.compile(r"\*\*(?P<bold>.+?)\*\*|\[(?P<link>.+?)\]\((?P<href>.+?)\)|`(?P<code>.+?)`")
PICTURE = re.compile(r"!\[(?P<alt>.+)\]\(img/(?P<name>[\w-]+\.png)\)")
ITEM = re.compile(r"(?P<mark>\d+\.|-) +(?P<words>.+)")


@dataclass(frozen=True)
class Span:
    """A stretch of a line. kind: words, bold, link or code."""

    kind: str
    words: str
    href: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture of the product: its path among the static files, and what it shows."""

    path: str
    alt: str

    @property
    def tall(self) -> bool:
        """Taken on a telephone."""
        return self.path.endswith("-phone.png")


@dataclass
class Block:
    """A paragraph (kind p, one line) or a list (ol, ul)."""

    kind: str
    lines: list[list[Span]] = field(default_factory=list)


@dataclass
class Section:
    """A task: its heading, its words, its pictures beside them."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


def spans(line: str) -> Iterator[Span]:
    """A line taken apart. The blanks beside bold words are Markdown's, not the sentence's."""
    line = re.sub(r" ?(\*\*.+?\*\*) ?", r"\1", line)
    end = 0
    for found in WITHIN.finditer(line):
        if found.start() > end:
            yield Span("words", line[end : found.start()])
        kind = next(name for name in ("bold", "link", "code") if found[name])
        yield Span(kind, found[kind], found["href"] or "")
        end = found.end()
    if end < len(line):
        yield Span("words", line[end:])


def sections(text: str) -> list[Section]:
    """A manual taken apart: the first section holds its title and what stands before the first task."""
    found: list[Section] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            found.append(Section(line.lstrip("# ")))
        elif picture := PICTURE.fullmatch(line):
            found[-1].pictures.append(Picture(f"manuals/{picture['name']}", picture["alt"]))
        elif item := ITEM.fullmatch(line):
            kind = "ul" if item["mark"] == "-" else "ol"
            blocks = found[-1].blocks
            if not blocks or blocks[-1].kind != kind:
                blocks.append(Block(kind))
            blocks[-1].lines.append(list(spans(item["words"])))
        else:
            found[-1].blocks.append(Block("p", [list(spans(line))]))
    return found


def source(manual: Manual) -> str:
    return (settings.MANUALS / f"{manual.slug}.md").read_text(encoding="utf-8")


def own(request: HttpRequest) -> list[Manual]:
    """Those of the posts one holds; of somebody without an account, the residents'."""
    looking = viewer(request)
    if looking is None:
        return [PUBLIC]
    return [manual for manual in MANUALS if looking.holds(*manual.roles)]


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    mine = own(request)
    others = [manual for manual in MANUALS if manual not in mine] if viewer(request) else []
    return render(request, "help/index.html", {"mine": mine, "others": others})


@login_not_required
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    manual = next((one for one in MANUALS if one.slug == slug), None)
    if manual is None:
        raise Http404
    if manual is not PUBLIC and viewer(request) is None:
        return redirect_to_login(request.get_full_path())
    head, *tasks = sections(source(manual))
    return render(request, "help/page.html", {"manual": manual, "head": head, "tasks": tasks})
