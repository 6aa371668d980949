//! Batch normalisation by the batch's own statistics, and ReLU, over pixels with adjacent channels: passes
//! over memory that keep only their results.
//!
//! Sums over pixels are sums over blocks of fixed size, in order, so they are the same for any number of threads. Whether
//! the ReLU passed a value is not stored but computed again in the same way.

use pulp::Arch;
use rayon::prelude::*;

use super::pixels::Pixels;

/// The number of pixels in a run, and each channel's mean and sum of squared deviations.
pub(super) struct Moments {
    count: usize,
    mean: Vec<f32>,
    deviations: Vec<f32>,
}

impl Moments {
    pub(super) fn of(pixels: &[f32], channels: usize) -> Self {
        let count = pixels.len() / channels;
        let mut mean = vec![0.0; channels];
        let mut deviations = vec![0.0; channels];
        Arch::new().dispatch(|| {
            for pixel in pixels.chunks_exact(channels) {
                for (sum, value) in mean.iter_mut().zip(pixel) {
                    *sum += *value;
                }
            }
            let share = 1.0 / count as f32;
            for sum in &mut mean {
                *sum *= share;
            }
            for pixel in pixels.chunks_exact(channels) {
                for ((sum, mean), value) in deviations.iter_mut().zip(&mean).zip(pixel) {
                    let off = *value - *mean;
                    *sum += off * off;
                }
            }
        });
        Moments {
            count,
            mean,
            deviations,
        }
    }
}

/// Mean and biased variance of each channel, from those of all runs (Chan, Golub and LeVeque, 1979).
pub(super) fn statistics(runs: &[Moments], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let mut mean = vec![0.0f64; channels];
    let mut deviations = vec![0.0f64; channels];
    let mut seen = 0.0;
    for run in runs {
        let count = run.count as f64;
        let total = seen + count;
        for channel in 0..channels {
            let delta = f64::from(run.mean[channel]) - mean[channel];
            mean[channel] += delta * count / total;
            deviations[channel] +=
                f64::from(run.deviations[channel]) + delta * delta * seen * count / total;
        }
        seen = total;
    }
    (
        mean.iter().map(|mean| *mean as f32).collect(),
        deviations.iter().map(|sum| (*sum / seen) as f32).collect(),
    )
}

/// How each channel is normalised: `(value - mean) * scale + beta`.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    pub(super) mean: Vec<f32>,
    pub(super) inverse_std: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

impl Channels {
    pub(super) fn new(
        mean: Vec<f32>,
        variance: &[f32],
        gamma: &[f32],
        beta: &[f32],
        epsilon: f64,
    ) -> Self {
        let inverse_std: Vec<f32> = variance
            .iter()
            .map(|variance| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32)
            .collect();
        let scale = gamma
            .iter()
            .zip(&inverse_std)
            .map(|(gamma, inverse)| gamma * inverse)
            .collect();
        Channels {
            mean,
            inverse_std,
            scale,
            beta: beta.to_vec(),
        }
    }

    fn count(&self) -> usize {
        self.mean.len()
    }
}

/// Values per task: a part of the second-level cache.
const BLOCK: usize = 16_384;

fn block_of(channels: usize) -> usize {
    (BLOCK / channels).max(1) * channels
}

/// Normalised and with its negative values set to 0.
pub(super) fn normalised_relu(convolved: &[f32], channels: &Channels) -> Vec<f32> {
    let mut output = vec![0.0; convolved.len()];
    let block = block_of(channels.count());
    let arch = Arch::new();
    output
        .par_chunks_mut(block)
        .zip(convolved.par_chunks(block))
        .for_each(|(output, convolved)| {
            arch.dispatch(|| {
                let pixels = convolved.chunks_exact(channels.count());
                for (output, pixel) in output.chunks_exact_mut(channels.count()).zip(pixels) {
                    let norm = channels
                        .mean
                        .iter()
                        .zip(&channels.scale)
                        .zip(&channels.beta);
                    for ((output, value), ((mean, scale), beta)) in
                        output.iter_mut().zip(pixel).zip(norm)
                    {
                        *output = rectified((*value - *mean) * *scale + *beta);
                    }
                }
            });
        });
    output
}

