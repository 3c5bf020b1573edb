"""The seal: anyone can check that a fact stood in the ledger, and nobody can change what was sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground import clock_at, now
from gongzhi.ground.ledger import seal as seals
from gongzhi.ground.ledger.models import Fact, Leaf, Outbox, Seal
from gongzhi.ground.ledger.proof import follow, inclusion_proof, merkle_root
from gongzhi.ground.ledger.seal import broken, leaf_digest, proof_of, seal

digests = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as written there."""
    import hashlib

    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


@given(digests)
def test_the_root_is_that_of_rfc_6962(leaves):
    assert merkle_root(leaves) == recursive_root(leaves)


@given(digests, st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(leaves, data):
    position = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(leaves, position)
    assert follow(leaves[position], proof) == merkle_root(leaves)
    other = data.draw(st.binary(min_size=32, max_size=32))
    if other != leaves[position]:
        assert follow(other, proof) != merkle_root(leaves)


@pytest.fixture
def settled(world):
    with clock_at(now() + timedelta(minutes=2)):
        yield world


def test_a_seal_takes_what_is_settled_and_chains_to_the_one_before(settled):
    first = seal(settled.district)
    assert first.count == Fact.objects.count()
    assert seal(settled.district) is None
    with settled.on("2020-06-08T09:00"):
        fact = settled.do(
            "secretary",
            "places.count",
            place="LH-YGHY",
            source="台账",
            measures=[{"indicator": "households", "quantity": 2140}],
        )
    second = seal(settled.district)
    assert (second.number, second.previous, second.count) == (2, first.digest, 1)
    assert Leaf.objects.get(fact=fact).seal == second
    assert broken(settled.district) == []


def test_a_fresh_fact_is_not_sealed_yet(world):
    with world.on("2020-06-08T09:00"):
        seal(world.district)
        world.do(
            "secretary",
            "places.count",
            place="LH-YGHY",
            source="台账",
            measures=[{"indicator": "households", "quantity": 1}],
        )
        assert seal(world.district) is None
    assert Outbox.objects.filter(sealed=False).count() == 1


def test_a_proof_holds_without_the_database(settled):
    import hashlib

    seal(settled.district)
    fact = Fact.objects.filter(kind="people.appointed").first()
    proof = proof_of(fact)
    leaf = hashlib.sha256(b"\x00" + proof["leaf"].encode()).digest()
    assert follow(leaf, proof["path"]).hex() == proof["seal"]["root"]


def test_a_change_behind_the_guards_back_breaks_the_seal(settled, monkeypatch):
    from django.db import connection

    seal(settled.district)
    fact = Fact.objects.filter(kind="people.appointed").first()
    with connection.cursor() as cursor:
        on = " ON ledger_fact" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER guard_ledger_fact_update{on}")
        cursor.execute("UPDATE ledger_fact SET label = %s WHERE id = %s", ["改过", fact.pk if on else fact.pk.hex])
    assert any(str(fact.pk) in fault for fault in broken(settled.district))


def test_a_forged_seal_does_not_fit_the_chain(settled):
    seal(settled.district)
    Seal.objects.create(district=settled.district, number=2, sealed_at=now(), count=0, root="00" * 32, digest="11" * 32)
    assert len(broken(settled.district)) >= 2


def test_the_leaf_covers_measures_and_parties(settled):
    fact = Fact.objects.filter(kind="people.appointed").first()
    before = leaf_digest(fact)
    fact.parties.create(district=fact.district, role="x", actor=settled.actor("worker"))
    assert leaf_digest(Fact.objects.get(pk=fact.pk)) != before
    assert seals.leaf_bytes(fact).decode().find("姓名") == -1
