"""The Receiver: takes what hubs push, pulls their full lists, and knows who can be reached through whom."""

from flask import Flask

from hubinfo.receiver import views


def init_app(app: Flask) -> None:
    """Serve module hubclientinfo, role RECEIVER."""
    views.init_app(app)
