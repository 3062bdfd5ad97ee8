import os
import tempfile
import unittest

from app import version
from app.tests.portal import PortalTest


class VersionTest(unittest.TestCase):
    def commit_in(self, content):
        with tempfile.NamedTemporaryFile("w", suffix="-commit", delete=False) as file:
            file.write(content)
        self.addCleanup(os.unlink, file.name)
        return version.commit(file.name)

    def test_the_deploy_tells_the_commit(self):
        self.assertEqual(self.commit_in("0123456789" * 4 + "\n"), "0123456789" * 4)

    def test_anything_else_is_no_commit(self):
        self.assertIsNone(self.commit_in("<script>"))
        self.assertIsNone(self.commit_in("é" * 40))

    def test_a_working_copy_has_no_commit(self):
        self.assertIsNone(version.commit("/nowhere/COMMIT_ID"))


class AboutTest(PortalTest):
    def test_everybody_may_read_the_about_page(self):
        answer = self.visitor().get("/about")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Field portal", answer.get_data(as_text=True))
