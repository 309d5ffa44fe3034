"""What is exchanged between the parts: rows and wells as dataclasses, and their store."""
