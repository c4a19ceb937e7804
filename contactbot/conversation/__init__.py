"""What the bot does with a message: understand it, walk the steps, decide."""
