"""Rules as rows: what was in force on a day as far as known at an instant, counting words, and the shipped content."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as some

from gongzhi.ground import SHANGHAI, clock_at, now
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import document, reads
from gongzhi.ground.rules import seed as seeding
from gongzhi.ground.rules.models import Confidence, Group, Rule, Term, WorkDay
from gongzhi.ground.rules.values import PERIODS, Share, check, in_words, met

JUNE = date(2020, 6, 9)
TODAY = date(2026, 11, 23)
ROOT = Path(__file__).parents[2]


def refused(ask) -> Refused:
    with pytest.raises(Refused) as caught:
        ask()
    return caught.value


def a_rule(**given) -> Rule:
    usual = {
        "code": "problems.deadline.0101",
        "value": 10,
        "unit": "working_day",
        "title": "私搭乱建办结时限",
        "source": "区时限表",
        "effective_from": date(2020, 1, 1),
        "confidence": "Q",
        "recorded_at": now(),
    }
    return Rule.objects.create(**usual | given)


# What was in force, as far as known


@pytest.mark.parametrize(
    ("code", "then", "today"),
    [
        ("residents.size", {"min": 100, "max": 700}, {"min": 1000, "max": 3000}),
        ("deliberation.disclosure.days", {"min": 7}, {"min": 15}),
        ("security.logs", {"min": 6}, {"min": 6}),
        ("branch.assembly.pass", {"more_than": "1/2", "of": "entitled"}, {"more_than": "1/2", "of": "entitled"}),
        ("problems.deadline.0101", 7, 7),
    ],
)
def test_june_2020_is_judged_by_the_rules_of_2020(db, code, then, today):
    assert reads.rule(code, on=JUNE).value == then
    assert reads.rule(code, on=TODAY).value == today


def test_a_rule_that_ended_and_one_not_yet_made_are_refused_in_words(db):
    unknown = refused(lambda: reads.rule("deliberation.objection", on=JUNE))
    assert unknown.code == "rules.unknown"
    assert "2020年6月9日" in unknown.reason
    assert "deliberation.objection" in unknown.reason
    assert refused(lambda: reads.rule("no.such", on=TODAY)).code == "rules.unknown"


def test_a_category_without_its_own_deadline_has_the_general_one(db):
    assert reads.nearest_rule("problems.deadline.0101", on=JUNE).code == "problems.deadline.0101"
    assert reads.nearest_rule("problems.deadline.0421", on=JUNE).code == "problems.deadline"
    assert refused(lambda: reads.nearest_rule("nothing.of.this", on=JUNE)).code == "rules.unknown"


def test_a_later_recording_counts_only_from_when_it_was_known(db):
    shipped = reads.rule("problems.deadline.0101", on=JUNE)
    corrected = a_rule(version=2, recorded_at=datetime(2020, 6, 10, 9, tzinfo=SHANGHAI))
    before, after = (datetime(2020, 6, day, tzinfo=SHANGHAI) for day in (10, 11))
    assert reads.rule("problems.deadline.0101", on=JUNE, known_at=before) == shipped
    assert reads.rule("problems.deadline.0101", on=JUNE, known_at=after) == corrected
    assert corrected.ref == "problems.deadline.0101@2020-01-01#2"
    assert reads.version(corrected.ref) == corrected
    assert reads.version(shipped.ref) == shipped
    with clock_at(before):
        assert reads.rule("problems.deadline.0101", on=JUNE) == shipped


def test_a_rule_ends_by_being_recorded_again_with_its_last_day(db):
    a_rule(code="problems.deadline.0104", version=2, effective_to=date(2020, 6, 8))
    assert reads.rule("problems.deadline.0104", on=date(2020, 6, 8)).value == 10
    assert reads.nearest_rule("problems.deadline.0104", on=JUNE).code == "problems.deadline"


def test_a_district_stands_before_the_country(db):
    own = a_rule(district="410102", effective_from=date(2019, 1, 1))
    assert own.ref == "410102/problems.deadline.0101@2019-01-01"
    assert reads.rule("problems.deadline.0101", on=JUNE, district="410102") == own
    assert reads.rule("problems.deadline.0101", on=JUNE, district="410103") != own
    assert reads.rule("problems.deadline.0101", on=JUNE) != own
    assert reads.version(own.ref) == own
    assert own in reads.history("problems.deadline.0101", district="410102")


def test_history_is_every_version_newest_first(db):
    versions = reads.history("residents.size")
    assert [row.effective_from for row in versions] == [date(2026, 1, 1), date(1990, 1, 1)]
    assert versions[1].effective_to == date(2025, 12, 31)


@pytest.mark.parametrize(
    "ref",
    ["", "branch.found", "branch.found@2018-10-29", "branch.found@2018-10-28#2", "branch.found@2018-13-28", "x" * 200],
)
def test_a_version_that_is_not_there_is_refused(db, ref):
    assert refused(lambda: reads.version(ref)).code == "rules.unknown"


def test_the_page_has_every_rule_in_force_in_words_by_chapter(db, django_assert_num_queries):
    with django_assert_num_queries(2):
        chapters = dict(reads.chapters(TODAY))
    assert sum(len(rows) for rows in chapters.values()) == len(reads.rules_in_force(TODAY))
    assert list(chapters) == [group for group in Group if group in chapters]
    words = {rule.code: says for rows in chapters.values() for rule, says in rows}
    assert words["duty.link.households"] == "3—5 户"
    assert words["duty.patrol.rounds"] == "早巡、晚巡"
    assert words["residents.representatives.quorum"] == "组成人员的 2/3 以上"
    assert words["branch.assembly.rhythm"] == "每季度不少于 1 次"
    assert all(not re.search(r"[a-z]{4,}_", says) for says in words.values())


def test_words_of_a_vocabulary(db):
    categories = reads.terms("problem_category", on=JUNE)
    assert categories["0101"].name == "私搭乱建"
    assert categories["0101"].parent_code == "01"
    # Six classes of events and five of parts, each with something to choose in it.
    classes = {"01", "02", "03", "04", "05", "06", "91", "92", "93", "94", "95"}
    assert {code for code, one in categories.items() if not one.parent_code} == classes
    assert {one.parent_code for one in categories.values() if one.parent_code} == classes
    assert reads.term("meeting_kind", "theme_day", on=JUNE).name.startswith("主题党日")
    unknown = refused(lambda: reads.term("patrol_round", "noon", on=JUNE))
    assert unknown.code == "terms.unknown"
    assert "morning 早巡" in unknown.reason


# Counting


@pytest.mark.parametrize(
    ("value", "part", "whole", "enough"),
    [
        ({"at_least": "1/2", "of": "entitled"}, 25, 50, True),  # T1: quorate …
        ({"more_than": "1/2", "of": "entitled"}, 25, 50, False),  # … and fails: needs 26
        ({"more_than": "1/2", "of": "entitled"}, 26, 50, True),
        ({"at_least": "2/3", "of": "members"}, 39, 60, False),  # T2
        ({"at_least": "2/3", "of": "members"}, 40, 60, True),
        ({"more_than": "1/2", "of": "present"}, 21, 40, True),
        ({"more_than": "1/2", "of": "present"}, 20, 40, False),
        ({"at_most": "1/3", "of": "graded"}, 16, 50, True),  # T8
        ({"at_most": "1/3", "of": "graded"}, 17, 50, False),
        ({"more_than": "1/2", "of": "present"}, 0, 0, False),
    ],
)
def test_shares_count_exactly(value, part, whole, enough):
    assert Share.parse(value).met(part, whole) is enough


@given(some.fractions(0, 1), some.integers(0, 10_000), some.integers(0, 10_000))
def test_the_limit_is_the_smallest_count_that_is_enough(fraction, part, whole):
    for bound in ("at_least", "more_than"):
        share = Share(bound, fraction, "present")
        assert share.met(share.limit(whole), whole)
        assert share.limit(whole) == 0 or not share.met(share.limit(whole) - 1, whole)
        exact = part >= fraction * whole if bound == "at_least" else part > fraction * whole
        assert share.met(part, whole) is exact
    assert Share("at_most", fraction, "present").met(part, whole) is (part <= fraction * whole)


def test_either_body_makes_an_assembly_and_both_measures_an_owners_vote(db):
    quorum = reads.rule("residents.assembly.quorum", on=TODAY).value
    assert met(quorum, {"adults": (2001, 4000)})
    assert met(quorum, {"adults": (10, 4000), "household_reps": (901, 1800)})
    assert not met(quorum, {"adults": (2000, 4000), "household_reps": (900, 1800)})
    owners = reads.rule("owners.quorum", on=TODAY).value
    assert met(owners, {"all_area": (2000, 3000), "all_owners": (20, 30)})
    assert not met(owners, {"all_area": (3000, 3000), "all_owners": (19, 30)})
    assert not met(owners, {"all_area": (3000, 3000)})


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (4, "working_hour", "4 个工作时"),
        ({"min": 15}, "day", "不少于 15 日"),
        ({"max": 50}, "person", "不超过 50 人"),
        ({"min": 5, "max": 10}, "percent", "5—10%"),
        ({"min": 1, "per": "half_month"}, "time", "每半月不少于 1 次"),
        ({"more_than": "2/3", "of": "representatives"}, "share", "超过代表的 2/3"),
        ({"at_most": "1/3", "of": "graded"}, "share", "不超过参加评议的正式党员的 1/3"),
        ([["08:30", "12:00"], ["13:30", "17:30"]], "sessions", "8:30—12:00，13:30—17:30"),
        (["一", "二"], "text", "一；二"),
    ],
)
def test_values_read_as_a_cadre_would_say_them(value, unit, words):
    check(value, unit)
    assert in_words(value, unit) == words


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (True, "day"),
        ("7", "day"),
        ({}, "day"),
        ({"per": "week"}, "time"),
        ({"min": 1, "per": "fortnight"}, "time"),
        ({"at_least": "1/2"}, "share"),
        ({"at_least": "1/2", "of": "somebody"}, "share"),
        ({"at_least": "1/2", "more_than": "1/2", "of": "present"}, "share"),
        ([], "sessions"),
        ([["12:00", "08:30"]], "sessions"),
        (5, "text"),
        ({"codes": []}, "codes"),
    ],
)
def test_a_value_of_the_wrong_shape_is_not_taken(value, unit):
    with pytest.raises(ValueError, match=r"not|sessions"):
        check(value, unit)


# What is shipped


def test_every_shipped_row_is_whole():
    rules, terms = seeding.shipped_rules(), seeding.shipped_terms()
    words = {(term.vocabulary, term.code) for term in terms}
    for row in [*rules, *terms, *seeding.shipped_workdays()]:
        row.clean_fields()
    for rule in rules:
        assert rule.words, rule
        assert rule.effective_to is None or rule.effective_from <= rule.effective_to, rule
        if rule.unit == "codes":
            assert {(rule.value["vocabulary"], code) for code in rule.value["codes"]} <= words, rule
    for term in terms:
        assert not term.parent_code or (term.vocabulary, term.parent_code) in words, term
    assert {term.vocabulary for term in terms} == set(seeding.vocabularies())
    assert len({(rule.code, rule.effective_from) for rule in rules}) == len(rules)
    assert len(words) == len(terms)


def test_versions_of_a_rule_do_not_overlap():
    by_code: dict[str, list[Rule]] = {}
    for rule in seeding.shipped_rules():
        by_code.setdefault(rule.code, []).append(rule)
    for code, versions in by_code.items():
        versions.sort(key=lambda rule: rule.effective_from)
        for earlier, later in pairwise(versions):
            assert earlier.effective_to is not None, code
            assert earlier.effective_to < later.effective_from, code


def test_every_row_says_where_it_comes_from_and_what_is_unsure_is_marked():
    for rule in seeding.shipped_rules():
        assert rule.source, rule
        assert rule.to_check or rule.confidence in "VQD", rule
        if rule.confidence == Confidence.VERIFIED:
            assert rule.article, rule
    by_code = {rule.code: rule for rule in seeding.shipped_rules()}
    assert by_code["yard.unmanaged"].to_check
    assert by_code["problems.deadline"].to_check
    assert by_code["calendar.working_hours"].to_check
    assert not by_code["owners.quorum"].to_check


def test_what_the_fortnight_of_june_2020_needs_was_known_then(db):
    then = datetime(2020, 6, 1, tzinfo=SHANGHAI)
    for row in reads.rules_in_force(JUNE):
        assert row.recorded_at <= then, row
    assert "0201" in reads.terms("problem_category", on=JUNE, known_at=then)
    assert WorkDay.objects.filter(day__year=2020).exclude(recorded_at__lte=then).count() == 0
    assert WorkDay.objects.filter(day__year=2026, recorded_at__lt=datetime(2025, 11, 4, tzinfo=SHANGHAI)).count() == 0


def test_points_may_not_come_from_logins_likes_study_or_photos(db):
    allowed = set(reads.rule("points.sources.allowed", on=JUNE).value["codes"])
    forbidden = set(reads.rule("points.sources.forbidden", on=JUNE).value["codes"])
    assert {"login", "likes", "study_duration", "photos", "online_duration"} <= forbidden
    assert not allowed & forbidden
    assert allowed | forbidden == set(reads.terms("points_source", on=JUNE))


@pytest.mark.parametrize("number", range(1, 11))
def test_each_prohibition_is_a_rule_with_its_source(db, number):
    rule = reads.rule(f"app.forbidden.p{number}", on=TODAY)
    assert rule.title.startswith(f"P{number} ")
    assert rule.source in {
        "《政务移动互联网应用程序规范化管理办法》（国办函〔2026〕12 号）",
        "《关于防治“指尖上的形式主义”的若干意见》（2023 年）",
        "《整治形式主义为基层减负若干规定》",
    }


# Taking it in


def test_seeding_twice_changes_nothing(db):
    assert seeding.seed() == 0


def test_a_changed_row_is_recorded_again_and_the_old_one_stays(db, monkeypatch):
    old = reads.rule("problems.near_due", on=TODAY)
    shipped = seeding.shipped_rules()
    next(rule for rule in shipped if rule.code == "problems.near_due").value = 8
    monkeypatch.setattr(seeding, "shipped_rules", lambda: shipped)
    before = now()
    assert seeding.seed() == 1
    new = reads.rule("problems.near_due", on=TODAY)
    assert (new.value, new.version, old.version) == (8, 2, 1)
    assert new.recorded_at >= before
    assert Rule.objects.filter(code="problems.near_due").count() == 2
    assert reads.rule("problems.near_due", on=TODAY, known_at=before - timedelta(seconds=1)) == old
    assert reads.version(old.ref).value == 4


def test_a_row_shipped_later_is_known_from_when_it_came(db, monkeypatch):
    shipped = [*seeding.shipped_terms(), Term(vocabulary="patrol_round", code="noon", name="午巡", source="本系统")]
    shipped[-1].effective_from, shipped[-1].confidence = date(2020, 1, 1), "D"
    shipped[-1].recorded_at = datetime(2020, 1, 1, tzinfo=SHANGHAI)
    monkeypatch.setattr(seeding, "shipped_terms", lambda: shipped)
    before = now()
    assert seeding.seed() == 1
    assert "noon" in reads.terms("patrol_round", on=JUNE)
    assert "noon" not in reads.terms("patrol_round", on=JUNE, known_at=before - timedelta(seconds=1))


def test_nothing_is_known_before_the_day_it_is_in_force(db, monkeypatch):
    Rule.objects.all().delete()
    with clock_at(datetime(2026, 6, 1, tzinfo=SHANGHAI)):
        seeding.seed()
        assert all(rule.recorded_at <= now() for rule in Rule.objects.all())
    new = Rule.objects.get(code="residents.size", effective_from=date(2026, 1, 1))
    assert new.recorded_at == datetime(2026, 1, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "entry",
    [
        {"code": "elsewhere.found", "title": "…", "person": 3, "law": "ours", "confidence": "D"},
        {"code": "branch.found", "title": "…", "law": "ours", "confidence": "D"},
        {"code": "branch.found", "title": "…", "person": 3, "day": 3, "law": "ours", "confidence": "D"},
        {"code": "branch.found", "title": "…", "person": 3, "law": "ours", "confidence": "D", "notes": "…"},
        {"code": "branch.found", "title": "…", "person": "三", "law": "ours", "confidence": "D"},
    ],
)
def test_an_entry_that_cannot_be_read_is_named(monkeypatch, entry):
    load = seeding._load
    monkeypatch.setattr(seeding, "_load", lambda name: [entry] if name == "rules/branch.yaml" else load(name))
    with pytest.raises(ValueError, match=r"branch|number"):
        seeding.shipped_rules()


def test_the_same_version_is_not_recorded_twice(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        a_rule(version=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        a_rule(effective_from=date(2021, 1, 1), effective_to=date(2020, 1, 1))


def test_the_document_is_up_to_date():
    assert (ROOT / "docs" / "rules.zh.md").read_text(encoding="utf-8") == document.markdown()


def test_the_document_names_every_rule_and_every_confidence():
    text = document.markdown()
    for rule in seeding.shipped_rules():
        assert f"`{rule.code}`" in text
    for level in Confidence:
        assert level.label in text
    assert len({line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "<br>" in line}) == 1


def test_docs_writes_the_files_and_says_which_is_stale(tmp_path, db):
    out = StringIO()
    call_command("docs", to=str(tmp_path), stdout=out)
    written = tmp_path / "rules.zh.md"
    assert str(written) in out.getvalue()
    call_command("docs", to=str(tmp_path), check=True, stdout=out)
    written.write_text("旧的", encoding="utf-8")
    assert refused(lambda: call_command("docs", to=str(tmp_path), check=True, stdout=out)).code == "docs.stale"


def test_every_rhythm_names_a_known_period():
    assert {
        rule.value["per"] for rule in seeding.shipped_rules() if isinstance(rule.value, dict) and "per" in rule.value
    } <= set(PERIODS)


def test_an_act_asks_for_a_word_once_and_the_next_act_anew(db, django_assert_num_queries):
    seeding.seed()

    def word(on=JUNE, **more):
        return reads.find_term("problem_category", "0101", on=on, **more)

    plain = word()
    with reads.each_word_once():
        with django_assert_num_queries(1):
            assert word() == word() == plain
        with django_assert_num_queries(3):
            word(on=TODAY), word(district="410102"), word(known_at=now())
        with reads.each_word_once(), django_assert_num_queries(1):
            assert word() == plain
    Term.objects.filter(pk=plain.pk).delete()
    assert word() is None
