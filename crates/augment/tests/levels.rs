//! Reports which instruction levels the kernel tests cover on this machine: all that it has.

use imshard_augment::Level;

#[test]
fn the_levels_of_this_machine_are_reported() {
    let levels = Level::available().iter();
    let names: Vec<_> = levels.map(|level| format!("{level:?}")).collect();
    test_report::tested(&format!("instruction levels {}", names.join(", ")));
}
