"""The `gongzhi` command: our own commands and Django's, with one meaning of the exit code.

0 done · 1 refused, the reason on stderr · 2 unusable input: unknown command, wrong arguments, unreadable file, no
database. A command raises `Refused` for 1 and `CommandError` for 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import DatabaseError, OperationalError, connection, connections

from gongzhi import __version__
from gongzhi.clock import keys
from gongzhi.clock.retries import is_full
from gongzhi.ground.refusals import Refused

DONE, REFUSED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130

# The commands that may begin with no database at all.
BUILDERS = {"init", "migrate", "restore", "run"}

# How argparse says what is wrong with the words after a command.
ARGUMENTS = {
    "usage: ": "用法：",
    "options": "选项",
    "positional arguments": "参数",
    "show this help message and exit": "显示这些说明",
    "%(prog)s: error: %(message)s\n": "%(prog)s: %(message)s\n",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s：%(message)s",
    "the following arguments are required: %s": "缺少参数 %s",
    "one of the arguments %s is required": "%s 要写其中一个",
    "not allowed with argument %s": "不能和 %s 一起写",
    "unrecognized arguments: %s": "没有 %s 这个参数",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s 不明确，可以是 %(matches)s",
    "ignored explicit argument %r": "后面不带值，多了 %r",
    "expected one argument": "后面要写一个值",
    "expected at most one argument": "后面最多写一个值",
    "expected at least one argument": "后面至少写一个值",
    "invalid choice: %(value)r (choose from %(choices)s)": "没有 %(value)r，只能是 %(choices)s",
    # Numbers are the only other type a command of ours takes.
    "invalid %(type)s value: %(value)r": "%(value)r 不是整数",
}

# PostgreSQL's codes for a table or a column that is not there; SQLite only has words.
NOT_MIGRATED = {"42P01", "42703"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. argv: the words after `gongzhi`."""
    name, *words = list(sys.argv[1:] if argv is None else argv) or ["help"]
    try:
        try:
            return run(name, words)
        except Exception as error:
            # A file, a database, a library that writes sheets: each says it in its own way.
            if is_full(error):
                raise CommandError("磁盘满了，没有做完：腾出空间再来") from error
            raise
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
    # Settings read it when they are loaded.
    if name == "serve":
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
    argparse._ = in_chinese  # type: ignore[attr-defined]
    options = vars(command.create_parser("gongzhi", name).parse_args(words))
    if name in BUILDERS and connection.vendor == "sqlite":
        keys.make_database(Path(connection.settings_dict["NAME"]))
    try:
        command.execute(*options.pop("args", ()), **options)
    finally:
        connections.close_all()
    return DONE


def in_chinese(sentence: str) -> str:
    """What argparse asks gettext for; its own parser has no other place for words."""
    return ARGUMENTS.get(sentence, sentence)


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
