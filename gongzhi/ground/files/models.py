from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self
from uuid import UUID, uuid4

from django.db import models

from gongzhi.ground import now
from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Attachment
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Purpose(models.TextChoices):
    IMPORT = "import", "导入的表"
    EXPORT = "export", "导出的表"
    PHOTO = "photo", "照片"
    PAPER = "paper", "纸质材料"


class StoredQuerySet(models.QuerySet["Stored"]):
    def visible_to(self, viewer: Viewer | None) -> Self:
        """One's own. What stands with a record is read through the record."""
        return self.filter(actor=viewer.actor) if viewer else self.none()


class Stored(models.Model):
    """文件: bytes kept sealed in the data folder. Who put it there, what for, until when."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    district = DistrictField()
    actor = ScopedFK(Actor, models.PROTECT, related_name="+", verbose_name="行为人")
    purpose = models.CharField("用途", max_length=8, choices=Purpose.choices)
    name = models.CharField("文件名", max_length=120)
    media_type = models.CharField("类型", max_length=100)
    size = models.PositiveBigIntegerField("大小（字节）")
    digest = models.CharField("内容摘要", max_length=64)
    # The file's name in the folder: random, and not the id that stands in addresses.
    place = models.CharField("存放名", max_length=64, unique=True, editable=False)
    secret = models.UUIDField("密钥", editable=False)
    keep_until = models.DateField("保存到", null=True, blank=True, help_text="到这一天为止，过后销毁；空的长期保存")
    recorded_at = models.DateTimeField("存入时间", default=now)

    objects = StoredQuerySet.as_manager()

    class Meta:
        verbose_name = "文件"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["keep_until"], name="stored_expiry", condition=models.Q(keep_until__isnull=False)),
            # What one sender gave lately: the same photo again, and how much there is for one day.
            models.Index(fields=["actor", "recorded_at"], name="stored_sender"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return str(self.id)

    @classmethod
    def refer(cls, text: str, district: str, among: StoredQuerySet | None = None) -> Stored:
        """The file of this id. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        try:
            found = here.filter(district=district, pk=UUID(text.strip())).first()
        except ValueError:
            found = None
        if found is None:
            raise Unknown("files.unknown", "这个文件已经不在了，请重新上传")
        return found


class Photo(Attachment):
    """照片: a photo that stands with a record. What it shows is sealed; the record carries an HMAC of its digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    stored = models.OneToOneField(
        Stored, models.SET_NULL, null=True, blank=True, related_name="photo", verbose_name="文件"
    )

    class Meta:
        verbose_name = "照片"
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return f"照片 {self.position}"
