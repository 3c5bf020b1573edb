"""难题共解: found in the field, handed to those who answer for it, measured, and confirmed by somebody else.

A problem is reported at a place in a category, dispatched to an organisation with a deadline in working time, visited
where people live, resolved with what was done and how much, and verified by a hand that did not resolve it. Small
things picked up on the spot (当场处置) are one line, closed at once and counted apart. What is not resolved at its
due instant is recorded as such and stays open; time closes only what, in the simple flow, was said to be done
and its reporter said nothing against, and samples of that are looked at again. Street and community hold the
clue, persuasion and the removal people carry out themselves; a forced removal is the competent agency's and is
refused here.

The acts, by module. Each fact is about `problem/NUMBER` and has the one before it as its cause unless told otherwise:

- `intake` 我要反映, 受理, 不予受理, the reporter's telephone; `tickets` 热线工单 in and its answer out; `merging` 并案
- `acts` 登记问题, 当场处置, 入户, 办结, 到期未办结; `takebacks` what was just done, taken back
- `dispatching` 立案, 派遣, 退单, 裁定承办; `standstill` 中止计时, 暂缓解决, 提为难题
- `closing` 核查, 确认办结, 要求重办, 简易结案, 更正数量; `sampling` 抽查复核, 回访
- `households` 一户一策, 调解, 主动申报自拆, 复看; `enforcing` 移交执法, 退回移交, 登记执法文书; `checking` 核实拆除
- what a district lays down itself, as dated rows: `routing` who answers for what, `terms`, `categories`

What decides and writes nothing: `rules`; `ready`, what may be done now; `deadlines`, terms in working time; `chain`
and `enforcement`, the papers of 违法建设 and their lawful order. What is asked: `records`, how the records of a problem
hang together; `reads`, `household_reads`; `household_terms`, 制止 and 拆除时限; `rates`, the figures of the weekly
bulletin. What helps whoever writes down what is told: `whereabouts`, a point or an address to a place; `near`, what
may be the same; `suggesting`, category and place from words; `scrubbing`, names and numbers out of them. The tables:
`models`, by subject.

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
    "checking",
)
