"""Small capacity tests as processes."""

from harness.load_command import command

# Every machine is fast enough for what is to be seen here.
SMALL = [
    *("--strategy", "enqueue", "--seed", "7", "--repeats", "1", "--checked-share", "0"),
    *("--closed-users", "", "--max-send-lag", "5", "--max-cpu", "1"),
]
EVEN = """
name = "even"
[arrivals]
process = "gamma"
shape = 100
[conversation]
runs = [1, 1]
seconds = [0.0, 0.0]
[mix]
single = 1
"""


def capacity(folder, url, *options):
    """Start a small capacity test; options given again win."""
    profile = folder.parent / "even.toml"
    profile.write_text(EVEN)
    words = ["capacity", "--host", url, "--output", str(folder), "--profile", str(profile)]
    return command(folder, *words, *SMALL, *options)


async def measured(folder, url, *options, within=240):
    """Run a small capacity test to its end."""
    async with capacity(folder, url, *options) as this:
        return await this.ended(within)
