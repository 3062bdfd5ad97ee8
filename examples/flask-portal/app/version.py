"""Which commit this copy of the portal was deployed from."""

import os
import re

_FILE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "COMMIT_ID")


def commit(path=_FILE):
    """The id that the deploy put beside the application, or None in a working copy."""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read(64).strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch(r"[0-9a-f]{40}", text) else None
