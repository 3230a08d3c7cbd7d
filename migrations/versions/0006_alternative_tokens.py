"""Tokens beside the one that a platform should present: what a lost answer to credentials leaves in use."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alternative_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["platform_id"], ["platform.id"], name=op.f("fk_alternative_token_platform_id_platform")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_alternative_token")),
    )
    with op.batch_alter_table("alternative_token") as table:
        table.create_index(op.f("ix_alternative_token_platform_id"), ["platform_id"])


def downgrade() -> None:
    op.drop_table("alternative_token")
