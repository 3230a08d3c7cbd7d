"""The blueprint that all pages of the board belong to."""

from flask import Blueprint

blueprint = Blueprint(
    "board", "hubinfo.operator.board", template_folder="templates", static_folder="static", static_url_path="/board"
)
