"""Logging in and out, and the own account."""

import functools
import hmac
import secrets

from flask import (
    Blueprint,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from app.users.models import User

blueprint = Blueprint("users", __name__)


def current_user():
    if "user" not in g:
        user_id = session.get("user_id")
        g.user = User.get(user_id) if user_id else None
        if user_id and g.user is None:
            session.clear()
    return g.user


def form_token():
    """Each form carries it back: another site cannot send one in a user's name."""
    if "form_token" not in session:
        session["form_token"] = secrets.token_hex(16)
    return session["form_token"]


@blueprint.before_app_request
def check_form_token():
    if request.method != "POST":
        return
    if not hmac.compare_digest(request.form.get("form_token", ""), session.get("form_token", "-")):
        abort(400, "the form is too old or not ours; load the page again")


def login_required(view):
    @functools.wraps(view)
    def guarded(*args, **kwargs):
        if current_user() is None:
            return redirect(url_for("users.login", next=request.path))
        return view(*args, **kwargs)

    return guarded


def own_page(target):
    """`target` if it is a page of this portal, else the start page."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return url_for("orders.index")


@blueprint.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        name = request.form.get("name", "").strip()
        user = User.log_in(name, request.form.get("password", ""))
        if user:
            target = own_page(request.args.get("next"))
            session.clear()
            session["user_id"] = user.id
            return redirect(target)
        flash("wrong name or password")
        return render_template("login.html", name=name), 401
    return render_template("login.html", name="")


@blueprint.route("/logout", methods=["POST"])
def logout():
    session.clear()
    return redirect(url_for("users.login"))


@blueprint.route("/account", methods=["GET", "POST"])
@login_required
def account():
    if request.method == "POST":
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            errors = ["the new password was not the same twice"]
        else:
            errors = current_user().change_password(request.form.get("old", ""), new)
        for error in errors:
            flash(error)
        if not errors:
            flash("the password was changed")
            return redirect(url_for("orders.index"))
        return render_template("account.html"), 422
    return render_template("account.html")
