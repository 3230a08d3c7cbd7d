"""`flask hubinfo` before any command runs: what is wrong on the group itself, and its help."""

import pytest
from flask import Flask

from tests.support.commands import error_of, invoke, text_of


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--yaml", "parties"), "No such option '--yaml'"),
        (("--yaml",), "No such option '--yaml'"),
        (("--help=yes", "parties"), "Option '--help' does not take a value"),
    ],
    ids=["before a command", "alone", "a value that is not taken"],
)
def test_a_wrong_option_of_the_group_is_one_line(app: Flask, arguments: tuple[str, ...], said: str) -> None:
    line = error_of(app, *arguments, exit_code=2)
    assert line.startswith(f"{said}; see: ")
    assert line.endswith(" hubinfo --help")


def test_the_group_alone_says_which_commands_there_are(app: Flask) -> None:
    result = invoke(app)
    assert (result.exit_code, result.stderr or result.stdout) == (2, text_of(app, "--help"))
