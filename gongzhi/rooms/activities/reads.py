"""Questions about a place or a host. There is none about what one person did."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from gongzhi.ground.keys import under
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.rooms.activities.models import Occasion, Patrol


def lines_at(place: Place, first: date, last: date) -> QuerySet[Patrol]:
    """The patrol lines of the sections at a place and below it on the days `first`–`last`, latest first."""
    lines = Patrol.objects.filter(under(place.path, "section__path"), district=place.district, withdrawn=False)
    return lines.filter(day__gte=first, day__lte=last).select_related("section", "fact").order_by("-fact__at", "-id")


def occasions_of(host: Organisation, first: date, last: date) -> QuerySet[Occasion]:
    """What an organisation and those below it held on the days `first`–`last`, latest first."""
    held = Occasion.objects.filter(under(host.path, "host__path"), district=host.district)
    return held.filter(fact__day__gte=first, fact__day__lte=last).select_related("host", "fact").order_by("-fact__at")
