"""What a web host serves: `flask --app wsgi run`."""

from app import create_app

application = create_app()
