"""党员: the roll of a branch.

What says who somebody is goes into the vault; who is known already is found by its blind index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction

from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Person
from gongzhi.ground.people.vault_models import Field
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.rooms.members.models import Affiliation, Standing
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run, batches, count

ENROL = "members.enrol"
# Up to so many rows are one transaction.
AT_ONCE = 5000
# And of longer rolls so many: a busy machine, too, writes them long before their stamp is too old.
TOGETHER = 1000
SEALED = (("name", Field.NAME), ("phone", Field.PHONE), ("id_number", Field.ID_NUMBER))


class Members(Kind):
    """One fact per row. Who is in the branch already changes nothing; who may be somebody known is asked about."""

    code, chinese = "members", "党员"
    acts = (ENROL,)
    help = "一行一名党员，编入正式组织关系所在的支部。姓名、电话、身份证号封存保管，看一次记一次。"
    columns = (
        Column("branch", "党支部", True, "支部的编号或全称", "LH-YGHY-ZB1", "code", ("支部", "所在党支部", "组织")),
        Column("name", "姓名", True, "全名", "赵国栋", aliases=("党员姓名",), shape=r"\D+"),
        Column("standing", "党籍", False, "不填是正式党员", "正式党员",
               choices=(*Standing.choices, ("full", "正式"), ("probationary", "预备")),
               aliases=("人员类别", "党员类别")),
        Column("joined_on", "入党时间", False, "写成 1986-07-01", "1986-07-01", "date", ("入党日期", "加入党组织日期")),
        Column("phone", "电话", False, "用来分清同名的人，可以不填", "", "code", ("手机", "手机号", "联系电话"),
               shape=r"1\d{10}"),
        Column("id_number", "身份证号", False, "用来分清同名的人，可以不填；单元格要设成文本", "", "code",
               ("公民身份号码", "身份证号码"), shape=r"\d{17}[\dXx]"),
        Column("person", "人员编号", False, "平台上已有的人填编号，新人空着", "", "code", ("编号",)),
        Column("username", "用户名", False, "要开账号的填，不填不开", "", "code", ("账号",)),
    )  # fmt: skip

    def carry(self, rows: Iterator[Row], total: int, run: Run) -> None:
        """A roll that takes longer to write than a fact may wait for its commit is written batch by batch.

        Every row is keyed: what a batch wrote before the next was cut off is unchanged when the sheet comes again.
        A sheet that must come in whole is judged first, without writing, so that only what happens meanwhile can keep
        a row out: what one row of it does to another, `_twice` has said before. Nobody waits for longer than a batch.
        """
        read = list(rows)
        if len(read) <= AT_ONCE:
            super().carry(iter(read), total, run)
            return
        done = 0
        for batch in batches(read):
            self.check([row for row in batch if not row.problems], run)
            done += len(batch)
            run.progress(done, max(total, done), "正在核对")
        if run.report.dry_run or not run.partial:
            for batch in batches(row for row in read if row.good):
                run.rehearse(ENROL, self._sent(batch))
        if not run.report.dry_run and (run.partial or not any(row.problems for row in read)):
            done = 0
            for batch in batches((row for row in read if row.good), TOGETHER):
                run.committed()
                with transaction.atomic():
                    self.apply(batch, run)
                    if run.too_slow:
                        raise Conflict("sheets.too_slow", "写入太慢，停在这里。已经写入的不会重复，请过一会儿再导一次")
                done += len(batch)
                run.progress(done, max(total, done), "正在写入")
            run.report.written = True
        for row in read:
            count(row, run.report)

    def check(self, rows: list[Row], run: Run) -> None:
        for row in rows:
            row.values["into"] = references.organisation(run, row, "branch")
            row.values["known"] = references.person(run, row, "person")
            for name, kept in SEALED:
                if row[name]:
                    try:
                        row.values[name] = vault.clean(field=kept, value=str(row[name]))
                    except Refused as refused:
                        run.refused(row, refused)
        good = [row for row in rows if not row.problems]
        same = _known(run.district, good)
        alike = _namesakes(run.district, [row for row in good if row.number not in same])
        persons = {row["known"].pk for row in good if row["known"]}.union(*same.values(), *alike.values())
        branches, numbers = _branches(persons), _numbers(persons)
        for row in good:
            self._recognise(row, run, same.get(row.number, set()), alike.get(row.number, set()), branches, numbers)
            if row.good:
                self._twice(row, run)

    def _twice(self, row: Row, run: Run) -> None:
        """The same person twice in one sheet, as far as can be told from it."""
        seen: dict[tuple[Any, ...], int] = run.memory.setdefault("seen", {})
        told: tuple[Any, ...]
        phone = ("phone", row["name"], row["phone"])
        if row["known"] is not None:
            told, what = ("person", row["known"].pk), "人员编号相同"
        elif row["id_number"]:
            told, what = ("id_number", row["id_number"]), "身份证号相同"
            if row["phone"]:
                seen.setdefault(phone, row.number)
        elif row["phone"]:
            told, what = phone, "姓名和电话相同"
        else:
            told, what = ("name", row["into"].pk, row["name"], row["joined_on"]), "同一支部、同名、同一天入党"
        if (first := seen.setdefault(told, row.number)) != row.number:
            todo = "是同一人就删掉一行，不是就填电话" if told[0] == "name" else "删掉一行，或核对是不是抄错了"
            run.wrong(row, "name", f"和第 {first} 行{what}", todo, waiting=told[0] == "name")
        elif row["username"] and (first := seen.setdefault(("username", row["username"]), row.number)) != row.number:
            run.wrong(row, "username", f"和第 {first} 行用户名相同", "换一个用户名")

    def _recognise(
        self,
        row: Row,
        run: Run,
        same: set[UUID],
        alike: set[UUID],
        branches: dict[UUID, tuple[Organisation, Any]],
        numbers: dict[UUID, str],
    ) -> None:
        """same: persons with this ID number, or this name and telephone. alike: persons of this name."""
        into, known = row["into"], row["known"]
        if known is not None:
            same = {known.pk}
        for person in sorted(same):
            if person not in branches:
                if known is None:
                    run.wrong(
                        row,
                        "person",
                        f"平台上已有这个人（{numbers[person]}），还不在党员名册",
                        "在“人员编号”里填这个编号",
                        waiting=True,
                    )
                continue
            branch, _ = branches[person]
            if branch == into:
                row.unchanged = True
            else:
                run.wrong(
                    row,
                    "branch",
                    f"这名党员（{numbers[person]}）已编入“{branch}”",
                    "一名党员只有一个正式组织关系，转支部请办转接",
                )
            return
        if same or known is not None:
            return
        here = [person for person in alike if person in branches and branches[person][0] == into]
        if any(row["joined_on"] and branches[person][1] == row["joined_on"] for person in here) or (
            len(here) == 1 and not row["joined_on"] and not (row["phone"] or row["id_number"])
        ):
            row.unchanged = True
        elif here:
            told = "、".join(numbers[person] for person in here[:3])
            run.wrong(
                row, "name", f"这个支部已有同名的党员（{told}）",
                "是同一个人就在“人员编号”里填编号，不是就在登记页单独编入", waiting=True,
            )  # fmt: skip

    def apply(self, rows: list[Row], run: Run) -> None:
        run.do(ENROL, self._sent(rows))

    def _sent(self, rows: list[Row]) -> list[tuple[Row, dict[str, Any]]]:
        """What the act is told of each row."""
        sent = []
        for row in rows:
            raw: dict[str, Any] = {"branch": row["into"].code, "standing": row["standing"] or Standing.FULL.value}
            if row["known"]:
                raw["person"] = row["known"].number
            else:
                raw["name"] = row["name"]
            raw |= {name: row[name] for name in ("phone", "id_number", "username") if row[name]}
            if row["joined_on"]:
                raw["joined_on"] = row["joined_on"].isoformat()
            sent.append((row, raw))
        return sent


def _known(district: str, rows: list[Row]) -> dict[int, set[UUID]]:
    """Who each row certainly means, by ID number or by name and telephone together; a telephone alone is a family's."""
    by_id = vault.find_many(
        district=district, field=Field.ID_NUMBER, values={str(row["id_number"]) for row in rows if row["id_number"]}
    )
    by_phone = vault.find_many(
        district=district, field=Field.PHONE, values={str(row["phone"]) for row in rows if row["phone"]}
    )
    names = vault.names({person for persons in by_phone.values() for person in persons})
    found: dict[int, set[UUID]] = {}
    for row in rows:
        persons = set(by_id.get(str(row["id_number"]), []))
        persons |= {one for one in by_phone.get(str(row["phone"]), []) if names.get(one) == row["name"]}
        if persons:
            found[row.number] = persons
    return found


def _namesakes(district: str, rows: list[Row]) -> dict[int, set[UUID]]:
    """Members of the same name in the branch that a row names: only branches that have members are looked into."""
    branches = {row["into"].pk for row in rows}
    settled = set(Affiliation.objects.open().filter(branch__in=branches).values_list("branch", flat=True).distinct())
    wanted = [row for row in rows if row["into"].pk in settled and not row["known"]]
    by_name = vault.find_many(district=district, field=Field.NAME, values={str(row["name"]) for row in wanted})
    return {row.number: set(by_name[str(row["name"])]) for row in wanted if str(row["name"]) in by_name}


def _branches(persons: set[UUID]) -> dict[UUID, tuple[Organisation, Any]]:
    """The branch of each of these persons who is a member, and the day of joining."""
    open_ones = Affiliation.objects.open().filter(member__person__in=persons)
    told = list(open_ones.values_list("member__person", "branch", "member__joined_on"))
    branches = Organisation.objects.in_bulk({branch for _, branch, _ in told})
    return {person: (branches[branch], joined_on) for person, branch, joined_on in told}


def _numbers(persons: set[UUID]) -> dict[UUID, str]:
    return dict(Person.objects.filter(pk__in=persons).values_list("pk", "number"))
