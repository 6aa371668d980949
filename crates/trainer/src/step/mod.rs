//! One training step and its parts: the learner, the optimizer, the losses, the learning rate and the measures of
//! accuracy. It knows no data set, no file and no loop: modules above it do.

pub mod accuracy;
pub mod learner;
pub mod loss;
pub mod optim;
pub mod schedule;
