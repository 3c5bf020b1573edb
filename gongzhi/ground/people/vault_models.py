"""The tables of the vault: what they hold cannot be read without the person's key, nor the key without the master key.

Only `vault.py` reads and writes them.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7


class Field(models.TextChoices):
    """What may be kept about a person, and nothing else (个人信息保护法第六条: the least that serves the purpose)."""

    NAME = "name", "姓名"
    PHONE = "phone", "电话"
    ID_NUMBER = "id_number", "居民身份证号"
    HOME = "home", "住址"
    HARDSHIP = "hardship", "困难情况"
    HEALTH = "health", "健康状况"
    PETITION = "petition", "信访经历"
    NOTE = "note", "备注"
    OIDC = "oidc", "统一身份账号"
    WECOM = "wecom", "企业微信账号"
    DINGTALK = "dingtalk", "钉钉账号"


class Purpose(models.TextChoices):
    """Why a value is kept or read. Each field allows only some of them; `REQUEST` opens any field and stores none."""

    ROLL = "roll", "名册登记"
    CONTACT = "contact", "联系走访"
    IDENTITY = "identity", "核对身份"
    AID = "aid", "困难帮扶"
    EMERGENCY = "emergency", "应急救助"
    REQUEST = "request", "本人查阅复制"
    SIGN_IN = "sign_in", "登录"


class PersonKey(models.Model):
    """A person's own data key, wrapped by the master key `kid`. When this row goes, all sealed under it is lost."""

    person = models.OneToOneField(
        "people.Person", models.PROTECT, primary_key=True, related_name="vault_key", verbose_name="人员"
    )
    district = DistrictField()
    kid = models.CharField("主密钥编号", max_length=16, db_index=True)
    wrapped = models.BinaryField("封装的密钥")

    class Meta:
        verbose_name = verbose_name_plural = "人员密钥"

    def __str__(self) -> str:
        return f"{self.person_id} {self.kid}"


class Sealed(models.Model):
    """One value of a person, sealed under the person's key and bound to this district, person and field."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = ScopedFK("people.Person", models.PROTECT, related_name="sealed", verbose_name="人员")
    field = models.CharField("项目", max_length=16, choices=Field)
    ciphertext = models.BinaryField("密文")
    purpose = models.CharField("用途", max_length=16, choices=Purpose)
    expires_on = models.DateField("保存到", null=True, blank=True, help_text="到这一天为止，过后删除")
    recorded_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "密封内容"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "person", "field"], name="sealed_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_on"], name="sealed_expiry", condition=models.Q(expires_on__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.field}"


class BlindIndex(models.Model):
    """A keyed digest of a whole value, so that an equal value can be found without opening any other."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = ScopedFK("people.Person", models.PROTECT, related_name="+", verbose_name="人员")
    field = models.CharField("项目", max_length=16, choices=Field)
    digest = models.BinaryField("摘要", max_length=16)

    class Meta:
        verbose_name = verbose_name_plural = "盲索引"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "person", "field"], name="blind_index_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "field", "digest"], name="blind_index_find")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.field}"


class Gram(models.Model):
    """A keyed digest of two neighbouring characters of a name, so that part of a name finds the person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = ScopedFK("people.Person", models.PROTECT, related_name="+", verbose_name="人员")
    digest = models.BinaryField("摘要", max_length=16)

    class Meta:
        verbose_name = verbose_name_plural = "姓名检索片段"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "person", "digest"], name="gram_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "digest"], name="gram_find")]

    def __str__(self) -> str:
        return str(self.person_id)


class Secret(models.Model):
    """A secret of the installation's own, wrapped by the master key `kid`: a file's key, a second factor's seed.

    One that belongs to a person goes with the person.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    district = DistrictField()
    person = ScopedFK(
        "people.Person", models.PROTECT, null=True, blank=True, related_name="secrets", verbose_name="人员"
    )
    kid = models.CharField("主密钥编号", max_length=16, db_index=True)
    wrapped = models.BinaryField("封装的密钥")

    class Meta:
        verbose_name = verbose_name_plural = "密钥"

    def __str__(self) -> str:
        return f"{self.id} {self.kid}"


class Opening(models.Model):
    """Since when the vault of a district takes real people's data: in a demo from the first, elsewhere once everything
    on the page 上线检查 is in order."""

    district = DistrictField(primary_key=True)
    opened_at = models.DateTimeField("启用时间")

    class Meta:
        verbose_name = verbose_name_plural = "资料启用"

    def __str__(self) -> str:
        return self.district
