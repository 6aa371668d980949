//! Records of coefficients that come from no file. Any that fit come back.

use super::*;

/// Coefficients that no encoder would write.
pub(super) struct Invented {
    frame: Frame,
    components: Vec<Blocks>,
}

pub(super) fn invented(frame: Frame, fill: impl Fn(usize) -> [i16; 64]) -> Invented {
    let mcus = frame.mcus();
    let components = (0..frame.components).map(|component| {
        let (across, down) = frame.factors(component);
        let blocks = (0..mcus.0 * across * mcus.1 * down).map(&fill).collect();
        Blocks {
            across: mcus.0 * across,
            blocks,
        }
    });
    Invented {
        frame,
        components: components.collect(),
    }
}

impl Invented {
    /// The record made by the kernels of a level.
    pub(super) fn record(&self, tables: &Tables, level: Level) -> Vec<u8> {
        let (frame, mut strip) = (self.frame, Vec::new());
        let mut packer = Packer::new(tables, frame, level);
        for row in 0..frame.units().1 {
            frame.fit(&mut strip, row);
            let origins = frame.origins(0, row);
            for ((into, from), (_, y)) in strip.iter_mut().zip(&self.components).zip(origins) {
                let from = &from.blocks[y * from.across..][..into.blocks.len()];
                into.blocks.copy_from_slice(from);
            }
            packer.strip(&strip).unwrap();
        }
        let parts = Parts {
            frame,
            header: &[],
            steps: [[1; 64]; 3],
            tail: &[],
        };
        packer.finish(&parts, 0).unwrap()
    }
}

pub(super) fn assert_comes_back(source: &Invented) {
    let tables = builtin();
    let record = source.record(&tables, Level::SCALAR);
    for &level in Level::available() {
        assert!(source.record(&tables, level) == record, "{level:?}");
        let payload = Payload::parse(&tables, &record).unwrap();
        let mut components = vec![Vec::new(); source.frame.components];
        let mut append = |strip: &[Blocks]| {
            for (all, strip) in components.iter_mut().zip(strip) {
                all.extend_from_slice(&strip.blocks);
            }
            Ok(())
        };
        payload.each_strip(&tables, level, &mut append).unwrap();
        for (got, expected) in components.iter().zip(&source.components) {
            assert!(*got == expected.blocks, "{level:?} {:?}", source.frame);
        }
        assert_groups_hold(&tables, &payload, source, level);
    }
}

/// The blocks laid out for the inverse DCT match the blocks themselves.
pub(super) fn assert_groups_hold(
    tables: &Tables,
    payload: &Payload<'_>,
    source: &Invented,
    level: Level,
) {
    let (frame, mut at) = (&source.frame, 0);
    let (mut decoder, mut group) = (UnitDecoder::new(level), Group::ZERO);
    let (across, down) = frame.units();
    for number in 0..across * down {
        let (column, row) = (number % across, number / across);
        let shape = frame.shape(column, row);
        let length = payload.lengths(number..number + 1);
        let units = &payload.units[at..];
        decoder
            .decode(tables, &shape, units, length, shape.blocks)
            .unwrap();
        at += length;
        let origins = frame.origins(column, row);
        for row in shape.rows() {
            let of = &source.components[row.component];
            let (x, y) = origins[row.component];
            let first = (y + row.line) * of.across + x;
            for (i, blocks) in of.blocks[first..first + row.blocks].chunks(4).enumerate() {
                decoder.group(row.first + 4 * i, blocks.len(), &mut group);
                let mut expected = Group::ZERO;
                for (lane, block) in blocks.iter().enumerate() {
                    for (k, &value) in (0..).zip(block) {
                        expected.set(lane, k, value);
                    }
                }
                assert!(group.0 == expected.0, "{level:?} {frame:?}");
            }
        }
    }
}

#[test]
pub(super) fn extreme_coefficients_come_back() {
    let fills: [fn(usize) -> [i16; 64]; 6] = [
        |_| [0; 64],
        |_| [127; 64],
        |_| [-128; 64],
        |_| [i16::MIN; 64].map(|v| v).map_dc(0),
        |i| {
            [if i % 2 == 0 { i16::MAX } else { -1 }; 64].map_dc(if i % 2 == 0 {
                1023
            } else {
                -1024
            })
        },
        |i| std::array::from_fn(|k| if k == i % 64 { 1 } else { 0 }),
    ];
    for fill in fills {
        for sampling in [0, 0x11, 0x12, 0x21, 0x22, 0x41, 0x42] {
            assert_comes_back(&invented(Frame::new(150, 90, sampling).unwrap(), fill));
        }
    }
}

pub(super) trait MapDc {
    fn map_dc(self, dc: i16) -> Self;
}

impl MapDc for [i16; 64] {
    fn map_dc(mut self, dc: i16) -> Self {
        self[0] = dc;
        self
    }
}
