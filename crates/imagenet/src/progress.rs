//! Progress of a scan while it runs: 1.28 million tar headers take a while. Not a progress bar.

/// How far the scan of one split has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// `train` or `val`.
    pub split: &'static str,
    /// Samples found so far in this split.
    pub samples: u64,
    /// Part of this split's scan that is done, 0 to 1.
    pub fraction: f64,
}

/// The caller's hook, or none.
pub(crate) struct Hook<'a>(pub(crate) Option<&'a mut dyn FnMut(Progress)>);

impl Hook<'_> {
    pub(crate) fn report(&mut self, split: &'static str, samples: usize, done: usize, of: usize) {
        if let Some(hook) = &mut self.0 {
            let fraction = if of == 0 {
                1.0
            } else {
                done as f64 / of as f64
            };
            hook(Progress {
                split,
                samples: samples as u64,
                fraction,
            });
        }
    }
}
