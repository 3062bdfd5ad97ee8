{"currency": "USD", "rates": {"welder": 80.5}}
