"""What the worker runs as jobs: one module per subject, each named here so that every worker knows its kinds."""

from gongzhi.clock.runners import imports, operation

__all__ = ["imports", "operation"]
