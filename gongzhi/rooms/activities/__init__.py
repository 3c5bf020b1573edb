"""活动共办: what is done together at a set time: a patrol of a road section, a meeting or activity with its minutes.

A patrol line belongs to a section and a half-day, never to a person: any of its people may write it, or the community
enters a whole week from paper; a half-day has one line, and no line is no failing. What a patrol finds is reported as
problems, each with the line as its cause. A meeting leaves how many were expected and came, and who, where the
minutes say so; one of a host with co-hosts is each one's own and counts once in the area. A meeting short of its legal
quorum is recorded as 未成立 and does not count as held.

Facts left: `activities.patrolled` (measures patrolled, patrol_clear or patrol_found), `activities.held` (meeting_held,
attended, expected; parties host, co_host, attendee).
"""
