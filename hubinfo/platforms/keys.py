"""The keys that stored tokens are encrypted with: SECRET_KEY, or those in a file that is made once."""

from sqlalchemy import func, select

from hubinfo.config import Settings, SettingsError
from hubinfo.database import db
from hubinfo.models import Platform
from hubinfo.platforms.vault import KEY_FILE, WHAT_TO_DO, keys_in


def keys_of(settings: Settings) -> tuple[str, ...]:
    """Newest first. Raises SettingsError, also where the file is gone that tokens are encrypted with: no new one reads them."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.instance_path / KEY_FILE
    if not path.exists() and (stored := _stored()):
        lost = f"is missing, and tokens in the database ({stored}) were encrypted with it"
        raise SettingsError([f"{path}: {lost}; {WHAT_TO_DO}"])
    return keys_in(settings.instance_path)


def _stored() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).where(Platform.token_out.is_not(None))) or 0
