"""The operator's board: availability from history, pushes and probes, actions, use of tokens."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW: dict[str, list[tuple[str, sa.types.TypeEngine[Any]]]] = {
    "platform": [
        ("token_made_at", sa.DateTime(timezone=True)),
        ("token_used_at", sa.DateTime(timezone=True)),
        ("token_out_made_at", sa.DateTime(timezone=True)),
        ("token_out_used_at", sa.DateTime(timezone=True)),
        ("endpoints", sa.JSON()),
    ],
    "client_info": [("status_since", sa.DateTime(timezone=True))],
    "api_token": [("last_used_at", sa.DateTime(timezone=True))],
}
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG, SMALL = sa.BigInteger(), sa.Integer()
NUMBERS = [
    ("platform", "tellings", BIG),
    *[
        (table, name, kind)
        for table in ("client_info", "history")
        for name, kind in (("up_ms", BIG), ("down_ms", BIG), ("changes", SMALL))
    ],
]
history = sa.table(
    "history",
    *[sa.column(name, sa.Integer) for name in ("id", "client_info_id", "changes")],
    *[sa.column(name, sa.BigInteger) for name in ("up_ms", "down_ms")],
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("status", sa.String),
)
client_info = sa.table(
    "client_info",
    *[sa.column(name, sa.Integer) for name in ("id", "changes")],
    *[sa.column(name, sa.BigInteger) for name in ("up_ms", "down_ms")],
    sa.column("status_since", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    # Columns are added in place: copying a table, as a batch does, would delete what refers to it.
    for table, columns in NEW.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for table, name, kind in NUMBERS:
        op.add_column(table, sa.Column(name, kind, server_default="0", nullable=False))
    op.drop_index(op.f("ix_history_client_info_id"), table_name="history")
    op.create_index(op.f("ix_history_client_info_id_at"), "history", ["client_info_id", "at"], unique=False)
    op.create_index(op.f("ix_history_at"), "history", ["at"], unique=False)
    _create_tables()
    _fill_in_totals(op.get_bind())


def _create_tables() -> None:
    op.create_table(
        "activity",
        sa.Column("id", LONG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("client_info_id", sa.Integer(), nullable=True),
        sa.Column("told", sa.String(length=16), nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["client_info_id"], ["client_info.id"], name=op.f("fk_activity_client_info_id_client_info")),
        sa.ForeignKeyConstraint(["platform_id"], ["platform.id"], name=op.f("fk_activity_platform_id_platform")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index(op.f("ix_activity_platform_id_id"), "activity", ["platform_id", "id"], unique=False)
    op.create_index(op.f("ix_activity_client_info_id"), "activity", ["client_info_id"], unique=False)
    op.create_table(
        "action",
        sa.Column("id", LONG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=255), nullable=True),
        sa.Column("details", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index(op.f("ix_action_about"), "action", ["about"], unique=False)


def _fill_in_totals(connection: sa.Connection) -> None:
    """What the lines so far say of how long each row was CONNECTED and OFFLINE."""
    values: dict[str, Any] = {"up_ms": sa.bindparam("up"), "down_ms": sa.bindparam("down"), "changes": sa.bindparam("number")}
    to_line = history.update().where(history.c.id == sa.bindparam("line")).values(**values)
    since = {"status_since": sa.bindparam("at", type_=sa.DateTime(timezone=True))}
    to_row = client_info.update().where(client_info.c.id == sa.bindparam("row")).values(**values, **since)
    lines = sa.select(history.c.id, history.c.at, history.c.status).order_by(history.c.id)
    for row_id in connection.scalars(sa.select(client_info.c.id)).all():
        totals = _totals(connection.execute(lines.where(history.c.client_info_id == row_id)))
        if totals:
            connection.execute(to_line, [{name: line[name] for name in ("line", "up", "down", "number")} for line in totals])
            connection.execute(to_row, {"row": row_id, **{name: totals[-1][name] for name in ("up", "down", "number", "at")}})


def _totals(lines: Iterable[Any]) -> list[dict[str, Any]]:
    totals: list[dict[str, Any]] = []
    spent = {"CONNECTED": 0, "OFFLINE": 0}
    before = None
    for number, line in enumerate(lines, 1):
        if before is not None and before.status in spent:
            spent[before.status] += max(round((line.at - before.at).total_seconds() * 1000), 0)
        totals.append({"line": line.id, "at": line.at, "up": spent["CONNECTED"], "down": spent["OFFLINE"], "number": number})
        before = line
    return totals


def downgrade() -> None:
    op.drop_table("action")
    op.drop_table("activity")
    op.drop_index(op.f("ix_history_at"), table_name="history")
    op.drop_index(op.f("ix_history_client_info_id_at"), table_name="history")
    op.create_index(op.f("ix_history_client_info_id"), "history", ["client_info_id"], unique=False)
    for table, name, _ in reversed(NUMBERS):
        op.drop_column(table, name)
    for table, columns in NEW.items():
        for name, _ in reversed(columns):
            op.drop_column(table, name)
