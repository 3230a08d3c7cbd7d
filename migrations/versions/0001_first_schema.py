"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "platform",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("token_out", sa.String(length=512), nullable=True),
        sa.Column("token_form", sa.String(length=8), nullable=True),
        sa.Column("version", sa.String(length=8), nullable=True),
        sa.Column("versions_url", sa.String(length=255), nullable=True),
        sa.Column("receiver_url", sa.String(length=1024), nullable=True),
        sa.Column("last_heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_probes", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_reason", sa.String(length=255), nullable=True),
        sa.Column("next_probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_revision", sa.BigInteger(), nullable=False),
        sa.Column("failed_pushes", sa.Integer(), nullable=False),
        sa.Column("push_reason", sa.String(length=255), nullable=True),
        sa.Column("next_push_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform")),
        sa.UniqueConstraint("name", name=op.f("uq_platform_name")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_platform_token_hash")),
    )
    op.create_table(
        "client_info",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("country_code", sa.String(length=2), nullable=False),
        sa.Column("party_id", sa.String(length=3), nullable=False),
        sa.Column("party", sa.String(length=8), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("suspended_by_operator", sa.Boolean(), nullable=False),
        sa.Column("business_details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["platform_id"], ["platform.id"], name=op.f("fk_client_info_platform_id_platform")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_info")),
        sa.UniqueConstraint("party", "role", name=op.f("uq_client_info_party_role")),
        sa.UniqueConstraint("revision", name=op.f("uq_client_info_revision")),
    )
    with op.batch_alter_table("client_info", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_client_info_last_updated"), ["last_updated"], unique=False)
        batch_op.create_index(batch_op.f("ix_client_info_platform_id"), ["platform_id"], unique=False)

    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_info_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["client_info_id"], ["client_info.id"], name=op.f("fk_history_client_info_id_client_info")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_history_client_info_id"), ["client_info_id"], unique=False)

    op.create_table(
        "refusal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("client_info_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["client_info_id"], ["client_info.id"], name=op.f("fk_refusal_client_info_id_client_info")),
        sa.ForeignKeyConstraint(["platform_id"], ["platform.id"], name=op.f("fk_refusal_platform_id_platform")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
        sa.UniqueConstraint("platform_id", "client_info_id", name=op.f("uq_refusal_platform_id_client_info_id")),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refusal_client_info_id"), ["client_info_id"], unique=False)

    op.execute("INSERT INTO counter (name, value) VALUES ('revision', 0)")


def downgrade() -> None:
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refusal_client_info_id"))

    op.drop_table("refusal")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_history_client_info_id"))

    op.drop_table("history")
    with op.batch_alter_table("client_info", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_client_info_platform_id"))
        batch_op.drop_index(batch_op.f("ix_client_info_last_updated"))

    op.drop_table("client_info")
    op.drop_table("platform")
    op.drop_table("lease")
    op.drop_table("counter")
