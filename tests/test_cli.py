"""The command line: what it prints, what it refuses, and the demo of handwritten digits."""

import json
import os
import platform
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss import demo, kernels
from fastloss.cli import main

from .common import shown_by


@pytest.fixture(scope="module")
def digits():
    return demo.load(np.random.default_rng(0))


def refused(arguments, capsys):
    """What argparse says before it exits."""
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    return capsys.readouterr().err


def test_info_is_aligned_text(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    facts = {line[:17].strip(): line[17:] for line in lines}
    assert list(facts) == ["fastloss", "instruction set", "threads", "compiler", "Python", "NumPy"]
    assert facts["fastloss"] == fl.__version__
    assert facts["instruction set"].startswith(f"{kernels.ISA} (")
    assert facts["threads"].split()[0] == str(fl.get_num_threads())
    assert "OpenMP" in facts["threads"]
    assert facts["Python"] == platform.python_version()
    assert facts["NumPy"] == np.__version__


def test_info_as_json_by_python_m():
    command = [sys.executable, "-m", "fastloss", "info", "--json"]
    facts = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert facts["instruction_set"] in facts["supported"]
    assert facts["fastloss"] == fl.__version__
    assert facts["threads"] >= 1
    assert isinstance(facts["openmp"], bool)
    assert facts["compiler"] == kernels.system.COMPILER
    assert facts["python"] == platform.python_version()
    assert facts["numpy"] == np.__version__


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["demo", "--help"])
    assert exit.value.code == 0
    text = capsys.readouterr().out
    assert "examples:" in text
    assert "pip install 'fastloss[demo]'" in text
    for option in ("--epochs", "--batch", "--learning-rate", "--seed", "--output"):
        assert option in text


