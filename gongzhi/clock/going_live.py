"""What stands between an installation and real people: settings missing or weak, a database that is not fit."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from gongzhi.clock import keys
from gongzhi.clock.install import installed
from gongzhi.ground.ledger import guard
from gongzhi.ground.people import vault

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
SECRET_LENGTH = 50
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(64))"'


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. subject: the setting's name, or what it is about."""

    subject: str
    wrong: str
    remedy: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{'不合格' if self.blocks else '请留意'}  {self.subject}：{self.wrong}。{self.remedy}"


def findings() -> Iterator[Finding]:
    """Settings first, then the database they name."""
    yield from of_settings()
    try:
        yield from of_database()
    except DatabaseError as error:
        why = str(error).partition("\n")[0]
        yield Finding("DATABASE_URL", f"数据库用不了（{why}）", "核对地址、用户和口令，数据库要先建好")


def of_settings() -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding("GONGZHI_DEBUG", "打开着，出错时会把内部信息给外人看", "去掉这个环境变量")
    if not settings.SECURE:
        yield Finding("GONGZHI_SECURE", "被关掉了，登录凭证会明文传输", "去掉这个环境变量，前面放终结 TLS 的反向代理")
    key = settings.SECRET_KEY if keys.read("GONGZHI_SECRET_KEY") else ""
    if len(key) < SECRET_LENGTH or len(set(key)) < 16:
        wrong = f"太短或太简单，要 {SECRET_LENGTH} 个以上随机字符" if key else "没有设置"
        yield Finding("GONGZHI_SECRET_KEY", wrong, f"生成一个：{HOW_TO_MAKE_ONE}")
    try:
        vault.key_ids()
    except ImproperlyConfigured as error:
        yield Finding("GONGZHI_VAULT_KEYS", "不能用", str(error))
    for variable in keys.MAKERS:
        path = keys.file_of(variable)
        if path.exists() and others_can_read(path):
            yield Finding(variable, f"{path} 别人也能读", f"chmod 600 {path}")
    hosts = set(settings.ALLOWED_HOSTS)
    if "*" in hosts or hosts <= LOOPBACK:
        wrong = "写了 *，谁的域名都收" if "*" in hosts else "没有设置，只有本机能访问"
        yield Finding("GONGZHI_ALLOWED_HOSTS", wrong, "写上对外的域名，几个用逗号隔开，例如 gongzhi.example.gov.cn")
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
        yield Finding(
            "DATABASE_URL", "用的是 SQLite，只适合一台机器、几十人", "人多时用 PostgreSQL：postgres://…", blocks=False
        )
    else:
        yield from of_postgres()
    executor = MigrationExecutor(connection)
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
