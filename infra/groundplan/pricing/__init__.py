"""What a stack costs: a dated table of prices, the quantities that a program is billed for, and what would save most.

`table` knows prices only, so that the plan may ask it; `cost` and `savings` know the plan and a simulated program.
"""
