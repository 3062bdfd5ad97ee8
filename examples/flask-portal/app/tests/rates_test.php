{"currency": "EUR", "rates": {"welder": 74.25, "diver": 120}}
