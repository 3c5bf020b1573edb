"""The `gongzhi` command: our own commands and Django's, with one meaning of the exit code.

0 done · 1 refused, the reason on stderr · 2 unusable input: unknown command, wrong arguments, unreadable file, no
database. A command raises `Refused` for 1 and `CommandError` for 2.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import DatabaseError, OperationalError, connections

from gongzhi import __version__
from gongzhi.clock import keys
from gongzhi.ground.refusals import Refused

DONE, REFUSED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130

# PostgreSQL's codes for a table or a column that is not there; SQLite only has words.
NOT_MIGRATED = {"42P01", "42703"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. argv: the words after `gongzhi`."""
    name, *words = list(sys.argv[1:] if argv is None else argv) or ["help"]
    try:
        try:
            return run(name, words)
        finally:
            sys.stdout.flush()
    except Refused as refused:
        return complain(str(refused), REFUSED)
    except CommandError as error:
        # Django's default code of 1 would say "refused".
        return complain(str(error), UNUSABLE if error.returncode == REFUSED else error.returncode)
    except ImproperlyConfigured as error:
        return complain(f"设置不对：{error}", UNUSABLE)
    except DatabaseError as error:
        if "no such" in str(error) or getattr(error.__cause__, "sqlstate", "") in NOT_MIGRATED:
            return complain("数据库还没有建表，或表还是旧的：先运行 gongzhi migrate", UNUSABLE)
        if isinstance(error, OperationalError):
            why = str(error).partition("\n")[0]
            return complain(f"数据库用不了（{why}），核对 DATABASE_URL", UNUSABLE)
        raise
    except BrokenPipeError:
        # `gongzhi acts | head`: the reader has seen enough, and nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        if error.filename is None:
            raise
        return complain(f"读写不了 {error.filename}（{error.strerror}），检查路径和权限", UNUSABLE)
    except KeyboardInterrupt:
        return complain("已中断", INTERRUPTED)


def run(name: str, words: Sequence[str]) -> int:
    if name == "--version":
        sys.stdout.write(f"gongzhi {__version__}\n")
        return DONE
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
    # Settings read both when they are loaded.
    if name == "run":
        keys.make_missing()
    elif name == "serve":
        os.environ.setdefault("GONGZHI_SECURE", "1")
    django.setup()
    if name in {"help", "-h", "--help"}:
        if not words:
            sys.stdout.write(overview())
            return DONE
        name, words = words[0], ["--help"]
    if name not in get_commands():
        near = "、".join(get_close_matches(name, get_commands()))
        return complain(
            f"没有 {name} 这个命令{f'，是不是 {near}' if near else ''}。不带参数运行 gongzhi 可以看到全部命令", UNUSABLE
        )
    command = load(name)
    # So that wrong arguments end with the usage and 2.
    command._called_from_command_line = True  # type: ignore[attr-defined]
    options = vars(command.create_parser("gongzhi", name).parse_args(words))
    try:
        command.execute(*options.pop("args", ()), **options)
    finally:
        connections.close_all()
    return DONE


def load(name: str) -> BaseCommand:
    found: str | BaseCommand = get_commands()[name]
    return found if isinstance(found, BaseCommand) else load_command_class(found, name)


def overview() -> str:
    """Our own commands, one line each. Django's are there too and stay unmentioned."""
    own = sorted(name for name, app in get_commands().items() if str(app).startswith("gongzhi."))
    width = max(map(len, own), default=0)
    lines = [f"  {name:<{width}}  {load(name).help.strip().partition(chr(10))[0]}" for name in own]
    return "\n".join(
        [
            "共治：一件事记录一次，台账、数字、简报都由记录得出。",
            "",
            "用法：gongzhi 命令 [参数]；gongzhi help 命令 看参数。",
            "退出码：0 办成，1 被拒绝（原因在标准错误），2 输入不能用。",
            "",
            *lines,
            "",
        ]
    )


def complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"gongzhi: {sentence}\n")
    return code
