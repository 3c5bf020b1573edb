"""账号条: what is handed to someone who gets an account."""

from __future__ import annotations

from gongzhi.ground.people.models import Account
from gongzhi.ground.register.people import set_first_password


def slip(username: str) -> str:
    """Draw a first password for an account and write the slip. The password is told here and nowhere else."""
    password = set_first_password(Account.objects.get(username=username))
    return f"用户名：{username}\n初始密码：{password}\n第一次登录时要改成自己的密码。"
