"""What can be checked of the look without a browser: words, contrast, templates, the content policy."""

from __future__ import annotations

import gzip
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.template import Context, Template

import gongzhi.web
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.web.naming import post_words
from gongzhi.web.templatetags import words
from tests.world import World

WEB = Path(gongzhi.web.__file__).parent
ROOT = WEB.parent.parent
ASSETS = WEB / "assets"
DIST = WEB / "static" / "dist"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SOURCES = sorted(WEB.rglob("*.py"))
# Made into PDF, never shown by a browser.
PAPER = {"slips/file.html"}


def tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})\b", css))


LIGHT = tokens((ASSETS / "css" / "tokens.css").read_text(encoding="utf-8"))
DARK = LIGHT | tokens((ASSETS / "css" / "dark.css").read_text(encoding="utf-8"))


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


GROUNDS = ("bg", "surface", "sunken")
TEXT = [
    (ink, ground) for ink in ("ink", "ink-2", "ink-3", "red", "blue", "green", "ochre", "rust") for ground in GROUNDS
]
TEXT += [("red", "red-tint"), ("blue", "blue-tint"), ("green", "green-tint"), ("ochre", "ochre-tint")]
TEXT += [("ink-2", "grey-tint"), ("ink-3", "disabled"), ("on-fill", "red-fill"), ("on-fill", "red-hover")]
TEXT += [("on-fill", "rust-fill"), ("on-toast", "toast"), ("ink", "red-tint")]
SHAPES = [("line-form", "surface"), ("line-form", "bg"), ("blue", "surface"), ("blue", "bg"), ("red", "surface")]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_shapes_can_be_read(theme: dict[str, str]) -> None:
    assert [pair for pair in TEXT if contrast(theme[pair[0]], theme[pair[1]]) < 4.5] == []
    assert [pair for pair in SHAPES if contrast(theme[pair[0]], theme[pair[1]]) < 3] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_a_template_keeps_the_content_policy_and_the_signs(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    if template.relative_to(WEB / "templates").as_posix() in PAPER:
        text = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|javascript:|\|safe\b|autoescape off", text)
    assert not re.search(r"<[^>%]*\s(style|on[a-z]+)=", text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    signs = set(re.findall(r'<symbol id="([a-z-]+)"', (WEB / "static" / "icons.svg").read_text(encoding="utf-8")))
    assert set(re.findall(r'{% icon "([a-z-]+)" %}', text)) <= signs


def test_every_template_is_used() -> None:
    spoken = "\n".join(path.read_text(encoding="utf-8") for path in (*SOURCES, *TEMPLATES))
    spoken += (WEB.parent / "settings.py").read_text(encoding="utf-8")
    spoken += "\n".join(
        path.read_text(encoding="utf-8") for floor in ("api", "clock") for path in (WEB.parent / floor).rglob("*.py")
    )
    names = [str(path.relative_to(WEB / "templates")) for path in TEMPLATES]
    assert [name for name in names if f'"{name}"' not in spoken] == []


def test_nothing_is_marked_safe_and_no_form_goes_unguarded() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "mark_safe" not in text
        assert "csrf_exempt" not in text
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.S):
            assert "{% csrf_token %}" in form, path


class TestAssets:
    """What scripts/assets makes of gongzhi/web/assets."""

    @pytest.fixture(autouse=True)
    def built(self) -> None:
        assert (DIST / "main.js").exists(), "run scripts/assets"

    @pytest.mark.parametrize("name", ["main.js", "map.js"])
    def test_a_script_keeps_to_the_browser_floor(self, name: str, node: str) -> None:
        """Chromium 80, as the office computers have it: the built file is ES2019 by a parser's word."""
        script = (DIST / name).read_text(encoding="utf-8")
        assert not re.search(r"replaceAll\(|replaceChildren\(|structuredClone|\.at\(-?\d", script)
        words = "require('acorn').parse(require('fs').readFileSync(process.argv[1],'utf8'),{ecmaVersion:2019})"
        told = subprocess.run(
            [node, "-e", words, str(DIST / name)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr

    def test_a_page_without_a_map_loads_little(self) -> None:
        files = [DIST / name for name in ("main.js", "main.css", "dark.css")] + [WEB / "static" / "icons.svg"]
        assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 60_000
        templates = {path for path in TEMPLATES if "dist/map" in path.read_text(encoding="utf-8")}
        assert WEB / "templates" / "base.html" not in templates

    def test_only_one_file_knows_the_dark(self) -> None:
        """A colour for the dark elsewhere would ignore the choice one has made."""
        for path in (ASSETS / "css").glob("*.css"):
            assert "prefers-color-scheme" not in path.read_text(encoding="utf-8"), path.name

    def test_the_lock_names_no_host(self) -> None:
        for name in ("package.json", "package-lock.json", ".npmrc", "requirements-node.lock"):
            assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name


class TestWords:
    NOON = datetime(2020, 6, 12, 12, 0, tzinfo=SHANGHAI)

    def shown(self, source: str, **context: object) -> str:
        with clock_at(self.NOON):
            made = Template("{% load words %}" + source).render(Context({"page_year": 2020, **context}))
        return re.sub(r"<[^>]+>", "", made)

    @pytest.mark.parametrize(
        ("hours", "said"),
        [(-1, "今天 11:00"), (-24, "昨天 12:00"), (20, "明天 8:00"), (-72, "6月9日"), (-24 * 200, "2019年11月25日")],
    )
    def test_moments(self, hours: int, said: str) -> None:
        assert self.shown("{% moment at %}", at=self.NOON + timedelta(hours=hours)) == said

    def test_days_spans_and_stamps(self) -> None:
        first, last = date(2020, 6, 1), date(2020, 6, 14)
        assert self.shown("{% span a b %}", a=first, b=last) == "6月1日—14日"
        assert self.shown("{% full_span a b %}", a=first, b=last) == "2020年6月1日—14日"
        assert self.shown("{% span a b %}", a=date(2020, 6, 28), b=date(2020, 7, 5)) == "6月28日—7月5日"
        assert self.shown("{% span a b %}", a=date(2019, 12, 30), b=date(2020, 1, 5)) == "2019年12月30日—2020年1月5日"
        assert self.shown("{% stamp at %}", at=datetime(2020, 6, 9, 0, 5, tzinfo=UTC)) == "6月9日 8:05"
        assert self.shown("{% day d %}", d=None) == "未知"
        assert self.shown("{{ d|weekday }}", d=last) == "星期日"
        assert self.shown("{{ at|local_input }}", at=self.NOON) == "2020-06-12T12:00"

    def test_amounts_and_rates(self) -> None:
        assert self.shown('{% amount 200000 "at_least" "平方米" %}') == "200 多平方米"
        assert self.shown('{% amount 215500 "at_least" "平方米" %}') == "215 多平方米"
        assert self.shown('{% amount 12500 "exact" "平方米" %}') == "12.5 平方米"
        assert self.shown("{{ n|grouped }} {{ n|digits }}", n=1234567000) == "1,234,567 1234567"
        assert self.shown("{% rate 17 18 %} {% rate 0 0 %}") == "94.4% 不适用"
        assert self.shown("{{ n|counted }}", n=-4321) == "−4,321"

    def test_a_label_without_its_number(self) -> None:
        assert words.thing("花园街3号院私搭乱建，410102-2020-000001") == "花园街3号院私搭乱建"
        assert words.thing("花园街早巡无异常") == "花园街早巡无异常"

    def test_a_post_says_what_it_shares_with_its_place_once(self, world: World) -> None:
        [post] = world.person("secretary").appointments.select_related("place", "organisation")
        assert post_words(post) == "阳光花园社区书记"
