"""The seal: a Merkle tree (RFC 6962 layout, SHA-256) over every fact older than 60 s, chained to the seal before.

Each seal's digest is printed on the noticeboard; whoever kept a print can prove that a fact stood in the ledger then
and that nothing sealed has been changed since, by anyone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from gongzhi.ground import now
from gongzhi.ground.ledger.models import SETTLED_AFTER, Fact, Leaf, Outbox, Seal, canonical_measures
from gongzhi.ground.ledger.proof import canonical, chain_digest, inclusion_proof, leaf_of, merkle_root

BATCH = 10_000


def leaf_bytes(fact: Fact) -> bytes:
    """What a fact's leaf commits to: every column, its measures and parties; ids, codes and numbers only."""
    return canonical(
        {
            "id": str(fact.pk),
            "district": fact.district,
            "kind": fact.kind,
            "subject": fact.subject,
            "by": str(fact.by_id),
            "recorded_by": str(fact.recorded_by_id),
            "organisation": str(fact.organisation_id or ""),
            "place": str(fact.place_id),
            "at": fact.at.astimezone(UTC).isoformat(),
            "recorded_at": fact.recorded_at.astimezone(UTC).isoformat(),
            "because": str(fact.because_id or ""),
            "origin": fact.origin,
            "corrects": str(fact.corrects_id or ""),
            "key": fact.key or "",
            "request": fact.request,
            "facets": fact.facets,
            "label": fact.label,
            "rule_version": fact.rule_version,
            "audience": str(fact.audience),
            "words": fact.words,
            "measures": canonical_measures(fact.measures.all()),
            "parties": sorted(
                [one.role, str(one.actor_id or ""), str(one.organisation_id or "")] for one in fact.parties.all()
            ),
        }
    )


def leaf_digest(fact: Fact) -> bytes:
    return leaf_of(leaf_bytes(fact))


def seal(district: str) -> Seal | None:
    """Seal what is settled and not sealed yet; None when there is nothing. Called by the worker every minute."""
    with transaction.atomic():
        last = Seal.objects.select_for_update().filter(district=district).order_by("-number").first()
        waiting = list(
            Outbox.objects.select_for_update()
            .filter(district=district, sealed=False, fact__recorded_at__lte=now() - SETTLED_AFTER)
            .order_by("fact__recorded_at", "fact_id")
            .values_list("fact_id", flat=True)[:BATCH]
        )
        if not waiting:
            return None
        found = Fact.objects.filter(district=district, pk__in=waiting).prefetch_related("measures", "parties")
        facts = sorted(found, key=lambda fact: (fact.recorded_at, fact.pk))
        digests = [leaf_digest(fact) for fact in facts]
        number, previous = (last.number + 1, last.digest) if last else (1, "")
        sealed_at, root = now(), merkle_root(digests).hex()
        made = Seal.objects.create(
            district=district,
            number=number,
            sealed_at=sealed_at,
            count=len(facts),
            root=root,
            previous=previous,
            digest=chain_digest(number, previous, root, len(facts), sealed_at.astimezone(UTC).isoformat()),
        )
        Leaf.objects.bulk_create(
            [
                Leaf(fact=fact, district=district, seal=made, position=position, digest=digest.hex())
                for position, (fact, digest) in enumerate(zip(facts, digests, strict=True))
            ],
            batch_size=2000,
        )
        Outbox.objects.filter(pk__in=waiting).update(sealed=True)
        Outbox.objects.filter(district=district).done().delete()
        return made


def last_by(district: str, instant: datetime) -> Seal | None:
    """The last seal made by an instant: a paper as of then names it."""
    return Seal.objects.filter(district=district, sealed_at__lte=instant).order_by("-number").first()


def proof_of(fact: Fact) -> dict[str, Any] | None:
    """What an outsider needs to check a fact without the database, or None while it is not sealed."""
    leaf = Leaf.objects.select_related("seal").filter(fact=fact).first()
    if leaf is None:
        return None
    leaves = [
        bytes.fromhex(one)
        for one in Leaf.objects.filter(seal=leaf.seal).order_by("position").values_list("digest", flat=True)
    ]
    return {
        "leaf": leaf_bytes(fact).decode(),
        "position": leaf.position,
        "path": inclusion_proof(leaves, leaf.position),
        "seal": {
            "number": leaf.seal.number,
            "previous": leaf.seal.previous,
            "root": leaf.seal.root,
            "count": leaf.seal.count,
            "sealed_at": leaf.seal.sealed_at.astimezone(UTC).isoformat(),
            "digest": leaf.seal.digest,
        },
    }


def broken(district: str) -> list[str]:
    """What is wrong with the seals of a district, in words; empty when every leaf, root and link holds."""
    faults: list[str] = []
    previous = ""
    for expected, one in enumerate(Seal.objects.filter(district=district).order_by("number"), 1):
        if one.number != expected or one.previous != previous:
            faults.append(f"第 {one.number} 封没有接在上一封后面")
        leaves = list(one.leaves.order_by("position").values_list("fact_id", "digest"))
        facts = {
            fact.pk: fact
            for fact in Fact.objects.filter(leaf__seal=one).prefetch_related("measures", "parties").iterator(2000)
        }
        for fact_id, digest in leaves:
            if leaf_digest(facts[fact_id]).hex() != digest:
                faults.append(f"第 {one.number} 封里的记录 {fact_id} 与封存时不同")
        if merkle_root([bytes.fromhex(digest) for _, digest in leaves]).hex() != one.root or len(leaves) != one.count:
            faults.append(f"第 {one.number} 封的根与其中的记录不符")
        sealed_at = one.sealed_at.astimezone(UTC).isoformat()
        if chain_digest(one.number, one.previous, one.root, one.count, sealed_at) != one.digest:
            faults.append(f"第 {one.number} 封的封号不符")
        previous = one.digest
    return faults
