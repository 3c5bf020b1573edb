"""Every act declares an example, and every example can be played: one act, one fact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from gongzhi.clock import play
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact

# Played once by `install` before anything else can be; and what a demo has from the first.
FOUNDING = {"places.found", "people.open_vault"}


def test_each_example_plays_and_leaves_exactly_one_fact(world, monkeypatch):
    items = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text(encoding="utf-8"))
    player = play.Player(world.district)
    # What falls due is played here by hand.
    monkeypatch.setattr(player, "_pass_time", lambda instant: None)
    shown: Counter[str] = Counter()
    for item in items:
        whole = {name: value for name, value in item.items() if name != "example"}
        if item.get("example"):
            whole |= registry[item["act"]].example
            shown[item["act"]] += 1
        before = Fact.objects.count()
        facts: list[Fact] = []
        player.play([whole], facts.append)
        assert Fact.objects.count() == before + 1, item
        assert facts[0].kind == registry[item["act"]].leaves
    assert set(shown) == set(registry) - FOUNDING
    assert set(shown.values()) == {1}
