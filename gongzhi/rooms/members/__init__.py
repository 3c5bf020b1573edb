"""党员共管: who belongs to which branch, and whom or what each member looks after.

A member is entered in one formal branch and never in two (编入支部). A member looks after three to five households or
a road section (联系到户, 认领路段); whoever looks after a section may write its patrol lines, by a post as 示范路段党员
that comes and goes with the link. Nobody is counted, ranked or reminded here: what is asked about is a branch or a
place. Names and telephones are in the vault.

Facts left: `members.enrolled` (measure member_enrolled), `members.linked` (door_linked or section_linked),
`members.unlinked`.
"""
