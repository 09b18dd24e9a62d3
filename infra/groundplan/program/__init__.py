"""The plan as components: one module for each part of the picture, put together by `infra/__main__.py`."""
