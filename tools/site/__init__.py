"""`make docs`: the site of the documentation, from the Markdown of this repository and from the code."""
