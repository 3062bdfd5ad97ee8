"""The field portal: crews report their work orders, the office prices and closes them."""

import os

from flask import Flask, render_template

from app import db, version
from app.orders.controllers import blueprint as orders_blueprint
from app.users.controllers import blueprint as users_blueprint
from app.users.controllers import current_user, form_token


def create_app(settings=None):
    """An application of its own; `settings` override the environment's."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=os.environ.get("PORTAL_SECRET_KEY") or os.urandom(32),
        DATABASE=os.environ.get("PORTAL_DATABASE", os.path.join(app.instance_path, "portal.db")),
        PARTNER_URL=os.environ.get("PORTAL_PARTNER_URL", ""),
        PASSWORD_METHOD="pbkdf2:sha256:600000",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.config.update(settings or {})
    folder = os.path.dirname(app.config["DATABASE"])
    if folder:
        os.makedirs(folder, exist_ok=True)

    db.init_app(app)
    app.register_blueprint(users_blueprint)
    app.register_blueprint(orders_blueprint)
    app.add_url_rule("/about", "about", about)
    app.register_error_handler(404, not_found)
    app.register_error_handler(413, too_large)
    app.context_processor(
        lambda: {"current_user": current_user(), "form_token": form_token, "commit": version.commit()}
    )
    return app


def about():
    return render_template("about.html")


def not_found(_error):
    return render_template("error.html", title="No such page"), 404


def too_large(_error):
    return render_template("error.html", title="That form is too large"), 413
