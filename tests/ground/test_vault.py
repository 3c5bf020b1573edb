"""The vault: what goes in comes out for the right purpose only, moves nowhere, and is gone when it is gone."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gongzhi.clock import upkeep
from gongzhi.ground import clock_at, today
from gongzhi.ground.people import opening, vault
from gongzhi.ground.people.models import Actor, ActorKind, Person
from gongzhi.ground.people.vault import Field, Purpose, Value
from gongzhi.ground.people.vault_keys import ring
from gongzhi.ground.people.vault_models import BlindIndex, Gram, Opening, PersonKey, Sealed, Secret
from gongzhi.ground.refusals import Conflict, Forbidden, Refused, Unknown
from gongzhi.settings import _database

DISTRICT = "410102"
OLD, NEW, SM4 = vault.new_key("k1"), vault.new_key("k2"), vault.new_key("k3", "sm4-gcm")
ID_NUMBER = "11010519491231002X"
shared_fixtures = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@pytest.fixture(autouse=True)
def _keys(settings: LazySettings) -> None:
    settings.VAULT_KEYS = [OLD]


@pytest.fixture
def alone(db: None) -> None:
    """The vault without the people of the small world, whose keys these tests do not have."""
    for model in (Gram, BlindIndex, Sealed, PersonKey):
        model._default_manager.all().delete()


def someone(name: str = "", *, district: str = DISTRICT, actor: bool = False) -> Person:
    person = Person.objects.create(
        district=district,
        number=f"{district}-{secrets.token_hex(6)}",
        actor=Actor.objects.create(district=district) if actor else None,
    )
    if name:
        vault.store(person=person, field=Field.NAME, value=name, purpose=Purpose.ROLL)
    return person


def purpose_of(field: Field) -> Purpose:
    return min(vault.FIELDS[field].purposes)


def id_number(first: str) -> str:
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(first))
    return first + "10X98765432"[total % 11]


born = st.dates(date(1900, 1, 1), date(2020, 1, 1))
id_numbers = st.builds(
    lambda area, day, order: id_number(f"{area}{day:%Y%m%d}{order:03}"),
    st.integers(110000, 659999),
    born,
    st.integers(0, 999),
)
han = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
values = st.one_of(
    st.tuples(st.just(Field.NAME), st.text(han, min_size=2, max_size=6)),
    st.tuples(st.just(Field.PHONE), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)),
    st.tuples(st.just(Field.ID_NUMBER), id_numbers),
    st.tuples(st.sampled_from([Field.HOME, Field.HEALTH, Field.NOTE]), st.text(min_size=1, max_size=80)),
)


# What goes in comes out


@pytest.mark.usefixtures("alone")
@shared_fixtures
@given(entry=values, key=st.sampled_from([OLD, SM4]))
def test_what_is_stored_is_opened_again(settings: LazySettings, entry: tuple[Field, str], key: str) -> None:
    field, text = entry
    settings.VAULT_KEYS = [key]
    assume(text.encode(errors="ignore").decode().strip())
    person = someone(actor=True)
    assert person.actor is not None
    purpose = purpose_of(field)
    vault.store(person=person, field=field, value=text, purpose=purpose)
    opened = vault.open_sealed(person=person, field=field, purpose=purpose, by=person.actor)
    assert opened == vault.clean(field=field, value=text)
    row = Sealed.objects.get(person=person)
    assert len(opened.encode()) < 6 or opened.encode() not in bytes(row.ciphertext)
    if vault.FIELDS[field].form:
        assert person.pk in vault.find(district=DISTRICT, field=field, value=text)
    if field == Field.NAME:
        assert vault.names([person]) == {person.pk: text}


@pytest.mark.usefixtures("alone")
def test_a_new_value_takes_the_place_of_the_old_one() -> None:
    person = someone("王小明")
    vault.store(person=person, field=Field.NAME, value="王大山", purpose=Purpose.ROLL)
    assert vault.names([person]) == {person.pk: "王大山"}
    assert vault.find(district=DISTRICT, field=Field.NAME, value="王小明") == []
    assert vault.search_name(district=DISTRICT, part="小明") == []
    assert vault.search_name(district=DISTRICT, part="大山") == [person.pk]
    assert Gram.objects.filter(person=person).count() == 2


@pytest.mark.usefixtures("alone")
def test_the_same_value_never_looks_the_same() -> None:
    rows = [Sealed.objects.get(person=someone("王小明")) for _ in range(2)]
    assert bytes(rows[0].ciphertext)[:12] != bytes(rows[1].ciphertext)[:12]
    assert bytes(rows[0].ciphertext)[12:] != bytes(rows[1].ciphertext)[12:]


@pytest.mark.usefixtures("alone")
def test_a_list_of_names_is_one_query_and_an_import_a_fixed_number(django_assert_num_queries: Any) -> None:
    persons = [someone() for _ in range(30)]

    def sheet(size: int) -> list[Value]:
        return [
            value
            for person in persons[:size]
            for value in (
                Value(person, Field.NAME, "李建国", Purpose.ROLL),
                Value(person, Field.PHONE, "13812341234", Purpose.CONTACT),
            )
        ]

    with CaptureQueriesContext(connection) as few:
        vault.store_many(sheet(2))
    with CaptureQueriesContext(connection) as many:
        vault.store_many(sheet(30))
    # One more: who was there before has search rows to be taken away.
    assert len(few) < len(many) <= 9
    with django_assert_num_queries(1):
        assert set(vault.names(persons).values()) == {"李建国"}
    assert vault.names([]) == {}


@pytest.mark.usefixtures("alone")
def test_nothing_of_a_sheet_is_kept_when_a_row_is_wrong() -> None:
    good, bad = someone(), someone()
    with pytest.raises(Refused):
        vault.store_many(
            [Value(good, Field.NAME, "李建国", Purpose.ROLL), Value(bad, Field.PHONE, "123", Purpose.CONTACT)]
        )
    assert not Sealed.objects.exists()


def test_values_do_not_show_in_a_repr() -> None:
    person = Person(district=DISTRICT, number="1")
    assert "13812341234" not in repr(Value(person, Field.PHONE, "13812341234", Purpose.CONTACT))
    assert OLD.split(":")[1] not in repr(ring())


# Masks, checks and reasons


@pytest.mark.parametrize(
    ("field", "value", "kept", "shown"),
    [
        (Field.NAME, "王小明", "王小明", "王**"),
        (Field.NAME, " 王  芳 ", "王芳", "王*"),
        (Field.NAME, "欧阳建国", "欧阳建国", "欧**"),
        (Field.NAME, "买买提.阿不都", "买买提·阿不都", "买**"),
        (Field.NAME, "张〇\u200b", "张〇", "张*"),
        (Field.NAME, "Anna  O’Neil", "Anna O'Neil", "A**"),
        (Field.PHONE, "138 1234 1234", "13812341234", "138****1234"),
        (Field.PHONE, "+86-138-1234-1234", "13812341234", "138****1234"),
        (Field.PHONE, "１３８１２３４１２３４", "13812341234", "138****1234"),
        (Field.PHONE, "0371－67181234", "0371-67181234", "0371-****1234"),
        (Field.PHONE, "(010)62345678", "010-62345678", "010-****5678"),
        (Field.ID_NUMBER, ID_NUMBER, ID_NUMBER, "110***********002X"),
        (Field.ID_NUMBER, "110105 19491231 002x", ID_NUMBER, "110***********002X"),
        (Field.ID_NUMBER, "440524188001010014", None, None),
        (Field.HEALTH, " 高血压 ", "高血压", "已登记"),
    ],
)
@pytest.mark.usefixtures("alone")
def test_values_are_made_plain_and_shown_masked(field: Field, value: str, kept: str | None, shown: str) -> None:
    if kept is None:  # a valid check digit, but nobody born in 1880 is on a roll
        with pytest.raises(Refused, match="出生日期"):
            vault.clean(field=field, value=value)
        return
    person = someone()
    assert vault.masked(person=person, field=field) == ""
    vault.store(person=person, field=field, value=value, purpose=purpose_of(field))
    assert vault.clean(field=field, value=value) == kept
    assert vault.masked(person=person, field=field) == shown


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (Field.NAME, "  ", "没有填姓名"),
        (Field.NAME, "王", "2 到 40 个字"),
        (Field.NAME, "王小明13812341234", "数字或符号"),
        (Field.NAME, "王小明（已迁出）", "数字或符号"),
        (Field.PHONE, "1381234123", "现在 10 位"),
        (Field.PHONE, "67181234", "座机要带区号"),
        (Field.PHONE, "13812341234/13912341234", "一次填一个号码"),
        (Field.PHONE, "\u200b", "只能有数字"),
        (Field.ID_NUMBER, "110105491231002", "15 位的老身份证号"),
        (Field.ID_NUMBER, "1101051949123100", "应是 18 位，现在是 16 位"),
        (Field.ID_NUMBER, "11010519491231002Y", "末位是数字或 X"),
        (Field.ID_NUMBER, "110105194912310021", "末位校验不对"),
        (Field.ID_NUMBER, "110105194902300023", "出生日期"),
        (Field.ID_NUMBER, id_number("11010520991231002"), "出生日期"),
        (Field.NOTE, "字" * 2001, "2001 字"),
        (Field.NOTE, "\ud800", "没有填备注"),
    ],
)
def test_a_wrong_value_is_refused_in_words(field: Field, value: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refusal:
        vault.clean(field=field, value=value)
    assert refusal.value.field in {field, ""}


@given(number=id_numbers, place=st.integers(0, 17), other=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_id_number_never_passes(number: str, place: int, other: str) -> None:
    assume(number[place] != other)
    assert vault.clean(field=Field.ID_NUMBER, value=number) == number
    with pytest.raises(Refused) as refusal:
        vault.clean(field=Field.ID_NUMBER, value=number[:place] + other + number[place + 1 :])
    assert number[6:14] not in str(refusal.value)


@given(field=st.sampled_from([Field.NAME, Field.PHONE, Field.ID_NUMBER]), value=st.text(max_size=60))
def test_any_text_is_kept_or_refused_and_never_repeated(field: Field, value: str) -> None:
    try:
        kept = vault.clean(field=field, value=value)
    except Refused as error:
        refusal = error
    else:
        assert vault.clean(field=field, value=kept) == kept
        return
    assert len(value.strip()) < 4 or value.strip() not in str(refusal)


# Purposes and readers


@pytest.mark.usefixtures("alone")
def test_a_field_serves_its_purposes_only() -> None:
    person = someone("王小明", actor=True)
    assert person.actor is not None
    with pytest.raises(Forbidden, match="健康状况不能用于名册登记，可用于：困难帮扶、应急救助"):
        vault.store(person=person, field=Field.HEALTH, value="高血压", purpose=Purpose.ROLL)
    with pytest.raises(Forbidden, match="本人查阅复制"):
        vault.store(person=person, field=Field.NOTE, value="周末在家", purpose=Purpose.REQUEST)
    vault.store(person=person, field=Field.HEALTH, value="高血压", purpose=Purpose.AID)
    with pytest.raises(Forbidden):
        vault.open_sealed(person=person, field=Field.HEALTH, purpose=Purpose.CONTACT, by=person.actor)
    assert vault.open_sealed(person=person, field=Field.HEALTH, purpose=Purpose.REQUEST, by=person.actor) == "高血压"
    with pytest.raises(Unknown, match="没有登记这个人的电话"):
        vault.open_sealed(person=person, field=Field.PHONE, purpose=Purpose.CONTACT, by=person.actor)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "reader",
    [
        {"kind": ActorKind.SYSTEM},
        {"kind": ActorKind.CLIENT},
        {"kind": ActorKind.PUBLIC},
        {"district": "410103", "kind": ActorKind.PERSON},
    ],
)
def test_only_a_person_of_the_district_opens_a_value(reader: dict[str, str]) -> None:
    person = someone("王小明")
    with pytest.raises(Forbidden, match="只给本区"):
        vault.open_sealed(
            person=person, field=Field.NAME, purpose=Purpose.CONTACT, by=Actor(**{"district": DISTRICT} | reader)
        )


@pytest.mark.usefixtures("alone")
def test_a_value_is_kept_no_longer_than_its_time() -> None:
    person = someone()
    last = today() + timedelta(days=3)
    vault.store(person=person, field=Field.NAME, value="王小明", purpose=Purpose.AID, expires_on=last)
    after = datetime(last.year, last.month, last.day, 4, tzinfo=UTC) + timedelta(days=1)
    assert vault.expire(on=last) == 0
    with clock_at(after):
        assert vault.names([person]) == {}
        assert vault.search_name(district=DISTRICT, part="小明") == []
        assert vault.find(district=DISTRICT, field=Field.NAME, value="王小明") == []
        assert vault.expire(on=today()) == 1
        with pytest.raises(Refused, match="期限已过"):
            vault.store(person=person, field=Field.NAME, value="王小明", purpose=Purpose.AID, expires_on=last)
    assert not any(model._default_manager.exists() for model in (Sealed, BlindIndex, Gram))


# Searching


@pytest.mark.usefixtures("alone")
def test_part_of_a_name_finds_the_person_in_the_district_only() -> None:
    opening.open_for_good("410103")
    ming, guo, elsewhere = someone("王小明"), someone("欧阳建国"), someone("王小明", district="410103")
    repeated = someone("李丽丽丽")

    def search(part: str, district: str = DISTRICT) -> list[UUID]:
        return vault.search_name(district=district, part=part)

    assert search("小明") == [ming.pk]
    assert search("王小明") == [ming.pk]
    assert search(" 欧 阳建 ") == [guo.pk]
    assert search("阳国") == []
    assert search("丽丽丽") == [repeated.pk]
    assert search("丽丽丽丽") == []
    assert search("小明", "410103") == [elsewhere.pk]
    assert vault.find(district=DISTRICT, field=Field.NAME, value="王小明") == [ming.pk]
    with pytest.raises(Refused, match="相邻的两个字"):
        search("王")
    with pytest.raises(Refused, match="不能按备注查找"):
        vault.find(district=DISTRICT, field=Field.NOTE, value="周末在家")
    with pytest.raises(Refused, match="末位校验不对"):
        vault.find(district=DISTRICT, field=Field.ID_NUMBER, value="110105194912310021")


# Tampering


@pytest.mark.usefixtures("alone")
def test_a_ciphertext_opens_in_its_own_place_only() -> None:
    one, two = someone("王小明"), someone("李建国")
    vault.store(person=one, field=Field.NOTE, value="周末在家", purpose=Purpose.CONTACT)
    name, note = (Sealed.objects.get(person=one, field=field) for field in (Field.NAME, Field.NOTE))

    Sealed.objects.filter(person=two).update(ciphertext=bytes(name.ciphertext))
    with pytest.raises(vault.Unreadable, match=f"人员 {two.pk} 的姓名打不开"):
        vault.names([one, two])

    Sealed.objects.filter(pk=note.pk).update(ciphertext=bytes(name.ciphertext))
    with pytest.raises(vault.Unreadable, match="备注打不开"):
        vault.masked(person=one, field=Field.NOTE)

    Sealed.objects.filter(pk=name.pk).update(district="410103")
    with pytest.raises(vault.Unreadable):
        vault.names([one])


@pytest.mark.usefixtures("alone")
def test_a_key_opens_for_its_own_person_only() -> None:
    one, two = someone("王小明"), someone("李建国")
    PersonKey.objects.filter(person=two).update(wrapped=bytes(PersonKey.objects.get(person=one).wrapped))
    with pytest.raises(vault.Unreadable, match=f"人员 {two.pk} 的密钥打不开"):
        vault.names([two])


@given(text=st.text(max_size=40), cipher=st.sampled_from(sorted(vault.CIPHERS)), data=st.data())
def test_any_changed_bit_is_noticed(text: str, cipher: str, data: st.DataObject) -> None:
    suite = vault.CIPHERS[cipher]
    key = secrets.token_bytes(suite.size)
    box = bytearray(suite.seal(key, text.encode(errors="ignore"), b"here"))
    assert suite.open(key, bytes(box), b"here") == text.encode(errors="ignore")
    box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(vault.Unreadable):
        suite.open(key, bytes(box), b"here")
    with pytest.raises(vault.Unreadable):
        suite.open(key, bytes(box[:20]), b"here")


# Rotation


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("newer", [NEW, SM4], ids=["same cipher", "sm4-gcm"])
def test_rotation_can_stop_half_way_and_go_on(settings: LazySettings, newer: str) -> None:
    persons = [someone(name) for name in ("王小明", "李建国", "赵小明", "欧阳芳", "钱多多")]
    expected = vault.names(persons)
    vault.store(person=persons[0], field=Field.PHONE, value="13812341234", purpose=Purpose.CONTACT)
    settings.VAULT_KEYS = [newer, OLD]

    assert vault.rotate(batch=2) == (2, 3)
    assert vault.names(persons) == expected
    assert vault.search_name(district=DISTRICT, part="小明") == sorted([persons[0].pk, persons[2].pk])
    assert vault.find(district=DISTRICT, field=Field.NAME, value="钱多多") == [persons[4].pk]
    vault.store(person=persons[4], field=Field.NAME, value="钱小明", purpose=Purpose.ROLL)
    late = someone("孙小明")

    assert vault.rotate(batch=2) == (2, 1)
    assert vault.rotate(batch=2) == (1, 0)
    assert vault.rotate() == (0, 0)

    assert vault.key_ids()[1:] == ["k1"]
    settings.VAULT_KEYS = [newer]
    assert vault.missing_key_ids() == []
    assert vault.names(persons) == expected | {persons[4].pk: "钱小明"}
    found = vault.search_name(district=DISTRICT, part="小明")
    assert found == sorted([persons[0].pk, persons[2].pk, persons[4].pk, late.pk])
    assert vault.find(district=DISTRICT, field=Field.PHONE, value="138 1234 1234") == [persons[0].pk]
    assert vault.masked(person=persons[0], field=Field.PHONE) == "138****1234"


@pytest.mark.usefixtures("alone")
def test_an_older_backup_opens_with_a_newer_copy_of_the_keys(settings: LazySettings) -> None:
    person = someone("王小明")
    before = bytes(Sealed.objects.get(person=person).ciphertext)
    settings.VAULT_KEYS = [NEW, OLD]
    vault.rotate()
    assert bytes(Sealed.objects.get(person=person).ciphertext) == before


@pytest.mark.usefixtures("alone")
def test_a_master_key_taken_away_too_early_is_named(settings: LazySettings) -> None:
    person = someone("王小明")
    settings.VAULT_KEYS = [NEW]
    assert vault.missing_key_ids() == ["k1"]
    with pytest.raises(ImproperlyConfigured, match="GONGZHI_VAULT_KEYS 里没有编号 k1 的密钥"):
        vault.names([person])


@pytest.mark.usefixtures("alone")
def test_a_rotation_that_meets_a_damaged_value_changes_nothing(settings: LazySettings) -> None:
    one, two = someone("王小明"), someone("李建国")
    Sealed.objects.filter(person=two).update(ciphertext=b"\0" * 40)
    settings.VAULT_KEYS = [NEW, OLD]
    with pytest.raises(vault.Unreadable, match=str(two.pk)):
        vault.rotate()
    assert set(PersonKey.objects.values_list("kid", flat=True)) == {"k1"}
    assert vault.names([one]) == {one.pk: "王小明"}


def encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([], "没有设置"),
        (["hunter2"], "第 1 个密钥写法不对"),
        ([OLD, "k 2:abc"], "第 2 个密钥写法不对"),
        (["k1:" + encoded(secrets.token_bytes(16))], "现在是 16 个"),
        (["k1:" + "A" * 41], "不是完整的 base64url"),
        (["k1:" + encoded(b"\0" * 32)], "太弱"),
        (["k1:" + encoded(b"correct horse battery staple 123")], "太弱"),
        (["k1:des:" + encoded(secrets.token_bytes(32))], "可用的有 aes-gcm、sm4-gcm"),
        ([OLD, OLD], "k1 出现两次"),
    ],
)
def test_wrong_master_keys_are_explained_and_not_repeated(settings: LazySettings, keys: list[str], why: str) -> None:
    settings.VAULT_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match=why) as error:
        vault.key_ids()
    assert "GONGZHI_VAULT_KEYS" in str(error.value)
    for key in keys:
        assert key.split(":")[-1] not in str(error.value)


@given(kid=st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True), cipher=st.sampled_from(sorted(vault.CIPHERS)))
@shared_fixtures
def test_a_new_key_is_a_good_key(settings: LazySettings, kid: str, cipher: str) -> None:
    settings.VAULT_KEYS = [vault.new_key(kid, cipher)]
    assert vault.key_ids() == [kid]


# Gone is gone


@pytest.mark.usefixtures("alone")
def test_destroy_leaves_nothing_and_touches_nobody_else() -> None:
    person, other = someone("王小明"), someone("王小明")
    vault.store(person=person, field=Field.ID_NUMBER, value=ID_NUMBER, purpose=Purpose.IDENTITY)
    key = PersonKey.objects.get(person=person)
    backup = Sealed.objects.get(person=person, field=Field.NAME)
    vault.destroy(person)
    assert vault.names([person, other]) == {other.pk: "王小明"}
    assert vault.find(district=DISTRICT, field=Field.ID_NUMBER, value=ID_NUMBER) == []
    assert vault.search_name(district=DISTRICT, part="小明") == [other.pk]
    for model in (PersonKey, Sealed, BlindIndex, Gram):
        assert not model._default_manager.filter(person_id=person.pk).exists()

    backup.save(force_insert=True)
    assert vault.names([person]) == {}, "a sealed value brought back from a backup is closed without its key"

    vault.destroy(person)
    vault.store(person=person, field=Field.NAME, value="王小明", purpose=Purpose.ROLL)
    assert bytes(PersonKey.objects.get(person=person).wrapped) != bytes(key.wrapped)
    vault.destroy(person)
    Person.objects.filter(pk=person.pk).update(erased_at=datetime(2020, 6, 1, tzinfo=UTC))
    with pytest.raises(Conflict, match="已经删除"):
        vault.store(person=person, field=Field.NAME, value="王小明", purpose=Purpose.ROLL)


@pytest.mark.usefixtures("alone")
def test_forget_deletes_one_value_with_its_index() -> None:
    person = someone("王小明")
    vault.store(person=person, field=Field.PHONE, value="13812341234", purpose=Purpose.CONTACT)
    vault.forget(person=person, field=Field.NAME)
    vault.forget(person=person, field=Field.NAME)
    assert not Gram.objects.filter(person=person).exists()
    assert list(BlindIndex.objects.filter(person=person).values_list("field", flat=True)) == [Field.PHONE]
    assert vault.masked(person=person, field=Field.PHONE) == "138****1234"


@pytest.fixture
def small_file(tmp_path: Path, django_db_blocker: Any) -> Iterator[Path]:
    """A SQLite file of its own, with production's options and only the tables the vault needs."""
    path = tmp_path / "small.sqlite3"
    usual = connections["default"]
    wanted = {
        **usual.settings_dict,
        "HOST": "",
        "PORT": "",
        "USER": "",
        "PASSWORD": "",
        **_database(f"sqlite://{path}"),
    }
    with django_db_blocker.unblock():
        connections["default"] = DatabaseWrapper(wanted, "default")
        try:
            with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
                for model in (Actor, Person, PersonKey, Sealed, BlindIndex, Gram, Secret, Opening):
                    editor.create_model(model)
            opening.open_for_good(DISTRICT)
            yield path
        finally:
            connections["default"].close()
            connections["default"] = usual


