"""What may be done with a problem, decided from what is known of it. Nothing here writes or asks the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from uuid import UUID

from gongzhi.ground import SHANGHAI
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.rooms.problems.models import Mode, Owner, Purpose, Stage

# 私搭乱建 and 毁绿种菜: each points at a household, so a single one is never public, is taken down rather than tidied
# up, and is looked at by somebody else before it counts as done.
REMOVALS = frozenset({"0101", "0121"})

# What can be counted of a category, by the longest beginning of its code; of a removal the first is how many.
# GB/T 30428 classes, local extensions from 21 on (CJ/T 214), parts under 9.
COUNTS: dict[str, tuple[str, ...]] = {
    "0101": ("shed_removed", "shed_area"),
    "0121": ("plot_cleared", "plot_area"),
    "0123": (),
    "01": ("litter_cleared",),
    "02": ("sticker_removed",),
    "04": ("facility_repaired",),
    "05": ("occupation_cleared",),
    "9": ("facility_repaired",),
}

REMOVED = (Mode.VOLUNTARY, Mode.ASSISTED)
TOO_WIDE = frozenset({PlaceKind.DISTRICT, PlaceKind.STREET})


def is_removal(category: str) -> bool:
    return category in REMOVALS


def counts_of(category: str) -> tuple[str, ...]:
    """The indicators that fit a category."""
    fitting = [code for code in COUNTS if category.startswith(code)]
    return COUNTS[max(fitting, key=len)] if fitting else ()


def may_stand_at(place: Place, on: date) -> Verdict:
    """A problem is found again by its place, and its record must not point at a household."""
    if place.kind in TOO_WIDE:
        return Verdict(False, f"“{place}”范围太大，请登记到社区、路段、楼院或楼栋")
    if place.kind == PlaceKind.DOOR:
        return Verdict(False, "问题登记到楼栋、楼院或路段，不登记到户；户在入户时填写")
    if (place.valid_from and on < place.valid_from) or (place.valid_to and place.valid_to <= on):
        return Verdict(False, f"“{place}”这一天没有启用，请改填现在的地点")
    return YES


def may_settle(category: str) -> Verdict:
    if is_removal(category):
        return Verdict(False, "私搭乱建、毁绿种菜要登记问题，派遣后办结，由另一人核查，不能当场处置")
    return YES


def may_answer(organisation: Organisation, on: date) -> Verdict:
    """Nobody hands work to what no longer exists."""
    if organisation.in_force(on):
        return YES
    if organisation.valid_from and on < organisation.valid_from:
        return Verdict(False, f"“{organisation}”这一天还没有成立，请核对日期")
    return Verdict(False, f"“{organisation}”已撤销，请派给接续的单位")


def may_dispatch(
    stage: str,
    handler: Organisation | None,
    organisation: Organisation,
    returned: bool,
    on: date,
    disputed: bool = False,
) -> Verdict:
    """A problem is handed out once; again when its organisation sent it back, or when its resolution was, and then to
    somebody else: after a return the same organisation goes on within the term it had. `disputed`: sent back, or
    asked for again, too often, so that the street decides."""
    if not (there := may_answer(organisation, on)):
        return there
    if not (open_to := may_hand_out(stage, handler, returned, disputed)):
        return open_to
    if handler == organisation:
        if stage == Stage.BOUNCED:
            return Verdict(False, f"{handler}已经退单，请派给别的单位；仍由它承办的请街道裁定")
        return Verdict(False, f"核查退回后仍由{handler}处置，时限不变，不用重派")
    return YES


def may_hand_out(stage: str, handler: Organisation | None, returned: bool, disputed: bool) -> Verdict:
    """Whether it may be handed out at all, to whomever."""
    if stage == Stage.REPORTED:
        return YES
    if stage == Stage.BOUNCED:
        return Verdict(False, "这件事多次退单或要求重办，由街道裁定承办单位，不能再派") if disputed else YES
    if stage == Stage.DEFERRED:
        return Verdict(False, "这件事暂缓解决，复议以后再办，不能派遣")
    if stage != Stage.DISPATCHED:
        return Verdict(False, f"这件事{Stage(stage).label}，不能再派遣")
    if not returned:
        return Verdict(False, f"已经派给{handler}，正在处置；核查退回后才能改派")
    return YES


def may_visit(stage: str, purpose: Purpose) -> Verdict:
    if stage in (Stage.WITHDRAWN, Stage.DECLINED, Stage.MERGED):
        return Verdict(False, f"这件事{Stage(stage).label}，不用入户")
    closed = stage in (Stage.VERIFIED, Stage.SETTLED)
    if purpose == Purpose.FOLLOW_UP and stage in Stage.still_open() and stage != Stage.RESOLVED:
        return Verdict(False, "还没有办结，回访放在办结以后；现在入户请选宣讲、调解或商定方案")
    if purpose != Purpose.FOLLOW_UP and closed:
        return Verdict(False, f"这件事{Stage(stage).label}，再入户请选回访")
    return YES


def may_call_at(instant: datetime, hours: Sequence[tuple[str, str]], invited: bool) -> Verdict:
    """Early and late a household is called on only when it asked for it. `hours` are the rule's own."""
    clock = instant.astimezone(SHANGHAI).time()
    if invited or any(time.fromisoformat(start) <= clock < time.fromisoformat(end) for start, end in hours):
        return YES
    span = "，".join(f"{start.lstrip('0')}—{end.lstrip('0')}" for start, end in hours)
    return Verdict(False, f"入户在 {span} 之间；这个时间只有住户约请才去，约请的请注明")


