"""The app for gunicorn, with production defaults; under the `flask` command, which finds this file first, as in app.py."""

from pathlib import Path

from hubinfo.startup import load, serve_under_flask_run, under_flask

app = load(production=not under_flask(), instance_path=Path(__file__).parent / "instance")
serve_under_flask_run(app)
