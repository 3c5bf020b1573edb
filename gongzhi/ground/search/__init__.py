"""查找: one index of words over everything that can be opened."""
