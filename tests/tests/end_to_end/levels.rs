//! Reports the instruction levels that tests cover on this machine: kernels are tested at each level that it has.

use augment::Level;

#[test]
fn the_levels_of_this_machine_are_reported() {
    let levels = Level::available().iter();
    let names: Vec<_> = levels.map(|level| format!("{level:?}")).collect();
    test_report::tested(&format!("instruction levels {}", names.join(", ")));
}
