from gongzhi.ground.register import divisions, doors, from_paper, handing, invitations, people, places, positions

__all__ = ["divisions", "doors", "from_paper", "handing", "invitations", "people", "places", "positions"]
