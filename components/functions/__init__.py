"""Code that runs inside AWS, deployed by components as it stands."""
