"""People who may log in."""

import re
import sqlite3

from flask import current_app
from werkzeug.security import check_password_hash, generate_password_hash

from app import db


class User:
    def __init__(self, row):
        self.id = row["id"]
        self.name = row["name"]
        self.role = row["role"]
        self._password = row["password"]

    @property
    def is_office(self):
        return self.role == "office"

    @staticmethod
    def check(name, password):
        """What is wrong with a new account; empty if nothing is."""
        errors = []
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]{1,31}", name or ""):
            errors.append("a name has 2 to 32 letters, digits, dots or dashes")
        if len(password or "") < 8:
            errors.append("a password has at least 8 characters")
        elif name and name.lower() in password.lower():
            errors.append("a password must not contain the name")
        return errors

    @classmethod
    def create(cls, name, password, role="crew"):
        """The new user, or None if the name is taken."""
        try:
            cursor = db.connection().execute(
                "INSERT INTO users (name, password, role) VALUES (?, ?, ?)",
                (name, generate_password_hash(password, current_app.config["PASSWORD_METHOD"]), role),
            )
        except sqlite3.IntegrityError:
            db.connection().rollback()
            return None
        db.connection().commit()
        return cls.get(cursor.lastrowid)

    @classmethod
    def get(cls, user_id):
        row = db.connection().execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
        return cls(row) if row else None

    @classmethod
    def named(cls, name):
        row = db.connection().execute("SELECT * FROM users WHERE name = ?", (name,)).fetchone()
        return cls(row) if row else None

    @classmethod
    def log_in(cls, name, password):
        """The user, or None if name or password is wrong."""
        user = cls.named(name)
        if user is None or not check_password_hash(user._password, password):
            return None
        return user

    def change_password(self, old, new):
        """What is wrong with the new password; empty if it was changed."""
        if not check_password_hash(self._password, old):
            return ["the old password is wrong"]
        errors = User.check(self.name, new)
        if not errors:
            self._password = generate_password_hash(
                new, current_app.config["PASSWORD_METHOD"]
            )
            db.connection().execute(
                "UPDATE users SET password = ? WHERE id = ?", (self._password, self.id)
            )
            db.connection().commit()
        return errors
