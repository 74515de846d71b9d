"""The command line: every verb, its output and its exit code.

Verbs show tables for people, or with `--json` one JSON document on stdout; logs go to stderr.
"""

from idpsync.cli.program import main

__all__ = ["main"]
