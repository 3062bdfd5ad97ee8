"""Hourly rates. The partner's own system, which is older than this portal, decides them."""

import json
import urllib.error
import urllib.request

DEFAULT_RATES = {"mechanic": 62.0, "electrician": 68.0, "welder": 71.5}


class RatesUnavailable(Exception):
    """The partner's system cannot be reached or talks nonsense."""


def fetch(base_url, page="rates.php", timeout=5):
    """{trade: rate an hour} from the partner's system."""
    url = f"{base_url.rstrip('/')}/{page}"
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            document = json.loads(answer.read(65536))
    except (urllib.error.URLError, TimeoutError) as error:
        raise RatesUnavailable(f"{url}: {error}") from error
    except ValueError as error:
        raise RatesUnavailable(f"{url} did not answer with JSON") from error
    if not isinstance(document, dict) or document.get("currency") != "EUR":
        raise RatesUnavailable(f"{url} has no rates in EUR")
    return {trade: float(rate) for trade, rate in document.get("rates", {}).items()}


def current(base_url):
    """The partner's rates, or those of the contract while its system is away."""
    if not base_url:
        return dict(DEFAULT_RATES)
    try:
        return fetch(base_url)
    except RatesUnavailable:
        return dict(DEFAULT_RATES)


def price(entries, rates):
    """What all entries cost together, to the cent; trades without a rate cost nothing."""
    return round(sum(entry["minutes"] / 60 * rates.get(entry["trade"], 0) for entry in entries), 2)
