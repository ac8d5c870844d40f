"""E-mail by SMTP. Message-ID is fixed per outbox row, so a receiver drops a second copy."""

from datetime import datetime
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown

PAUSE_SECONDS = 60.0


class Email:
    """``url``: smtp://user:password@host:port, smtps:// for implicit TLS."""

    def __init__(self, url: str, sender: str) -> None:
        self.parts = urlsplit(url)
        self.sender = sender

    async def paused_until(self) -> datetime | None:
        return None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        letter = EmailMessage()
        letter["From"] = self.sender
        letter["To"] = message.address
        letter["Subject"] = " ".join(message.subject.split()) or "Dilo"
        letter["Message-ID"] = f"<{message.key}@{self.sender.rsplit('@', 1)[-1]}>"
        letter.set_content(message.text)
        client = aiosmtplib.SMTP(
            hostname=self.parts.hostname or "localhost",
            port=self.parts.port or 25,
            use_tls=self.parts.scheme == "smtps",
            timeout=15,
        )
        try:
            await client.connect()
            if self.parts.username:
                await client.login(unquote(self.parts.username), unquote(self.parts.password or ""))
        except (aiosmtplib.SMTPException, OSError) as error:
            return RetryLater(PAUSE_SECONDS, f"connect: {error}")
        return await self._hand_over(client, letter, message)

    async def _hand_over(
        self, client: aiosmtplib.SMTP, letter: EmailMessage, message: Message
    ) -> Outcome:
        try:
            await client.send_message(letter)
            return Sent(str(letter["Message-ID"]))
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            return _refused(code, str(error.recipients[0].message))
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return Unknown(f"no answer after the message left: {error}")
        finally:
            client.close()


def _refused(code: int, text: str) -> Outcome:
    """4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
    if 400 <= code < 500:
        return RetryLater(PAUSE_SECONDS, f"{code} {text}")
    return Dead(f"{code} {text}"[:200], address_dead=code in (550, 551, 553))
