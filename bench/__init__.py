"""Benchmarks: each figure beside its reference in the same run. `make bench ARGS='--json'`, `--only G1,G3`, `--big`."""
