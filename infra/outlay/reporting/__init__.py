"""How people and programs see a plan: terminal tables and JSON. Computes nothing of its own."""
