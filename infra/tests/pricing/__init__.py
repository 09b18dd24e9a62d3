"""The price table, costs, savings and AWS's price-list files."""
