import unittest

from app.orders.models import format_duration, parse_duration


class DurationTest(unittest.TestCase):
    def test_a_number_is_minutes(self):
        self.assertEqual(parse_duration(" 90 "), 90)

    def test_a_colon_parts_hours_and_minutes(self):
        self.assertEqual(parse_duration("1:30"), 90)

    def test_hours_may_be_fractions(self):
        self.assertEqual(parse_duration("1.5h"), 90)
        self.assertEqual(parse_duration("0,25H"), 15)

    def test_words_are_refused(self):
        for text in ("", "soon", "1:75", "1:2:3", "h"):
            with self.assertRaises(ValueError, msg=text):
                parse_duration(text)

    def test_more_than_a_shift_is_refused(self):
        self.assertEqual(parse_duration("16h"), 960)
        with self.assertRaisesRegex(ValueError, "16 hours"):
            parse_duration("16:01")

    def test_durations_are_shown_as_hours_and_minutes(self):
        self.assertEqual(format_duration(0), "0:00")
        self.assertEqual(format_duration(605), "10:05")
