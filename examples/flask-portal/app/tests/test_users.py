from app.tests.portal import PASSWORD, PortalTest
from app.users.models import User


class UserTest(PortalTest):
    def test_a_short_password_is_refused(self):
        with self.app.app_context():
            self.assertEqual(len(User.check("dora", "short")), 1)

    def test_a_name_that_is_no_word_is_refused(self):
        with self.app.app_context():
            self.assertEqual(len(User.check("d o r a", PASSWORD)), 1)
