"""What may be kept about a person: how each field is checked, shown, found, and what it may serve."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from gongzhi.ground import today
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.refusals import Forbidden, Refused

# Characters that have one form only: a value of nothing else is as plain as it can be.
PLAIN_NAME = re.compile(r"[㐀-䶿一-鿼]{2,40}")
PLAIN_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def plain(value: str) -> str:
    """Full-width forms made plain, invisible characters dropped, runs of white space made one."""
    text = unicodedata.normalize("NFKC", value)
    text = "".join(sign for sign in text if unicodedata.category(sign) not in {"Cf", "Cs"})
    return " ".join(text.split())


HAN = r"[〇々㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]"
DOTS = re.compile(rf"(?<={HAN})\s*[.·•・‧∙●]\s*(?={HAN})")
GAP = re.compile(rf"(?<={HAN})\s+(?={HAN})")


def _clean_name(value: str) -> str:
    if PLAIN_NAME.fullmatch(value):
        return value
    name = GAP.sub("", DOTS.sub("·", plain(value))).replace("’", "'")
    if not 2 <= len(name) <= 40:
        raise Refused("people.vault.name", "姓名要有 2 到 40 个字，请填全名", field=Field.NAME)
    # Rare characters of old systems sit in private-use or unassigned code points; they are somebody's name.
    odd = [sign for sign in name if unicodedata.category(sign)[0] in "NPSZ" and sign not in "〇·-' "]
    if odd or any(unicodedata.category(sign) == "Cc" for sign in name):
        raise Refused("people.vault.name", "姓名里有数字或符号，请只填姓名", field=Field.NAME)
    return name


MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"(010|02\d|0[3-9]\d\d)(\d{7,8})")


def _clean_phone(value: str) -> str:
    if PLAIN_MOBILE.fullmatch(value):
        return value
    digits = re.sub(r"[\s()—–-]", "", plain(value))
    digits = re.sub(r"^(\+|00)86", "", digits)
    if not re.fullmatch(r"[0-9]+", digits):
        raise Refused("people.vault.phone", "电话里只能有数字，一次填一个号码", field=Field.PHONE)
    if MOBILE.fullmatch(digits):
        return digits
    if landline := LANDLINE.fullmatch(digits):
        return "-".join(landline.groups())
    raise Refused(
        "people.vault.phone",
        f"电话号码不对（现在 {len(digits)} 位）：手机号是 1 开头的 11 位数字，座机要带区号",
        field=Field.PHONE,
    )


def _clean_id_number(value: str) -> str:
    """居民身份证号 by GB 11643-1999: 17 digits, of which 8 are the birthday, and a check digit."""

    def wrong(why: str) -> Refused:
        return Refused("people.vault.id_number", why, field=Field.ID_NUMBER)

    number = re.sub(r"[\s-]", "", plain(value)).upper()
    if re.fullmatch(r"[0-9]{15}", number):
        raise wrong("这是 15 位的老身份证号，已停止使用，请填 18 位的新号")
    if len(number) != 18:
        raise wrong(f"身份证号应是 18 位，现在是 {len(number)} 位")
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        raise wrong("身份证号前 17 位应是数字，末位是数字或 X")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        born = date.min
    if not date(1900, 1, 1) <= born <= today():
        raise wrong("身份证号第 7 到 14 位不是可能的出生日期，请照证件核对")
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    if number[17] != "10X98765432"[total % 11]:
        raise wrong("身份证号末位校验不对，可能抄错了一位，请照证件核对")
    return number


def _clean_words(value: str) -> str:
    # A lone half of a surrogate pair comes from broken clients and cannot be written in UTF-8.
    text = unicodedata.normalize("NFC", value).encode(errors="ignore").decode().strip()
    if len(text) > 2000:
        raise Refused("people.vault.long", f"写得太长（{len(text)} 字），请压到 2000 字以内")
    return text


def _clean_identity(value: str) -> str:
    """Who somebody is for another system, exactly as that system says it."""
    text = value.strip()
    if len(text) > 255 or not text.isprintable():
        raise Refused("people.vault.identity", "外部账号的编号不对，请照对方系统里的原样填")
    return text


def _mask_name(name: str) -> str:
    return name[0] + "*" * min(len(name) - 1, 2)


def _mask_phone(phone: str) -> str:
    head = phone.partition("-")[0] + "-" if "-" in phone else phone[:3]
    return f"{head}****{phone[-4:]}"


def _mask_id_number(number: str) -> str:
    return f"{number[:3]}{'*' * 11}{number[-4:]}"


def _mask_words(_: str) -> str:
    return "已登记"


@dataclass(frozen=True)
class Spec:
    """How a field is checked, shown, found and what it may serve.

    sensitive: 敏感个人信息 in the sense of 个人信息保护法第二十八条, or treated as such to be on the safe side.
    form: what is indexed of a value; None when the field cannot be searched.
    """

    purposes: frozenset[Purpose]
    clean: Callable[[str], str] = _clean_words
    mask: Callable[[str], str] = _mask_words
    form: Callable[[str], str] | None = None
    sensitive: bool = True


_SIGN_IN = frozenset({Purpose.SIGN_IN})
_CARE = frozenset({Purpose.AID, Purpose.EMERGENCY})
FIELDS: dict[Field, Spec] = {
    Field.NAME: Spec(
        frozenset(Purpose) - {Purpose.REQUEST, Purpose.SIGN_IN},
        _clean_name,
        _mask_name,
        form=lambda name: name if PLAIN_NAME.fullmatch(name) else re.sub(r"[\s·'-]", "", name).casefold(),
        sensitive=False,
    ),
    Field.PHONE: Spec(_CARE | {Purpose.CONTACT}, _clean_phone, _mask_phone, form=str, sensitive=False),
    Field.ID_NUMBER: Spec(
        frozenset({Purpose.ROLL, Purpose.IDENTITY, Purpose.AID}), _clean_id_number, _mask_id_number, form=str
    ),
    Field.HOME: Spec(_CARE | {Purpose.CONTACT}, sensitive=False),
    Field.HARDSHIP: Spec(_CARE),
    Field.HEALTH: Spec(_CARE),
    Field.PETITION: Spec(frozenset({Purpose.CONTACT, Purpose.AID})),
    Field.NOTE: Spec(_CARE | {Purpose.CONTACT}),
    Field.OIDC: Spec(_SIGN_IN, _clean_identity, form=str, sensitive=False),
    Field.WECOM: Spec(_SIGN_IN, _clean_identity, form=str, sensitive=False),
    Field.DINGTALK: Spec(_SIGN_IN, _clean_identity, form=str, sensitive=False),
}


def clean(*, field: Field, value: str) -> str:
    """The value as it would be kept. Raises Refused saying what is wrong; the reason never repeats the value."""
    text = FIELDS[field].clean(value) if value.strip() else ""
    if not text:
        raise Refused("people.vault.empty", f"没有填{Field(field).label}", field=field)
    return text


def allow(field: Field, purpose: Purpose, allowed: frozenset[Purpose]) -> None:
    if purpose not in allowed:
        listed = "、".join(each.label for each in Purpose if each in allowed)
        raise Forbidden(
            "people.vault.purpose",
            f"{Field(field).label}不能用于{Purpose(purpose).label}，可用于：{listed}",
            field="purpose",
        )
