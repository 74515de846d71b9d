"""Mail to one server: the only room that speaks SMTP."""

from idpsync.smtp.postman import Postman
from idpsync.smtp.server import Patience, SmtpServer

__all__ = ["Patience", "Postman", "SmtpServer"]
