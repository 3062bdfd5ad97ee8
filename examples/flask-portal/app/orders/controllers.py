"""The pages about work orders."""

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)

from app.orders import rates
from app.orders.models import NEXT_STATES, Order, format_duration, parse_duration
from app.users.controllers import current_user, login_required

blueprint = Blueprint("orders", __name__)
blueprint.add_app_template_filter(format_duration, "duration")


def order_or_404(order_id):
    order = Order.get(order_id)
    if order is None:
        abort(404)
    return order


@blueprint.route("/")
@login_required
def index():
    state = request.args.get("state")
    if state not in NEXT_STATES:
        state = None
    words = request.args.get("q", "")
    return render_template("orders.html", orders=Order.find(state, words), state=state, words=words)


@blueprint.route("/orders/new", methods=["GET", "POST"])
@login_required
def new():
    rig = request.form.get("rig", "").strip()
    title = request.form.get("title", "").strip()
    if request.method == "POST":
        errors = Order.check(rig, title)
        if not errors:
            order = Order.create(rig, title, current_user())
            return redirect(url_for("orders.show", order_id=order.id))
        for error in errors:
            flash(error)
        return render_template("order_new.html", rig=rig, title=title), 422
    return render_template("order_new.html", rig="", title="")


@blueprint.route("/orders/<int:order_id>")
@login_required
def show(order_id):
    order = order_or_404(order_id)
    entries = order.entries()
    hourly = rates.current(current_app.config["PARTNER_URL"])
    return render_template(
        "order.html",
        order=order,
        entries=entries,
        trades=sorted(hourly),
        price=rates.price(entries, hourly) if current_user().is_office else None,
        moves=[s for s in NEXT_STATES[order.state] if order.may_become(s, current_user())],
    )


@blueprint.route("/orders/<int:order_id>/book", methods=["POST"])
@login_required
def book(order_id):
    order = order_or_404(order_id)
    page = redirect(url_for("orders.show", order_id=order.id))
    if order.state != "open":
        flash(f"the order is {order.state}; time is booked on open ones only")
        return page
    try:
        minutes = parse_duration(request.form.get("time"))
    except ValueError as error:
        flash(str(error))
        return page
    trade = request.form.get("trade", "")
    if trade not in rates.current(current_app.config["PARTNER_URL"]):
        flash(f"there is no rate for '{trade}'")
        return page
    order.book(current_user(), trade, minutes, request.form.get("note", "").strip())
    return page


@blueprint.route("/orders/<int:order_id>/state", methods=["POST"])
@login_required
def move(order_id):
    order = order_or_404(order_id)
    state = request.form.get("state", "")
    if not order.may_become(state, current_user()):
        abort(409)
    order.move_to(state)
    return redirect(url_for("orders.show", order_id=order.id))
