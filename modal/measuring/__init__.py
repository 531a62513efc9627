"""What ``bench.py`` is made of: a model, two ways to run it, and what no way can beat."""
