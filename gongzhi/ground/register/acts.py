from gongzhi.ground.register import (
    clients,
    divisions,
    doors,
    from_paper,
    handing,
    invitations,
    people,
    places,
    positions,
)

__all__ = ["clients", "divisions", "doors", "from_paper", "handing", "invitations", "people", "places", "positions"]
