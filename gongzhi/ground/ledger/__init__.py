"""记录: what happened. An act leaves one fact; facts are never changed, only corrected by further facts.

Nothing else in the system says what happened: every ledger, total, ranking and briefing is computed from here, as of
any instant.
"""
