"""样式与状态: every component in every state on one page, for those who build pages. There in debug only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages.storage.base import Message
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground.places.models import Place
from gongzhi.web import paging
from gongzhi.web.doing import Field, Option
from gongzhi.web.filters import Day, Filters, Search, Select
from gongzhi.web.look import Look
from gongzhi.web.naming import Tag

COLOURS = (
    ("red", "主色", "按钮、当前、事实"),
    ("ink", "正文", "文字、时间线"),
    ("ink-3", "次要文字", "元信息"),
    ("blue", "办理中", "焦点框"),
    ("green", "已办结", "已确认"),
    ("ochre", "临近到期", "剩 4 个工作时内"),
    ("rust", "已超时", "只用于时限"),
    ("bg", "页面底色", "卡片为白"),
)
TAGS = (
    Tag("", "open", "待派遣"),
    Tag("tag-going", "going", "处置中"),
    Tag("tag-going", "eye", "等核查"),
    Tag("", "pause", "已暂停"),
    Tag("", "hourglass", "等居民确认"),
    Tag("tag-near", "clock", "临近到期"),
    Tag("tag-late", "triangle", "已超时"),
    Tag("tag-done", "done", "已办结"),
)
LOOKS = (
    ("", "跟随系统"),
    ("light", "浅色"),
    ("dark", "深色"),
    ("light.elder", "长辈模式"),
    ("dark.elder", "长辈模式，深色"),
)


@dataclass(frozen=True)
class Sample:
    """An amount as a figure prints it."""

    figure: str
    after: str

    def __str__(self) -> str:
        return f"{self.figure} {self.after}"


@dataclass(frozen=True)
class Figure:
    name: str
    amounts: list[Sample]
    href: str = "/facts/?indicator=patrolled"


@dataclass(frozen=True)
class Step:
    at: datetime
    title: str
    words: str = ""
    meta: str = ""
    style: str = ""
    href: str = ""
    corrections: list[Step] = field(default_factory=list)


STEPS = [
    Step(datetime(2020, 6, 3, 1, 5, tzinfo=UTC), "早巡发现", "东侧绿地上搭有铁皮棚 2 间。", "花园街", "finding"),
    Step(datetime(2020, 6, 3, 2, 0, tzinfo=UTC), "派遣", "派给阳光花园社区居委会。", "因为 早巡发现", href="/facts/"),
    Step(datetime(2020, 6, 5, 0, 40, tzinfo=UTC), "暂停 1 个工作日", "住户申请清空棚内物品。", style="pause"),
    Step(
        datetime(2020, 6, 9, 8, 40, tzinfo=UTC),
        "办结",
        "拆除 68 平方米",
        corrections=[Step(datetime(2020, 6, 9, 9, 0, tzinfo=UTC), "更正", "拆除 86 平方米")],
    ),
    Step(datetime(2020, 6, 10, 2, 15, tzinfo=UTC), "到期没有办结", "", "按时限表", "lapse"),
    Step(datetime(2020, 6, 12, 10, 22, tzinfo=UTC), "居民确认解决", "“路宽了，推轮椅能过去了。”", style="confirmed"),
]
MODES = [
    Option("self", "自行拆除清理", chosen=True),
    Option("helped", "协助拆除清理"),
    Option("forced", "强制拆除", barred="要先有完整执法文书，由规划部门办理"),
]
FIELDS = [
    Field("mode", "怎么完成的", "radio", True, options=MODES),
    Field("count", "面积", "number", True, value="0", error="面积要大于 0。没有量，请删掉这一行"),
    Field(
        "kind",
        "类别",
        "select",
        True,
        options=[Option("1", "暴露垃圾", group="环境"), Option("2", "路面破损", group="设施")],
    ),
    Field("on", "哪一天", "date", True, value="2020-06-12"),
    Field("who", "参加的单位", "choices", False, options=[Option("a", "居委会", chosen=True), Option("b", "物业")]),
    Field("note", "说明", "long", False, value="已翻土，等补种麦冬。"),
    Field("again", "还要回头看", "yes", False),
]


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    look = request.GET.get("look", "")
    words = look.split(".")
    context = {
        "look": Look("dark" if "dark" in words else "light" if "light" in words else "", "elder" in words),
        "looks": LOOKS,
        "shown": look,
        "phone": "0371-5550 0128，工作日 8:30—17:30",
        "page_year": 2020,
        "colours": COLOURS,
        "tags": TAGS,
        "steps": STEPS,
        "fields": FIELDS,
        "figures": [
            Figure("拆除棚亭杂屋", [Sample("12", "间"), Sample("560", "平方米")]),
            Figure("清除菜地，恢复绿化", [Sample("5", "处"), Sample("200", "多平方米")]),
            Figure("铲除“牛皮癣”", [Sample("2000", "多个")]),
        ],
        "filters": Filters(
            request,
            Search(help="标题、地点、编号"),
            Select("category", "类别", [("1", "市容环境"), ("2", "公用设施")]),
            Day("until", "到期不晚于"),
        ),
        "views": [("", "在办", 23), ("late", "已超时", 1), ("all", "全部", None)],
        "view": "",
        "page": paging.turn(request, Place.objects.all(), order=["id"], size=3),
        "columns": [("社区", ""), *((f"{week} 周", "num") for week in range(10, 25))],
        "rows": [
            [name, *(str(week * number) for week in range(15))] for name, number in (("阳光花园", 3), ("湖光里", 7))
        ],
        "toasts_shown": [Message(25, "已派给天阳物业，6月15日到期", "see=%2Ffacts%2F&undo=%2Fstyleguide%2F")],
        "trail": [("问题", "/problems/"), ("阳光花园社区", ""), ("0187", "")],
        "head_actions": [("打印", "#", "print", ""), ("登记回看", "#", "", "")],
        "pairs": [("地点", "花园街 3 号院东侧绿地"), ("承办", "阳光花园社区居委会"), ("公约条款", "第七条，门前三包")],
        "hidden": [("number", "12")],
    }
    return render(request, "styleguide/page.html", context)
