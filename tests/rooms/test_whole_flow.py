"""Whatever is done about problems in whatever order: none is lost, none closed unseen, a joint one counts once, and
stage, records and sums say the same."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from hypothesis.strategies import booleans, lists, sampled_from, tuples

from gongzhi.clock.schedules import run_due
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact, Indicator, Measure
from gongzhi.ground.ledger.reads import figures, history_of
from gongzhi.ground.people.models import ActorKind
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import rates, sampling
from gongzhi.rooms.problems.closing import CLOSED_BY
from gongzhi.rooms.problems.models import Flow, Problem, Stage
from gongzhi.rooms.problems.rates import What
from gongzhi.rooms.problems.sampling import Sample
from tests.world import World

pytestmark = pytest.mark.django_db

CO_HANDLERS = ["LH-ZF", "LH-CG", "TY-WY"]
OUR_OWN = "LH-YGHY-JWH"
SIMPLE, FULL, SHED = "0102", "0103", "0101"
COUNT = {SIMPLE: "litter_cleared", FULL: "litter_cleared", SHED: "shed_removed"}
SPAN = (date(2021, 1, 1), date(2023, 12, 31))
THEN = datetime(2024, 1, 1, tzinfo=SHANGHAI)


def stage_of(facts):
    """Where a problem stands, told from its standing records alone."""
    stage = None
    for fact in facts:
        counted = {one.indicator_id for one in fact.measures.all()}
        match fact.kind.partition(".")[2]:
            case "submitted":
                stage = Stage.REPORTED if "problem_reported" in counted else Stage.SUBMITTED
            case "reported" | "accepted":
                stage = Stage.REPORTED
            case "settled" | "declined" | "withdrawn" | "merged" as word:
                stage = Stage(word)
            case "dispatched" | "decided":
                stage = Stage.DISPATCHED
            case "bounced" | "deferred" as word:
                stage = Stage(word)
            case "reconsidered":
                stage = Stage.DISPATCHED if fact.facets["course"] == "solve" else Stage.DEFERRED
            case "resolved" | "remeasured":
                stage = Stage.RESOLVED
            case "verified":
                stage = Stage.VERIFIED if fact.facets["outcome"] == "passed" else Stage.DISPATCHED
            case "closed":
                stage = Stage.VERIFIED
            case "confirmed":
                stage = Stage.VERIFIED if "problem_confirmed" in counted else stage
            case "reopened" | "rechecked":
                if result := fact.facets.get("result"):
                    stage = Stage.BOUNCED if result == "street" else Stage.DISPATCHED
    return stage


class WholeFlow(RuleBasedStateMachine):
    problems = Bundle("problems")

    @initialize(target=problems)
    def begin(self):
        self.sent = transaction.atomic()
        self.sent.__enter__()
        self.world = World()
        self.hour = datetime(2021, 6, 7, 9, tzinfo=SHANGHAI)
        self.made = 0
        self.codes = {}
        simple, full, shed = self.told(SIMPLE), self.told(FULL), self.found("report", SHED)
        # Chance alone seldom gets far: one waits for a word, one for somebody who does it.
        for problem, steps in ((simple, 3), (full, 2)):
            for _ in range(steps):
                self.go_on_with(problem, [], True, True)
        return multiple(simple, full, shed)

    def teardown(self):
        self.week_adds_up()
        transaction.set_rollback(True)
        self.sent.__exit__(None, None, None)

    def tried(self, who, act, hours=1, recorded_by=None, **raw):
        self.hour += timedelta(hours=hours)
        if self.hour.hour > 17:
            self.hour = (self.hour + timedelta(days=1)).replace(hour=9)
        with clock_at(self.hour):
            try:
                return self.world.do(who, f"problems.{act}", recorded_by=recorded_by, **raw)
            except Refused:
                return None

    def found(self, act, category):
        self.made += 1
        where = {"place": "LH-Y3", "category": category, "description": "不整洁"}
        return self.tried("worker", act, **where).subject.partition("/")[2]

    def told(self, category):
        self.made += 1
        code = f"{'23456789ACDEF'[self.made % 13]}KMA94TXQC2H"
        where = {"place": "LH-Y3", "category": category, "description": "不整洁", "code": code}
        number = self.tried("public", "submit", **where).subject.partition("/")[2]
        self.codes[number] = code
        return number

    @precondition(lambda self: self.made < 6)
    @rule(target=problems, how=sampled_from(["told", "report", "settle"]), category=sampled_from([SIMPLE, FULL]))
    def find(self, how, category):
        return self.told(category) if how == "told" else self.found(how, category)

    @rule(
        problem=problems,
        joined=lists(sampled_from(CO_HANDLERS), unique=True),
        choices=lists(tuples(booleans(), booleans()), min_size=2, max_size=6),
    )
    def go_on(self, problem, joined, choices):
        """The steps that come next, done rightly: chance alone seldom gets so far."""
        for well, loud in choices:
            self.go_on_with(problem, joined, well, loud)

    def go_on_with(self, problem, joined, well, loud):
        found = Problem.objects.get(number=problem)
        match found.stage:
            case Stage.SUBMITTED:
                assert self.tried("secretary", "accept", problem=problem)
            case Stage.REPORTED:
                call = {"problem": problem, "organisation": OUR_OWN, "co_handlers": joined}
                assert self.tried("secretary", "dispatch", **call)
            case Stage.BOUNCED:
                assert self.tried("street", "decide", problem=problem, organisation=OUR_OWN, reason="由居委会办")
            case Stage.DEFERRED:
                assert self.tried("street", "reconsider", problem=problem, course="solve", note="能办了")
            case Stage.DISPATCHED:
                if found.handler.code == OUR_OWN:
                    assert self.resolved("worker", found, 2)
            case Stage.RESOLVED:
                for own in ({"way": "phone"}, {"passed": True}):
                    assert not self.tried("worker", "confirm" if "way" in own else "verify", problem=problem, **own)
                if loud and (code := self.codes.get(problem)):
                    verb, more = ("confirm", {"opinion": "satisfied"}) if well else ("reopen", {"note": "没有清"})
                    assert self.tried("public", verb, code=code, **more) or verb == "confirm"
                else:
                    assert self.tried("street", "verify", problem=problem, passed=well, note="看过")
            case Stage.VERIFIED:
                if loud and (code := self.codes.get(problem)):
                    self.tried("public", "reopen", code=code, note="又满了")
                else:
                    self.look_again(found, well)

    def resolved(self, who, found, count):
        category = found.category
        amounts = [{"indicator": COUNT[category], "quantity": count}]
        mode = "assisted" if category == SHED else "handled"
        return self.tried(who, "resolve", problem=found.number, mode=mode, measures=amounts)

    def look_again(self, found, well):
        """After the week is over; refused for those not in the sample."""
        self.hour = (self.hour + timedelta(days=8 - self.hour.isoweekday())).replace(hour=8)
        self.tried("street", "recheck", problem=found.number, passed=well, note="看过")
        self.tried("branch", "call_back", problem=found.number, way="phone", opinion="partly")

    @rule(
        problem=problems,
        other=problems,
        who=sampled_from(["worker", "secretary", "street", "public"]),
        act=sampled_from(
            [
                *("dispatch", "resolve", "remeasure", "verify", "confirm", "reopen", "merge", "bounce", "defer"),
                *("pause", "resume", "decide", "decline", "recheck", "call_back", "close", "unclose"),
            ]
        ),
        organisation=sampled_from([*CO_HANDLERS, OUR_OWN]),
        well=booleans(),
    )
    def try_anything(self, problem, other, who, act, organisation, well):
        soon = (self.hour + timedelta(days=3)).isoformat()
        category = Problem.objects.get(number=problem).category
        amounts = [{"indicator": COUNT[category], "quantity": 3}]
        more = {
            "dispatch": {"organisation": organisation},
            "resolve": {"mode": "assisted" if well else "handled", "measures": amounts},
            "remeasure": {"measures": amounts, "reason": "复量"},
            "verify": {"passed": well, "note": "看过"},
            "confirm": {"way": "phone", "opinion": "satisfied"},
            "reopen": {"way": "visit", "note": "没有清"},
            "merge": {"into": other, "reason": "同一处"},
            "bounce": {"reason": "duty", "note": "不归我们"},
            "defer": {"reason": "no_basis", "review_on": soon[:10], "note": "等改造"},
            "pause": {"reason": "weather", "until": soon[:19], "note": "大雨"},
            "decide": {"organisation": organisation, "reason": "职责"},
            "decline": {"reason": "other", "note": "不归本区"},
            "recheck": {"passed": well, "note": "看过"},
            "call_back": {"way": "visit", "opinion": "unreached"},
        }
        self.tried(who, act, problem=problem, **more.get(act, {}))

    @rule(problem=problems)
    def take_back_the_last(self, problem):
        last = history_of(f"problem/{problem}", self.world.district).last()
        undo = next((one.undo for one in registry.values() if one.leaves == last.kind), "")
        if undo and last.by.kind == ActorKind.PERSON:
            who = last.by.person.account.username
            self.tried(who, undo.partition(".")[2], hours=0, fact=last.ref)

    @rule(days=sampled_from([1, 3, 9]))
    def time_passes(self, days):
        self.hour += timedelta(days=days)
        with clock_at(self.hour):
            run_due(self.world.district)

    # --- always

    @invariant()
    def stage_and_records_agree_and_none_is_lost(self):
        problems = list(Problem.objects.all())
        assert len(problems) == self.made
        facts = {}
        for fact in Fact.objects.as_of().filter(subject__startswith="problem/").prefetch_related("measures"):
            facts.setdefault(fact.subject, []).append(fact)
        for one in problems:
            known = sorted(facts.get(f"problem/{one.number}", []), key=lambda f: (f.at, f.recorded_at, f.pk))
            assert stage_of(known) == one.stage, (one.number, [fact.kind for fact in known])
            if one.stage == Stage.VERIFIED:
                self.closed_rightly(one, known)

    def closed_rightly(self, problem, known):
        closings = [fact for fact in known if {one.indicator_id for one in fact.measures.all()} & set(CLOSED_BY)]
        assert len(closings) == 1
        (closing,) = closings
        if closing.kind != "problems.verified":
            assert problem.flow == Flow.SIMPLE
        if closing.kind == "problems.closed":
            assert closing.by.kind == ActorKind.SYSTEM
            return
        done = [fact for fact in known if fact.kind in ("problems.resolved", "problems.remeasured")]
        hands = {actor for fact in done for actor in (fact.by_id, fact.recorded_by_id)}
        assert len(done) == 1
        assert closing.by_id not in hands

    @invariant()
    def sums_are_what_stands(self):
        """Kept sums are the records added up anew, and the area counts each once, however many worked on it."""
        codes = list(Indicator.objects.filter(code__startswith="problem_").values_list("code", flat=True))
        codes += ["litter_cleared", "shed_removed"]
        with clock_at(THEN):
            kept = figures(self.world.place("410102"), codes, *SPAN)
        facts = Fact.objects.as_of().filter(subject__startswith="problem/")
        anew = Counter()
        for code, quantity in Measure.objects.filter(fact__in=facts).values_list("indicator", "quantity"):
            anew[code] += quantity
        assert {code: one.quantity for code, one in kept.items() if one.quantity} == dict(anew)
        stages = Counter(Problem.objects.values_list("stage", flat=True))
        assert anew["problem_resolved"] == 1000 * (stages[Stage.RESOLVED] + stages[Stage.VERIFIED])
        assert sum(anew[code] for code in CLOSED_BY) == 1000 * stages[Stage.VERIFIED]
        assert anew["problem_settled"] == 1000 * stages[Stage.SETTLED]
        gone = anew["problem_resolved"] + anew["problem_merged"]
        waiting = (Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED, Stage.DEFERRED)
        assert anew["problem_reported"] - gone == 1000 * sum(stages[one] for one in waiting)

    def week_adds_up(self):
        """The parts of the bulletin are its whole, each case is in it once, and only what was drawn is in a sample."""
        place = self.world.place("410102")
        with clock_at(THEN):
            found = rates.week(place, *SPAN)
        for what in What:
            parts = Counter(one.category for one in found.rows(what))
            assert sum(parts.values()) == found.cases(what)
        assert found.cases(What.IN_TIME) <= found.cases(What.HANDLED) <= found.cases(What.DUE)
        assert found.cases(What.CLOSED) <= found.cases(What.TO_CLOSE)
        ended = [one.number for one in found.rows(What.TO_CLOSE)]
        assert len(ended) == len(set(ended))
        with clock_at(THEN):
            drawn = sampling.drawn(Sample.RECHECK, place, date(2021, 6, 7))
        assert len({one.closing for one in drawn}) == len(drawn)


class TestWholeFlow(WholeFlow.TestCase):
    pytestmark = pytest.mark.django_db
