"""For whoever runs this platform: commands and health."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the commands and the health checks."""
    from hubinfo.operator import commands, health

    app.register_blueprint(health.blueprint)
    app.cli.add_command(commands.group)
