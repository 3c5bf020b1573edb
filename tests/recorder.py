"""A process that records acts until it is stopped, several threads at once, and tells each fact once it is there.

python -m tests.recorder SEED            acts of all sorts, for ever
python -m tests.recorder SEED DAY WHEN   one patrol line under one key, by every thread at the same moment
"""

from __future__ import annotations

import random
import sys
import threading
import time
from datetime import date, timedelta

import django

THREADS = 3
SECTIONS = ["LH-HYJ", "LH-YGLN", "LH-LHLX", "LH-HBL", "LH-5HY", "LH-FJBX"]
_told = threading.Lock()


def tell(*ids):
    with _told:
        sys.stdout.write("".join(f"{one}\n" for one in ids))
        sys.stdout.flush()


def line(rng):
    return {
        "section": rng.choice(SECTIONS),
        "slot": rng.choice(["morning", "evening"]),
        "on": (date(2000, 1, 1) + timedelta(days=rng.randrange(7000))).isoformat(),
        "found": rng.randrange(3),
    }


def problem(rng):
    return {"place": rng.choice(SECTIONS), "category": "0101", "description": "棚屋一间", "source": "resident"}


def for_ever(seed):
    from gongzhi.api.acts import Batch
    from gongzhi.ground.ledger.acts import By, registry
    from gongzhi.ground.refusals import Refused
    from tests.world import World

    rng, world = random.Random(seed), World()
    worker, secretary = world.actor("worker"), world.actor("secretary")

    def one():
        choice = rng.randrange(4)
        if choice == 0:
            return [registry["activities.patrol"].call(By(worker, key=rng.randbytes(8).hex()), line(rng))]
        if choice == 1:
            told = [{"act": "activities.patrol"} | line(rng) for _ in range(10)]
            told += [{"act": "problems.report"} | problem(rng) for _ in range(4)]
            rng.shuffle(told)
            answers = Batch(worker, [one | {"key": rng.randbytes(8).hex()} for one in told]).do()
            return [one["fact"]["id"] for one in answers if "fact" in one]
        if choice == 2:
            return [registry["problems.report"].call(By(worker), problem(rng))]
        asked = registry["tasks.assign"].call(By(secretary), {"assignee": "LH-YGHY-JWH", "ask": "梳理点位"})
        number = asked.subject.partition("/")[2]
        return [asked, registry["tasks.answer"].call(By(worker), {"task": number, "answer": "已梳理"})]

    while True:
        try:
            tell(*(getattr(fact, "pk", fact) for fact in one()))
        except Refused as refused:
            # A line that is written already.
            if refused.status != 409:
                raise


def at_once(key, when, number):
    """Half of the threads send it alone, half of them as a batch of one."""
    from gongzhi.ground.ledger.acts import By, registry
    from tests.world import World

    patrol, by = registry["activities.patrol"], By(World().actor("member"), key=key)
    raw = {"section": "LH-HYJ", "slot": "morning", "on": f"2020-06-{key}", "found": 2}
    time.sleep(max(0.0, when - time.time()))
    (fact,) = patrol.many([(by, raw)]) if number % 2 else [patrol.call(by, raw)]
    tell(fact.pk)


def main(seed, key="", when="0"):
    django.setup()
    work = [
        (at_once, (key, float(when), number)) if key else (for_ever, (f"{seed}/{number}",)) for number in range(THREADS)
    ]
    threads = [threading.Thread(target=function, args=args) for function, args in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
