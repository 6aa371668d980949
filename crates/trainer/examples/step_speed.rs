//! One training step or one forward pass at a time, on demand: `benches/torch/compare.py` runs it in turn with PyTorch.
//! It is not a benchmark by itself, nor the training loop: images are made once.
//!
//! `step_speed DEVICE BATCH SIZE [O0|O1|O2|O3]` reads lines from stdin, and answers each with milliseconds: `step`
//! (forward in training mode, loss, backward, SGD with momentum), `forward` (validation mode), `folded` (the same with
//! the folded network, in the level's formats, as in validation and prediction). A number after the word repeats it
//! that many times; the device is waited for once, and the answer is the mean. `memory` is answered with the peak of
//! resident memory in MiB. Before the first word nothing is built and no device touched, so a process can be started
//! ahead of its turn.

#![allow(clippy::print_stdout)] // the answers

use std::io;
use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use imshard_trainer::recipe::{Recipe, training_precision};
use imshard_trainer::step::accuracy;
use imshard_trainer::step::loss::{Criterion, Targets};
use imshard_trainer::step::optim::{Gradients, Optimizer};
use imshard_trainer::{device, network};

const CLASSES: usize = 1000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, batch, size, level) = match arguments.as_slice() {
        [name, batch, size] => (name, batch, size, "O0"),
        [name, batch, size, level] => (name, batch, size, level.as_str()),
        _ => bail!("usage: step_speed DEVICE BATCH SIZE [O0|O1|O2|O3]"),
    };
    let (batch, size): (usize, usize) = (batch.parse()?, size.parse()?);
    let mut lines = io::stdin().lock().lines().peekable();
    lines.peek();
    let plain = device::select(name)?;
    let training = plain.clone().autodiff();
    let recipe = Recipe {
        device: name.clone(),
        drop_rate: 0.2,
        momentum: 0.9,
        weight_decay: 0.0,
        label_smoothing: 0.1,
        amp_level: serde_json::from_value(level.into()).context("the level of mixed precision")?,
        ..Recipe::default()
    };
    let mut model = network::build(&recipe, CLASSES, &training)?;
    let mut optimizer = Optimizer::new(&recipe, &model);
    let pixels: Vec<u8> = (0..(batch * size * size * 3) as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let images = |device: &Device| {
        let bytes = inception::upload::bytes(&pixels, [batch, size, size, 3], device);
        (bytes.permute([0, 3, 1, 2]).float() - 127.5) / 64.0
    };

    let labels: Vec<u32> = (0..batch as u32).collect();
    let targets = Targets::labels(&labels, &training);
    let criterion = Criterion::new(&recipe);

    let mut folded = None;
    let mut out = io::stdout().lock();
    for line in lines {
        let line = line?;
        let (word, times) = line.split_once(' ').unwrap_or((&line, "1"));
        let times: u32 = times.parse().context("how often")?;
        if word == "folded" && folded.is_none() {
            folded = Some(model.fold(training_precision(&recipe)));
        }
        let began = Instant::now();
        match (word, &folded) {
            ("step", _) => {
                for _ in 0..times {
                    let logits = model.forward(images(&training));
                    let loss = criterion.of(logits, &targets);
                    let gradients = GradientsParams::from_grads(loss.backward(), &model);
                    let gradients = Gradients::collect(&model, gradients);
                    model = optimizer.step(1e-3, model, gradients);
                }
                training.sync().ok().context("the device failed")?;
            }
            ("forward", _) => {
                let valid = model.valid();
                repeat(times, || valid.forward(images(&plain)));
            }
            ("folded", Some(folded)) => repeat(times, || folded.forward(images(&plain))),
            ("memory", _) => {
                writeln!(out, "{}", peak_mebibytes()?)?;
                out.flush()?;
                continue;
            }
            _ => bail!("'{word}' is not one of step, forward, folded, memory"),
        }
        let took = began.elapsed().as_secs_f64() * 1e3 / f64::from(times);
        writeln!(out, "{took:.3}")?;
        out.flush()?;
    }
    Ok(())
}

/// Logits again and again; only the last ones are waited for.
fn repeat(times: u32, forward: impl Fn() -> Tensor<2>) {
    let logits = (0..times).map(|_| forward()).last();
    let _waited_for = logits.map(accuracy::host_values);
}

/// The largest resident set of this process so far (Linux).
fn peak_mebibytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.context("no VmHWM")?.trim().parse::<u64>()? / 1024)
}
