//! JPEGs that are not baseline, stored as baseline ones: the pixels stay the same and the file comes back.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{decode, jpeg};
use imshard_codec::{
    CodecError, Decoder, EncodeOptions, Encoding, JpegColor, Native, Originals, Region, Restart,
    Sampling, gives_source, pack, sniff, transcode, unpack,
};

const PLAIN: EncodeOptions = EncodeOptions::new(90, Sampling::S420);
const SIZE: (u32, u32) = (133, 87);

fn kinds() -> Vec<(&'static str, EncodeOptions)> {
    let mut kinds = Vec::new();
    let samplings = [
        Sampling::S444,
        Sampling::S422,
        Sampling::S420,
        Sampling::S440,
        Sampling::S411,
    ];
    for sampling in samplings {
        let plain = EncodeOptions { sampling, ..PLAIN };
        let progressive = EncodeOptions {
            progressive: true,
            ..plain
        };
        let arithmetic = EncodeOptions {
            arithmetic: true,
            ..plain
        };
        let both = EncodeOptions {
            arithmetic: true,
            ..progressive
        };
        let restart = |restart| EncodeOptions { restart, ..plain };
        kinds.extend([
            ("progressive", progressive),
            ("arithmetic", arithmetic),
            ("progressive and arithmetic", both),
            ("restart each row", restart(Restart::Rows(1))),
            ("restart each 3 MCUs", restart(Restart::Mcus(3))),
        ]);
    }
    let gray = EncodeOptions {
        color: JpegColor::Gray,
        progressive: true,
        ..PLAIN
    };
    kinds.push(("gray", gray));
    kinds
}

#[test]
fn pixels_are_the_same_and_the_file_comes_back() {
    let mut decoder = Decoder::new().unwrap();
    for (name, options) in kinds() {
        let file = jpeg(&options, SIZE.0, SIZE.1, 7);
        assert_eq!(pack(&file, Encoding::Jpeg).0, Encoding::Source, "{name}");
        let (_, expected, _) = decode(&file);
        for originals in [Originals::Keep, Originals::Drop] {
            let payload = transcode(&file, originals).unwrap();
            let decoded = decoder
                .decode(Encoding::Transcoded, &payload, None)
                .unwrap();
            assert_eq!(decoded.warning, None);
            assert!(decoded.pixels == expected, "{name}");

            let kept = originals == Originals::Keep;
            let source = gives_source(Encoding::Transcoded, &payload).unwrap();
            assert_eq!(source, kept, "{name}");
            let back = unpack(Encoding::Transcoded, &payload).unwrap();
            assert_eq!(*back == file, kept, "{name}");
            assert!(decode(&back).1 == expected, "{name}");
            let info = sniff(&back).unwrap();
            assert_eq!((info.width, info.height), SIZE);
        }
    }
}

#[test]
fn regions_decode_to_the_planes_of_the_baseline_file() {
    let region = Region {
        x: 40,
        y: 33,
        width: 50,
        height: 20,
    };
    let mut decoder = Decoder::new().unwrap();
    let mut luma = |encoding, payload: &[u8]| {
        let planes = decoder.decode_native(encoding, payload, Some(region));
        match planes.unwrap() {
            Native::Planes(planes) => (planes.luma.region, planes.luma.data.to_vec()),
            other => panic!("{other:?}"),
        }
    };
    // The same coefficients; only their coding differs.
    let progressive = EncodeOptions {
        progressive: true,
        ..PLAIN
    };
    let transcoded = transcode(&jpeg(&progressive, SIZE.0, SIZE.1, 9), Originals::Drop).unwrap();
    let baseline = jpeg(&PLAIN, SIZE.0, SIZE.1, 9);
    let (encoding, baseline) = pack(&baseline, Encoding::Jpeg);
    assert_eq!(encoding, Encoding::Jpeg);
    assert_eq!(
        luma(Encoding::Transcoded, &transcoded),
        luma(Encoding::Jpeg, &baseline)
    );
}

#[test]
fn what_has_no_baseline_form_or_is_damaged_is_left_alone() {
    let color = |color| EncodeOptions {
        color,
        progressive: true,
        ..PLAIN
    };
    for options in [color(JpegColor::Cmyk), color(JpegColor::Rgb)] {
        let file = jpeg(&options, 40, 30, 1);
        assert_eq!(transcode(&file, Originals::Keep), None);
    }
    let file = jpeg(&color(JpegColor::YCbCr), 120, 90, 1);
    assert!(transcode(&file, Originals::Keep).is_some());
    assert_eq!(transcode(&file[..file.len() / 2], Originals::Keep), None);
    assert_eq!(transcode(b"no image", Originals::Keep), None);
}

#[test]
fn a_progressive_file_without_some_of_its_scans_is_left_alone() {
    // libjpeg-turbo smooths its blocks, without a warning. A baseline file would not be smoothed.
    let progressive = EncodeOptions {
        progressive: true,
        ..PLAIN
    };
    let mut file = jpeg(&progressive, 120, 90, 1);
    let scans: Vec<usize> = (0..file.len() - 1)
        .filter(|&at| file[at..at + 2] == [0xff, 0xda])
        .collect();
    assert!(scans.len() > 4);
    file.truncate(scans[3]);
    file.extend([0xff, 0xd9]);
    assert_eq!(decode(&file).2, None, "there is a warning now");
    assert_eq!(transcode(&file, Originals::Keep), None);
}

#[test]
fn a_damaged_record_is_an_error() {
    let progressive = EncodeOptions {
        progressive: true,
        ..PLAIN
    };
    let payload = transcode(&jpeg(&progressive, 64, 64, 1), Originals::Keep).unwrap();
    let mut longer = payload.clone();
    longer[3] = 0xff;
    for bad in [&payload[..3], &payload[..50], &longer[..], &[]] {
        assert!(matches!(
            unpack(Encoding::Transcoded, bad),
            Err(CodecError::Decode { .. })
        ));
        let mut decoder = Decoder::new().unwrap();
        assert!(decoder.decode(Encoding::Transcoded, bad, None).is_err());
    }
}
