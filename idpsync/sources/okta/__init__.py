"""Okta, by its management API."""
