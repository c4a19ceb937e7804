"""What somebody who chats sees of their conversation: its words, how it stands, and where they are reached else."""
