"""Commands of this repository only: the demo of the template and the component reference. No project has them."""
