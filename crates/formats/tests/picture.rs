//! Pictures, good and damaged.

mod support;

use std::fs;

use bolete_formats::picture::{self, Limits, Picture};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat};
use support::{assert_message, folder};

fn png(image: DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn jpeg() -> Vec<u8> {
    let pixels: Vec<u8> = (0..32 * 24 * 3).map(|index| (index * 7 % 251) as u8).collect();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95).encode(&pixels, 32, 24, ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn decode(bytes: &[u8]) -> Result<Picture, bolete_formats::FormatError> {
    picture::decode(bytes, "f", &Limits::default())
}

#[test]
fn png_survives_a_round_trip() {
    let path = folder("picture-round-trip").join("picture.jpg"); // The name does not matter.
    for channels in [1, 3, 4] {
        let pixels = (0..5 * 3 * channels).map(|value| value as u8 * 4).collect();
        let picture = Picture::new(5, 3, channels, pixels).unwrap();
        picture.write_png(&path).unwrap();
        assert_eq!(picture::read(&path).unwrap(), picture);
    }
}

#[test]
fn every_colour_type_becomes_8_bit() {
    let gray16 = image::ImageBuffer::from_raw(1, 1, vec![0x8000u16]).unwrap();
    assert_eq!(decode(&png(DynamicImage::ImageLuma16(gray16))).unwrap().pixels(), [128]);
    let gray_alpha = image::ImageBuffer::from_raw(1, 1, vec![10u8, 20]).unwrap();
    assert_eq!(decode(&png(DynamicImage::ImageLumaA8(gray_alpha))).unwrap().pixels(), [10, 10, 10, 20]);
    let jpeg = decode(&jpeg()).unwrap();
    assert_eq!((jpeg.width(), jpeg.height(), jpeg.channels()), (32, 24, 3));
}

#[test]
fn jpegs_are_those_of_the_image_crate_gray_and_turned_ones_too() {
    let gray: Vec<u8> = (0..17 * 9).map(|index| (index * 5 % 256) as u8).collect();
    let mut gray_jpeg = Vec::new();
    JpegEncoder::new(&mut gray_jpeg).encode(&gray, 17, 9, ExtendedColorType::L8).unwrap();
    for (bytes, channels) in [(jpeg(), 3), (gray_jpeg, 1)] {
        let theirs = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap();
        let ours = decode(&bytes).unwrap();
        assert_eq!((ours.channels(), ours.pixels()), (channels, theirs.as_bytes()));

        // The camera was held so that the right side of the picture is above: Exif with the orientation 6.
        let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let turned = decode(&[&bytes[..2], exif, &bytes[2..]].concat()).unwrap();
        let expected = theirs.rotate90();
        assert_eq!((turned.width(), turned.height()), (ours.height(), ours.width()));
        assert_eq!(turned.pixels(), expected.as_bytes());
    }
}

#[test]
fn gray_colour_and_alpha() {
    let picture = Picture::new(3, 1, 4, vec![255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 51]).unwrap();
    assert_eq!(picture.over_white().pixels(), [255, 0, 0, 255, 255, 255, 204, 204, 204]);
    assert_eq!(picture.to_gray().pixels(), [76, 255, 204]);
    assert_eq!(picture.to_rgb().channels(), 3);
    assert_eq!(Picture::new(1, 1, 1, vec![9]).unwrap().to_rgb().pixels(), [9, 9, 9]);
}

#[test]
fn resizing_averages_down_and_interpolates_up() {
    let checker = Picture::new(4, 2, 1, vec![0, 255, 0, 255, 255, 0, 255, 0]).unwrap();
    assert_eq!(checker.resize(2, 1).unwrap().pixels(), [128, 128]);
    let step = Picture::new(2, 1, 1, vec![0, 200]).unwrap();
    assert_eq!(step.resize(4, 1).unwrap().pixels(), [0, 50, 150, 200]);
    // Three to two: the middle pixel is shared.
    let three = Picture::new(3, 1, 1, vec![0, 90, 180]).unwrap();
    assert_eq!(three.resize(2, 1).unwrap().pixels(), [30, 150]);
    // One axis down, the other up.
    assert_eq!(checker.resize(1, 4).unwrap().pixels(), [128; 4]);
    // A constant stays constant at any size.
    let constant = Picture::new(7, 5, 3, vec![77; 105]).unwrap();
    for (width, height) in [(1, 1), (3, 11), (13, 2), (7, 6)] {
        assert!(constant.resize(width, height).unwrap().pixels().iter().all(|&value| value == 77));
    }
    // An invisible red pixel does not colour its neighbour.
    let alpha = Picture::new(2, 1, 4, vec![255, 0, 0, 0, 0, 0, 255, 255]).unwrap();
    assert_eq!(alpha.resize(1, 1).unwrap().pixels(), [0, 0, 255, 128]);
    assert_message(constant.resize(0, 5), &["sides above 0", "0x5"]);
    assert_message(constant.resize(usize::MAX, 5), &["fit memory"]);
}

#[test]
fn damaged_files_are_named() {
    let folder = folder("picture-damaged");
    let good = png(DynamicImage::new_rgb8(40, 30));
    assert_message(decode(b""), &["f: not a valid PNG or JPEG file"]);
    assert_message(decode(b"GIF89a......"), &["PNG or JPEG", "47, 49"]);
    for end in [9, 30, good.len() / 2, good.len() - 20] {
        assert_message(decode(&good[..end]), &["f: not a valid PNG file", "replace or remove"]);
    }
    let mut flipped = good.clone();
    flipped[18] ^= 1; // In the width: the checksum of the header no longer fits.
    assert_message(decode(&flipped), &["f: not a valid PNG file"]);

    let good = jpeg();
    for end in [3, 20, good.len() / 2, good.len() - 2] {
        assert_message(decode(&good[..end]), &["f: not a valid JPEG file"]);
    }
    let path = folder.join("broken.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\nrubbish").unwrap();
    assert_message(picture::read(&path), &["broken.png"]);
    assert_message(picture::read(folder.join("absent.png")), &["absent.png: cannot be read"]);
    assert_message(picture::read(&folder), &["not a regular file"]);
}

#[test]
fn bytes_after_a_jpeg_are_ignored() {
    let mut bytes = jpeg();
    bytes.extend_from_slice(&[0xff, 0xda, 0, 0, 1, 2, 3]);
    assert!(decode(&bytes).is_ok());
}

#[test]
fn limits_hold() {
    let bytes = png(DynamicImage::new_rgb8(40, 30));
    let side = Limits { side: 39, ..Limits::default() };
    assert_message(picture::decode(&bytes, "f", &side), &["too large", "39 pixels", "40x30"]);
    let memory = Limits { bytes: 3599, ..Limits::default() };
    assert_message(picture::decode(&bytes, "f", &memory), &["too large", "3599 bytes", "3600 bytes"]);
    assert_message(Picture::new(2, 2, 2, vec![0; 8]), &["1, 3 or 4 channels"]);
    assert_message(Picture::new(0, 2, 1, vec![]), &["sides above 0"]);
    assert_message(Picture::new(usize::MAX, 2, 1, vec![]), &["0 bytes"]);
}
