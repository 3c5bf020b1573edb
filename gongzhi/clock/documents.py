"""Documents written from the running code: the lexicon and the permission matrix."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps

from gongzhi.ground.ledger.acts import Act, registry
from gongzhi.ground.ledger.models import Indicator
from gongzhi.ground.people.models import Role


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _acts() -> list[Act[...]]:
    return [registry[name] for name in sorted(registry)]


def lexicon() -> str:
    """docs/lexicon.md: one Chinese word for every model, act, fact kind, indicator and role."""
    models = sorted(
        (model for model in apps.get_models() if model.__module__.startswith("gongzhi.")),
        key=lambda model: (model._meta.app_label, model.__name__),
    )
    parts = [
        "# 词汇表",
        "一个词贯穿各层：代码里的名字、权限、记录种类、接口地址和页面用语都从这里来。由 `gongzhi docs` 生成，不手改。",
        "## 行为与记录",
        "行为（act）是唯一能改变数据的入口，每做一次留下一条记录（fact）。",
        _table(
            ["行为", "中文", "留下的记录", "中文", "接口地址"],
            (
                [f"`{act.name}`", act.chinese, f"`{act.leaves}`", act.fact_chinese, f"`POST /api/{act.address}`"]
                for act in _acts()
            ),
        ),
        "## 指标",
        "数量以指标单位的千分之一存为整数；“至少”的合计写作“多”。",
        _table(
            ["指标", "中文", "单位", "类型", "由谁填"],
            (
                [f"`{one.code}`", one.name, one.unit, one.get_kind_display(), "人" if one.by_hand else "系统计数"]
                for one in Indicator.objects.order_by("code")
            ),
        ),
        "## 职务",
        _table(["职务", "中文"], ([f"`{role}`", str(role.label)] for role in Role)),
        "## 模型",
        _table(
            ["模型", "中文", "所在"],
            ([f"`{one.__name__}`", str(one._meta.verbose_name), f"`{one._meta.app_label}`"] for one in models),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def matrix() -> str:
    """docs/matrix.md: who may do what, in the area or organisation where they hold the post."""
    parts = [
        "# 权限表",
        "默认不许。表里的“可”只在任职地点、任职组织及其下级范围内有效；系统行为由时钟和触发执行，不由人登记。"
        "由 `gongzhi docs` 生成，`tests/matrix.csv` 逐格核对。",
        _table(
            ["行为", "中文", "谁可以"],
            (
                [
                    f"`{act.name}`",
                    act.chinese,
                    act.who_words,
                ]
                for act in _acts()
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"
