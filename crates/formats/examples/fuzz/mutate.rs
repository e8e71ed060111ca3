//! Damage to files, from a fixed sequence of numbers.

/// SplitMix64: Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014.
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of an input of a run.
    pub fn new(seed: u64, input: u64) -> Numbers {
        let mut numbers = Numbers(seed ^ input.wrapping_mul(0xd134_2543_de82_ef95));
        numbers.next();
        numbers
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Words that mean something in any of the formats.
const WORDS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"data.pkl",
    b"byteorder",
    b"GGUF",
    b"general.alignment",
    b"\x93NUMPY",
    b"'descr'",
    b"'>f8'",
    b"True",
    b"(3, 4)",
    b"RIFF",
    b"WAVE",
    b"fmt ",
    b"data",
    b"GIF89a",
    b"NETSCAPE2.0",
    b"\x21\xf9\x04",
    b"IHDR",
    b"IDAT",
    b"PLTE",
    b"tRNS",
    b"\xff\xd8",
    b"\xff\xda",
    b"\xff\xc4",
    b"\xff\xdb",
    b"MM\0*",
    b"II*\0",
    b"\"dtype\"",
    b"\"shape\"",
    b"[0,0]",
    b"weight_map",
    b"../",
    b"\"\"",
    b"\r\n",
    b"\"",
    b",",
    b"1e308",
    b"nan",
    b"\xef\xbb\xbf",
    b"#",
    // Instructions of pickles.
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nFloatStorage\n",
    b"cos\nsystem\n",
    b"\x80\x02",
    b"(",
    b"}",
    b"]",
    b")",
    b"t",
    b"u",
    b"R",
    b"Q",
    b"b",
    b"\x94",
    b"h\0",
    b"q\0",
    b"\x85",
    b"\x86",
    b"\x87",
    b"l",
    b"d",
    b"e",
    b"2",
    b"0",
    b"1",
    b".",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"J\xff\xff\xff\x7f",
];

/// Numbers at the edges, for length fields.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    31,
    32,
    33,
    64,
    127,
    128,
    255,
    256,
    1 << 15,
    0xffff,
    1 << 16,
    1 << 20,
    1 << 24,
    1 << 31,
    (1 << 31) - 1,
    0xffff_fffe,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 7,
    u64::MAX,
];

/// A copy of one of the `seeds` with one to six kinds of damage.
pub fn damage(numbers: &mut Numbers, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    let rounds = 1 + numbers.below(3) + numbers.below(4);
    for _ in 0..rounds {
        let length = bytes.len();
        let at = numbers.below(length);
        let longest = if numbers.below(4) == 0 { 64 } else { 8 };
        let span = 1 + numbers.below(longest);
        let end = (at + span).min(length);
        match numbers.below(15) {
            0 => bytes.truncate(at),
            1 | 2 => flip(&mut bytes, at, numbers),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = numbers.next() as u8),
            4 => bytes[at.min(length)..end].fill(numbers.pick(&[&0u8, &0xff, &0x20, &0x7f]).to_owned()),
            5 => drop(bytes.drain(at.min(end)..end)),
            6 => bytes.insert(at, numbers.next() as u8),
            7 => bytes.extend_from_within(at.min(end)..end),
            8 => {
                // A block twice in a row.
                let block = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(length)..at.min(length), block);
            }
            9 => {
                // A piece of another seed.
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len());
                let piece = other[from..(from + 4 * span).min(other.len())].to_vec();
                let over = if numbers.below(2) == 0 { at } else { end };
                bytes.splice(at.min(length)..over.max(at).min(length), piece);
            }
            10 => {
                let word = numbers.pick(WORDS);
                let over = if numbers.below(2) == 0 { at } else { (at + word.len()).min(length) };
                bytes.splice(at.min(length)..over.max(at).min(length), word.iter().copied());
            }
            11 | 12 => number(&mut bytes, at, numbers),
            13 => digits(&mut bytes, at, numbers),
            _ => structure(&mut bytes, numbers),
        }
        if bytes.len() > 1 << 16 {
            bytes.truncate(1 << 16);
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], at: usize, numbers: &mut Numbers) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << numbers.below(8);
    }
}

/// A number of 1, 2, 4 or 8 bytes at `at`: an edge, or a little more or less than before.
fn number(bytes: &mut [u8], at: usize, numbers: &mut Numbers) {
    let size = 1 << numbers.below(4);
    let Some(field) = bytes.get_mut(at..at + size) else { return };
    let big = numbers.below(3) == 0;
    let mut exact = [0; 8];
    exact[..size].copy_from_slice(field);
    if big {
        exact[..size].reverse();
    }
    let value = match numbers.below(2) {
        0 => EDGES[numbers.below(EDGES.len())],
        _ => u64::from_le_bytes(exact).wrapping_add(numbers.below(33) as u64).wrapping_sub(16),
    };
    exact = value.to_le_bytes();
    if big {
        exact[..size].reverse();
    }
    field.copy_from_slice(&exact[..size]);
}

/// A number or a symbol in text.
fn digits(bytes: &mut Vec<u8>, at: usize, numbers: &mut Numbers) {
    let from = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|offset| at + offset);
    match from {
        Some(from) if numbers.below(2) == 0 => {
            let to = from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let value = EDGES[numbers.below(EDGES.len())].to_string();
            bytes.splice(from..to, value.bytes());
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = b"0123456789[]{}(),:;'\"-. \n"[numbers.below(25)];
            }
        }
    }
}

/// Damage to a field whose place follows from the format: in the headers of ZIP archives, of GGUF, of pickles in them.
fn structure(bytes: &mut [u8], numbers: &mut Numbers) {
    let found = |signature: &[u8], bytes: &[u8], numbers: &mut Numbers| {
        let places: Vec<usize> = bytes
            .windows(signature.len())
            .enumerate()
            .filter(|w| w.1 == signature)
            .map(|w| w.0)
            .take(64)
            .collect();
        (!places.is_empty()).then(|| places[numbers.below(places.len())])
    };
    if bytes.starts_with(b"GGUF") {
        let at = [4, 8, 16][numbers.below(3)];
        return number(bytes, at, numbers);
    }
    if bytes.starts_with(b"PK") {
        let (signature, fields): (&[u8], &[usize]) = match numbers.below(4) {
            0 => (b"PK\x03\x04", &[6, 8, 14, 18, 22, 26, 28]),
            1 => (b"PK\x01\x02", &[8, 10, 16, 20, 24, 28, 30, 32, 42]),
            2 => (b"PK\x05\x06", &[8, 10, 12, 16, 20]),
            _ => (b"PK\x06\x06", &[24, 32, 40, 48]),
        };
        if let Some(at) = found(signature, bytes, numbers) {
            let field = fields[numbers.below(fields.len())];
            return number(bytes, at + field, numbers);
        }
    }
    // The arguments of pickles: numbers and the keys of the memo.
    let code = [b'K', b'M', b'J', b'q', b'h', b'X', 0x8a][numbers.below(7)];
    if let Some(at) = found(&[code], bytes, numbers) {
        number(bytes, at + 1, numbers);
    }
}
