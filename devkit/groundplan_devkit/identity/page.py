"""Sign-in page in the place of Cognito's: no passwords, the user enters subject and role."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to {system} (local)</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid; place-items: center; min-height: 100vh;
        background: #f4f5f7; color: #1d2330 }}
main {{ background: #fff; padding: 2rem; border-radius: 10px; box-shadow: 0 2px 12px #0002; width: min(24rem, 88vw) }}
h1 {{ font-size: 1.25rem; margin: 0 0 .25rem }}
p {{ margin: 0 0 1.25rem; color: #596070 }}
label {{ display: block; font-weight: 600; margin-bottom: .25rem }}
input {{ font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid #c3c8d2;
         border-radius: 6px; margin-bottom: 1rem }}
button {{ font: inherit; display: block; width: 100%; padding: .55rem; margin-top: .5rem; border: 0; border-radius: 6px;
          background: #2456c7; color: #fff; cursor: pointer }}
button.none {{ background: #e4e7ee; color: #1d2330 }}
</style>
</head>
<body>
<main>
<h1>Sign in to {system}</h1>
<p>Local identity provider: no password, and no real person.</p>
<form method="post" action="/login">
{hidden}
<label for="subject">Subject</label>
<input id="subject" name="subject" value="{subject}" maxlength="64" required>
{buttons}
</form>
</main>
</body>
</html>
"""


def sign_in_page(system: str, roles: Sequence[str], subject: str, request: Mapping[str, str]) -> str:
    """A button for each role; ``request`` is what the front end asked for, which the form hands on."""
    hidden = "\n".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in request.items()
    )
    buttons = "\n".join(
        f'<button name="role" value="{html.escape(role)}">as {html.escape(role)}</button>' for role in roles
    )
    no_role = '<button class="none" name="role" value="">without a role</button>'
    return _PAGE.format(
        system=html.escape(system), hidden=hidden, subject=html.escape(subject), buttons=f"{buttons}\n{no_role}"
    )
