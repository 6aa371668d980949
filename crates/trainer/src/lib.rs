//! Recipe, schedule, step, run, evaluate, checkpoint, metrics, devices.
