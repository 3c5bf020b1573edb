"""任职: a street opens its communities' accounts by one sheet."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Appointment, Role
from gongzhi.ground.people.vault_models import Field
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.handing import NOT_HANDED
from gongzhi.ground.register.people import check_username
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run
from gongzhi.sheets.usernames import suggest

APPOINT = "people.appoint"
NO_ACCOUNT = "不开"


class Appointments(Kind):
    """One fact per row. A person the platform may know already is asked about, never merged and never doubled."""

    code, chinese = "appointments", "任职和账号"
    acts = (APPOINT,)
    help = "一行一个任职，同时开通账号。导入后印登录条，扫码设自己的密码。"
    columns = (
        Column("name", "姓名", True, "全名", "宋知远", aliases=("人员姓名",), shape=r"\D+"),
        Column("role", "职务", True, "从下拉列表里选", "社区工作者",
               choices=tuple((one.value, str(one.label)) for one in Role if one not in NOT_HANDED), aliases=("岗位",)),
        Column("place", "地点", False, "在哪里任职：编号，或没有重名的名称。和“组织”填一个", "LH-YGHY", "code",
               ("社区", "任职地点")),
        Column("organisation", "组织", False, "在哪个组织任职：编号或全称。和“地点”填一个", "", "code",
               ("单位", "任职组织", "党支部")),
        Column("username", "用户名", False, f"不填就按姓名拼音编；填“{NO_ACCOUNT}”就不开账号", "songzy", "code",
               ("账号",), shape=r"[A-Za-z][A-Za-z0-9._-]{1,39}"),
        Column("phone", "电话", False, "封存保管，看一次记一次；可以不填", "", "code", ("手机", "手机号", "联系电话"),
               shape=r"1\d{10}"),
        Column("since", "起", False, "从哪天起任职，不填是今天", "2026-03-01", "date", ("任职日期", "起始日期")),
        Column("person", "人员编号", False, "平台上已有的人填编号或用户名，新人空着", "", "code", ("编号",)),
        Column("new", "新人", False, "有同名的人时，确实是另一个人就填“是”", "", choices=(("yes", "是"), ("no", "否"))),
    )  # fmt: skip

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--slips", type=Path, metavar="FILE.html", help="登录条写到这个文件（.html 或 .pdf）；默认写在表的旁边"
        )
        parser.add_argument("--site", metavar="URL", help="登录条上的网址，如 https://gongzhi.example.cn")

    def check(self, rows: list[Row], run: Run) -> None:
        named: list[Row] = []
        for row in rows:
            self._check(row, run)
            if not row.problems:
                named.append(row)
        known = vault.find_many(district=run.district, field=Field.NAME, values={str(row["name"]) for row in named})
        posts: dict[UUID, list[Appointment]] = defaultdict(list)
        everyone = {person for persons in known.values() for person in persons}
        for post in (
            Appointment.objects.in_force(run.on)
            .filter(person__in=everyone)
            .select_related("person", "place", "organisation__place")
        ):
            posts[post.person_id].append(post)
        for row in named:
            self._recognise(row, run, [one for one in known.get(str(row["name"]), []) if one in posts], posts)
        for row in named:
            if row.good:
                self._name_account(row, run)

    def _check(self, row: Row, run: Run) -> None:
        place, organisation = references.place(run, row, "place"), references.organisation(run, row, "organisation")
        if bool(row["place"]) == bool(row["organisation"]):
            run.wrong(row, "place", "地点和组织要填一个，只填一个", "在社区、街道任职填地点，在支部、单位任职填组织")
        for name, kept in (("name", Field.NAME), ("phone", Field.PHONE)):
            if row[name]:
                try:
                    row.values[name] = vault.clean(field=kept, value=str(row[name]))
                except Refused as refused:
                    run.refused(row, refused)
        if row["username"] and row["username"] != NO_ACCOUNT:
            try:
                check_username(str(row["username"]))
            except Refused as refused:
                run.refused(row, refused)
        person = references.person(run, row, "person")
        if person is not None and row["name"] and vault.names([person]).get(person.pk) != row["name"]:
            run.wrong(row, "person", f"编号“{row['person']}”是另一个人", "核对编号和姓名")
        row.values |= {"where": place or organisation, "known": person}

    def _recognise(self, row: Row, run: Run, namesakes: list[UUID], posts: dict[UUID, list[Appointment]]) -> None:
        """Whether the row stands already, or may mean somebody the platform knows."""
        where, person = row["where"], row["known"]
        if person is not None:
            row.unchanged = person.appointments.in_force(run.on).filter(role=row["role"], **_at(where)).exists()
            return
        holders = [one for one in namesakes if any(_is(post, row["role"], where) for post in posts[one])]
        taken: Counter[Any] = run.memory.setdefault("stand", Counter())
        spot = (row["name"], row["role"], where.pk)
        if taken[spot] < len(holders) and (row["new"] == "yes" or len(holders) == 1 or not row["new"]):
            taken[spot] += 1
            row.unchanged = True
            return
        if row["new"] == "yes":
            return
        if near := [(one, post) for one in namesakes for post in posts[one] if _near(post, where)]:
            told = "、".join(f"{post.person.number}（{post}）" for _, post in near[:3])
            run.wrong(
                row, "name", f"这里已有同名的人：{told}",
                "是同一个人就在“人员编号”里填编号，是另一个人就在“新人”里填“是”", waiting=True,
            )  # fmt: skip
            return
        self._twice(row, run)

    def _twice(self, row: Row, run: Run) -> None:
        """The same name twice in one sheet: one person when user name or telephone are the same, else asked."""
        first: dict[str, Row] = run.memory.setdefault("first", {})
        earlier = first.setdefault(str(row["name"]), row)
        if earlier is row:
            return
        alike = [
            one for one in ("username", "phone") if row[one] and row[one] == earlier[one] and row[one] != NO_ACCOUNT
        ]
        if alike:
            row.values["same_as"] = earlier.number
        elif row["where"] == earlier["where"]:
            run.wrong(
                row, "name", f"第 {earlier.number} 行也是“{row['name']}”，在同一个地方",
                "同一个人兼任，两行填同一个用户名或电话；不是同一个人，在“新人”里填“是”", waiting=True,
            )  # fmt: skip

    def _name_account(self, row: Row, run: Run) -> None:
        """The user name of the account that is opened; none for who has one, or is to have none."""
        taken: dict[str, int] = run.memory.setdefault("usernames", {})
        said, person = str(row["username"] or ""), row["known"]
        if said == NO_ACCOUNT or row["same_as"]:
            row.values["account"] = None
            return
        if person is not None and (account := Account.objects.filter(person=person).first()):
            if said and said != account.username:
                run.wrong(row, "username", "这名人员已经有账号", "“用户名”空着")
            row.values["account"] = None
            return
        if said:
            holder = Account.objects.filter(username=said).select_related("person").first()
            if holder is not None:
                run.wrong(
                    row,
                    "username",
                    f"用户名“{said}”已经有人用",
                    f"是本人就在“人员编号”里填 {holder.person.number}，不是就换一个",
                )
            elif said in taken:
                run.wrong(row, "username", f"用户名“{said}”和第 {taken[said]} 行的重复", "换一个，或空着自动编")
        else:
            said = suggest(str(row["name"]), taken)
        taken.setdefault(said, row.number)
        row.values["account"] = said

    def apply(self, rows: list[Row], run: Run) -> None:
        made: dict[int, str] = run.memory.setdefault("made", {})
        for row in rows:
            raw: dict[str, Any] = {
                "role": row["role"],
                **{name: one.code for name, one in _at(row["where"]).items() if one},
            }
            person = row["known"].number if row["known"] else made.get(row["same_as"] or 0)
            if row["same_as"] and person is None:
                run.wrong(row, "name", f"第 {row['same_as']} 行没有写入", "先改好那一行")
                continue
            raw |= {"person": person} if person else {"name": row["name"]}
            if row["phone"] and not row["same_as"]:
                raw["phone"] = row["phone"]
            if row["since"]:
                raw["since"] = row["since"].isoformat()
            if row["account"]:
                raw["username"] = row["account"]
            (fact,) = run.do(APPOINT, [(row, raw)])
            if fact is not None:
                made[row.number] = fact.subject.partition("/")[2]

    def finish(self, run: Run) -> None:
        if opened := len(run.memory.get("usernames", {})):
            run.report.said.append(f"开通 {opened} 个账号")


def _at(where: Place | Organisation) -> dict[str, Any]:
    if isinstance(where, Place):
        return {"place": where, "organisation": None}
    return {"place": None, "organisation": where}


def _is(post: Appointment, role: str, where: Place | Organisation) -> bool:
    held = post.place_id if isinstance(where, Place) else post.organisation_id
    return post.role == role and held == where.pk and (post.place_id is None or isinstance(where, Place))


def _near(post: Appointment, where: Place | Organisation) -> bool:
    """Whether somebody with this post is known where the new one is: in the same community, or in its street's office.

    A namesake in another street is another person, until somebody says otherwise.
    """
    here = where if isinstance(where, Place) else where.place
    there = post.place or (post.organisation.place if post.organisation else None)
    return there is not None and (there.path.startswith(here.path) or here.path.startswith(there.path))


def persons_of(facts: list[str]) -> list[str]:
    """The numbers of those whom these facts appointed."""
    told = Fact.objects.filter(pk__in=facts, kind="people.appointed").order_by("pk").values_list("subject", flat=True)
    return list(dict.fromkeys(one.partition("/")[2] for one in told))
