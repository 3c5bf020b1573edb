"""登录的其他门: 统一身份认证 (OpenID Connect), 企业微信, 钉钉. A door is open when its settings are there.

Nobody gets an account by coming through one: it must be known beforehand whom the other system means, because that
person said so on 我的账号, or an officer's sheet did. The protocols are allauth's; its tables stay empty.
"""
