"""登记: the acts on places, organisations and people.

They stand above the ledger because they leave facts, and below the rooms because every room needs them.
"""
