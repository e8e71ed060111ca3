//! GIF, JPEG out, TIFF and WAV, good and damaged. (Files of other programs: `golden.rs`.)

mod support;

use std::time::Duration;

use bolete_formats::picture::{self, GifFrame, Limits, Picture};
use bolete_formats::tiff;
use bolete_formats::wav::{self, Samples, Sound};
use support::{assert_message, folder};

fn frames() -> Vec<GifFrame> {
    // Few colours, so that the palette is exact.
    (0..3u8)
        .map(|step| {
            let pixels = (0..6 * 4)
                .flat_map(|at| if at % 3 == usize::from(step) { [200, 30, 0] } else { [0, 90, 250] });
            let picture = Picture::new(6, 4, 3, pixels.collect()).unwrap();
            GifFrame { picture, delay: Duration::from_millis(40 + 10 * u64::from(step)) }
        })
        .collect()
}

#[test]
fn an_animation_survives_a_round_trip() {
    let path = folder("gif").join("moving.gif");
    picture::write_gif(&path, &frames()).unwrap();
    let read = picture::read_gif(&path, &Limits::default()).unwrap();
    assert_eq!(read.len(), 3);
    for (read, written) in read.iter().zip(frames()) {
        assert_eq!(read.picture.to_rgb(), written.picture);
        assert_eq!(read.delay, written.delay);
    }
    // More colours than a palette holds come close.
    let ramp: Vec<u8> =
        (0..64 * 64).flat_map(|at| [at % 64 * 4, at / 64 * 4, 128].map(|value| value as u8)).collect();
    let ramp = Picture::new(64, 64, 3, ramp).unwrap();
    let bytes = picture::encode_gif(&[GifFrame { picture: ramp.clone(), delay: Duration::ZERO }]).unwrap();
    let near = picture::decode_gif(&bytes, "f", &Limits::default()).unwrap()[0].picture.to_rgb();
    let distance: u64 = near.pixels().iter().zip(ramp.pixels()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(distance / (64 * 64 * 3) < 8, "{distance}");
}

/// A ramp of `colours` colours with a dot that moves.
fn dots(colours: usize) -> Vec<GifFrame> {
    let frame = |step: usize| {
        let pixel = |at: usize| match at == 33 * (1 + step / 2) {
            true => [255, 255, 255],
            false => [at % colours % 256, at % colours / 256 * 50, 9].map(|value| value as u8),
        };
        let picture = Picture::new(32, 32, 3, (0..32 * 32).flat_map(pixel).collect()).unwrap();
        GifFrame { picture, delay: Duration::from_millis(20) }
    };
    (0..20).map(frame).collect()
}

#[test]
fn of_animations_what_changes_is_stored() {
    // Every second frame is the one before it.
    let frames = dots(200);
    let all = picture::encode_gif(&frames).unwrap();
    let first = picture::encode_gif(&frames[..1]).unwrap();
    assert!(all.len() < first.len() + 19 * 40, "{} bytes, the first frame {}", all.len(), first.len());
    let read = picture::decode_gif(&all, "f", &Limits::default()).unwrap();
    assert_eq!(read.len(), 20);
    for (read, written) in read.iter().zip(&frames) {
        assert_eq!(read.picture.to_rgb(), written.picture);
    }
    // Frames with more colours than a palette has, all of which change.
    let moving = |step: u8| {
        let pixels = (0..32 * 32 * 3).map(|at| ((at * at / 3) as u8).wrapping_add(step)).collect();
        GifFrame { picture: Picture::new(32, 32, 3, pixels).unwrap(), delay: Duration::from_millis(20) }
    };
    let frames: Vec<GifFrame> = (0..3).map(|step| moving(step * 40)).collect();
    let read = picture::decode_gif(&picture::encode_gif(&frames).unwrap(), "f", &Limits::default()).unwrap();
    for (read, written) in read.iter().zip(&frames) {
        let read = read.picture.to_rgb();
        let pairs = read.pixels().iter().zip(written.picture.pixels());
        let distance: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(distance / (32 * 32 * 3) < 24, "{distance}");
    }
}

#[test]
fn what_lost_its_colours_is_not_left_standing() {
    // A few red pixels among many colours; then the many are gone.
    let frame = |many: bool| {
        let pixel = |at: usize| match (at < 3, many) {
            (true, _) => [255, 0, 0],
            (false, true) => [at % 64 * 4, at / 64 * 4, 128].map(|value| value as u8),
            (false, false) => [0, 0, 0],
        };
        let picture = Picture::new(64, 64, 3, (0..64 * 64).flat_map(pixel).collect()).unwrap();
        GifFrame { picture, delay: Duration::from_millis(20) }
    };
    let frames = [frame(true), frame(false)];
    let read = picture::decode_gif(&picture::encode_gif(&frames).unwrap(), "f", &Limits::default()).unwrap();
    assert_ne!(read[0].picture.to_rgb(), frames[0].picture);
    assert_eq!(read[1].picture.to_rgb(), frames[1].picture);
}

#[test]
fn clear_pixels_do_not_show_the_frame_before() {
    let frame = |at: usize| {
        let mut pixels = vec![0; 5 * 4 * 4];
        pixels[4 * at..4 * at + 4].copy_from_slice(&[250, 10, 20, 255]);
        GifFrame { picture: Picture::new(5, 4, 4, pixels).unwrap(), delay: Duration::from_millis(20) }
    };
    let frames = [frame(2), frame(11), frame(11), frame(0)];
    let read = picture::decode_gif(&picture::encode_gif(&frames).unwrap(), "f", &Limits::default()).unwrap();
    let seen = |frame: &GifFrame| {
        let pixels: Vec<bool> = frame.picture.pixels().chunks(4).map(|pixel| pixel[3] == 255).collect();
        pixels
    };
    assert_eq!(read.iter().map(seen).collect::<Vec<_>>(), frames.iter().map(seen).collect::<Vec<_>>());
}

#[test]
fn damaged_and_hostile_animations_are_named() {
    let bytes = picture::encode_gif(&frames()).unwrap();
    let decode = |bytes: &[u8], limits: &Limits| picture::decode_gif(bytes, "f", limits);
    assert_message(decode(b"GIF89a", &Limits::default()), &["f: not a valid GIF file"]);
    assert_message(decode(&bytes[..bytes.len() / 2], &Limits::default()), &["f: not a valid GIF file"]);
    let side = Limits { side: 5, ..Limits::default() };
    assert_message(decode(&bytes, &side), &["too large", "at most 5 pixels", "6x4"]);
    let memory = Limits { bytes: 250, ..Limits::default() };
    assert_message(decode(&bytes, &memory), &["too large", "250 bytes in all", "more than 2"]);
    // A canvas that the file has no data for.
    let mut huge = bytes.clone();
    huge[6..10].copy_from_slice(&[0, 64, 0, 64]);
    assert_message(decode(&huge, &Limits::default()), &["data for every pixel", "16384x16384"]);
    assert_message(picture::encode_gif(&[]), &["at least one frame"]);
    let mut uneven = frames();
    uneven[1].picture = Picture::new(1, 1, 1, vec![0]).unwrap();
    assert_message(picture::encode_gif(&uneven), &["frames of one size", "1x1"]);
}

#[test]
fn jpeg_is_written() {
    let path = folder("jpeg").join("picture.jpg");
    for channels in [1, 3, 4] {
        let constant = Picture::new(9, 7, channels, vec![120; 9 * 7 * channels]).unwrap();
        constant.write_jpeg(&path, 90).unwrap();
        let read = picture::read(&path).unwrap();
        assert_eq!((read.width(), read.height(), read.channels()), (9, 7, channels.min(3)));
        let expected = constant.over_white().pixels()[0];
        assert!(read.pixels().iter().all(|value| value.abs_diff(expected) <= 2));
    }
    let long = Picture::new(65536, 1, 1, vec![0; 65536]).unwrap();
    assert!(long.encode_jpeg(&mut Vec::new(), 90).is_err());
}

/// A little-endian TIFF of one page with these tags (all `u32`) and data at byte 8.
fn page(tags: &[(u16, u32)], data: &[u8], next: u32) -> Vec<u8> {
    let mut bytes = b"II*\0".to_vec();
    bytes.extend((8 + data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

#[test]
fn damaged_pages_are_named() {
    let tags = [(256, 2), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, 4)];
    let parse = |bytes: &[u8]| tiff::parse(bytes, "f");
    let good = parse(&page(&tags, &[1, 2, 3, 4], 0)).unwrap();
    assert_eq!((good[0].shape.clone(), good[0].bytes.clone()), (vec![2, 2], vec![1, 2, 3, 4]));
    let with = |tag: u16, value: u32| {
        let mut tags = tags;
        tags.iter_mut().filter(|entry| entry.0 == tag).for_each(|entry| entry.1 = value);
        parse(&page(&tags, &[1, 2, 3, 4], 0))
    };
    assert_message(with(256, 0), &["f: not a valid TIFF file", "0x2 pixels"]);
    assert_message(with(256, u32::MAX), &["data for 4294967295x2 pixels", "4 bytes"]);
    assert_message(with(257, u32::MAX), &["2147483648 strips or tiles", "1 with 1"]);
    assert_message(with(258, 4), &["integers of 8 to 64 bits", "4 bits"]);
    assert_message(with(259, 7), &["PackBits", "compression 7"]);
    assert_message(with(262, 3), &["gray", "photometric interpretation 3"]);
    assert_message(with(273, 1 << 30), &["inside of the file"]);
    assert_message(with(279, 3), &["a strip or tile of 4 bytes", "3 bytes"]);
    assert_message(with(277, 100_000), &["1 to 4096 channels"]);
    assert_message(parse(b"II*\0\xff\xff\xff\xff"), &["a directory"]);
    assert_message(parse(b"BM......"), &["II or MM"]);
    // A directory that leads to itself: its page would be read again and again from the same data.
    assert_message(parse(&page(&tags, &[1, 2, 3, 4], 12)), &["a circle of them"]);
}

#[test]
fn damaged_sounds_are_named() {
    let sound =
        Sound { rate: 8000, channels: 2, samples: Samples::Integer { bits: 16, values: vec![1, -2, 3, -4] } };
    let good = wav::encode(&sound).unwrap();
    assert_eq!(wav::parse(&good, "f").unwrap(), sound);
    assert_eq!((sound.len(), sound.samples.to_f32()[1]), (2, -2.0 / 32768.0));
    let with = |at: usize, bytes: &[u8]| {
        let mut damaged = good.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        wav::parse(&damaged, "f")
    };
    assert_message(wav::parse(b"RIFF", "f"), &["f: not a valid WAV file", "a header"]);
    assert_message(with(0, b"RIFX"), &["RIFF and WAVE"]);
    assert_message(with(20, &[2, 0]), &["PCM of 8, 16, 24 or 32 bits", "format 2"]);
    assert_message(with(22, &[0, 0]), &["0 channels"]);
    assert_message(with(22, &[3, 0]), &["3 channels in 4 bytes"]);
    assert_message(with(36, b"cata"), &["\"data\"", "the end of the file"]);
    assert_message(with(40, &[7, 0]), &["blocks of 4 bytes", "7 bytes"]);
    assert_message(with(40, &[9, 0, 0, 1]), &["the samples of 16777225 bytes"]);
    assert_message(with(12, b"xxxx"), &["\"fmt \" before \"data\""]);
    // Programs that stream do not know the length.
    assert_eq!(with(40, &[255; 4]).unwrap(), sound);
    let encode = |channels, samples| wav::encode(&Sound { rate: 8000, channels, samples });
    assert_message(encode(3, Samples::F32(vec![0.0; 4])), &["4 samples for 3 channels"]);
    assert_message(encode(1, Samples::Integer { bits: 8, values: vec![128] }), &["samples of 8 bits", "128"]);
    assert_message(encode(1, Samples::Integer { bits: 12, values: vec![] }), &["12 bits"]);
}
