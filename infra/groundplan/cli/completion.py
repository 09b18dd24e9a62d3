"""Print the completion script of a shell.

\b
bash:  groundplan completion bash > ~/.local/share/bash-completion/completions/groundplan
zsh:   groundplan completion zsh > "${fpath[1]}/_groundplan"
fish:  groundplan completion fish > ~/.config/fish/completions/groundplan.fish
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from groundplan.cli._command import Command, main_of


@click.command("completion", cls=Command, help=__doc__)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    from groundplan.cli._commands import COMPLETE, NAME, commands

    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(commands, {}, NAME, COMPLETE).source())
    return 0


main = main_of(command)
