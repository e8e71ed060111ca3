//! Pictures as the text that SVG and HTML embed.

use bolete_formats::picture::Picture;

/// The bytes of a PNG file.
pub(crate) fn png(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.encode_png(&mut bytes).expect("a picture in memory is smaller than PNG allows");
    bytes
}

/// A picture as a `data:` address.
pub(crate) fn data_uri(picture: &Picture) -> String {
    bytes_uri("image/png", &png(picture))
}

/// The bytes of a file as a `data:` address.
pub(crate) fn bytes_uri(kind: &str, bytes: &[u8]) -> String {
    let mut text = format!("data:{kind};base64,");
    base64(bytes, &mut text);
    text
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8], out: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().enumerate().fold(0u32, |word, (i, &byte)| word | u32::from(byte) << (16 - 8 * i));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, expected) in cases {
            let mut text = String::new();
            super::base64(plain.as_bytes(), &mut text);
            assert_eq!(text, expected);
        }
    }
}
