"""One message to one address by SMTP. Never more is said of what went wrong than its class."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage

from writeback.core.network.tls import trusted
from writeback.core.settings import MailSecurity, MailSettings
from writeback.notifier.answers import NotAnswered


class MailSender:
    """Sends. A connection a message: alerts are few."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    @property
    def is_set_up(self) -> bool:
        """Whether there is a mail server, and an address that mails come from."""
        return bool(self._settings.host and self._settings.sender)

    async def send(self, to: str, subject: str, text: str, headers: Mapping[str, str]) -> NotAnswered | None:
        """Send one; return what went wrong, None where the server has taken it."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, to, subject
        for name, value in headers.items():
            message[name] = value
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return NotAnswered(_class_of(error))
        return None

    def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        if settings.security is MailSecurity.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=trusted()
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        with server:
            if settings.security is MailSecurity.STARTTLS:
                server.starttls(context=trusted())
            if settings.user:
                server.login(settings.user, settings.password)
            server.send_message(message)


def _class_of(error: Exception) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "sign_in_refused"
        case smtplib.SMTPRecipientsRefused():
            return "recipient_refused"
        case smtplib.SMTPSenderRefused():
            return "sender_refused"
        case smtplib.SMTPNotSupportedError():
            return "not_encrypted"
        case smtplib.SMTPResponseException():
            return f"smtp_{error.smtp_code}"
        case ssl.SSLError():
            return "tls"
        case TimeoutError():
            return "timeout"
        case OSError():
            return "connect"
    return "broken"