def test_destroy_leaves_no_trace_in_the_database_file(small_file: Path) -> None:
    def disk() -> bytes:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert cursor.fetchone()[0] == 0
        wal = small_file.with_name(small_file.name + "-wal")
        return small_file.read_bytes() + (wal.read_bytes() if wal.exists() else b"")

    def on_record(gone: list[Person]) -> list[bytes]:
        """Every 16 bytes of what is kept about them; a long value spreads over several pages."""
        kept: list[bytes] = [bytes(row.wrapped) for row in PersonKey.objects.filter(person__in=gone)]
        kept += [bytes(row.ciphertext) for row in Sealed.objects.filter(person__in=gone)]
        for model in (BlindIndex, Gram):
            kept += [bytes(row.digest) for row in model._default_manager.filter(person__in=gone)]
        return [blob[start : start + 16] for blob in kept for start in range(0, len(blob) - 15, 16)]

    # Enough rows that the trees of table and index split and join; no two names share two neighbouring characters.
    crowd = [someone() for _ in range(120)]
    names = {person.pk: f"王{chr(0x4E00 + place)}{chr(0x5E00 + place)}" for place, person in enumerate(crowd)}
    health = "高血压，每日服药。" * 150
    vault.store_many(
        value
        for place, person in enumerate(crowd)
        for value in (
            Value(person, Field.NAME, names[person.pk], Purpose.ROLL),
            Value(person, Field.PHONE, f"1381234{place:04}", Purpose.CONTACT),
            Value(person, Field.HEALTH, health[: 40 * (place % 30) + 9], Purpose.AID),
        )
    )
    gone, stay = crowd[::4], [person for place, person in enumerate(crowd) if place % 4]
    traces = on_record(gone)
    before = disk()
    assert sum(trace in before for trace in traces) > 0.9 * len(traces), "the bytes looked for can be found at all"
    for text in (names[gone[0].pk], "13812340000", health[:9]):
        assert text.encode() not in before
        assert text.encode("utf-16-le") not in before

    vault.store(person=gone[0], field=Field.PHONE, value="13912340000", purpose=Purpose.CONTACT)
    traces += on_record(gone[:1])
    for person in gone:
        vault.destroy(person)
    upkeep.scrub()
    after = disk()
    assert [trace for trace in traces if trace in after] == []
    assert vault.names(crowd) == {person.pk: names[person.pk] for person in stay}


def test_an_unknown_id_has_no_name(db: None) -> None:
    assert vault.names([uuid4()]) == {}
