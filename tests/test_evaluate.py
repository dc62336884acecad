"""`fastloss eval`: the numbers of the arrays in the files, whatever the blocks; errors; nothing half-written."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss import evaluate
from fastloss.cli import main

from .common import FORMS, LINEAR, ROOTS, ROWS, assert_same, over_forms, sample, several, shown_by
from .inputs import seeded
from .test_memory import linux


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(**arrays: Any) -> None:
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)


def run(capsys: Any, *arguments: str) -> dict[str, Any]:
    """What it prints as JSON."""
    assert main(["eval", *arguments, "--json"]) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def refused(capsys: Any, *arguments: str) -> str:
    """What it says when it fails: one line, no traceback; and no file has come to be."""
    before = sorted(Path().iterdir())
    assert main(["eval", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert sorted(Path().iterdir()) == before
    return printed.err.removeprefix("fastloss eval: ").rstrip("\n")


@over_forms(FORMS)
def test_every_loss_gives_its_value_and_gradients(loss: fl.Loss, soft: bool, folder: Path, capsys: Any) -> None:
    """Next to the call on whole arrays, in blocks of 13 and a rest; gradients to the bit."""
    inputs = sample(loss, (5, 20), np.float32, soft)
    save(**{f"x{k}": array for k, array in enumerate(inputs)})
    files = [f"x{k}.npy" for k in range(len(inputs))]
    outs = [f"g{k}.npy" for k in range(len(loss.grads))]
    grads = [word for out in outs for word in ("--grad", out)]
    value, gradient = loss.value_and_grad(*inputs)
    found = run(capsys, loss.name, *files, "--block", "13", *grads)
    assert found["value"] == pytest.approx(value, rel=1e-14)
    assert found["rows" if loss.shape == "rows" else "elements"] == found["weight"] == 100
    for out, expected in zip(outs, several(gradient), strict=True):
        assert_same(np.load(out), expected)
    alone = run(capsys, loss.name, *files, "--reduction", "sum")
    assert alone["value"] == pytest.approx(loss(*inputs, reduction="sum"), rel=1e-14)


@pytest.mark.parametrize("block", ["1", "7", "1000"])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "shares"])
def test_weights_and_hyperparameters(soft: bool, block: str, folder: Path, capsys: Any) -> None:
    """Weights, class weights, ignored rows, smoothing, a denominator; half precision, the other byte order."""
    logits, target = sample(fl.cross_entropy, (4, 10), np.float16, soft, 6)
    weight, class_weight = np.linspace(-0.5, 2, 40).reshape(4, 10), np.linspace(0, 2, 6)
    weight[1, ::2] = 0
    if not soft:
        target[2, 3:] = -100
    save(z=logits, t=target.astype(">f4" if soft else ">i2"), w=weight, c=class_weight)
    given = {"weight": weight, "class_weight": class_weight, "label_smoothing": 0.25}
    words = ["z.npy", "t.npy", "--weight", "w.npy", "--class-weight", "c.npy", "--label-smoothing", "0.25"]
    for more, extra in (({}, []), ({"denominator": 7.0}, ["--denominator", "7"])):
        value, gradient = fl.cross_entropy.value_and_grad(logits, target, **given, **more)
        found = run(capsys, "cross_entropy", *words, *extra, "--block", block, "--grad", "g.npy")
        # class weights of float32 logits are float32 numbers in the kernel's divisor
        assert found["value"] == pytest.approx(value, rel=2**-22)
        assert run(capsys, "cross_entropy", *words, *extra)["value"] == pytest.approx(found["value"], rel=1e-13)
        np.testing.assert_allclose(
            np.load("g.npy").astype(float),
            gradient.astype(float),
            rtol=2**-10,
            atol=float(np.finfo("f2").smallest_subnormal),
        )
    seen = np.where(target == -100, 0, weight) if not soft else weight
    mass = (seen * (target @ class_weight if soft else class_weight[np.maximum(target, 0)])).sum()
    assert run(capsys, "cross_entropy", *words)["weight"] == pytest.approx(mass, rel=1e-6)


DIVIDES = [
    (loss, word)
    for loss in ROWS
    for word in ("ignore_index", "class_weight", "counts")
    if loss.name in evaluate.FILE_LOSSES and word in loss.hyperparameters
]


@pytest.mark.parametrize(("loss", "word"), DIVIDES, ids=[f"{loss.name}-{word}" for loss, word in DIVIDES])
def test_what_divides_the_mean_is_the_losses_own(loss: fl.Loss, word: str, folder: Path, capsys: Any) -> None:
    """Ignored labels, weights of classes and what these are made of: whichever file the labels are in."""
    inputs, numbers = sample(loss, 30, np.float64, classes=4), np.array([1.0, 3.0, 0.5, 20.0])
    if word == "ignore_index":
        inputs[-1][::3] = -100
        given, words = {}, []
    else:
        given, words = {word: numbers}, [evaluate.flag(word), "n.npy"]
    save(n=numbers, **{f"x{k}": array for k, array in enumerate(inputs)})
    files = [f"x{k}.npy" for k in range(len(inputs))]
    value, gradient = loss.value_and_grad(*inputs, **given)
    found = run(capsys, loss.name, *files, *words, "--block", "7", "--grad", "g.npy")
    assert found["value"] == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(np.load("g.npy"), gradient, rtol=1e-13, atol=1e-300)


def test_elements_can_be_ignored(folder: Path, capsys: Any) -> None:
    """`--ignore-index` of a pointwise loss leaves the divisor, too."""
    x, y = np.array([0.5, -1, 2, 3]), np.array([0, 1, 7, 1.0])
    save(x=x, y=y)
    found = run(capsys, "binary_cross_entropy_with_logits", "x.npy", "y.npy", "--ignore-index", "7", "--grad", "g.npy")
    value, gradient = fl.binary_cross_entropy_with_logits.value_and_grad(x, y, ignore_index=7)
    assert found["value"] == pytest.approx(value, rel=1e-15)
    assert found["weight"] == 3
    np.testing.assert_allclose(np.load("g.npy"), gradient, rtol=1e-15)


def test_nothing_has_no_mean(folder: Path, capsys: Any) -> None:
    """Empty files, and weights that are all 0: nan and gradients of 0. JSON has no nan: it is a string."""
    save(x=np.zeros((0, 3)), y=np.zeros((0, 3)), one=np.ones(4, np.float32), w=np.zeros(4), s=np.float64(3))
    assert run(capsys, "mse", "x.npy", "y.npy", "--grad", "g.npy")["value"] == "nan"
    assert np.load("g.npy").shape == (0, 3)
    assert run(capsys, "mse", "one.npy", "one.npy", "--weight", "w.npy", "--grad", "g.npy")["value"] == "nan"
    assert_same(np.load("g.npy"), np.zeros(4, np.float32))
    assert run(capsys, "mse", "x.npy", "y.npy", "--reduction", "sum")["value"] == 0
    assert run(capsys, "mae", "s.npy", "s.npy")["value"] == 0


def test_plain_text_says_the_same(folder: Path, capsys: Any) -> None:
    """A line for each fact; integers have float64 gradients."""
    save(x=np.arange(2000), y=np.zeros(2000, int))
    assert main(["eval", "mse", "x.npy", "y.npy", "--grad", "g.npy"]) == 0
    lines = dict(line.rsplit(None, 1) for line in capsys.readouterr().out.replace(" s\n", "\n").splitlines())
    assert float(lines["mean of mse"]) == np.mean(np.arange(2000.0) ** 2)
    assert lines["elements"] == "2,000"
    assert lines["gradient by pred"] == "g.npy"
    assert_same(np.load("g.npy"), fl.mse.value_and_grad(np.arange(2000), np.zeros(2000))[1])
    assert sorted(path.name for path in folder.iterdir()) == ["g.npy", "x.npy", "y.npy"]
    save(one=np.ones(3))
    assert main(["eval", "half_poisson_deviance", "one.npy", "one.npy"]) == 0
    assert "mean of half_poisson_deviance  0" in capsys.readouterr().out


def test_errors_name_file_place_and_value(folder: Path, capsys: Any) -> None:
    """The place is the one in the whole file, not in the block where it came up."""
    logits, labels = np.zeros((50, 3, 4), np.float32), np.zeros((50, 3), np.int64)
    labels[41, 2] = labels[45, 1] = 4
    shares, probability = np.full((50, 3, 4), 0.25), np.full((30, 10), 0.5)
    shares[30, 1, 2] = -0.5
    probability[20, 7] = 1.5
    save(z=logits, t=labels, s=shares, p=probability, q=np.full((30, 10), 0.5), f=np.asfortranarray(np.zeros((3, 4))))
    save(c=np.zeros(4, complex), short=np.zeros(1000), c4=-np.ones(4))
    np.save("o.npy", np.array([None]), allow_pickle=True)
    Path("short.npy").write_bytes(Path("short.npy").read_bytes()[:5000])
    Path("text.npy").write_text("1, 2, 3\n")
    Path("sub.npy").mkdir()
    grad = ["--block", "7", "--grad", "g.npy"]
    cases = [
        (["cross_entropy", "z.npy", "t.npy", *grad],
         "t.npy: target[41, 2] is 4, expected a class in [0, 4) or ignore_index=-100"),
        (["cross_entropy", "z.npy", "t.npy"], "t.npy: target[41, 2] is 4, expected"),
        (["cross_entropy", "z.npy", "s.npy", *grad], "s.npy: target[30, 1, 2] is -0.5, expected a value in [0, 1]"),
        (["binary_cross_entropy", "p.npy", "q.npy", *grad], "p.npy: pred[20, 7] is 1.5, expected a value in [0, 1]"),
        (["cross_entropy", "z.npy", "q.npy"], "z.npy has shape (50, 3, 4), so q.npy must have shape (50, 3) (labels)"),
        (["cross_entropy", "p.npy", "z.npy"], "p.npy has shape (30, 10), so z.npy must have shape (30,)"),
        (["cross_entropy", "z.npy", "t.npy", "--weight", "p.npy"], "p.npy has shape (30, 10); one weight for each row"),
        (["cross_entropy", "z.npy", "t.npy", "--class-weight", "c4.npy"], "class_weight[0] is -1.0, expected a finite"),
        (["mse", "p.npy", "z.npy"], "p.npy has shape (30, 10) and z.npy (50, 3, 4): they must be equal"),
        (["mse", "p.npy"], "mse takes 2 files (pred, target), not 1"),
        (["mse", "none.npy", "p.npy"], "none.npy: No such file or directory"),
        (["mse", "p.npy", "sub.npy"], "sub.npy: Is a directory"),
        (["mse", "text.npy", "p.npy"], "text.npy is no .npy file: "),
        (["mse", "short.npy", "short.npy"], "short.npy ends early: shape (1000,) of float64 takes 8000 bytes, there"),
        (["mse", "c.npy", "c.npy"], "c.npy must hold real numbers, not complex128"),
        (["mse", "o.npy", "o.npy"], "o.npy must hold real numbers, not object"),
        (["mse", "f.npy", "f.npy"], "f.npy is in Fortran order"),
        (["mse", "p.npy", "q.npy", "--grad", "no/g.npy"], "cannot write no/g.npy: No such file or directory"),
        (["mse", "p.npy", "q.npy", "--grad", "sub.npy"], "sub.npy is a directory"),
        (["mse", "p.npy", "q.npy", "--grad", "a.npy", "--grad", "b.npy"], "mse has a gradient by pred: give --grad 1"),
        (["gaussian_kl", "q.npy", "q.npy", "--grad", "a.npy", "--grad", "./a.npy"], "--grad names the same file twice"),
        (["huber", "p.npy", "q.npy", "--delta", "wide"], "--delta must be a number, not 'wide'"),
        (["huber", "p.npy", "q.npy", "--delta", "-1", *grad], "delta must be in "),
        (["huber", "p.npy", "q.npy", "--label-smoothing", "1"], "huber takes no --label-smoothing; its"),
        (["mse", "p.npy", "q.npy", "--delta", "1"], "mse takes no --delta; its hyperparameters: none"),
        (["cross_entropy", "z.npy", "t.npy", "--ignore-index", "1.5"], "--ignore-index must be an integer, not '1.5'"),
        (["mse", "p.npy", "q.npy", "--reduction", "sum", "--denominator", "3"], "--denominator divides a mean"),
    ]  # fmt: skip
    for arguments, message in cases:
        assert refused(capsys, *arguments).startswith(message), arguments


def test_words_are_refused_before_anything_is_read(folder: Path, capsys: Any) -> None:
    """What argparse knows: losses that are none, or none of files; numbers that are none."""
    for name in ("nothing", ROOTS[0].name, LINEAR[0].name):
        with pytest.raises(SystemExit):
            main(["eval", name, "a.npy", "b.npy"])
        assert f"invalid choice: '{name}'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["eval", "crossentropy", "a.npy", "b.npy"])
    assert "did you mean cross_entropy" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["eval", "xyzzy", "a.npy", "b.npy"])
    assert "invalid choice: 'xyzzy'; fastloss losses lists them" in capsys.readouterr().err
    for extra in (["--block", "0"], ["--denominator", "0"], ["--reduction", "none"]):
        with pytest.raises(SystemExit):
            main(["eval", "mse", "a.npy", "b.npy", *extra])
        assert f"argument {extra[0]}" in capsys.readouterr().err


def test_help_teaches(capsys: Any) -> None:
    """Examples, every hyperparameter of the catalogue."""
    with pytest.raises(SystemExit):
        main(["eval", "--help"])
    text = capsys.readouterr().out
    assert "examples:" in text
    for name in evaluate.FILE_LOSSES:
        assert all(evaluate.flag(word) in text for word in fl.LOSSES[name].hyperparameters)


def test_losses_are_listed_as_one_calls_them(capsys: Any) -> None:
    """Every loss that reads files, under its family, with its files and hyperparameters."""
    assert main(["losses"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(evaluate.FILE_LOSSES)
    families = [line.rstrip(":") for line in lines if line.endswith(":")]
    assert len(families) == len(set(families))
    assert "  huber pred.npy target.npy [--delta 1.0]" in lines[lines.index("regression:") :]


def test_a_gradient_spares_what_is_read(folder: Path, capsys: Any) -> None:
    """By whatever name: inputs, weight and class weight are refused before anything is written."""
    logits, labels = sample(fl.cross_entropy, (50,), np.float32)
    save(z=logits, t=labels, w=np.ones(50), c=np.ones(logits.shape[1]))
    Path("linked.npy").symlink_to("z.npy")
    before = {name: Path(f"{name}.npy").read_bytes() for name in "ztwc"}
    words = ["cross_entropy", "z.npy", "t.npy", "--weight", "w.npy", "--class-weight", "c.npy", "--grad"]
    for out, read in [(f"{name}.npy", f"{name}.npy") for name in "ztwc"] + [("linked.npy", "z.npy")]:
        expected = f"--grad {out} would overwrite {read}, which is read: name another file"
        assert refused(capsys, *words, out) == expected
    refused(capsys, *words, str(folder / "z.npy"))
    assert before == {name: Path(f"{name}.npy").read_bytes() for name in "ztwc"}
    save(g=np.zeros(3))
    run(capsys, *words, "g.npy")  # which is nothing that is read
    assert np.load("g.npy").shape == logits.shape


# ---- processes ----


def start(*arguments: str, **words: Any) -> subprocess.Popen[bytes]:
    """A process that hears Ctrl-C, as those in the background of a shell, where these tests may run, do not."""
    heard = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return subprocess.Popen([sys.executable, "-m", "fastloss", "eval", *arguments], **words)
    finally:
        signal.signal(signal.SIGINT, heard)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupt_leaves_nothing(number: int, code: int, folder: Path) -> None:
    """While the gradient is being written, row by row: no part of it stays, an older file stays as it was."""
    save(z=np.zeros((40_000, 100), np.float32), t=np.zeros(40_000, np.uint8), g=np.arange(3))
    before = sorted(folder.iterdir())
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start("cross_entropy", "z.npy", "t.npy", "--grad", "g.npy", "--block", "1", **pipes) as process:
        deadline = time.monotonic() + 60
        while sorted(folder.iterdir()) == before or not next(folder.glob("*.part")).stat().st_size > 4096:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == err == b""
    assert sorted(folder.iterdir()) == before
    assert np.load("g.npy").tolist() == [0, 1, 2]


def watched(*arguments: str, code: str = "") -> str:
    """What somebody at a terminal sees of fastloss eval, after some code."""
    run = f"import sys\n{code}\nfrom fastloss.cli import main\nsys.exit(main(['eval', *sys.argv[1:]]))"
    return shown_by([sys.executable, "-c", run, *arguments])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudoterminals of this kind")
def test_a_terminal_shows_progress(folder: Path) -> None:
    """A bar that goes away; without rich its name, and the result all the same."""
    pytest.importorskip("rich")
    save(x=np.zeros(100_000), y=np.ones(100_000))
    text = watched("mse", "x.npy", "y.npy", "--block", "1000")
    assert "100%" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is back"
    assert "mean of mse" in text
    without = (
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'rich' else find(name)"
    )
    text = watched("mse", "x.npy", "y.npy", code=without)
    assert "a progress bar needs rich: pip install 'fastloss[demo]'" in text
    assert "mean of mse" in text


@linux
def test_memory_is_that_of_a_block(folder: Path) -> None:
    """A file of 200 MB of half precision, and its gradient: what stays in memory is under 64 MB more than a small run
    takes (two blocks of 16 MB, one at work and one coming)."""
    rows = seeded("large").standard_normal((100, 20_000)).astype(np.float16)
    with open("z.npy", "wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (5_000, 20_000)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(50):
            file.write(rows.data)
    save(t=np.zeros(5_000, np.int32), small=rows[:10], few=np.zeros(10, np.int32))
    code = (
        "import resource, sys; from fastloss.cli import main; main(['eval', 'cross_entropy', *sys.argv[1:], '--json']);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def peak(*arguments: str) -> tuple[dict[str, Any], int]:
        process = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        found, rss = process.stdout.splitlines()
        return json.loads(found), int(rss) // 1024

    _, before = peak("small.npy", "few.npy", "--grad", "g.npy")
    found, most = peak("z.npy", "t.npy", "--grad", "g.npy")
    assert found["value"] == pytest.approx(fl.cross_entropy(rows, 0), rel=1e-13)
    assert os.path.getsize("g.npy") == os.path.getsize("z.npy")
    assert most - before < 64


# ---- a real input ----


def test_perplexity_of_a_language_model(folder: Path, capsys: Any) -> None:
    """A bigram model of the bytes of a module of the standard library, trained with `linear_cross_entropy` on its first
    10,000: what `eval` says of the logits of the rest is what the accumulator says, and torch."""
    text = np.frombuffer(Path(argparse_source()).read_bytes(), np.uint8)
    known, unseen = np.split(text[:12_000], [10_000])
    weight = np.zeros((256, 256), np.float32)
    previous = np.eye(256, dtype=np.float32)
    for _ in range(20):
        # a one-hot input picks a row of the weight: a table of logits, learned by plain gradient descent
        _, grad = fl.linear_cross_entropy.value_and_grad(
            previous[known[:-1]], weight, known[1:], grads=("linear_weight",)
        )
        weight -= 100 * grad.linear_weight
    logits, labels = np.ascontiguousarray(weight.T[unseen[:-1]]), unseen[1:]
    save(logits=logits, labels=labels)
    found = run(capsys, "cross_entropy", "logits.npy", "labels.npy", "--block", "100")
    perplexity = math.exp(found["value"])
    assert 5 < perplexity < 40  # of 256 bytes; a text in which some dozen may follow any one
    total = fl.LogitsAccumulator()
    for start in range(0, len(labels), 1000):
        total.update(logits[start : start + 1000], labels[start : start + 1000])
    assert total.perplexity == pytest.approx(perplexity, rel=1e-13)
    torch = pytest.importorskip("torch")
    theirs = torch.nn.functional.cross_entropy(torch.from_numpy(logits).double(), torch.from_numpy(labels.astype(int)))
    assert found["value"] == pytest.approx(float(theirs), rel=1e-6)


def argparse_source() -> str:
    import argparse

    return argparse.__file__
