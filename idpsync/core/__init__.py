"""Nouns, decisions, errors and ports. Standard library only; no I/O, no clock."""
