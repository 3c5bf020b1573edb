"""The closed words of the room: where a problem stands, where it came from, what was decided about it and why."""

from __future__ import annotations

from django.db import models


class Stage(models.TextChoices):
    """Where a problem stands, in words that say what it waits for."""

    SUBMITTED = "submitted", "待受理"
    REPORTED = "reported", "待派遣"
    DISPATCHED = "dispatched", "处置中"
    BOUNCED = "bounced", "退单待定"
    DEFERRED = "deferred", "暂缓解决"
    RESOLVED = "resolved", "等核查"
    VERIFIED = "verified", "已结案"
    SETTLED = "settled", "当场处置"
    DECLINED = "declined", "不予受理"
    MERGED = "merged", "已并案"
    HANDED = "handed", "已移交"
    WITHDRAWN = "withdrawn", "已撤回"

    @classmethod
    def still_open(cls) -> tuple[Stage, ...]:
        """Those on which somebody has to do something."""
        return cls.SUBMITTED, cls.REPORTED, cls.DISPATCHED, cls.BOUNCED, cls.DEFERRED, cls.RESOLVED

    @classmethod
    def handled(cls) -> tuple[Stage, ...]:
        """Those in which an organisation answers for it, by an instant."""
        return cls.DISPATCHED, cls.BOUNCED, cls.DEFERRED, cls.RESOLVED, cls.VERIFIED

    @classmethod
    def unhandled(cls) -> tuple[Stage, ...]:
        return cls.SUBMITTED, cls.REPORTED, cls.SETTLED, cls.DECLINED


class Flow(models.TextChoices):
    """Who says that it is done: another officer, or whoever reported it (with samples looked at again)."""

    FULL = "full", "一般流程"
    SIMPLE = "simple", "简易流程"


class Source(models.TextChoices):
    PATROL = "patrol", "巡查发现"
    RESIDENT = "resident", "居民反映"
    PHONE = "phone", "电话反映"
    COUNTER = "counter", "窗口反映"
    WECHAT = "wechat", "微信群反映"
    HOTLINE = "hotline", "热线转来"
    OPEN311 = "open311", "开放接口"
    WORKER = "worker", "工作中发现"

    @classmethod
    def from_residents(cls) -> tuple[Source, ...]:
        return cls.RESIDENT, cls.PHONE, cls.COUNTER, cls.WECHAT, cls.HOTLINE, cls.OPEN311


class Mode(models.TextChoices):
    """How it was done away with. 自行, 协助 and 强制 are said of removals only."""

    HANDLED = "handled", "处置"
    VOLUNTARY = "voluntary", "自行拆除"
    ASSISTED = "assisted", "协助拆除"
    FORCED = "forced", "强制拆除"


class Owner(models.TextChoices):
    """Whose the removed structure was, as a kind; who it was is not asked."""

    CADRE = "cadre", "党员干部"
    RESIDENT = "resident", "居民"
    UNIT = "unit", "单位"
    UNKNOWN = "unknown", "不详"


class Purpose(models.TextChoices):
    EXPLAIN = "explain", "宣讲政策"
    MEDIATE = "mediate", "调解矛盾"
    PLAN = "plan", "商定方案"
    FOLLOW_UP = "follow_up", "回访"


class InTime(models.TextChoices):
    YES = "yes", "按期"
    NO = "no", "逾期"


class Outcome(models.TextChoices):
    PASSED = "passed", "通过"
    RETURNED = "returned", "退回"


class Part(models.TextChoices):
    """The part an organisation took in solving a problem."""

    HANDLER = "handler", "承办"
    LEAD = "lead", "牵头"
    CO_HANDLER = "co_handler", "协办"


class NotOurs(models.TextChoices):
    """Why an organisation sends a problem back."""

    DUTY = "duty", "不属本单位职责"
    AREA = "area", "不在本单位辖区"
    WRONG = "wrong", "地点或类别有误"
    REPEATED = "repeated", "与在办的问题重复"


class NotTaken(models.TextChoices):
    """Why what was told of is not taken up."""

    OUTSIDE = "outside", "不在本区"
    LEGAL = "legal", "应当通过诉讼、仲裁、行政复议等法定途径解决"
    URGENT = "urgent", "紧急求助，应当打 110、119、120"
    NOT_FOUND = "not_found", "现场核实没有这件事"
    UNCLEAR = "unclear", "没有写清是什么事、在哪里，又联系不上"
    OFF_TOPIC = "off_topic", "广告、谩骂，或者与城市管理、社区治理无关"


class Standstill(models.TextChoices):
    """Why the clock may stand still."""

    WEATHER = "weather", "天气、自然灾害等不可抗力"
    PROCEDURE = "procedure", "等候公示、鉴定、审批等法定程序"
    ACCESS = "access", "须住户、产权人在场，正在联系"
    MATERIAL = "material", "须停电停水施工或等候配件"


class Obstacle(models.TextChoices):
    """Why something cannot be solved now."""

    NO_BASIS = "no_basis", "暂无法定解决条件"
    FUNDS = "funds", "资金未落实"
    PLANNED = "planned", "已列入改造或征收计划"
    DISPUTE = "dispute", "权属纠纷，正在诉讼或调解"


class Opinion(models.TextChoices):
    SATISFIED = "satisfied", "满意"
    PARTLY = "partly", "基本满意"
    UNSATISFIED = "unsatisfied", "不满意"
    UNREACHED = "unreached", "没有联系上"
    UNSAID = "unsaid", "没有评价"


class Way(models.TextChoices):
    """How somebody was asked or told."""

    PHONE = "phone", "电话"
    VISIT = "visit", "上门"
    ONLINE = "online", "网上"
    COUNTER = "counter", "窗口"