/// ReLU as in burn: NaN stays NaN.
#[inline(always)]
pub(super) fn rectified(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

/// Gradients of each channel.
pub(super) struct ByChannel {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// The gradients with respect to gamma and beta, from the output's gradient.
pub(super) fn by_channel(
    convolved: &[f32],
    gradient: &Pixels<'_>,
    channels: &Channels,
) -> ByChannel {
    let count = channels.count();
    let block = block_of(count);
    let pixels = block / count;
    let arch = Arch::new();
    let runs: Vec<(Vec<f32>, Vec<f32>)> = convolved
        .par_chunks(block)
        .enumerate()
        .map(|(index, convolved)| {
            let mut sums = (vec![0.0f32; count], vec![0.0f32; count]);
            let (plain, centred) = (&mut sums.0, &mut sums.1);
            arch.dispatch(|| {
                for (at, values) in convolved.chunks_exact(count).enumerate() {
                    let gradient = gradient.pixel(index * pixels + at);
                    let norm = channels
                        .mean
                        .iter()
                        .zip(&channels.scale)
                        .zip(&channels.beta);
                    let sums = plain.iter_mut().zip(centred.iter_mut());
                    for (((value, gradient), ((mean, scale), beta)), (plain, centred)) in
                        values.iter().zip(gradient).zip(norm).zip(sums)
                    {
                        let off = *value - *mean;
                        let passed = passed(off * *scale + *beta, *gradient);
                        *plain += passed;
                        *centred += passed * off;
                    }
                }
            });
            sums
        })
        .collect();
    let mut plain = vec![0.0f64; count];
    let mut centred = vec![0.0f64; count];
    for run in &runs {
        for channel in 0..count {
            plain[channel] += f64::from(run.0[channel]);
            centred[channel] += f64::from(run.1[channel]);
        }
    }
    ByChannel {
        gamma: centred
            .iter()
            .zip(&channels.inverse_std)
            .map(|(sum, inverse)| (*sum * f64::from(*inverse)) as f32)
            .collect(),
        beta: plain.iter().map(|sum| *sum as f32).collect(),
    }
}

/// The part of a gradient that passes the ReLU.
#[inline(always)]
fn passed(normalised: f32, gradient: f32) -> f32 {
    if normalised > 0.0 { gradient } else { 0.0 }
}

/// Replaces the convolution's output by the gradient with respect to it.
pub(super) fn by_convolved(
    convolved: &mut [f32],
    gradient: &Pixels<'_>,
    channels: &Channels,
    found: &ByChannel,
) {
    let count = channels.count();
    let block = block_of(count);
    let share = 1.0 / (convolved.len() / count) as f32;
    let level: Vec<f32> = found.beta.iter().map(|sum| sum * share).collect();
    let slope: Vec<f32> = found
        .gamma
        .iter()
        .zip(&channels.inverse_std)
        .map(|(sum, inverse)| sum * inverse * share)
        .collect();
    let arch = Arch::new();
    convolved
        .par_chunks_mut(block)
        .enumerate()
        .for_each(|(index, convolved)| {
            arch.dispatch(|| {
                for (at, values) in convolved.chunks_exact_mut(count).enumerate() {
                    let gradient = gradient.pixel(index * (block / count) + at);
                    let norm = channels
                        .mean
                        .iter()
                        .zip(&channels.scale)
                        .zip(&channels.beta);
                    let means = level.iter().zip(&slope);
                    for (((value, gradient), ((mean, scale), beta)), (level, slope)) in
                        values.iter_mut().zip(gradient).zip(norm).zip(means)
                    {
                        let off = *value - *mean;
                        let passed = passed(off * *scale + *beta, *gradient);
                        *value = *scale * (passed - *level - off * *slope);
                    }
                }
            });
        });
}
