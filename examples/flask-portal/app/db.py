"""One SQLite connection for each request, and the schema."""

import sqlite3

import click
from flask import current_app, g

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('crew', 'office'))
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    rig TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'closed')),
    reported_by INTEGER NOT NULL REFERENCES users (id),
    reported_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    trade TEXT NOT NULL,
    minutes INTEGER NOT NULL CHECK (minutes > 0),
    note TEXT NOT NULL DEFAULT ''
);
"""


def connection():
    """The request's connection; opened at its first use."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    return g.db


def close(_error=None):
    db = g.pop("db", None)
    if db is not None:
        db.close()


def create_tables():
    connection().executescript(SCHEMA)


def init_app(app):
    app.teardown_appcontext(close)
    app.cli.add_command(add_user)
    with app.app_context():
        create_tables()


@click.command("add-user")
@click.argument("name")
@click.argument("role", type=click.Choice(["crew", "office"]))
@click.password_option()
def add_user(name, role, password):
    """Adds a person who may log in."""
    from app.users.models import User

    errors = User.check(name, password)
    if errors:
        raise click.ClickException("; ".join(errors))
    User.create(name, password, role)
    click.echo(f"{name} may log in now")
