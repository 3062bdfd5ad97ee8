"""Work orders and the time that crews book on them."""

from app import db

# What may follow what. A closed order stays as it is: it has been billed.
NEXT_STATES = {"open": ("done",), "done": ("open", "closed"), "closed": ()}

MAX_MINUTES = 16 * 60


def parse_duration(text):
    """Minutes from '90', '1:30' or '1.5h'; ValueError with a reason that a user understands."""
    text = (text or "").strip().lower()
    try:
        if ":" in text:
            hours, minutes = text.split(":")
            if not 0 <= int(minutes) < 60:
                raise ValueError
            total = int(hours) * 60 + int(minutes)
        elif text.endswith("h"):
            total = round(float(text[:-1].replace(",", ".")) * 60)
        else:
            total = int(text)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is no time; write 90, 1:30 or 1.5h") from None
    if total <= 0:
        raise ValueError("a booking takes at least a minute")
    if total > MAX_MINUTES:
        raise ValueError("nobody works more than 16 hours in one go; split the booking")
    return total


def format_duration(minutes):
    return f"{minutes // 60}:{minutes % 60:02}"


class Order:
    def __init__(self, row):
        self.id = row["id"]
        self.rig = row["rig"]
        self.title = row["title"]
        self.state = row["state"]
        self.reported_by = row["reported_by"]
        self.reporter = row["reporter"]
        self.reported_at = row["reported_at"]
        self.minutes = row["minutes"] or 0

    _SELECT = """
        SELECT orders.*, users.name AS reporter,
               (SELECT SUM(minutes) FROM entries WHERE order_id = orders.id) AS minutes
        FROM orders JOIN users ON users.id = reported_by
    """

    @staticmethod
    def check(rig, title):
        errors = []
        if not rig:
            errors.append("which rig is it about?")
        if not title:
            errors.append("what is to be done?")
        elif len(title) > 120:
            errors.append("a title has at most 120 characters")
        return errors

    @classmethod
    def create(cls, rig, title, user):
        cursor = db.connection().execute(
            "INSERT INTO orders (rig, title, reported_by) VALUES (?, ?, ?)", (rig, title, user.id)
        )
        db.connection().commit()
        return cls.get(cursor.lastrowid)

    @classmethod
    def get(cls, order_id):
        row = db.connection().execute(cls._SELECT + "WHERE orders.id = ?", (order_id,)).fetchone()
        return cls(row) if row else None

    @classmethod
    def find(cls, state=None, words=""):
        """Newest first; `words` must all stand in the rig or the title."""
        clauses, values = [], []
        if state:
            clauses.append("state = ?")
            values.append(state)
        for word in words.split():
            clauses.append("instr(lower(rig || ' ' || title), ?)")
            values.append(word.lower())
        where = "WHERE " + " AND ".join(clauses) if clauses else ""
        rows = db.connection().execute(cls._SELECT + where + " ORDER BY orders.id DESC", values)
        return [cls(row) for row in rows]

    def may_become(self, state, user):
        if state not in NEXT_STATES[self.state]:
            return False
        return user.is_office or state != "closed"

    def move_to(self, state):
        db.connection().execute("UPDATE orders SET state = ? WHERE id = ?", (state, self.id))
        db.connection().commit()
        self.state = state

    def book(self, user, trade, minutes, note=""):
        db.connection().execute(
            "INSERT INTO entries (order_id, user_id, trade, minutes, note) VALUES (?, ?, ?, ?, ?)",
            (self.id, user.id, trade, minutes, note),
        )
        db.connection().commit()
        self.minutes += minutes

    def entries(self):
        return (
            db.connection()
            .execute(
                "SELECT entries.*, users.name AS who FROM entries JOIN users ON users.id = user_id"
                " WHERE order_id = ? ORDER BY entries.id",
                (self.id,),
            )
            .fetchall()
        )
