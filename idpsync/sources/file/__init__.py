"""The people file."""
