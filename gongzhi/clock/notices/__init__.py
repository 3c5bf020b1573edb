"""通知: who is told when something waits for them, in which words, and by which way.

`lines.py` is the table: when this fact, these posts, in these words. Everything is addressed to a post, so that a
successor finds what the predecessor was told. What waits is derived from the matter itself: there is nothing to mark as
read, and nobody can see who has read what. Out of the platform go counts, links and what duty has to know at once; no
name, no door, no words that somebody wrote.
"""
