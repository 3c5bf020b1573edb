"""However acts, corrections and late records follow each other: kept sums are the sums over the facts, a figure is the
sum of the facts it opens, and what was answered as of an instant stays answered."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gongzhi.ground import SHANGHAI, clock_at, day_of
from gongzhi.ground.ledger import areas, check, numbers, reads
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, act, registry
from gongzhi.ground.ledger.models import SETTLED_AFTER, Bound, Fact, Indicator, PartyTally, Tally
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Conflict, Refused
from tests.world import DISTRICT, World

PLACES = ["410102", "410102013000", "LH-YGHY", "LH-HYJ", "LH-Y3", "LH-Y3-B1", "RH-TH"]
ORGANISATIONS = ["LH-YGHY-JWH", "TY-WY", "LH-YGHY-ZB1", "QCG-ZB"]
INDICATORS = ["shed_removed", "shed_area", "sticker_removed", "households"]
FLOWS = ["shed_removed", "shed_area", "sticker_removed"]


def kept_apart(*args, **more):
    """An act of this test only, that the registry does not keep."""

    def register(function):
        made = act(*args, **more, who=(), by_system=True, audience=Audience.PUBLIC)(function)
        del registry[made.name]
        return made

    return register


@kept_apart(
    "probe.count",
    "清点",
    leaves="probe.counted",
    fact_chinese="已清点",
    address="probes",
    place=lambda place, **_: place,
    terms={"place": "地点", "measures": "数量", "organisation": "承办", "others": "协办"},
)
def count(
    *,
    by: By,
    place: Place,
    measures: list[Quantity],
    organisation: Organisation | None = None,
    others: list[Organisation] | None = None,
) -> Entry:
    """Record any amounts at any place, done by any organisations."""
    return _entry(place, measures, organisation, others)


@count.bulk
def count_many(rows):
    return [_entry(**values) for _, values in rows]


def _entry(place, measures, organisation, others):
    shares = [Share("co", organisation=one) for one in others or []]
    return Entry(subject=place, place=place, label="清点", measures=measures, organisation=organisation, parties=shares)


@kept_apart(
    "probe.recount",
    "重数",
    leaves="probe.recounted",
    fact_chinese="已重数",
    address="probes/{fact}/recount",
    place=lambda place, **_: place,
    terms={"fact": "记录", "place": "地点", "measures": "数量", "others": "协办"},
)
def recount(
    *, by: By, fact: Fact, place: Place, measures: list[Quantity], others: list[Organisation] | None = None
) -> Entry:
    """Put an earlier count right, even its place, its day and who took part."""
    entry = _entry(place, measures, None, others)
    entry.corrects = fact
    return entry


amounts = st.builds(
    Quantity.of,
    st.just("shed_area"),
    st.decimals(Decimal("0.001"), 5000, places=3),
    st.sampled_from(Bound.values),
) | st.builds(Quantity.of, st.sampled_from(INDICATORS), st.integers(1, 3000), st.sampled_from(Bound.values))
measures = st.lists(amounts, max_size=3, unique_by=lambda one: one.indicator)
others = st.lists(st.sampled_from(ORGANISATIONS), max_size=3)
# How long before it was written down something happened: mostly just now, sometimes days ago (补录).
ago = st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(hours=9), timedelta(days=3), timedelta(days=40)])
# From no time at all to over a midnight or a week end.
pauses = st.sampled_from(
    [timedelta(0), timedelta(microseconds=1), SETTLED_AFTER, timedelta(hours=5), timedelta(hours=17), timedelta(days=4)]
)
days = st.dates(date(2020, 4, 20), date(2020, 8, 1))


def sums(kept, holder):
    """What a table of sums holds, without what has come to nothing."""
    columns = (f"{holder}_id", "indicator_id", "day", "known_on", "quantity", "inexact")
    told = {tuple(row[:4]): row[4:] for row in kept.objects.values_list(*columns)}
    assert len(told) == kept.objects.count()
    return {key: value for key, value in told.items() if value != (0, 0)}


def recomputed():
    """The same by place and by organisation, counted from every fact there is."""
    flows = set(Indicator.objects.filter(kind="flow").values_list("code", flat=True))
    by_place, by_organisation = Counter(), Counter()
    facts = {fact.pk: fact for fact in Fact.objects.prefetch_related("measures", "parties")}

    def add(fact, known_on, sign):
        took_part = {party.organisation_id for party in fact.parties.all()} | {fact.organisation_id}
        for one in fact.measures.all():
            if one.indicator_id not in flows:
                continue
            when = (one.indicator_id, fact.day, known_on)
            cells = [(by_place, fact.place_id)]
            cells += [(by_organisation, organisation) for organisation in took_part - {None}]
            for counter, holder in cells:
                counter[holder, *when, "quantity"] += sign * one.quantity
                counter[holder, *when, "inexact"] += sign * (one.bound == Bound.AT_LEAST)

    for fact in facts.values():
        add(fact, fact.known_on, 1)
        if fact.corrects_id:
            add(facts[fact.corrects_id], fact.known_on, -1)

    def table(counter):
        keys = {key[:4] for key, value in counter.items() if value}
        return {key: (counter[*key, "quantity"], counter[*key, "inexact"]) for key in keys}

    return table(by_place), table(by_organisation)


class Ledger(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        numbers.forget_blocks()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.world = World()
        self.system = Actor.system(DISTRICT)
        self.now = datetime(2020, 6, 8, 8, 0, tzinfo=SHANGHAI)
        self.places = {code: self.world.place(code) for code in PLACES}
        self.organisations = {code: self.world.organisation(code) for code in ORGANISATIONS}
        # Instants that matter to an answer, counts that may be put right, problems, and answers that must stay.
        self.instants = [self.now]
        self.counts: list[Fact] = []
        self.problems: list[str] = []
        self.answers: dict[tuple, tuple] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)
        numbers.forget_blocks()

    def of(self, codes):
        return [self.organisations[code] for code in dict.fromkeys(codes)]

    @rule(pause=pauses)
    def time_passes(self, pause) -> None:
        self.now += pause
        self.instants.append(self.now)

    @rule()
    def the_night_adds_up(self) -> None:
        """Whenever it does: what is asked of a street or the district is read from what it added."""
        with clock_at(self.now):
            areas.add_up(DISTRICT)

    @rule(
        place=st.sampled_from(PLACES),
        measures=measures,
        organisation=st.none() | st.sampled_from(ORGANISATIONS),
        others=others,
        ago=ago,
    )
    def somebody_counts(self, place, measures, organisation, others, ago) -> None:
        with clock_at(self.now):
            by = By(self.system, at=self.now - ago)
            self.counts.append(
                count(
                    by=by,
                    place=self.places[place],
                    measures=measures,
                    organisation=self.organisations[organisation] if organisation else None,
                    others=self.of(others),
                )
            )

    @rule(rows=st.lists(st.tuples(st.sampled_from(PLACES), measures, others, ago), max_size=6))
    def a_batch_comes_in(self, rows) -> None:
        with clock_at(self.now):
            told = [
                (
                    By(self.system, at=self.now - ago),
                    {"place": place, "measures": measures, "others": self.of(others)},
                )
                for place, measures, others, ago in rows
            ]
            self.counts += count.many(told)

    @precondition(lambda self: self.counts)
    @rule(data=st.data(), place=st.sampled_from(PLACES), measures=measures, others=others, ago=ago)
    def a_count_is_put_right(self, data, place, measures, others, ago) -> None:
        fact = data.draw(st.sampled_from(self.counts))
        told = {
            "by": By(self.system, at=self.now - ago),
            "fact": Fact.objects.get(pk=fact.pk),
            "place": self.places[place],
            "measures": measures,
            "others": self.of(others),
        }
        with clock_at(self.now):
            if Fact.objects.filter(corrects=fact).exists():
                with pytest.raises(Refused, match=r"ledger\.corrected"):
                    recount(**told)
            else:
                self.counts.append(recount(**told))

    # The world was founded on 1 June.
    @rule(amount=st.integers(1, 40), ago=ago.filter(lambda one: one < timedelta(days=7)))
    def a_shed_is_found_and_removed(self, amount, ago) -> None:
        """Through the room, whose resolution may be put right or sent back."""
        shed = {"place": "LH-Y3", "category": "0101", "description": "棚屋", "source": "worker"}
        removed = [{"indicator": "shed_removed", "quantity": amount}]
        with clock_at(self.now):
            found = self.world.do("worker", "problems.report", at=self.now - ago, **shed)
            number = found.subject.partition("/")[2]
            self.world.do("worker", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
            self.world.do("worker", "problems.resolve", problem=number, mode="voluntary", measures=removed)
        self.problems.append(number)

    @precondition(lambda self: self.problems)
    @rule(data=st.data(), amount=st.integers(1, 40), passed=st.none() | st.booleans())
    def it_is_measured_again_or_verified(self, data, amount, passed) -> None:
        number = data.draw(st.sampled_from(self.problems))
        # Refused where it has been verified or sent back before.
        with clock_at(self.now), suppress(Conflict):
            if passed is None:
                removed = [{"indicator": "shed_removed", "quantity": amount}]
                self.world.do("secretary", "problems.remeasure", problem=number, measures=removed, reason="漏数")
            else:
                self.world.do("street", "problems.verify", problem=number, passed=passed, note="看过现场")

    @rule(
        data=st.data(),
        place=st.sampled_from(PLACES),
        indicator=st.sampled_from([*FLOWS, "problem_resolved"]),
        one=days,
        other=days,
        after=st.sampled_from([timedelta(0), timedelta(microseconds=-1), timedelta(seconds=1), timedelta(hours=3)]),
    )
    def somebody_asks(self, data, place, indicator, one, other, after) -> None:
        as_of = min(data.draw(st.sampled_from(self.instants)) + after, self.now)
        question = (place, indicator, min(one, other), max(one, other), as_of)
        figure, ids = self.answer(*question)
        if as_of <= self.now - SETTLED_AFTER:
            self.answers.setdefault(question, (figure, ids))

    def answer(self, place, indicator, first, last, as_of):
        """The figure and the facts behind it, which must sum to it."""
        here = self.places[place]
        with clock_at(self.now):
            figure = reads.figures(here, [indicator], first, last, as_of)[indicator]
            behind = reads.facts_behind(here, indicator, first, last, as_of)
            assert reads.total_of(behind, indicator) == figure
            ids = tuple(behind.values_list("pk", flat=True))
            spans = [reads.Span(first, first, [indicator]), reads.Span(first + timedelta(days=1), last, [indicator])]
            if first < last:
                split = reads.figures_by_span(here, spans, as_of, steps=0)
                assert sum(one.quantity for one in split.values()) == figure.quantity
        return figure, ids

    @rule(code=st.sampled_from(ORGANISATIONS), first=days)
    def an_organisation_asks(self, code, first) -> None:
        last = first + timedelta(days=30)
        with clock_at(self.now):
            told = reads.organisation_figures(self.organisations[code], FLOWS, first, last)
        heads = Fact.objects.as_of(None).within(first, last).prefetch_related("measures", "parties")
        total = Counter()
        for fact in heads:
            if self.organisations[code].pk in {one.organisation_id for one in fact.parties.all()} | {
                fact.organisation_id
            }:
                total.update({one.indicator_id: one.quantity for one in fact.measures.all()})
        assert {name: figure.quantity for name, figure in told.items()} == {name: total[name] for name in FLOWS}

    @invariant()
    def kept_sums_are_the_sums_over_the_facts(self) -> None:
        assert (sums(Tally, "place"), sums(PartyTally, "organisation")) == recomputed()
        assert check.tallies() == areas.faults(DISTRICT) == []

    @invariant()
    def figures_are_the_sums_of_the_facts_they_open(self) -> None:
        """Of everything, as known now and half-way here."""
        for as_of in {self.now, self.instants[len(self.instants) // 2]}:
            place, span = self.places["410102"], (date(2020, 4, 1), date(2020, 9, 1), as_of)
            with clock_at(self.now):
                figures = reads.figures(place, FLOWS, *span)
                summed = {code: reads.total_of(reads.facts_behind(place, code, *span), code) for code in FLOWS}
            assert figures == summed

    @invariant()
    def what_was_answered_stays_answered(self) -> None:
        for question, answered in list(self.answers.items())[-3:]:
            assert self.answer(*question) == answered


@pytest.mark.parametrize("nights", [0, 1, 5])
def test_a_wide_area_is_read_from_what_the_last_night_added(world, nights, django_assert_num_queries):
    """Until the worker has not run for days: then the sums of every place are nearer than the facts."""
    june, swept = datetime(2020, 6, 8, 10, tzinfo=SHANGHAI), [Quantity.of("sticker_removed", 3)]
    place, day = world.place("410102"), date(2020, 6, 8)
    with clock_at(june):
        count(by=By(Actor.system(DISTRICT)), place=world.place("LH-HYJ"), measures=swept)
    with clock_at(june + timedelta(days=1)):
        areas.add_up(DISTRICT)
        areas.add_up(DISTRICT)
    with clock_at(june + timedelta(days=nights)), django_assert_num_queries(4):
        assert reads.figures(place, ["sticker_removed"], day, day)["sticker_removed"].quantity == 3000
    Tally.objects.all().delete()
    with clock_at(june + timedelta(days=nights)):
        kept = reads.figures(place, ["sticker_removed"], day, day)["sticker_removed"].quantity
    assert kept == (0 if nights == 5 else 3000)


def test_days_closed_by_a_clock_that_was_ahead_are_added_up_again(world):
    swept, june = [Quantity.of("sticker_removed", 3)], datetime(2020, 6, 8, 10, tzinfo=SHANGHAI)
    place, day = world.place("410102"), date(2020, 6, 8)
    with clock_at(june):
        count(by=By(Actor.system(DISTRICT)), place=world.place("LH-HYJ"), measures=swept)
        with clock_at(june + timedelta(days=2)):
            areas.add_up(DISTRICT)
        count(by=By(Actor.system(DISTRICT)), place=world.place("LH-HYJ"), measures=swept)
        areas.add_up(DISTRICT)
    with clock_at(june + timedelta(days=1)):
        areas.add_up(DISTRICT)
        assert reads.figures(place, ["sticker_removed"], day, day)["sticker_removed"].quantity == 6000
    assert areas.faults(DISTRICT) == []


def test_a_night_leaves_the_day_whose_last_facts_are_still_on_their_way(world):
    """A worker that starts at midnight, late for the night before, closes no day in which a transaction is open."""
    swept = [Quantity.of("sticker_removed", 3)]
    with clock_at(datetime(2020, 6, 8, 23, 59, 50, tzinfo=SHANGHAI)):
        count(by=By(Actor.system(DISTRICT)), place=world.place("LH-HYJ"), measures=swept)
    midnight = datetime(2020, 6, 9, tzinfo=SHANGHAI)
    with clock_at(midnight + timedelta(seconds=10)):
        areas.add_up(DISTRICT)
    assert areas.added_until(DISTRICT) != date(2020, 6, 8)
    with clock_at(midnight + SETTLED_AFTER):
        areas.add_up(DISTRICT)
    assert areas.added_until(DISTRICT) == date(2020, 6, 8)


@pytest.mark.hypothesis
@pytest.mark.timeout(0)
def test_sums_figures_and_answers_hold_whatever_happens(world):
    run_state_machine_as_test(Ledger)


def test_a_day_begins_in_shanghai(world):
    """At half past midnight in Shanghai it is still yesterday in UTC."""
    with world.on("2020-06-09T00:30"):
        fact = world.do("member", "activities.patrol", section="LH-HYJ", slot="morning", found=0)
    assert fact.day == fact.known_on == day_of(fact.at) == date(2020, 6, 9)
