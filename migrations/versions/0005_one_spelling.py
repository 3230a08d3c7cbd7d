"""Country codes and party ids in upper case: one spelling of each party; which versions a platform is shown.

No two rows become one: `party`, by which they are told apart, has been in upper case from the beginning.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

client_info = sa.table(
    "client_info",
    sa.column("id", sa.Integer),
    sa.column("revision", sa.BigInteger),
    sa.column("last_updated", sa.DateTime(timezone=True)),
    *[sa.column(name, sa.String) for name in ("country_code", "party_id", "party")],
)
known = sa.table("known", *[sa.column(name, sa.String) for name in ("country_code", "party_id", "party")])
counter = sa.table("counter", sa.column("name", sa.String), sa.column("value", sa.BigInteger))


def upgrade() -> None:
    op.add_column("platform", sa.Column("versions_shown", sa.JSON(), nullable=True))
    connection = op.get_bind()
    _renew_in_upper_case(connection)
    connection.execute(known.update().where(_is_lower(known)).values(_upper(known)))


def _renew_in_upper_case(connection: sa.Connection) -> None:
    """A change like any other: with a new revision and a later `last_updated`, receivers are told the new spelling."""
    rows = connection.execute(sa.select(client_info).where(_is_lower(client_info)).order_by(client_info.c.revision)).all()
    taken = sa.select(counter.c.value).where(counter.c.name == "revision")
    first = (connection.scalar(taken) or 0) + 1
    now = datetime.now(UTC)
    for number, row in enumerate(rows, first):
        here = now if row.last_updated.tzinfo else now.replace(tzinfo=None)  # SQLite keeps no zone
        later = max(here.replace(microsecond=here.microsecond // 1000 * 1000), row.last_updated + timedelta(milliseconds=1))
        renewed = client_info.update().where(client_info.c.id == row.id)
        connection.execute(renewed.values(**_upper(client_info), revision=number, last_updated=later))
    connection.execute(counter.update().where(counter.c.name == "revision").values(value=counter.c.value + len(rows)))


def _is_lower(table: sa.TableClause) -> sa.ColumnElement[bool]:
    return sa.or_(*(table.c[name] != upper for name, upper in _upper(table).items()))


def _upper(table: sa.TableClause) -> dict[str, sa.ColumnElement[str]]:
    """Out of `party`, e.g. NL-TNM: what a database takes for the upper case of a letter depends on its locale."""
    return {"country_code": sa.func.substr(table.c.party, 1, 2), "party_id": sa.func.substr(table.c.party, 4)}


def downgrade() -> None:
    op.drop_column("platform", "versions_shown")
