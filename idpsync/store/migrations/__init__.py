"""Alembic migrations, run from inside the program (`idpsync store upgrade`)."""
