"""Several directories of one organisation, read as one."""
