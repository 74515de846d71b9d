"""The configuration: one YAML file per organisation, checked whole before anything starts."""

from idpsync.config.loader import VARIABLE, load, locate
from idpsync.config.root import Config
from idpsync.config.schema import schema

__all__ = ["VARIABLE", "Config", "load", "locate", "schema"]
