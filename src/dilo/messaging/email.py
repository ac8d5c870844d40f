"""E-mail by SMTP. The Message-ID is the row's, so a receiver that sees it twice may drop one."""

import mimetypes
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown

NO_SUCH_MAILBOX = frozenset({550, 551, 553, 521})


class Email:
    """Until DATA is answered a failure is certain; after it has begun, silence is ``unknown``."""

    idempotent = False

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (465 if parts.scheme == "smtps" else 25)
        self.secure = parts.scheme == "smtps"
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    async def paused_until(self) -> datetime | None:
        return None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:  # noqa: ARG002
        letter = self._letter(message)
        smtp = SMTP(
            hostname=self.host, port=self.port, use_tls=self.secure, timeout=message.timeout_s
        )
        handed_over = False
        try:
            await smtp.connect()
            if self.user:
                await smtp.login(self.user, self.password)
            await smtp.mail(self.sender)
            await smtp.rcpt(message.address)
            handed_over = True
            await smtp.data(letter.as_bytes())
        except SMTPResponseException as error:
            return _refused(error)
        except (SMTPException, OSError, TimeoutError) as error:
            said = f"{type(error).__name__}: {error}"
            return Unknown(said) if handed_over else RetryLater(None, said)
        finally:
            smtp.close()
        return Sent(letter["Message-ID"])

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        domain = self.sender.rsplit("@", 1)[-1]
        letter["From"] = self.sender
        letter["To"] = message.address
        letter["Subject"] = " ".join(message.subject.split())
        letter["Date"] = formatdate()
        letter["Message-ID"] = f"<{message.key}@{domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        by_mail = f"<mailto:{self.sender}?subject=unsubscribe>"
        if out := message.extra.get("unsubscribe"):
            letter["List-Unsubscribe"] = f"<{out}>, {by_mail}"
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        else:
            letter["List-Unsubscribe"] = by_mail
        letter.set_content(message.text)
        if file := message.extra.get("file"):
            kind = mimetypes.guess_type(file["name"])[0] or "application/octet-stream"
            main, _, sub = kind.partition("/")
            letter.add_attachment(file["body"], main, sub, filename=file["name"])
        return letter

    async def close(self) -> None:
        """Connections live as long as one letter."""


def _refused(error: SMTPResponseException) -> Outcome:
    said = f"{error.code} {error.message}"[:300]
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code < 500:
        return RetryLater(None, said)
    if isinstance(error, SMTPServerDisconnected):
        return RetryLater(None, said)
    return Dead(said, address_dead=error.code in NO_SUCH_MAILBOX)
