"""The shapes of what is answered, for the description."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field


class PlaceShape(Schema):
    """地点"""

    code: str = Field(title="编号")
    name: str = Field(title="名称")


class OrganisationShape(Schema):
    """组织"""

    code: str = Field(title="编号")
    name: str = Field(title="名称")


class MeasureShape(Schema):
    """数量"""

    indicator: str = Field(title="指标")
    quantity: float = Field(title="数值")
    unit: str = Field(title="单位")
    bound: Literal["exact", "at_least"] = Field(title="界", description="exact 正好，at_least 至少")


class FactShape(Schema):
    """记录"""

    id: str = Field(title="记录编号")
    kind: str = Field(title="种类")
    label: str = Field(title="标签")
    subject: str = Field(title="对象", description="种类/编号，如 problem/410102-2020-000042")
    number: str = Field(title="对象编号", description="后面的行为用它指这件事")
    at: str = Field(title="发生时间")
    recorded_at: str = Field(title="登记时间")
    late: bool = Field(title="补记", description="登记日晚于发生日")
    place: PlaceShape = Field(title="地点")
    organisation: OrganisationShape | None = Field(title="承办组织")
    facets: dict[str, str] = Field(title="分类")
    measures: list[MeasureShape] = Field(title="数量")
    because: str | None = Field(title="起因", description="引起这条记录的记录编号")
    corrects: str | None = Field(title="更正", description="这条记录更正了哪一条")


class RefusalShape(Schema):
    """拒绝"""

    code: str = Field(title="代码", description="给程序认的固定名字")
    reason: str = Field(title="原因", description="给人看的一句话：哪里不对，怎么办")
    act: str = Field("", title="行为")
    field: str = Field("", title="哪一项不对")


class FactsShape(Schema):
    """一页记录"""

    facts: list[FactShape] = Field(title="记录")
    next: str | None = Field(title="下一页", description="下一页的 cursor，没有就是到头了")


class TokenShape(Schema):
    """令牌"""

    token: str = Field(title="令牌", description="只给这一次")
    expires_at: str = Field(title="到期时间")


class FileShape(Schema):
    """文件"""

    id: str = Field(title="编号", description="登记时写在 photos 里")
    media_type: str = Field(title="类型", description="都转成 image/jpeg")
    size: int = Field(title="大小（字节）")
    sha256: str = Field(title="内容摘要")


class SignInShape(Schema):
    """登录"""

    username: str = Field(title="用户名")
    password: str = Field(title="密码")
    label: str = Field("", title="用途", max_length=40)


class AnswerShape(Schema):
    """一项的答复"""

    key: str | None = Field(None, title="幂等键")
    status: int = Field(title="结果", description="201 已登记，200 早已登记，其余是拒绝")
    fact: FactShape | None = Field(None, title="记录")
    code: str | None = Field(None, title="拒绝代码")
    reason: str | None = Field(None, title="拒绝原因")
    act: str | None = Field(None, title="行为")
    field: str | None = Field(None, title="哪一项不对")
