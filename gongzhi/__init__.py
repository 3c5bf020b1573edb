"""共治: record a fact once, where the work happens; everything else is derived from facts."""

__version__ = "0.1.0"
