"""简报: what was done in a place in a period, in sentences whose every figure is a sum over records and opens them.

A briefing holds nothing of its own: it is a pure function of a place, its days and the facts known at an instant.
`reads.brief` asks the ground; `text` makes sections of it: plain dataclasses, which pages and papers (`sheets`) print.
It leaves no fact.
"""
