"""Filling the ledger with many facts by plain SQL, as acts would have left them."""

from __future__ import annotations

from django.db import connection

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Account
from gongzhi.ground.places.models import Place

DISTRICT = "410102"
INDICATORS = [
    "problem_reported",
    "problem_dispatched",
    "problem_resolved",
    "problem_resolved_in_time",
    "problem_lapsed",
    "problem_verified",
    "problem_returned",
    "problem_settled",
    "visited",
    "shed_area",
    "plot_area",
    "sticker_removed",
]


def territory(communities: int) -> tuple[Place, list[str]]:
    """A street with so many communities."""
    if not Place.objects.filter(code="S2").exists():
        district = Account.objects.get(username="district").actor
        registry["places.open"].call(
            By(district), {"parent": DISTRICT, "kind": "street", "code": "S2", "name": "汝河路街道"}
        )
        for number in range(communities):
            raw = {"parent": "S2", "kind": "community", "code": f"R{number}", "name": f"对比{number}社区"}
            registry["places.open"].call(By(district), raw)
    return Place.objects.get(code="S2"), INDICATORS


def fill(total: int) -> None:
    """Bring the ledger to `total` facts below the street: two years of days, each with one measure, tallied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_fact WHERE kind = 'bench'")
        present = cursor.fetchone()[0]
        missing = total - present
        if missing <= 0:
            return
        cursor.execute("SELECT id FROM people_actor WHERE kind = 'system'")
        actor = cursor.fetchone()[0]
        names = ", ".join(f"'{name}'" for name in INDICATORS)
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DROP TABLE IF EXISTS bench_new")
        cursor.execute(
            f"""
            CREATE TEMP TABLE bench_new AS
            SELECT gen_random_uuid() AS id, p.id AS place_id, p.path,
                   date '2019-01-01' + (n %% 730)::int AS day,
                   (ARRAY[{names}])[1 + (n %% {len(INDICATORS)})::int] AS indicator_id,
                   1000 * (1 + n %% 7) AS quantity,
                   CASE WHEN n %% 11 = 0 THEN 'at_least' ELSE 'exact' END AS bound
            FROM generate_series({present}, {total} - 1) n
            JOIN (SELECT id, path, row_number() OVER (ORDER BY path) - 1 AS no FROM places_place
                  WHERE code LIKE 'R%%' AND kind = 'community') p ON p.no = (n / 12) %% 200
            """,
            [],
        )
        cursor.execute(
            """
            INSERT INTO ledger_fact (id, district, kind, subject, by_id, recorded_by_id, organisation_id, place_id,
                path, at, day, recorded_at, known_on, because_id, key, request, corrects_id, facets, label,
                rule_version, audience, words, origin)
            SELECT id, %s, 'bench', 'bench/1', %s, %s, NULL, place_id, path, day + time '02:00', day,
                day + time '03:00', day, NULL, NULL, '', NULL, '{}', 'bench', '', 'area', '', '' FROM bench_new
            """,
            [DISTRICT, actor, actor],
        )
        cursor.execute(
            """
            INSERT INTO ledger_measure (id, district, fact_id, indicator_id, quantity, bound)
            SELECT gen_random_uuid(), %s, id, indicator_id, quantity, bound FROM bench_new
            """,
            [DISTRICT],
        )
        cursor.execute(
            """
            INSERT INTO ledger_tally (id, district, place_id, path, indicator_id, day, known_on, quantity, inexact)
            SELECT gen_random_uuid(), %s, place_id, path, indicator_id, day, day, sum(quantity),
                   count(*) FILTER (WHERE bound = 'at_least')
            FROM bench_new GROUP BY place_id, path, indicator_id, day
            ON CONFLICT (district, place_id, indicator_id, day, known_on) DO UPDATE SET
                quantity = ledger_tally.quantity + excluded.quantity, inexact = ledger_tally.inexact + excluded.inexact
            """,
            [DISTRICT],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
