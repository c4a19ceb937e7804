"""Who works here: members of staff, their passwords and their sessions."""
