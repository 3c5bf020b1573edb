"""What stands between an installation and real people: settings missing or weak, a database that is not fit."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from gongzhi.clock import archive, backup, figures, keys, nightly
from gongzhi.clock.install import installed
from gongzhi.ground import day_of, now
from gongzhi.ground.ledger import guard
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import AREA_OFFICERS, Appointment, Role
from gongzhi.ground.refusals import Refused

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
SECRET_LENGTH = 50
MIB = 1 << 20
DAY = timedelta(days=1)
FRESH, PROVED_WITHIN, SKEW = timedelta(hours=48), timedelta(days=35), timedelta(seconds=5)
WITH_SECOND_FACTOR = frozenset(AREA_OFFICERS | {Role.ADMINISTRATOR, Role.AUDITOR, Role.SECTION_HEAD})
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(64))"'


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. subject: the setting's name, or what it is about.

    blocks: `gongzhi serve` does not start. note: worth knowing, and no reason to wait with real people's data.
    """

    subject: str
    wrong: str
    remedy: str
    blocks: bool = True
    note: bool = False

    def __str__(self) -> str:
        return f"{'不合格' if self.blocks else '请留意'}  {self.subject}：{self.wrong}。{self.remedy}"


def findings() -> Iterator[Finding]:
    """Everything, settings first, then the database they name."""
    for topic in TOPICS:
        yield from topic.found()


def of_settings() -> Iterator[Finding]:
    for find in (of_transport, of_keys, of_hosts, of_office):
        yield from find()


def of_transport() -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding("GONGZHI_DEBUG", "打开着，出错时会把内部信息给外人看", "去掉这个环境变量")
    if settings.CLOCK_BEHIND:
        remedy = f"去掉这个环境变量，删掉数据文件夹里的 keys/{keys.file_of('GONGZHI_CLOCK_BEHIND').name}"
        yield Finding("GONGZHI_CLOCK_BEHIND", "时钟比机器慢，只有演示才有自己的时钟", remedy)
    if not settings.SECURE:
        yield Finding("GONGZHI_SECURE", "被关掉了，登录凭证会明文传输", "去掉这个环境变量，前面放终结 TLS 的反向代理")


def of_keys() -> Iterator[Finding]:
    key = settings.SECRET_KEY if keys.read("GONGZHI_SECRET_KEY") else ""
    if len(key) < SECRET_LENGTH or len(set(key)) < 16:
        wrong = f"太短或太简单，要 {SECRET_LENGTH} 个以上随机字符" if key else "没有设置"
        yield Finding("GONGZHI_SECRET_KEY", wrong, f"生成一个：{HOW_TO_MAKE_ONE}")
    try:
        vault.key_ids()
    except ImproperlyConfigured as error:
        yield Finding("GONGZHI_VAULT_KEYS", "不能用", str(error))
    try:
        archive.own_key()
    except Refused as refused:
        yield Finding(archive.VARIABLE, "不能用", refused.reason)
    for variable in keys.MAKERS:
        path = keys.file_of(variable)
        if path.exists() and others_can_read(path):
            yield Finding(variable, f"{path} 别人也能读", f"chmod 600 {path}")


def of_hosts() -> Iterator[Finding]:
    hosts = set(settings.ALLOWED_HOSTS)
    if "*" in hosts or hosts <= LOOPBACK:
        wrong = "写了 *，谁的域名都收" if "*" in hosts else "没有设置，只有本机能访问"
        yield Finding("GONGZHI_ALLOWED_HOSTS", wrong, "写上对外的域名，几个用逗号隔开，例如 gongzhi.example.gov.cn")


def of_office() -> Iterator[Finding]:
    if settings.MFA == "off":
        yield Finding(
            "GONGZHI_MFA", "写了 off，管理人员只凭密码就能进", "去掉这个环境变量，或写 officers", blocks=False
        )
    if not settings.SPONSOR:
        yield Finding("GONGZHI_SPONSOR", "没有填主办单位，页脚会空着", "填写主办单位全称", blocks=False)
    if not settings.FILING_NO:
        yield Finding("GONGZHI_FILING_NO", "没有填备案编号", "未经备案不得要求使用；备案后填写", blocks=False)


def others_can_read(file: Path) -> bool:
    return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)


def of_database() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"]).resolve()
        if file.exists() and others_can_read(file):
            yield Finding("DATABASE_URL", f"{file} 别人也能读", f"chmod 600 {file}*")
        small = "用的是 SQLite，只适合一台机器、几十人"
        yield Finding("DATABASE_URL", small, "人多时用 PostgreSQL：postgres://…", blocks=False, note=True)
    else:
        yield from of_postgres()
    executor = MigrationExecutor(connection)
    if newer := sorted(executor.loader.applied_migrations.keys() - executor.loader.graph.nodes.keys()):
        wrong = f"出自更新的程序，有这里没有的表 {newer[0][0]}.{newer[0][1]}，用它登记会丢东西"
        yield Finding("数据库", wrong, "换回更新的程序；要退回旧的，把升级前的备份恢复到一个空库")
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding("数据库", "还没有建表，或表还是旧的", "运行 gongzhi migrate")
        return
    row = installed()
    if row is None:
        yield Finding("数据库", "还没有建区", "运行 gongzhi init --district 区划代码 --admin 姓名")
    elif row.is_demo:
        yield Finding("数据库", "是演示库，演示库永远是演示库", "换一个空库，先后运行 gongzhi migrate、gongzhi init")
    if missing := guard.missing():
        yield Finding("数据库", f"缺 {len(missing)} 个防改触发器", "运行 gongzhi migrate 装上，再 gongzhi check")
    if settings.VAULT_KEYS and (lost := vault.missing_key_ids()):
        yield Finding("GONGZHI_VAULT_KEYS", f"缺编号 {'、'.join(lost)} 的密钥，有资料打不开", "从密钥备份里加回末尾")


