"""The web server, sign-in, and the pages of staff, editors and the public."""
