//! One training step or one forward pass at a time, on demand: `benches/torch/compare.py` runs it in
//! turns with PyTorch. Not a benchmark by itself, and not the training loop: images are made once.
//!
//! `step_speed DEVICE BATCH SIZE` reads lines from stdin, `step` (forward in training mode, loss,
//! backward, SGD with momentum) or `forward` (validation mode), and answers each with milliseconds;
//! with `memory`, with the peak of resident memory in MiB.

#![allow(clippy::print_stdout)] // the answers

use std::io::{self, BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use trainer::loss::{self, Criterion, Targets};
use trainer::recipe::Recipe;
use trainer::{device, network};

const CLASSES: usize = 1000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, batch, size] = arguments.as_slice() else {
        bail!("usage: step_speed DEVICE BATCH SIZE");
    };
    let (batch, size): (usize, usize) = (batch.parse()?, size.parse()?);
    let plain = device::select(name)?;
    let training = plain.clone().autodiff();
    let recipe = Recipe {
        drop_rate: 0.2,
        label_smoothing: 0.1,
        ..Recipe::default()
    };
    let mut model = network::build(&recipe, CLASSES, &training)?;
    let mut optimizer = SgdConfig::new()
        .with_momentum(Some(
            MomentumConfig::new().with_momentum(0.9).with_dampening(0.0),
        ))
        .init();
    let pixels: Vec<u8> = (0..(batch * size * size * 3) as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let images = |device: &Device| {
        let data = TensorData::new(pixels.clone(), [batch, size, size, 3]);
        let bytes = Tensor::<4, Int>::from_data(data, (device, DType::U8));
        (bytes.permute([0, 3, 1, 2]).float() - 127.5) / 64.0
    };

    let labels: Vec<u32> = (0..batch as u32).collect();
    let targets = Targets::labels(&labels, &training);
    let criterion = Criterion::new(&recipe);

    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let began = Instant::now();
        match line?.as_str() {
            "step" => {
                let logits = model.forward(images(&training));
                let loss = criterion.of(logits, &targets);
                let gradients = GradientsParams::from_grads(loss.backward(), &model);
                model = optimizer.step(1e-3, model, gradients);
                training.sync().ok().context("the device failed")?;
            }
            "forward" => {
                let logits = model.valid().forward(images(&plain));
                let _waited_for = loss::host_values(logits);
            }
            "memory" => {
                writeln!(out, "{}", peak_mebibytes()?)?;
                out.flush()?;
                continue;
            }
            other => bail!("'{other}' is not one of step, forward, memory"),
        }
        writeln!(out, "{:.3}", began.elapsed().as_secs_f64() * 1e3)?;
        out.flush()?;
    }
    Ok(())
}

/// The largest resident set of this process so far (Linux).
fn peak_mebibytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.context("no VmHWM")?.trim().parse::<u64>()? / 1024)
}
