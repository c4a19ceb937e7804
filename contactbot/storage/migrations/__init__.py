"""The schema's history. Each file is one step; together they make exactly what ``tables.py`` and ``extras.py`` say."""
