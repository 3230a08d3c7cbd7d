"""The app for `flask run`, with development defaults."""

from pathlib import Path

from hubinfo.startup import load, serve_under_flask_run

app = load(production=False, instance_path=Path(__file__).parent / "instance")
serve_under_flask_run(app)
