"""The steps of one turn, one file each; `graph.py` joins them."""
