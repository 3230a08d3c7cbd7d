"""The connected party: what hubs told it, and registering with them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "pending_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_pending_token")),
    )
    op.create_table(
        "known",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("country_code", sa.String(length=2), nullable=False),
        sa.Column("party_id", sa.String(length=3), nullable=False),
        sa.Column("party", sa.String(length=8), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["platform_id"], ["platform.id"], name=op.f("fk_known_platform_id_platform")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known")),
        sa.UniqueConstraint("platform_id", "party", "role", name=op.f("uq_known_platform_id_party_role")),
    )
    op.create_index(op.f("ix_known_party"), "known", ["party"], unique=False)
    # Columns are added in place: copying the table, as a batch does, would delete what refers to it.
    op.add_column("platform", sa.Column("sender_url", sa.String(length=1024), nullable=True))
    op.add_column("platform", sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("platform", sa.Column("failed_syncs", sa.Integer(), server_default="0", nullable=False))
    op.add_column("platform", sa.Column("sync_reason", sa.String(length=255), nullable=True))
    op.add_column("platform", sa.Column("next_sync_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for column in ("next_sync_at", "sync_reason", "failed_syncs", "synced_at", "sender_url"):
        op.drop_column("platform", column)
    op.drop_index(op.f("ix_known_party"), table_name="known")
    op.drop_table("known")
    op.drop_table("pending_token")
    op.drop_table("api_token")
