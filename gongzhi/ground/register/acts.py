from gongzhi.ground.register import from_paper, handing, invitations, people, places, positions

__all__ = ["from_paper", "handing", "invitations", "people", "places", "positions"]
