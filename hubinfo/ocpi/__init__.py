"""OCPI on the wire. Knows no database and no Flask app."""
