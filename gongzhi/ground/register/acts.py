from gongzhi.ground.register import divisions, from_paper, handing, invitations, people, places, positions

__all__ = ["divisions", "from_paper", "handing", "invitations", "people", "places", "positions"]