def of_postgres() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datctype FROM pg_database"
            " WHERE datname = current_database()"
        )
        encoding, provider, ctype = cursor.fetchone()
    # In the bare C locale Chinese characters are not letters, and searches quietly find nothing.
    if encoding != "UTF8" or (provider == "c" and ctype in {"C", "POSIX"}):
        yield Finding(
            "DATABASE_URL",
            f"数据库编码是 {encoding}、区域是 {ctype}，中文检索会落空",
            "用 initdb -E UTF8 --locale=C.UTF-8 建的集群，或 createdb -T template0 -E UTF8 -l C.UTF-8",
        )


def of_backups() -> Iterator[Finding]:
    """A backup that was never restored is a hope."""
    row = installed()
    if row is None:
        return
    made, proved = figures.last_backup(row.district), figures.last_proof(row.district)
    if made is None or now() - made.made_at > FRESH:
        wrong = "还没有备份" if made is None else f"最近一次备份在 {day_of(made.made_at):%Y-%m-%d}，已经旧了"
        yield Finding("备份", wrong, "在“运行”页点“现在备份”，看夜间备份为什么没有做", blocks=False)
    if proved is None or proved.proved_at is None or now() - proved.proved_at > PROVED_WITHIN:
        yield Finding("恢复演练", "最近 35 天没有演练通过", "在“运行”页点“恢复演练”，证明备份恢复得出来", blocks=False)


def of_second_factor() -> Iterator[Finding]:
    if not apps.is_installed("allauth.mfa"):
        yield Finding("二次验证", "没有装", "INSTALLED_APPS 里要有 allauth.mfa", blocks=False)
        return
    Authenticator = apps.get_model("mfa", "Authenticator")
    posts = Appointment.objects.in_force().filter(role__in=WITH_SECOND_FACTOR, person__account__is_active=True)
    guarded = Authenticator.objects.values("user")
    without = posts.exclude(person__account__in=guarded).values("person").distinct().count()
    if without:
        wrong = f"{without} 名工作人员还没有开二次验证"
        yield Finding("二次验证", wrong, "请他们登录，在“我的账号”里开，用手机上的验证器扫一次码", blocks=False)


def of_clock() -> Iterator[Finding]:
    """Deadlines are only as right as the clock."""
    last = Fact.objects.order_by("-id").values_list("recorded_at", flat=True).first()
    if last and last - now() > SKEW:
        yield Finding("时钟", "比最近一条记录还早，机器的时间倒退过", "对好时间再登记：timedatectl set-ntp true")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = abs(timezone.now() - cursor.fetchone()[0])
        if apart > SKEW:
            wrong = f"和数据库服务器差 {apart.total_seconds():.0f} 秒"
            yield Finding("时钟", wrong, "两台机器都和同一个时间源对时：timedatectl set-ntp true", blocks=False)


def of_disk() -> Iterator[Finding]:
    for disk in figures.disks():
        left = f"{disk.path} 所在的磁盘只剩 {disk.free // MIB} MB"
        if disk.free < 256 * MIB:
            yield Finding("磁盘", left, "先腾出空间：清理旧备份和日志，或换大的磁盘")
        elif disk.free < max(1024 * MIB, disk.total // 20):
            yield Finding("磁盘", left, "尽快腾出空间，少于 256 MB 时照片和附件存不下，服务也不再启动", blocks=False)


def of_retention() -> Iterator[Finding]:
    """Wrapped keys that outlive their month would bring erased persons back (个人信息保护法第四十七条)."""
    folder = nightly.folder()
    old = [
        file.name
        for file in (folder.glob(f"*{backup.KEYS}") if folder.exists() else [])
        if time.time() - file.stat().st_mtime > (nightly.KEPT + DAY).total_seconds()
    ]
    if old:
        wrong = f"{folder} 里有 {len(old)} 个超过 30 天的密钥文件"
        yield Finding("保存期限", wrong, f"删掉它们：{'、'.join(sorted(old)[:3])}", blocks=False)


def safely(find: Callable[[], Iterator[Finding]]) -> Callable[[], list[Finding]]:
    """What cannot be asked because the database does not answer is said once, under the database."""

    def found() -> list[Finding]:
        try:
            return list(find())
        except DatabaseError as error:
            if find is not of_database:
                return []
            why = str(error).partition("\n")[0]
            return [Finding("DATABASE_URL", f"数据库用不了（{why}）", "核对地址、用户和口令，数据库要先建好")]

    return found


@dataclass(frozen=True)
class Topic:
    """What is asked, what is said when nothing is wrong, and what is wrong."""

    title: str
    good: str
    found: Callable[[], list[Finding]]


TOPICS = (
    Topic("加密传输", "只走 TLS，调试关着", safely(of_transport)),
    Topic("密钥", "够长、随机，只有本程序能读", safely(of_keys)),
    Topic("域名", "只应答自己的域名", safely(of_hosts)),
    Topic("主办单位和备案", "页脚写着主办单位和备案编号", safely(of_office)),
    Topic("数据库", "正式库，编码认得汉字，表是新的，防改触发器都在", safely(of_database)),
    Topic("备份和恢复", "有新的备份，并且恢复演练通过", safely(of_backups)),
    Topic("二次验证", "工作人员都开了二次验证", safely(of_second_factor)),
    Topic("时钟", "时间没有倒退，和数据库服务器一致", safely(of_clock)),
    Topic("磁盘", "空间够用", safely(of_disk)),
    Topic("保存期限", "没有超过 30 天的密钥文件", safely(of_retention)),
)
