//! One training step and what it computes with: the learner, the optimizer, the losses, the learning rate and the
//! measures of accuracy. No data set, no file and no loop: those are above.

pub mod accuracy;
pub mod learner;
pub mod loss;
pub mod optim;
pub mod schedule;
