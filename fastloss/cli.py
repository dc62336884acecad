"""The command `fastloss`: parses what was asked for and hands it to the module that does it."""

import argparse
import difflib
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

import fastloss as fl
from fastloss import demo, evaluate, kernels
from fastloss.kernels import system

DEMO = """\
Train a classifier of handwritten digits twice, once with cross-entropy and once with squared error, and see
which of them learns faster. Everything else is the same: a softmax over 10 classes, its initial weights,
the mini-batches and the learning rate, by default 0.5. Cross-entropy does well at every rate from 0.5 to 5;
squared error is slow below 1, about as good near 2, and unstable above 3.

Every epoch shows how both do on images they were not trained on: the accuracy, and the perplexity, which is
e to the mean cross-entropy. 10 is a blind guess among ten digits, 1 is certainty. At the end come the time of
the fused loss and gradient next to the NumPy formula, the same classifier fitted with SciPy's L-BFGS-B, and a
picture of both curves."""

DEMO_EXAMPLES = """\
examples:
  fastloss demo                               20 epochs, a few seconds, fastloss-demo.png
  fastloss demo --epochs 50 --output run.png  train longer, name the picture
  fastloss demo --learning-rate 2             the rate that suits squared error best,
  fastloss demo --learning-rate 5             and one at which it cannot settle
  fastloss demo --seed 1                      another split, other initial weights and batches
  fastloss demo | tee run.txt                 a plain table, for a file or a pipe

The demo needs scikit-learn, SciPy, rich and matplotlib: pip install 'fastloss[demo]'"""

EVAL = """\
Compute a loss of arrays in .npy files, which may be far larger than memory: they are read block by block, and so is
the gradient written. The first file holds predictions or logits, the next the target; losses of more inputs take
more files, in the order of their arguments. `fastloss losses` lists the losses with all that they take.

Losses of rows, such as cross_entropy, find the classes on the last axis of the first file; the target is a file of
labels without that axis, or of probabilities with it. For the others all files have one shape.

The mean is sum(weight * loss) / sum(weight). Its gradient needs the divisor first, so that weights and labels are
read twice. A gradient appears under its name when it is whole: an error or Ctrl-C leaves nothing behind."""

