"""The command ``graphembed``: its options, its subcommands, and how errors are shown."""

import errno
import os
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from graphembed import __version__
from graphembed.cli.ask import ask
from graphembed.cli.datasets import datasets
from graphembed.cli.evaluate import evaluate
from graphembed.cli.fit import fit
from graphembed.cli.import_store import import_store
from graphembed.cli.info import info
from graphembed.cli.links import links
from graphembed.cli.neighbors import neighbors
from graphembed.cli.output import style
from graphembed.cli.quickstart import quickstart
from graphembed.cli.rank import rank
from graphembed.exceptions import GraphEmbedError

USER_ERROR = 2
BUG = 1
INTERRUPTED = 130
BROKEN_PIPE = 1  # what typer and rich exit with, too


class OneLineErrors(TyperGroup):
    """A group of commands that answers every error with one line on stderr."""

    def main(self, args: Any = None, **settings: Any) -> NoReturn:  # type: ignore[override]
        """Run a command and leave the process with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            # A node id that the terminal's encoding lacks must not end the command.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        args = list(sys.argv[1:] if args is None else args)
        # Accepted on either side of the command's name: people append it to what just failed.
        own = args[: args.index("--")] if "--" in args else args
        debug = "--debug" in own or os.environ.get("GRAPHEMBED_DEBUG", "0") not in ("", "0")
        args = [word for word in own if word != "--debug"] + args[len(own) :]
        settings["standalone_mode"] = False
        try:
            code = super().main(args, **settings)
            sys.stdout.flush()
            if code == INTERRUPTED:  # how typer passes Ctrl-C on
                code = report(KeyboardInterrupt())
        except (Exception, KeyboardInterrupt) as error:
            if debug and not _is_broken_pipe(error):
                raise
            code = report(error)
        sys.exit(code if isinstance(code, int) else 0)


def report(error: BaseException) -> int:
    """Show an error as one line on stderr and return the exit code it stands for."""
    if _is_broken_pipe(error):
        # Python flushes stdout once more on its way out, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        typer.echo("graphembed: interrupted", err=True)
        return INTERRUPTED
    message, code = describe(error)
    prefix = style("graphembed: error:", fg="red", bold=True)
    typer.echo(f"{prefix} {' '.join(message.split())}", err=True)
    return code


def describe(error: BaseException) -> tuple[str, int]:
    """Return the sentence and the exit code of an error."""
    if hasattr(error, "format_message"):  # a usage error: typer's own class, or click's before 0.2
        context = getattr(error, "ctx", None)
        hint = f" See: {context.command_path} --help" if context is not None else ""
        message = error.format_message()
        stop = "" if message.endswith((".", "?", ")")) else "."
        return f"{message}{stop}{hint}", USER_ERROR
    if isinstance(error, GraphEmbedError):
        return str(error), USER_ERROR
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror.rstrip('.')}.", USER_ERROR
    if isinstance(error, MemoryError):
        return f"Out of memory. {error}", USER_ERROR
    if isinstance(error, ValueError | OSError):
        return str(error) or type(error).__name__, USER_ERROR
    message = f"{type(error).__name__}: {str(error).rstrip('.')}".removesuffix(": ")
    return f"{message}. This is a bug; add --debug to see where, and report it.", BUG


def _is_broken_pipe(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


app = typer.Typer(
    name="graphembed",
    cls=OneLineErrors,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"graphembed {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[  # noqa: ARG001
        bool, typer.Option("--debug", help="Show the traceback of an error (GRAPHEMBED_DEBUG=1).")
    ] = False,
) -> None:
    """Graph embeddings: a graph goes in, vectors come out.

    New here? Run **graphembed quickstart**: one minute, nothing to download.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (quickstart, fit, neighbors, links, evaluate, rank, ask, info, datasets):
    app.command()(command)
app.command("import")(import_store)


def main() -> None:
    """Run the command line."""
    warnings.formatwarning = lambda message, *_, **__: f"graphembed: warning: {message}\n"
    app(prog_name="graphembed")
