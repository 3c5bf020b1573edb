"""亮赛比: what communities got done, side by side, computed from what is recorded anyway.

It compares organisations, never persons, and changes before conditions (不比基础比变化，不比条件比成效). A formula is a
dated, versioned row; a standing is a pure function of a formula, a week and the facts known at an instant, so last
Monday's standing can be computed again to the byte. Off until the owner of the place adopts a formula (启用公式), which
is the one fact this leaves: `league.adopted`.
"""
