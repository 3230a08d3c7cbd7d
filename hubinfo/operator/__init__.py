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
        health,
        history_commands,
        metrics,
        notify_commands,
        party_commands,
        restore_command,
        token_commands,
    )

    app.register_blueprint(health.blueprint)
    app.register_blueprint(api.blueprint)
    board.init_app(app)
    metrics.init_app(app)
    app.cli.add_command(cli.group)


def equip(app: Flask) -> None:
    """Count guesses and what happens from zero, and describe `/api` by the settings the app has now."""
    from hubinfo.operator import guesses, metrics
    from hubinfo.operator.api import description

    guesses.equip(app)
    metrics.equip(app)
    description.forget(app)
