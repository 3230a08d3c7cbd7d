"""For whoever runs this platform: board, `/api`, commands and health."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages, the commands and the health checks."""
    from hubinfo.operator import (  # noqa: F401  commands join the group
        api,
        board,
        cli,
        commands,
        copy_command,
        guesses,
        health,
        history_commands,
        metrics,
        notify_commands,
        party_commands,
        restore_command,
        token_commands,
    )

    guesses.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(api.blueprint)
    board.init_app(app)
    metrics.init_app(app)
    app.cli.add_command(cli.group)
