import os
import unittest

from app.orders import rates

# Where the pipeline has put this folder's *_test.php: they play the partner's system.
TEST_URL = os.environ.get("PORTAL_TEST_URL")


class PriceTest(unittest.TestCase):
    def test_minutes_are_priced_by_the_hour(self):
        entries = [{"minutes": 90, "trade": "welder"}, {"minutes": 10, "trade": "mechanic"}]
        self.assertEqual(rates.price(entries, {"welder": 70.0, "mechanic": 60.0}), 115.0)

    def test_without_a_partner_the_rates_of_the_contract_count(self):
        self.assertEqual(rates.current(""), rates.DEFAULT_RATES)


@unittest.skipUnless(TEST_URL, "PORTAL_TEST_URL names no test server")
class PartnerTest(unittest.TestCase):
    def test_the_partner_decides_the_rates(self):
        self.assertEqual(rates.fetch(TEST_URL, "rates_test.php"), {"welder": 74.25, "diver": 120.0})

    def test_rates_in_another_currency_are_refused(self):
        with self.assertRaisesRegex(rates.RatesUnavailable, "no rates in EUR"):
            rates.fetch(TEST_URL, "dollars_test.php")

    def test_an_error_page_is_not_taken_for_rates(self):
        with self.assertRaisesRegex(rates.RatesUnavailable, "JSON"):
            rates.fetch(TEST_URL, "error_page_test.php")

    def test_a_page_that_is_away_is_reported(self):
        with self.assertRaisesRegex(rates.RatesUnavailable, "404"):
            rates.fetch(TEST_URL, "nowhere_test.php")
