from __future__ import annotations

import django.db.models.deletion
import gongzhi.ground.keys
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0004_time"),
        ("people", "0005_listed"),
        ("places", "0003_division"),
        ("problems", "0002_withdrawn"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bounce",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("duty", "不属本单位职责"),
                            ("area", "不在本单位辖区"),
                            ("wrong", "地点或类别有误"),
                            ("repeated", "与在办的问题重复"),
                        ],
                        max_length=12,
                        verbose_name="理由",
                    ),
                ),
            ],
            options={
                "verbose_name": "退单",
            },
        ),
        migrations.CreateModel(
            name="CallBack",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                (
                    "way",
                    models.CharField(
                        choices=[("phone", "电话"), ("visit", "上门"), ("online", "网上"), ("counter", "窗口")],
                        max_length=8,
                        verbose_name="方式",
                    ),
                ),
                (
                    "opinion",
                    models.CharField(
                        choices=[
                            ("satisfied", "满意"),
                            ("partly", "基本满意"),
                            ("unsatisfied", "不满意"),
                            ("unreached", "没有联系上"),
                            ("unsaid", "没有评价"),
                        ],
                        max_length=12,
                        verbose_name="评价",
                    ),
                ),
            ],
            options={
                "verbose_name": "回访",
            },
        ),
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                (
                    "opinion",
                    models.CharField(
                        choices=[
                            ("satisfied", "满意"),
                            ("partly", "基本满意"),
                            ("unsatisfied", "不满意"),
                            ("unreached", "没有联系上"),
                            ("unsaid", "没有评价"),
                        ],
                        max_length=12,
                        verbose_name="评价",
                    ),
                ),
            ],
            options={
                "verbose_name": "确认办结",
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
            ],
            options={
                "verbose_name": "裁定承办",
            },
        ),
        migrations.CreateModel(
            name="Deferral",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_basis", "暂无法定解决条件"),
                            ("funds", "资金未落实"),
                            ("planned", "已列入改造或征收计划"),
                            ("dispute", "权属纠纷，正在诉讼或调解"),
                        ],
                        max_length=12,
                        verbose_name="理由",
                    ),
                ),
                ("review_on", models.DateField(verbose_name="复议日期")),
                ("waiting", models.BooleanField(default=True, verbose_name="待复议")),
            ],
            options={
                "verbose_name": "暂缓解决",
            },
        ),
        migrations.CreateModel(
            name="Joining",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
            ],
            options={
                "verbose_name": "协办",
            },
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("weather", "天气、自然灾害等不可抗力"),
                            ("procedure", "等候公示、鉴定、审批等法定程序"),
                            ("access", "须住户、产权人在场，正在联系"),
                            ("material", "须停电停水施工或等候配件"),
                        ],
                        max_length=12,
                        verbose_name="理由",
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="起")),
                ("until", models.DateTimeField(verbose_name="止")),
            ],
            options={
                "verbose_name": "中止计时",
            },
        ),
        migrations.CreateModel(
            name="Raising",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
            ],
            options={
                "verbose_name": "难题",
            },
        ),
        migrations.CreateModel(
            name="Recheck",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                ("passed", models.BooleanField(verbose_name="通过")),
            ],
            options={
                "verbose_name": "抽查复核",
            },
        ),
        migrations.CreateModel(
            name="Reopening",
            fields=[
                ("text", models.TextField(blank=True, verbose_name="文字")),
                ("salt", models.CharField(blank=True, editable=False, max_length=32, verbose_name="盐")),
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
            ],
            options={
                "verbose_name": "要求重办",
            },
        ),
        migrations.CreateModel(
            name="Reporting",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gongzhi.ground.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                ("digest", models.CharField(max_length=64, verbose_name="查询码摘要")),
            ],
            options={
                "verbose_name": "反映",
            },
        ),
        migrations.RemoveConstraint(
            model_name="problem",
            name="problem_handler_fits_stage",
        ),
        migrations.AddField(
            model_name="problem",
            name="filed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="立案时间"),
        ),
        migrations.AddField(
            model_name="problem",
            name="flow",
            field=models.CharField(
                choices=[("full", "一般流程"), ("simple", "简易流程")],
                default="full",
                max_length=8,
                verbose_name="流程",
            ),
        ),
        migrations.AddField(
            model_name="problem",
            name="latitude",
            field=models.FloatField(blank=True, null=True, verbose_name="纬度"),
        ),
        migrations.AddField(
            model_name="problem",
            name="longitude",
            field=models.FloatField(blank=True, null=True, verbose_name="经度"),
        ),
        migrations.AddField(
            model_name="problem",
            name="merged_into",
            field=gongzhi.ground.keys.ScopedFK(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="problems.problem",
                verbose_name="并入的问题",
            ),
        ),
        migrations.AddField(
            model_name="problem",
            name="public",
            field=models.BooleanField(default=False, verbose_name="公开"),
        ),
        migrations.AlterField(
            model_name="problem",
            name="stage",
            field=models.CharField(
                choices=[
                    ("submitted", "待受理"),
                    ("reported", "待派遣"),
                    ("dispatched", "处置中"),
                    ("bounced", "退单待定"),
                    ("deferred", "暂缓解决"),
                    ("resolved", "等核查"),
                    ("verified", "已结案"),
                    ("settled", "当场处置"),
                    ("declined", "不予受理"),
                    ("merged", "已并案"),
                    ("handed", "已移交"),
                    ("withdrawn", "已撤回"),
                ],
                default="reported",
                max_length=10,
                verbose_name="环节",
            ),
        ),
        migrations.AlterField(
            model_name="remeasurement",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AlterField(
            model_name="resolution",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AlterField(
            model_name="verification",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AlterField(
            model_name="visit",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddIndex(
            model_name="problem",
            index=models.Index(
                condition=models.Q(("public", True)), fields=["district", "path", "id"], name="problem_public"
            ),
        ),
        migrations.AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("due_at", None),
                        ("handler", None),
                        models.Q(
                            ("stage__in", ("dispatched", "bounced", "deferred", "resolved", "verified")), _negated=True
                        ),
                    ),
                    models.Q(
                        ("due_at__isnull", False),
                        ("handler__isnull", False),
                        models.Q(("stage__in", ("submitted", "reported", "settled", "declined")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="problem_handler_fits_stage",
            ),
        ),
        migrations.AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", None), ("stage", "merged"), _connector="XOR"),
                name="problem_merged_names_other",
            ),
        ),
        migrations.AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("latitude", None), ("longitude", None)),
                    models.Q(("latitude__range", (-90, 90)), ("longitude__range", (-180, 180))),
                    _connector="OR",
                ),
                name="problem_point_whole",
            ),
        ),
        migrations.AddField(
            model_name="bounce",
            name="dispatch",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bounce",
                to="problems.dispatch",
                verbose_name="派遣",
            ),
        ),
        migrations.AddField(
            model_name="bounce",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="bounce",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="callback",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="callback",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="confirmation",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="confirmation",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="dispatch",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decision",
                to="problems.dispatch",
                verbose_name="派遣",
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="deferral",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="deferral",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="dispatch",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="joinings",
                to="problems.dispatch",
                verbose_name="派遣",
            ),
        ),
        migrations.AddField(
            model_name="joining",
            name="organisation",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="places.organisation",
                verbose_name="协办单位",
            ),
        ),
        migrations.AddField(
            model_name="pause",
            name="dispatch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="pauses",
                to="problems.dispatch",
                verbose_name="派遣",
            ),
        ),
        migrations.AddField(
            model_name="pause",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="pause",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="raising",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="raising",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="recheck",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="recheck",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="reopening",
            name="fact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="reopening",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddField(
            model_name="reporting",
            name="fact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.fact", verbose_name="记录"
            ),
        ),
        migrations.AddField(
            model_name="reporting",
            name="person",
            field=gongzhi.ground.keys.ScopedFK(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="people.person",
                verbose_name="联系人",
            ),
        ),
        migrations.AddField(
            model_name="reporting",
            name="problem",
            field=gongzhi.ground.keys.ScopedFK(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reportings",
                to="problems.problem",
                verbose_name="问题",
            ),
        ),
        migrations.AddIndex(
            model_name="deferral",
            index=models.Index(
                condition=models.Q(("waiting", True)), fields=["district", "review_on"], name="deferral_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="joining",
            constraint=models.UniqueConstraint(fields=("district", "dispatch", "organisation"), name="joining_once"),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gte", models.F("since"))), name="pause_ends_after_it_began"
            ),
        ),
        migrations.AddConstraint(
            model_name="reporting",
            constraint=models.UniqueConstraint(fields=("district", "digest"), name="reporting_code"),
        ),
    ]
