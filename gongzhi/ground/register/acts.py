from gongzhi.ground.register import from_paper, handing, invitations, people, places

__all__ = ["from_paper", "handing", "invitations", "people", "places"]
