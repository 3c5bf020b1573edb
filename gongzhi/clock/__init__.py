"""时钟: what happens because time passes or because something else happened; and the commands that operate it all.

Schedules (`schedules.py`) and reactions (`reactions.py`) do nothing themselves: they call acts as the system actor.
"""
