//! The same bits as Pillow and imagehash, file by file (`data/expected.tsv`, made by `make_reference.py`).

use streamwarden::imaging::dc_jpeg::{self, Coding, Header};
use streamwarden::imaging::{Algorithm, Imaging, Limits, Plane, Scratch};
use streamwarden::model::{HashScheme, Sha256};

use crate::picture;

struct Expected {
    file: String,
    size: (u16, u16),
    /// Digest of the 1/8 plane, digest of its 32×32, phash of that; none for pictures that are decoded in full.
    eighth: Option<(String, String, u64)>,
    phash_of_picture: u64,
}

fn expected() -> Vec<Expected> {
    let table = String::from_utf8(picture("expected.tsv")).unwrap();
    let hash = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        Expected {
            file: fields[0].into(),
            size: (fields[1].parse().unwrap(), fields[2].parse().unwrap()),
            eighth: (fields[3] == "dc").then(|| (fields[4].into(), fields[5].into(), hash(fields[6]))),
            phash_of_picture: hash(fields[7]),
        }
    });
    rows.collect()
}

fn bytes(plane: &Plane) -> Vec<u8> {
    plane.rows().flatten().copied().collect()
}

#[test]
fn dc_planes_are_those_of_libjpeg_turbo_byte_for_byte() {
    // One scratch for all: nothing of a picture may be left in the next.
    let (mut scratch, mut plane, mut compared) = (dc_jpeg::Scratch::default(), Plane::default(), 0);
    for expected in expected() {
        let Some((digest, ..)) = expected.eighth else { continue };
        let file = picture(&expected.file);
        let header = Header::read(&file).unwrap();
        let Coding::Sequential(scan) = &header.coding else { panic!("{}: {:?}", expected.file, header.coding) };
        dc_jpeg::decode(&file, &header, scan, &mut scratch, &mut plane).unwrap();
        assert_eq!((header.width, header.height), expected.size, "{}", expected.file);
        assert_eq!(Sha256::of(&bytes(&plane)).to_string(), digest, "{}", expected.file);
        compared += 1;
    }
    assert_eq!(compared, 46);
}

#[test]
fn phash_of_a_plain_jpeg_is_imagehash_phash_of_pillows_draft_bit_for_bit() {
    let (imaging, mut scratch) = (Imaging::new(Limits::default(), Algorithm::Phash), Scratch::default());
    for expected in expected() {
        let Some((_, small, phash)) = expected.eighth else { continue };
        let measured = imaging.measure(&picture(&expected.file), &mut scratch).unwrap();
        assert_eq!(measured.hash.scheme, HashScheme::PhashFromDc, "{}", expected.file);
        assert_eq!(Sha256::of(&*measured.plane.0).to_string(), small, "{}", expected.file);
        assert_eq!(format!("{:016x}", measured.hash.bits), format!("{phash:016x}"), "{}", expected.file);
    }
}

#[test]
fn pictures_of_other_codings_and_formats_are_decoded_in_full_and_hash_alike() {
    for (algorithm, scheme) in [
        (Algorithm::MedianDct, HashScheme::MedianDctFromBlocks),
        (Algorithm::Phash, HashScheme::PhashFromBlocks),
        (Algorithm::PhashOfRgb, HashScheme::PhashFromRgb),
    ] {
        let (imaging, mut scratch) = (Imaging::new(Limits::default(), algorithm), Scratch::default());
        for expected in expected().into_iter().filter(|expected| expected.eighth.is_none()) {
            let measured = imaging.measure(&picture(&expected.file), &mut scratch).unwrap();
            assert_eq!((measured.image.width, measured.image.height), expected.size, "{}", expected.file);
            assert_eq!(measured.hash.scheme, scheme, "{}", expected.file);
            let apart = (measured.hash.bits ^ expected.phash_of_picture).count_ones();
            // Of these small pictures an eighth is no more than 12×9 to 20×15 pixels: still within the threshold.
            let apart_max = match algorithm {
                Algorithm::MedianDct => 64,
                Algorithm::Phash => 16,
                Algorithm::PhashOfRgb if expected.file.ends_with(".png") => 0,
                Algorithm::PhashOfRgb => 2,
            };
            assert!(apart <= apart_max, "{} with {algorithm:?}: {apart} bits from Pillow + imagehash", expected.file);
        }
    }
}

#[test]
fn both_decode_paths_give_nearly_the_same_plane_and_hash() {
    let (imaging, mut scratch) = (Imaging::new(Limits::default(), Algorithm::MedianDct), Scratch::default());
    let plain = imaging.measure(&picture("420-96x72.jpg"), &mut scratch).unwrap();
    let progressive = imaging.measure(&picture("progressive-420.jpg"), &mut scratch).unwrap();
    assert!(plain.hash.distance(progressive.hash).is_some_and(|bits| bits <= 2));
    assert!(plain.plane.delta(&progressive.plane).0 <= 100, "{}", plain.plane.delta(&progressive.plane));
}

#[test]
fn phash_of_rgb_is_within_two_bits_of_pillow_and_imagehash() {
    let (imaging, mut scratch) = (Imaging::new(Limits::default(), Algorithm::PhashOfRgb), Scratch::default());
    let (mut same, mut all) = (0, 0);
    for expected in expected() {
        // Of noise at 1:1 and of pictures of a few pixels every rounding shows; they are no photographs.
        if expected.file.contains("noise") || expected.size.0 < 32 || expected.size.1 < 32 {
            continue;
        }
        let measured = imaging.measure(&picture(&expected.file), &mut scratch);
        let Ok(measured) = measured else { panic!("{}: {}", expected.file, measured.unwrap_err()) };
        let apart = (measured.hash.bits ^ expected.phash_of_picture).count_ones();
        assert!(apart <= 2, "{}: {apart} bits apart", expected.file);
        same += usize::from(apart == 0);
        all += 1;
    }
    assert!(same * 100 >= all * 95, "{same} of {all} equal");
}
