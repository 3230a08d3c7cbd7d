"""`/metrics`: what Prometheus scrapes."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Serve the page."""
    # Imported no sooner: prometheus_client looks at once whether several processes count together.
    from hubinfo.operator.metrics import page

    app.register_blueprint(page.blueprint)


def equip(app: Flask) -> None:
    """Count from here on."""
    from hubinfo.operator.metrics import meter, stored

    meter.equip(app)
    stored.equip(app)
