from gongzhi.ground.register import people, places

__all__ = ["people", "places"]
