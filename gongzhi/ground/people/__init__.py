"""人: persons, accounts, appointments, and who may do what where.

Facts know only an `Actor` (a random id). That an actor is a certain person is known here alone and can be erased;
what a person is called lies in the vault.
"""
