"""E-mail by SMTP. The Message-ID is the row's, so a receiver that sees it twice may drop one."""

from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from dilo.messaging.channels import Letter
from dilo.messaging.rules import Dead, Outcome, RetryLater, Sent, Unknown

NO_SUCH_MAILBOX = frozenset({550, 551, 553, 521})


class Mail:
    """Until DATA is answered a failure is certain; after it has begun, silence is ``unknown``."""

    idempotent = False

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (465 if parts.scheme == "smtps" else 25)
        self.secure = parts.scheme == "smtps"
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    async def send(self, letter: Letter) -> Outcome:
        message = self._message(letter)
        smtp = SMTP(
            hostname=self.host, port=self.port, use_tls=self.secure, timeout=letter.timeout_s
        )
        handed_over = False
        try:
            await smtp.connect()
            if self.user:
                await smtp.login(self.user, self.password)
            await smtp.mail(self.sender)
            await smtp.rcpt(letter.address)
            handed_over = True
            await smtp.data(message.as_bytes())
        except SMTPResponseException as error:
            return _refused(error)
        except (SMTPException, OSError, TimeoutError) as error:
            said = f"{type(error).__name__}: {error}"
            return Unknown(said) if handed_over else RetryLater(said)
        finally:
            smtp.close()
        return Sent(message["Message-ID"])

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        domain = self.sender.rsplit("@", 1)[-1]
        message["From"] = self.sender
        message["To"] = letter.address
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{letter.outbox_id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<mailto:{self.sender}?subject=unsubscribe>"
        message.set_content(letter.text)
        return message

    async def close(self) -> None:
        """Connections live as long as one letter."""


def _refused(error: SMTPResponseException) -> Outcome:
    said = f"{error.code} {error.message}"[:300]
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code < 500:
        return RetryLater(said)
    if isinstance(error, SMTPServerDisconnected):
        return RetryLater(said)
    return Dead(said, address_dead=error.code in NO_SUCH_MAILBOX)
