from app.tests.portal import PASSWORD, PortalTest


class LoginTest(PortalTest):
    def test_a_visitor_is_sent_to_the_login_page(self):
        answer = self.visitor().get("/")
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(answer.location, "/login?next=%2F")

    def test_name_and_password_open_the_portal(self):
        browser = self.visitor()
        self.assertEqual(browser.log_in("carla").location, "/")
        self.assertIn("carla", browser.text("/"))

    def test_the_name_may_be_written_in_capitals(self):
        self.assertEqual(self.visitor().log_in("Carla").status_code, 302)

    def test_a_wrong_password_is_refused(self):
        answer = self.visitor().log_in("carla", "wrong")
        self.assertEqual(answer.status_code, 401)
        self.assertIn("wrong name or password", answer.get_data(as_text=True))

    def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(self):
        answer = self.visitor().log_in("nobody", "wrong")
        self.assertEqual(answer.status_code, 401)
        self.assertIn("wrong name or password", answer.get_data(as_text=True))

    def test_a_form_without_its_token_is_refused(self):
        answer = self.visitor().post_without_token("/login", name="carla", password=PASSWORD)
        self.assertEqual(answer.status_code, 400)

    def test_after_the_login_the_page_comes_that_was_asked_for(self):
        answer = self.visitor().log_in("carla", page="/login?next=/orders/new")
        self.assertEqual(answer.location, "/orders/new")

    def test_the_login_never_leads_to_another_site(self):
        for target in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
            answer = self.visitor().log_in("carla", page="/login?next=" + target)
            self.assertEqual(answer.location, "/", target)

    def test_after_logging_out_the_pages_are_closed(self):
        browser = self.crew()
        browser.post("/logout")
        self.assertEqual(browser.get("/").status_code, 302)
