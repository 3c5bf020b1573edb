"""辖区与组织: where things are and which organisations there are.

Places stand in one tree (区县 > 街道 > 社区/村 > 网格 > 微网格 > 楼院 > 楼栋 > 单元 > 户; a road section hangs where
its people belong). A place's `path` never changes, its codes and names may. Organisations stand in a tree of their own.
"""
