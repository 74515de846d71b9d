"""The hall: one reconciliation, one admission, one round of alerts. Knows ports, never adapters."""
