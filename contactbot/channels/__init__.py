"""How words come in and go out. A channel knows the House port and nothing else of the house."""
