"""E-mail in rehearsal: a provider with SMTP, IMAP and a consent page."""

from channels.rehearsal.email.network import PASSWORD, EmailNetwork, MailServer

__all__ = ["PASSWORD", "EmailNetwork", "MailServer"]
