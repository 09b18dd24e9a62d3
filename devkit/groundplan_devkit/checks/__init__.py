"""What every project's code, migrations, images and processes must hold, for its tests to call.

Each module is one subject. A check raises AssertionError, or fails the test with a list that names the file to mend.
"""
