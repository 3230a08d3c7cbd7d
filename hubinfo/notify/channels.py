"""The channels that the settings ask for, by name."""

from hubinfo.config import Settings
from hubinfo.notify.channel import Channel
from hubinfo.notify.elsewhere import Elsewhere
from hubinfo.notify.mail import Mail
from hubinfo.notify.webhook import Webhook

MAIL, WEBHOOK, APPRISE = "mail", "webhook", "apprise"


def configured(settings: Settings) -> dict[str, Channel]:
    """None where nothing is configured. Opens nothing."""
    channels: dict[str, Channel] = {}
    if settings.notify_mail_to:
        channels[MAIL] = Mail(settings)
    if settings.notify_webhook_url:
        channels[WEBHOOK] = Webhook(settings)
    channels |= {f"{APPRISE}-{number}": Elsewhere(settings, url) for number, url in enumerate(settings.notify_urls, 1)}
    return channels


def names(settings: Settings) -> list[str]:
    """Of the same, without making them."""
    found = [MAIL] if settings.notify_mail_to else []
    found += [WEBHOOK] if settings.notify_webhook_url else []
    return found + [f"{APPRISE}-{number}" for number, _ in enumerate(settings.notify_urls, 1)]
