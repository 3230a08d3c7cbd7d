"""`/metrics`: what Prometheus scrapes."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Count from here on, and serve the page."""
    # Imported no sooner: prometheus_client looks at once whether several processes count together.
    from hubinfo.operator.metrics import meter, page, stored

    meter.init_app(app)
    stored.init_app(app)
    app.register_blueprint(page.blueprint)
