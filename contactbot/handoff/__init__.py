"""What people do when the bot cannot: tickets that do not know their channel, and the desk that works them."""