EVAL_EXAMPLES = """\
examples:
  fastloss losses                                              the losses, their files and hyperparameters
  fastloss eval mse pred.npy target.npy                        the mean squared error
  fastloss eval huber pred.npy target.npy --delta 0.5          with a hyperparameter of the loss
  fastloss eval cross_entropy logits.npy labels.npy            rows of logits, labels
  fastloss eval cross_entropy logits.npy labels.npy --label-smoothing 0.1 --grad slopes.npy
                                                               and the gradient of the mean, an array like logits.npy
  fastloss eval mae pred.npy target.npy --weight w.npy --json  weighted; JSON for a script
  fastloss eval margin_ranking a.npy b.npy sign.npy --grad by_a.npy --grad by_b.npy
                                                               several inputs with a gradient: a file for each

The files are what np.save writes, of any real dtype but bfloat16 and in C order. --block limits the rows (elements,
where the loss has no rows) that are in memory at a time; without it they are 16 MB."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader has left; Python would complain once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ImportError as error:
        print(f"fastloss {arguments.command}: {error}", file=sys.stderr)
        return 2
    except (OSError, evaluate.EvaluationError) as error:
        print(f"fastloss {arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastloss", description="Compiled loss functions and gradients.")
    parser.add_argument("--version", action="version", version=f"fastloss {fl.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    info = commands.add_parser(
        "info",
        help="show the version, the instruction set in use, threads and compiler",
        description="Show what this installation is and how it runs here.",
    )
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)

    digits = commands.add_parser(
        "demo",
        help="train a classifier of handwritten digits, with a picture",
        description=DEMO,
        epilog=DEMO_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    digits.add_argument(
        "--epochs",
        type=_integer(1),
        default=20,
        metavar="N",
        help="passes over the training images (default: 20)",
    )
    digits.add_argument(
        "--batch",
        type=_integer(1, demo.TRAINING_IMAGES),
        default=64,
        metavar="N",
        help=f"images per step, at most {demo.TRAINING_IMAGES} (default: 64)",
    )
    digits.add_argument(
        "--learning-rate",
        type=_positive_number,
        default=0.5,
        metavar="RATE",
        help="step size of both trainings (default: 0.5)",
    )
    digits.add_argument(
        "--seed",
        type=_integer(0),
        default=0,
        metavar="N",
        help="what the random numbers start from (default: 0)",
    )
    digits.add_argument(
        "--output",
        type=_new_png,
        default="fastloss-demo.png",
        metavar="FILE",
        help="where the picture goes (default: fastloss-demo.png)",
    )
    digits.set_defaults(run=_demo)

    files = commands.add_parser(
        "eval",
        help="compute a loss of arrays in files larger than memory",
        description=EVAL,
        epilog=EVAL_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files.add_argument("loss", type=_loss_of_files, metavar="LOSS", help="such as mse; fastloss losses lists them")
    files.add_argument("files", nargs="+", type=Path, metavar="FILE.npy", help="its inputs, in their order")
    files.add_argument("--weight", type=Path, metavar="W.npy", help="a weight for each row or element; 0: invisible")
    files.add_argument(
        "--grad",
        type=Path,
        action="append",
        default=[],
        metavar="OUT.npy",
        help="where the gradient goes; once for each input that has one",
    )
    files.add_argument("--reduction", choices=("mean", "sum"), default="mean", help="(default: mean)")
    files.add_argument(
        "--denominator", type=_positive_number, metavar="D", help="divide by this number instead of sum(weight)"
    )
    files.add_argument("--block", type=_integer(1), metavar="ROWS", help="rows or elements at a time")
    files.add_argument("--json", action="store_true", help="print JSON")
    own = files.add_argument_group("hyperparameters", "as the losses call them; a class weight is a file")
    for name, losses in _hyperparameters().items():
        what = f"of {', '.join(losses[:3])}" + (f" and {len(losses) - 3} more" if len(losses) > 3 else "")
        own.add_argument(evaluate.flag(name), dest=f"word_{name}", metavar="X", help=what)
    files.set_defaults(run=_eval)

    names = commands.add_parser(
        "losses",
        help="list the losses of eval, with the files and hyperparameters that they take",
        description="List the losses of `fastloss eval` as one calls them, with the defaults of hyperparameters.",
    )
    names.set_defaults(run=_losses)
    return parser


def _hyperparameters() -> dict[str, list[str]]:
    """Every hyperparameter in the catalogue, and the losses that have it."""
    found: dict[str, list[str]] = {}
    for name in evaluate.FILE_LOSSES:
        for word in fl.LOSSES[name].hyperparameters:
            found.setdefault(word, []).append(name)
    return dict(sorted(found.items()))


def _eval(arguments: argparse.Namespace) -> None:
    prefix = "word_"
    given = {name: value for name, value in vars(arguments).items() if name.startswith(prefix) and value is not None}
    if arguments.denominator is not None and arguments.reduction != "mean":
        raise evaluate.EvaluationError("--denominator divides a mean; with --reduction sum there is none")
    with evaluate.terminable():
        result = evaluate.evaluate(
            arguments.loss,
            arguments.files,
            weight=arguments.weight,
            gradients=arguments.grad,
            reduction=arguments.reduction,
            denominator=arguments.denominator,
            block=arguments.block,
            words={name.removeprefix(prefix): value for name, value in given.items()},
        )
    unit = "rows" if fl.LOSSES[arguments.loss].shape == "rows" else "elements"
    facts = {
        "loss": arguments.loss,
        "reduction": arguments.reduction,
        "value": result.value,
        unit: result.units,
        "weight": result.weight,
        "seconds": round(result.seconds, 3),
        "gradients": [str(path) for path in arguments.grad],
    }
    if arguments.json:
        # JSON has no number for inf and nan
        print(json.dumps({k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in facts.items()}))
        return
    lines = {f"{arguments.reduction} of {arguments.loss}": f"{result.value:.17g}", unit: f"{result.units:,}"}
    if result.weight != result.units:
        lines["sum of weights"] = f"{result.weight:.17g}"
    lines["time"] = f"{result.seconds:.2f} s"
    for name, path in zip(fl.LOSSES[arguments.loss].grads, arguments.grad, strict=False):
        lines[f"gradient by {name}"] = str(path)
    width = max(28, *(len(name) + 2 for name in lines))
    for name, line in lines.items():
        print(f"{name:<{width}}{line}")


def _losses(arguments: argparse.Namespace) -> None:
    for family, losses in groupby(map(fl.LOSSES.__getitem__, evaluate.FILE_LOSSES), lambda loss: loss.family):
        print(f"{family}:")
        for loss in losses:
            words = [f"[{evaluate.flag(name)} {'X' if value is None else value}]"
                     for name, value in loss.hyperparameters.items()]  # fmt: skip
            print(" ", loss.name, *(f"{name}.npy" for name in loss.required), *words)
    print("\nWhat they mean: docs/losses.md, or in Python, say, help(fastloss.huber)")


def _info(arguments: argparse.Namespace) -> None:
    facts = {
        "fastloss": fl.__version__,
        "instruction_set": kernels.ISA,
        "supported": list(system.supported_isas()),
        "threads": fl.get_num_threads(),
        "openmp": bool(system.OPENMP),
        "compiler": system.COMPILER,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    lines = {
        "fastloss": fl.__version__,
        "instruction set": f"{kernels.ISA} (this processor supports {', '.join(system.supported_isas())})",
        "threads": f"{fl.get_num_threads()} ({'with' if system.OPENMP else 'built without'} OpenMP)",
        "compiler": system.COMPILER,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }
    for name, value in lines.items():
        print(f"{name:<17}{value}")


def _demo(arguments: argparse.Namespace) -> None:
    demo.run(arguments.epochs, arguments.batch, arguments.learning_rate, arguments.seed, arguments.output)


def _loss_of_files(text: str) -> str:
    if text in evaluate.FILE_LOSSES:
        return text
    if text in fl.LOSSES:
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} is a loss, but not one that reads files")
    near = difflib.get_close_matches(text, evaluate.FILE_LOSSES)
    hint = f"did you mean {' or '.join(near)}?" if near else "fastloss losses lists them"
    raise argparse.ArgumentTypeError(f"invalid choice: {text!r}; {hint}")


def _integer(low: int, high: int | None = None) -> Callable[[str], int]:
    wanted = f"an integer from {low} to {high}" if high else f"an integer of at least {low}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}") from None
        if number < low or (high is not None and number > high):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {number}")
        return number

    return parse


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number greater than 0, not {text!r}")
    return number


def _new_png(text: str) -> Path:
    """A path where a PNG can be written, found out now rather than after the training."""
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"must be a file name that ends in .png, not {text!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a directory")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {str(path.parent)!r}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise argparse.ArgumentTypeError(f"cannot write to directory {str(path.parent)!r}: {reason}") from None
    return path
