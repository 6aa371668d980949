//! The encoder's loops for each instruction level. [`assert_comes_back`] compares their records of arbitrary
//! coefficients.

use super::*;
use crate::encodings::recoded::scan::{Writer, write_rows};
use crate::jpeg::baseline::Baseline;

#[test]
fn records_of_all_levels_are_the_same() {
    let tables = builtin();
    for (seed, quality) in [(1, 60), (2, 95), (3, 100)] {
        for sampling in SAMPLINGS {
            let file = jpeg(&EncodeOptions::new(quality, sampling), 200, 150, seed);
            let source = Source::read(&file).unwrap();
            let records = Level::available().iter().map(|&level| {
                let mut packer = Packer::new(&tables, source.parts.frame, level);
                let padding = source.each_strip(|strip| packer.strip(strip)).unwrap();
                packer.finish(&source.parts, padding).unwrap()
            });
            let expected = record_of(&tables, &file);
            for (record, level) in records.zip(Level::available()) {
                assert!(record == expected, "{level:?}");
            }
        }
    }
}

#[test]
fn scans_are_written_the_same_without_newer_instructions() {
    let file = jpeg(&EncodeOptions::new(95, Sampling::S420), 200, 150, 2);
    let source = Source::read(&file).unwrap();
    let header = Baseline::parse(&file).unwrap();
    let written = [Level::SCALAR, Level::best()].map(|level| {
        let mut writer = Writer::new(&header, source.parts.frame).unwrap();
        let padding = source
            .each_strip(|strip| write_rows(level, &mut writer, strip))
            .unwrap();
        writer.finish(padding)
    });
    assert!(written[0] == written[1] && written[0].len() > 1000);
}
