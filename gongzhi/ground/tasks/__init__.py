"""交办事项: what is asked of whom, by when, because of what; answered, returned or struck off.

Leaves tasks.assigned, tasks.answered, tasks.returned, tasks.closed and, when nobody answered in time, tasks.lapsed.
"""
