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
        let mut newer = Symbols::default();
        let mut units = Vec::new();
        let each = source.each_unit(&mut newer, |_, _, symbols| {
            units.push(format!("{:?}", parts(symbols)));
            let phases: [&[_]; 3] = [&symbols.blocks, &symbols.masks, &symbols.pairs];
            let mut words = [Vec::new(), Vec::new()];
            let plain = rans::encode(&tables, &phases, &[7; 64], &mut words[0]);
            let newer = kernel::encode(&tables, &phases, &[7; 64], &mut words[1]);
            assert_eq!((plain, &words[0]), (newer, &words[1]));
            Ok(())
        });
        each.unwrap();
        let (frame, mut plain, mut units) = (&source.frame, Symbols::default(), units.into_iter());
        for row in 0..frame.units().1 {
            for column in 0..frame.units().0 {
                let (shape, origins) = (frame.shape(column, row), frame.origins(column, row));
                plain.gather(&shape, &source.components, &origins).unwrap();
                assert_eq!(Some(format!("{:?}", parts(&plain))), units.next());
            }
        }
        let header = Header::parse(&file).unwrap();
        let scans = [scan::write, kernel::write_scan]
            .map(|write| write(&header, frame, &source.components, source.padding).unwrap());
        assert!(scans[0] == scans[1] && scans[0].len() > 1000);
    }
}

/// All that a unit's symbols are.
fn parts(symbols: &Symbols) -> impl std::fmt::Debug + '_ {
    (
        (&symbols.blocks, &symbols.masks, &symbols.pairs),
        (symbols.ac.bytes(), symbols.dc.bytes(), &symbols.escapes),
    )
}
