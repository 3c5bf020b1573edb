"""Upkeep rewrites exactly the tables in which an erased person may have left something."""

from __future__ import annotations

from gongzhi.clock import upkeep


def test_every_table_with_words_or_personal_data_is_rewritten():
    tables = set(upkeep.tables_with_personal_data())
    assert {"people_sealed", "people_personkey", "people_account", "tasks_answer", "members_member"} <= tables
    assert "ledger_fact" not in tables


def test_it_waits_for_the_night_and_for_an_erasure(world, monkeypatch):
    ran: list[int] = []
    monkeypatch.setattr(upkeep, "scrub", lambda: ran.append(1))
    with world.on("2021-02-02T03:00"):
        upkeep.scrub_at_night()
    assert not ran
    person = world.person("worker")
    with world.on("2021-02-01T12:00"):
        from gongzhi.ground import now

        type(person).objects.filter(pk=person.pk).update(erased_at=now())
        upkeep.scrub_at_night()
    assert not ran
    with world.on("2021-02-02T03:00"):
        upkeep.scrub_at_night()
    assert ran == [1]
