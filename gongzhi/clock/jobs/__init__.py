"""作业: long work that people start, watch, leave and come back to."""
