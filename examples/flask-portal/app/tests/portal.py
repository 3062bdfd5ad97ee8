"""What the tests share: a portal of its own for each test, and people who click through it."""

import os
import re
import shutil
import tempfile
import unittest

from app import create_app
from app.users.models import User

PASSWORD = "correct horse 42"


class Browser:
    """One person's browser: keeps cookies, and sends each form with its token."""

    def __init__(self, app):
        self._client = app.test_client()

    def get(self, page):
        return self._client.get(page)

    def post(self, page, **fields):
        form = self._client.get("/login").get_data(as_text=True)
        fields["form_token"] = re.search(r'name="form_token" value="(\w+)"', form).group(1)
        return self._client.post(page, data=fields)

    def post_without_token(self, page, **fields):
        return self._client.post(page, data=fields)

    def log_in(self, name, password=PASSWORD, page="/login"):
        return self.post(page, name=name, password=password)

    def text(self, page):
        return self.get(page).get_data(as_text=True)


class PortalTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="portal-test-")
        self.app = create_app(
            {
                "DATABASE": os.path.join(self.folder, "portal.db"),
                "TESTING": True,
                "PARTNER_URL": "",
                "PASSWORD_METHOD": "pbkdf2:sha256:1000",  # quick: these passwords guard nothing
            }
        )
        with self.app.app_context():
            User.create("carla", PASSWORD, "crew")
            User.create("otto", PASSWORD, "office")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def visitor(self):
        return Browser(self.app)

    def crew(self):
        browser = self.visitor()
        browser.log_in("carla")
        return browser

    def office(self):
        browser = self.visitor()
        browser.log_in("otto")
        return browser
