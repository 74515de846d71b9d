"""Microsoft Entra ID, by Graph."""
