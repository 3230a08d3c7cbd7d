"""Telling the operator what needs somebody: by mail, by webhook, through apprise."""
