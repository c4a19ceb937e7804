"""A conversation sent by mail to the one who had it, once they have shown that the address is theirs."""
