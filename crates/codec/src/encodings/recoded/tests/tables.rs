//! Tables: made, stored, damaged, and used with the wrong record.

use super::*;

#[test]
fn records_name_their_tables() {
    let file = jpeg(&EncodeOptions::new(95, Sampling::S444), 100, 100, 1);
    let mut trainer = TableTrainer::new();
    trainer.add(&file);
    let own = trainer.finish().unwrap();
    let record = record_of(&own, &file);
    assert_eq!(restore(&own, &record).unwrap(), file);
    assert!(
        record.len() < record_of(&builtin(), &file).len(),
        "its own tables fit a file best"
    );
    let refused = decoded(Level::best(), &builtin(), &record, None).unwrap_err();
    assert_eq!(refused, CodecError::OtherTables(own.id()));
    let again = Tables::parse(own.as_bytes()).unwrap();
    assert_eq!((again.id(), again.as_bytes()), (own.id(), own.as_bytes()));
    assert_eq!(restore(&again, &record).unwrap(), file);
}

#[test]
fn damaged_tables_are_refused() {
    let sound = builtin().as_bytes().to_vec();
    let maps = 8 + 72 + 2048;
    for at in (0..8).chain(maps..maps + 1000) {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        assert!(Tables::parse(&damaged).is_err(), "byte {at}");
    }
    for length in 0..1000 {
        assert!(Tables::parse(&sound[..length]).is_err(), "{length} bytes");
    }
}

/// Maps only say which places share statistics. With other maps, records are larger but still possible.
#[test]
fn other_maps_are_refused_or_serve() {
    let sound = builtin().as_bytes().to_vec();
    let file = jpeg(&EncodeOptions::new(90, Sampling::S422), 90, 70, 4);
    let (mut refused, mut served) = (0, 0);
    for at in (8..8 + 72 + 2048).step_by(7) {
        for flip in [1, 3, 0x80] {
            let mut other = sound.clone();
            other[at] ^= flip;
            let Ok(tables) = Tables::parse(&other) else {
                refused += 1;
                continue;
            };
            let record = record_of(&tables, &file);
            assert_eq!(restore(&tables, &record).unwrap(), file);
            served += 1;
        }
    }
    assert!(refused > 100 && served > 100, "{refused}, {served}");
}

/// Found by fuzzing: zstd's constructor panics on a dictionary whose own tables are damaged.
#[test]
fn damaged_dictionaries_are_refused_or_harmless() {
    let sound = builtin().as_bytes().to_vec();
    let start = sound
        .windows(4)
        .position(|four| four == [0x37, 0xa4, 0x30, 0xec])
        .unwrap();
    let file = jpeg(&EncodeOptions::new(90, Sampling::S444), 24, 24, 3);
    let mut refused = 0;
    for at in (start..start + 300).chain((start + 300..sound.len()).step_by(97)) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x5a;
        let Ok(tables) = Tables::parse(&damaged) else {
            refused += 1;
            continue;
        };
        if let Ok(record) = pack_source(&tables, &Source::read(&file).unwrap()) {
            let _ = restore(&tables, &record);
        }
    }
    assert!(refused > 0, "a dictionary's own tables are checked");
}
