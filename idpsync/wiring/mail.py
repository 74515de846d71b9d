"""Invitations by mail, and the link that they carry."""

from idpsync.config import Config
from idpsync.core.errors import ConfigError, Problem
from idpsync.core.ports import Courier
from idpsync.jit.settings import JitConfig
from idpsync.smtp import Postman, SmtpServer
from idpsync.wiring.clock import CLOCK


def login_link(jit: JitConfig) -> str:
    """Where an invite is accepted: by the first login."""
    return f"{jit.base_url}/saml/login"


def postman(config: Config) -> Postman | None:
    """Who takes letters to the configured mail server; None where there is none."""
    mail = config.mail
    if mail is None:
        return None
    try:
        server = SmtpServer.at(
            mail.smtp, username=mail.username, password=mail.password, ca_file=mail.ca_file
        )
    except ValueError as error:
        raise ConfigError(Problem("mail.smtp", str(error))) from error
    return Postman(server, clock=CLOCK)


def courier(config: Config) -> Courier | None:
    """Who brings invitations; None without a mail server, or without a login to be invited to."""
    carrier, mail, jit = postman(config), config.mail, config.jit
    if carrier is None or mail is None or jit is None:
        return None
    from idpsync.notify.invitations import Letters  # noqa: PLC0415 -- only who writes needs templates

    organization = config.organization
    return Letters(
        carrier,
        mail.sender,
        organization.name or organization.id,
        login_link(jit),
        contact=jit.no_seat_contact,
        language=mail.language,
    )
