"""What only this repository runs: campaigns, generated references, the demo. No project has them."""
