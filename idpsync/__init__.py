"""idpsync: seats, tiers and accounts, driven by the identity provider."""

__version__ = "0.1.0"