def test_demo_runs(tmp_path, capsys):
    picture = tmp_path / "digits.png"
    assert main(["demo", "--epochs", "2", "--output", str(picture)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert not re.search(r"[^\n -~]", printed.out), "plain output is printable ASCII"
    rows = re.findall(r"^ +(\d+) .*%.*%", printed.out, re.MULTILINE)
    assert rows == ["0", "1", "2"]
    assert "90 % of the held-out images right" in printed.out
    assert re.search(r"loss and gradient +[\d.]+ +[\d.]+ +[\d.]+ times as long", printed.out)
    assert re.search(r"L-BFGS-B: converged in \d+ iterations, held-out accuracy 9\d\.\d %", printed.out)
    assert f"Picture: {picture}" in printed.out
    assert list(tmp_path.iterdir()) == [picture]
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    assert width >= 1000
    assert height >= 400


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudoterminals of this kind")
def test_demo_on_a_terminal_shows_progress(tmp_path):
    command = [sys.executable, "-m", "fastloss", "demo", "--epochs", "2", "--output", str(tmp_path / "a.png")]
    text = shown_by(command)
    assert "2/2" in text
    assert "L-BFGS-B: converged" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is back"


def test_cross_entropy_learns_faster(digits):
    history = list(demo.train(digits, 3, 64, 2.0, np.random.default_rng(0)))
    untrained, *epochs = history
    assert untrained[0] == untrained[1]
    assert untrained[0].accuracy < 0.3
    for cross_entropy, squared_error in epochs:
        assert cross_entropy.accuracy > squared_error.accuracy
        assert cross_entropy.perplexity < squared_error.perplexity
    assert epochs[-1][0].accuracy > demo.GOAL
    losses = [cross_entropy.loss for cross_entropy, _ in epochs]
    assert losses == sorted(losses, reverse=True)


def test_the_same_seed_gives_the_same_history(digits):
    def run():
        return list(demo.train(digits, 1, 100, 1.0, np.random.default_rng(5)))[1:]

    assert run() == run()


def test_losses_of_the_demo_have_right_gradients():
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 2, (7, 10)), random.integers(10, size=7)
    for loss in (demo.squared_error, demo.cross_entropy, demo.numpy_cross_entropy):
        _, gradient = loss(logits.copy(), labels)
        for place in [(0, 0), (3, labels[3]), (6, 9)]:
            step = np.zeros_like(logits)
            step[place] = 1e-6
            slope = (loss(logits + step, labels)[0] - loss(logits - step, labels)[0]) / 2e-6
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    fused, plain = demo.cross_entropy(logits.copy(), labels), demo.numpy_cross_entropy(logits, labels)
    assert fused[0] == pytest.approx(plain[0], rel=1e-14)
    np.testing.assert_allclose(fused[1], plain[1], rtol=1e-13, atol=1e-16)


def test_digits_are_split_without_overlap(digits):
    assert len(digits.images) == len(digits.labels) == demo.TRAINING_IMAGES
    assert len(digits.images) + len(digits.held_out_images) == 1797
    assert set(digits.labels) == set(digits.held_out_labels) == set(range(10))
    assert (digits.images.min(), digits.images.max()) == (0, 1)


def test_lbfgs_fits_the_digits(digits):
    fit = demo.fit_lbfgs(digits.images, digits.labels)
    assert fit.success, fit.message
    assert np.abs(fit.jac).max() <= 1e-6
    matrix = fit.x.reshape(demo.PIXELS + 1, demo.CLASSES)
    logits = digits.held_out_images @ matrix[:-1] + matrix[-1]
    assert demo.accuracy(logits, digits.held_out_labels) > 0.95


def test_a_rate_far_too_large_still_ends_with_a_picture(tmp_path, capsys, recwarn):
    picture = tmp_path / "a.png"
    assert main(["demo", "--epochs", "1", "--learning-rate", "1e38", "--output", str(picture)]) == 0
    assert picture.stat().st_size > 1000
    assert not recwarn.list


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be an integer of at least 1, not 0"),
        (["--epochs", "two"], "argument --epochs: must be an integer of at least 1, not 'two'"),
        (["--batch", "0"], "argument --batch: must be an integer from 1 to 1437, not 0"),
        (["--batch", "1438"], "argument --batch: must be an integer from 1 to 1437, not 1438"),
        (["--learning-rate", "0"], "argument --learning-rate: must be a number greater than 0, not '0'"),
        (["--learning-rate", "nan"], "argument --learning-rate: must be a number greater than 0, not 'nan'"),
        (
            ["--learning-rate", "fast"],
            "argument --learning-rate: must be a number greater than 0, not 'fast'",
        ),
        (["--seed", "-1"], "argument --seed: must be an integer of at least 0, not -1"),
        (["--output", "run.jpg"], "argument --output: must be a file name that ends in .png, not 'run.jpg'"),
        (["--output", "missing/a.png"], "argument --output: there is no directory 'missing'"),
        (["--output", "folder.png"], "argument --output: 'folder.png' is a directory"),
    ],
)
def test_bad_options_are_refused_before_training(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    assert message in refused(["demo", *arguments], capsys)


def test_a_directory_that_cannot_be_written_is_refused_before_training(capsys, tmp_path, monkeypatch):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    message = refused(["demo", "--output", str(tmp_path / "a.png")], capsys)
    assert f"cannot write to directory {str(tmp_path)!r}: Permission denied" in message


def test_a_command_is_needed(capsys):
    assert "required: command" in refused([], capsys)


@pytest.mark.parametrize(("module", "name"), list(demo.REQUIREMENTS.items()))
def test_a_missing_extra_is_named(module, name, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["demo", "--output", str(tmp_path / "a.png")]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"fastloss demo: needs {name}, not installed here: pip install 'fastloss[demo]'\n"
    assert printed.out == ""


def test_extras_are_imported_only_where_used():
    code = (
        f"import sys, fastloss.cli; fastloss.cli.main(['info']); assert not {set(demo.REQUIREMENTS)} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("moment", ["train", "plot"])
def test_interrupt_is_quiet_and_leaves_nothing(moment, capsys, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, moment, interrupted)
    assert main(["demo", "--epochs", "1", "--output", str(tmp_path / "a.png")]) == 130
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    picture = tmp_path / "a.png"
    demo.save(b"old", picture)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.save(b"new", picture)
    assert picture.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [picture]


def test_a_picture_that_cannot_be_saved_is_an_error(capsys, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "save", full)
    assert main(["demo", "--epochs", "1", "--output", str(tmp_path / "a.png")]) == 1
    assert "fastloss demo: [Errno 28] No space left on device" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error():
    command = [sys.executable, "-m", "fastloss", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("cross_entropy", "squared_error", "sentence"),
    [
        ([0.1, 0.9], [0.1, 0.8], "Cross-entropy got {} first, after epoch 1; squared error never."),
        (
            [0.1, 0.8, 0.9],
            [0.1, 0.9, 0.9],
            "Squared error got {} first, after epoch 1; cross-entropy after epoch 2.",
        ),
        ([0.1, 0.9], [0.1, 0.9], "Both losses got {} after epoch 1."),
        ([0.1, 0.2], [0.1, 0.3], "Neither loss got {}."),
    ],
)
def test_the_race_is_told_as_it_went(cross_entropy, squared_error, sentence):
    history = [
        tuple(demo.Epoch(1.0, accuracy, 2.0) for accuracy in both)
        for both in zip(cross_entropy, squared_error, strict=True)
    ]
    assert demo._race(history) == sentence.format("90 % of the held-out images right")
