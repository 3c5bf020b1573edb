"""难题共解: found in the field, handed to those who answer for it, measured, and confirmed by somebody else.

A problem is reported at a place in a category, dispatched to an organisation with a deadline in working time, visited
where people live, resolved with what was done and how much, and verified by a hand that did not resolve it. Small
things picked up on the spot (当场处置) are one line, closed at once and counted apart. What is not resolved at its
due instant is recorded as such and stays open; time closes only what, in the simple flow, was said to be done
and its reporter said nothing against, and samples of that are looked at again. Street and community hold the
clue, persuasion and the removal people carry out themselves; a forced removal is the competent agency's and is
refused here.

Facts left here, all about `problem/NUMBER`, each with the one before it as its cause unless told otherwise:
problems.reported 登记问题 · problems.settled 当场处置 · problems.filed 立案 · problems.dispatched 派遣 ·
problems.bounced 退单 · problems.decided 裁定承办 · problems.paused 中止计时 · problems.resumed 恢复计时 ·
problems.deferred 暂缓解决 · problems.reconsidered 到期复议 · problems.raised 提为难题 · problems.visited 入户 ·
problems.resolved 办结 · problems.lapsed 到期未办结. What comes before and after stands in `intake`, `merging`,
`closing`, `sampling` and `households`; who answers for what in `routing`, a district's own terms and categories in
`terms` and `categories`.
The room keeps no quantities: they are read from the facts. A single item of 私搭乱建 or 毁绿种菜 is never public; its
quantities are, in sums.
"""

from __future__ import annotations

ACTS = (
    "routing",
    "terms",
    "categories",
    "dispatching",
    "standstill",
    "closing",
    "sampling",
    "intake",
    "merging",
    "tickets",
    "households",
    "enforcing",
)
