"""规则: every number and norm the platform judges by, as a dated row with its source and how sure we are of it.

Three dictionaries, all append-only: `Rule` (a number, share, rhythm or sentence), `Term` (a closed vocabulary) and
`WorkDay` (where the calendar differs from Monday–Friday). What a row said on a day, as far as was known at an instant,
is asked in `reads`; a record keeps the text `code@2026-01-01` of the version that judged it. `calendar` turns a
deadline rule into an instant in working time. The shipped rows stand in `data/` and are taken in by `seed` after every
migration; `document` writes them out as `docs/rules.zh.md`. No facts are left here.
"""
