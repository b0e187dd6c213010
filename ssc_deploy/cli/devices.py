"""``ssc-deploy devices``: the devices that can be measured from this computer."""

from __future__ import annotations

import click

from ssc_deploy.cli import flags, options, screen

_EXAMPLES = """\b
ssc-deploy devices
ssc-deploy devices ssh:pi@raspberry.local
"""


@click.command(epilog=_EXAMPLES)
@click.argument("device", nargs=-1)
@options.output_format
@options.verbosity
def devices(*, device: tuple[str, ...], form: str) -> None:
    """List the devices to profile on, or ask those that are named.

    Without a DEVICE it lists this host, the phones that adb sees, and the emulator. Name a board as
    ssh:USER@HOST[:PORT]. For a device that is not ready, the list says what to do.
    """
    from ssc_deploy.metadata import SCHEMA_VERSION
    from ssc_deploy.profiling.devices import devices as list_devices
    from ssc_deploy.profiling.targets import SPELLINGS

    found = list_devices(device)
    if form == "json":
        listed = [description.to_dict() for description in found]
        screen.print_json({"schema_version": SCHEMA_VERSION, "devices": listed, "spellings": SPELLINGS})
        return
    commands = click.get_current_context().find_root().command
    rows: list[tuple[str, ...]] = [
        (one.spec, "ready" if one.ready else "not ready", flags.spelled(one.detail, commands)) for one in found
    ]
    click.echo(screen.table(("device", "", "what it is, or what to do"), rows))
    if not device:
        click.echo(f"\nA board: {SPELLINGS['ssh']}; ask one with: ssc-deploy devices ssh:USER@HOST")
