"""The demo identity provider of `make run`: it lets anybody in, on this machine only."""

from idpsync.demo.app import demo_blueprint
from idpsync.demo.idp import DemoIdp, DemoPerson

__all__ = ["DemoIdp", "DemoPerson", "demo_blueprint"]
