"""Rows that a receiver answers wrongly are set aside and tried again by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refusal") as refusal:
        refusal.add_column(sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
        refusal.add_column(sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM refusal WHERE next_at IS NOT NULL")
    with op.batch_alter_table("refusal") as refusal:
        refusal.drop_column("next_at")
        refusal.drop_column("attempts")
