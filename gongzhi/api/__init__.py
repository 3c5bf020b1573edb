"""接口: pages for programs. Every registered act is one operation, described from its declaration; what may be read is
what the token's person may read. Closed by default: only the sign-in, the description and its page need no token.
"""