def mode_is_ours(mode: Mode) -> Verdict:
    """What street and community may do about an unlawful structure ends where force begins."""
    if mode != Mode.FORCED:
        return YES
    return Verdict(
        False,
        "强制拆除由有权机关依法决定、催告、公告后实施（《城乡规划法》第六十八条，《行政强制法》第三十四条至第三十八条、"
        "第四十四条），街道、社区只登记线索、劝导、自行拆除和协助拆除，请移交综合执法",
    )


def resolution_fits(category: str, mode: Mode, indicators: Collection[str], owner: Owner, note: str) -> Verdict:
    """Removals say who removed and how many; a removal where nothing was to be removed says why; others neither."""
    if not is_removal(category):
        if mode != Mode.HANDLED:
            return Verdict(False, f"{mode.label}只用于私搭乱建和毁绿种菜，这一类请选处置")
        if owner != Owner.UNKNOWN:
            return Verdict(False, "只有私搭乱建和毁绿种菜才填搭建人类别，请选不详")
        return YES
    if mode in REMOVED:
        if counts_of(category)[0] not in indicators:
            return Verdict(False, f"{mode.label}要填拆除或清除了多少（间、处），面积选填")
        return YES
    if indicators:
        return Verdict(False, "拆除或清除了的，请选自行拆除或协助拆除")
    if not note.strip():
        return Verdict(False, "没有拆除就办结的，请在说明里写明核实情况，如：经核实有审批手续")
    return YES


def may_join(handler: Organisation, co_handlers: Sequence[Organisation], on: date) -> Verdict:
    """Several organisations solving together: each named once, the handler leads."""
    for index, one in enumerate(co_handlers):
        if one == handler:
            return Verdict(False, f"{one}是牵头单位，不用再列为协办")
        if one in co_handlers[:index]:
            return Verdict(False, f"协办单位{one}填了两次，请删掉一个")
        if not one.in_force(on):
            return Verdict(False, f"“{one}”已撤销，请改填接续的单位")
    return YES


def may_verify(hands: Collection[UUID], lookers: Collection[UUID]) -> Verdict:
    """Whoever resolved it, wrote it down or put its amounts right does not say that it was done."""
    if set(hands) & set(lookers):
        return Verdict(False, "办结、登记或更正这件事的人不能核查，请另一个人去看")
    return YES
