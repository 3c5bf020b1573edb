"""开放接口: Open311 GeoReport v2, so that other cities' and companies' programs read what is public and send in what
residents tell them. XML and JSON say the same; the specification is kept to the letter, errors included.

What is sent in waits to be accepted like everything from outside: the answer is a token, which leads to a request's
number once it is public. A single 私搭乱建 or 毁绿种菜 never is, so that these services are `blackbox` and the others
`batch`. Only what `gongzhi/hall/open_data.py` tells is told: the place and never the point, nobody's words.
"""
