"""查找: what one may see, found by any two neighbouring characters of its name, by number, by pinyin initials.

One design over both databases: pieces of two characters (`pieces`), declared per kind of thing by its own app
(`searchable`), kept in PostgreSQL as a tsvector under GIN and in SQLite as FTS5 (`index`), asked with the reader's
marks and decided by `visible_to` (`finding`). An act pays nothing for it: the worker reads the outbox, and until it
has, search looks at what waits there itself, so that a thing is found the moment it is recorded.
"""
