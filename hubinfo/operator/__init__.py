"""For whoever runs this platform: commands and health."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the commands and the health checks."""
    from hubinfo.operator import (  # noqa: F401  commands join the group
        api,
        cli,
        commands,
        guesses,
        health,
        party_commands,
        token_commands,
    )

    guesses.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(api.blueprint)
    app.cli.add_command(cli.group)
