"""Service discovery: where the interface is, in which formats, whom to ask for a key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest

from gongzhi.api.open311.formats import FORMATS
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.ledger.models import Installation, InstallationKind
from gongzhi.ground.places.models import Place
from gongzhi.ground.rules.models import Term

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


def discovery(request: HttpRequest, here: Place, path: str) -> dict[str, Any]:
    """What the specification calls for. The changeset is when the list of services last changed."""
    base = (settings.SITE_URL or request.build_absolute_uri("/")).rstrip("/")
    sponsor, phone = settings.SPONSOR or str(here), settings.PHONE
    changed = _changeset(here.district)
    return {
        "changeset": changed,
        "contact": f"{sponsor}，{phone}" if phone else f"{sponsor}，{base}/feedback/",
        "key_service": f"密钥由{sponsor}的系统管理员发放，一个程序一个。请联系：{phone or f'{base}/feedback/'}",
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": f"{base}{path}",
                "changeset": changed,
                "type": "test" if Installation.objects.filter(kind=InstallationKind.DEMO).exists() else "production",
                "formats": list(FORMATS.values()),
            }
        ],
    }


def _changeset(district: str) -> str:
    rows = Term.objects.filter(vocabulary="problem_category", district__in={"", district})
    last = rows.aggregate(last=Max("recorded_at"))["last"] or now()
    return str(last.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"))
