from gongzhi.ground.register import handing, invitations, people, places

__all__ = ["handing", "invitations", "people", "places"]
