"""The Sender: keeps ClientInfo, serves it, tells every change, and asks the silent whether they are still there."""

from flask import Flask

from hubinfo.hub import views


def init_app(app: Flask) -> None:
    """Serve module hubclientinfo, role SENDER."""
    views.init_app(app)
