from app.tests.portal import PortalTest


class OrderTest(PortalTest):
    def report(self, browser, rig="Rig 7", title="Replace the mud pump's seal"):
        return browser.post("/orders/new", rig=rig, title=title).location

    def test_the_crew_reports_an_order(self):
        crew = self.crew()
        page = crew.text(self.report(crew))
        self.assertIn("Replace the mud pump", page)
        self.assertIn("reported by carla", page)

    def test_an_order_needs_a_rig_and_a_title(self):
        answer = self.crew().post("/orders/new", rig=" ", title="")
        self.assertEqual(answer.status_code, 422)
        page = answer.get_data(as_text=True)
        self.assertIn("which rig", page)
        self.assertIn("what is to be done?", page)

    def test_what_people_write_is_shown_as_text(self):
        crew = self.crew()
        page = crew.text(self.report(crew, title="<script>alert(1)</script>"))
        self.assertNotIn("<script>", page)
        self.assertIn("&lt;script&gt;", page)

    def test_an_order_that_does_not_exist_is_not_found(self):
        answer = self.crew().get("/orders/999")
        self.assertEqual(answer.status_code, 404)
        self.assertIn("No such page", answer.get_data(as_text=True))

    def test_orders_are_found_by_words_in_any_order(self):
        crew = self.crew()
        self.report(crew, "Rig 7", "Replace the seal")
        self.report(crew, "Rig 9", "Weld the ladder")
        page = crew.text("/?q=LADDER+rig")
        self.assertIn("Weld the ladder", page)
        self.assertNotIn("Replace the seal", page)

    def test_orders_are_filtered_by_state(self):
        crew = self.crew()
        self.assertIn("Nothing to do", crew.text("/"))
        self.report(crew)
        self.assertNotIn("Nothing to do", crew.text("/?state=open"))
        self.assertIn("Nothing to do", crew.text("/?state=done"))

    def test_time_is_booked_and_added_up(self):
        crew = self.crew()
        order = self.report(crew)
        crew.post(order + "/book", time="1:30", trade="welder")
        crew.post(order + "/book", time="45", trade="mechanic", note="waited for parts")
        page = crew.text(order)
        self.assertIn("2:15 in all", page)
        self.assertIn("waited for parts", page)

    def test_a_booking_needs_a_time(self):
        crew = self.crew()
        order = self.report(crew)
        crew.post(order + "/book", time="soon", trade="welder")
        self.assertIn("&#39;soon&#39; is no time", crew.text(order))

    def test_a_booking_needs_a_trade_with_a_rate(self):
        crew = self.crew()
        order = self.report(crew)
        crew.post(order + "/book", time="30", trade="poet")
        self.assertIn("there is no rate for &#39;poet&#39;", crew.text(order))

    def test_only_the_office_sees_prices(self):
        crew = self.crew()
        order = self.report(crew)
        crew.post(order + "/book", time="2h", trade="welder")
        self.assertNotIn("EUR", crew.text(order))
        self.assertIn("143.00 EUR", self.office().text(order))

    def test_no_time_is_booked_on_an_order_that_is_done(self):
        crew = self.crew()
        order = self.report(crew)
        crew.post(order + "/state", state="done")
        crew.post(order + "/book", time="30", trade="welder")
        self.assertIn("booked on open ones only", crew.text(order))

    def test_the_crew_finishes_orders_and_the_office_closes_them(self):
        crew = self.crew()
        order = self.report(crew)
        self.assertEqual(crew.post(order + "/state", state="done").status_code, 302)
        self.assertEqual(crew.post(order + "/state", state="closed").status_code, 409)
        self.assertEqual(self.office().post(order + "/state", state="closed").status_code, 302)

    def test_a_closed_order_stays_closed(self):
        office = self.office()
        order = self.report(office)
        office.post(order + "/state", state="done")
        office.post(order + "/state", state="closed")
        self.assertEqual(office.post(order + "/state", state="open").status_code, 409)
