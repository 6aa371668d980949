//! The encoder's loops, as compiled for any processor and for newer ones.

use super::*;
use crate::recoded::symbols::Symbols;
use crate::recoded::{kernel, rans, scan};
use crate::seek::header::Header;

#[test]
fn the_encoder_does_the_same_without_newer_instructions() {
    let tables = builtin();
    for (seed, quality) in [(1, 60), (2, 95), (3, 100)] {
        let file = jpeg(&EncodeOptions::new(quality, Sampling::S420), 200, 150, seed);
        let source = Source::read(&file).unwrap();
        let frame = &source.frame;
        let mut levels = LEVELS.map(Symbols::new);
        for row in 0..frame.units().1 {
            for column in 0..frame.units().0 {
                let (shape, origins) = (frame.shape(column, row), frame.origins(column, row));
                for symbols in &mut levels {
                    symbols.gather(&shape, &source.components, &origins).unwrap();
                }
                let [plain, others @ ..] = &levels;
                for other in others {
                    assert_eq!(parts(plain), parts(other));
                }
                let encode = |kernel| {
                    let mut words = Vec::new();
                    let phases = plain.phases();
                    let (states, at) = kernel::encode(kernel, &tables, &phases, &[7; 64], &mut words);
                    (states, words.split_off(at))
                };
                for other in others {
                    assert_eq!(encode(plain.kernel), encode(other.kernel));
                }
            }
        }
        let header = Header::parse(&file).unwrap();
        let scans = [scan::write, kernel::write_scan]
            .map(|write| write(&header, frame, &source.components, source.padding).unwrap());
        assert!(scans[0] == scans[1] && scans[0].len() > 1000);
    }
}

/// All that a unit's symbols are.
fn parts(symbols: &Symbols) -> impl std::fmt::Debug + PartialEq + '_ {
    let bits = (symbols.ac.bytes(), symbols.dc.bytes(), &symbols.escapes);
    (symbols.phases(), bits)
}
