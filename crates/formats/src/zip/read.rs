//! Reading archives, trusting nothing in them.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::{CENTRAL, DEFLATED, END, END_64, EXTRA_64, LOCAL, LOCATOR_64, STORED};
use crate::FormatError;
use crate::error::{Context, quoted};
use crate::source::Walk;

/// Deflate cannot shrink data by more than this factor (258 bytes from 2 bits, rounded up).
const LARGEST_RATIO: u64 = 1040;

/// One file of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    method: u16,
    checksum: u32,
    data: Range<usize>,
    size: u64,
}

impl Entry {
    /// Bytes of the content.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// The files of an archive, in the order of its directory.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    pub entries: Vec<Entry>,
}

impl Archive {
    /// Reads the directory. Every entry lies in the file and none overlaps another, so that all of them together
    /// cannot ask for more than one deflate stream of the whole file could hold.
    pub fn parse(bytes: &[u8], context: Context<'_>) -> Result<Self, FormatError> {
        let (count, start) = directory(bytes, context)?;
        let mut walk = Walk::new(bytes, start, context);
        if count > (walk.left() / 46) as u64 {
            return Err(context.malformed(
                format!("a directory of {count} entries at byte {start}"),
                format!("{} bytes from there", walk.left()),
            ));
        }
        let mut entries = Vec::with_capacity(count as usize);
        for _ in 0..count {
            entries.push(central(&mut walk)?);
        }
        let mut order: Vec<&Entry> = entries.iter().collect();
        order.sort_by_key(|entry| entry.data.start);
        if let Some(pair) = order.windows(2).find(|pair| pair[0].data.end > pair[1].data.start) {
            return Err(context.malformed(
                "entries that do not overlap",
                format!("{} inside of {}", quoted(&pair[1].name), quoted(&pair[0].name)),
            ));
        }
        order.sort_by_key(|entry| &entry.name);
        if let Some(pair) = order.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(context.malformed("every name once", format!("{} twice", quoted(&pair[0].name))));
        }
        Ok(Self { entries })
    }

    /// The content of an entry, unpacked where it is compressed, and compared with its checksum if `check`.
    pub fn read<'a>(
        entry: &Entry,
        bytes: &'a [u8],
        check: bool,
        context: Context<'_>,
    ) -> Result<Cow<'a, [u8]>, FormatError> {
        let stored = &bytes[entry.data.clone()];
        let broken = |found: String| {
            context.malformed(format!("{} bytes for {}", entry.size, quoted(&entry.name)), found)
        };
        let content = match entry.method {
            STORED if stored.len() as u64 == entry.size => Cow::Borrowed(stored),
            STORED => return Err(broken(format!("{} stored bytes", stored.len()))),
            _ => {
                if entry.size / LARGEST_RATIO > stored.len() as u64 {
                    return Err(broken(format!("{} compressed bytes, too few for them", stored.len())));
                }
                let mut content = Vec::new();
                DeflateDecoder::new(stored)
                    .take(entry.size + 1)
                    .read_to_end(&mut content)
                    .map_err(|reason| broken(format!("damaged compressed data ({reason})")))?;
                if content.len() as u64 != entry.size {
                    return Err(broken("another number of bytes".to_string()));
                }
                Cow::Owned(content)
            }
        };
        if check {
            let mut crc = Crc::new();
            crc.update(&content);
            if crc.sum() != entry.checksum {
                return Err(context.malformed(
                    format!("the checksum {:08x} for {}", entry.checksum, quoted(&entry.name)),
                    format!("{:08x}", crc.sum()),
                ));
            }
        }
        Ok(content)
    }
}

/// The number of entries and where the directory begins.
fn directory(bytes: &[u8], context: Context<'_>) -> Result<(u64, usize), FormatError> {
    const END_BYTES: usize = 22;
    const LONGEST_COMMENT: usize = 0xffff;
    let no_end = || context.malformed("a ZIP archive with its directory at the end", "no directory");
    let last = bytes.len().checked_sub(END_BYTES).ok_or_else(no_end)?;
    let end = (last.saturating_sub(LONGEST_COMMENT)..=last)
        .rev()
        .find(|&at| bytes[at..].starts_with(&END.to_le_bytes()))
        .ok_or_else(no_end)?;
    let mut walk = Walk::new(bytes, end + 10, context);
    let count = u64::from(walk.u16("a count")?);
    walk.u32("a size")?;
    let start = u64::from(walk.u32("an offset")?);
    let mut found = (count, start);
    if (count == 0xffff || start == 0xffff_ffff) && end >= 20 {
        let mut walk = Walk::new(bytes, end - 20, context);
        if walk.u32("a locator")? == LOCATOR_64 {
            walk.u32("a disk")?;
            let at = walk.u64("an offset")?;
            let mut walk = Walk::new(bytes, usize::try_from(at).unwrap_or(usize::MAX), context);
            if walk.u32("the end of the 64-bit directory")? != END_64 {
                return Err(context.malformed(format!("a 64-bit directory at byte {at}"), "something else"));
            }
            walk.take(28, "the end of the 64-bit directory")?;
            found.0 = walk.u64("a count")?;
            walk.u64("a size")?;
            found.1 = walk.u64("an offset")?;
        }
    }
    Ok((found.0, usize::try_from(found.1).unwrap_or(usize::MAX)))
}

/// One entry of the directory and the local header that it points to.
fn central(walk: &mut Walk<'_>) -> Result<Entry, FormatError> {
    let context = walk.context;
    let at = walk.at;
    let what = "an entry of the directory";
    if walk.u32(what)? != CENTRAL {
        return Err(context.malformed(format!("{what} at byte {at}"), "something else"));
    }
    walk.u32(what)?;
    let flags = walk.u16(what)?;
    let method = walk.u16(what)?;
    walk.u32(what)?;
    let checksum = walk.u32(what)?;
    let mut packed = u64::from(walk.u32(what)?);
    let mut size = u64::from(walk.u32(what)?);
    let [name, extra, comment] = [walk.u16(what)?, walk.u16(what)?, walk.u16(what)?].map(usize::from);
    walk.take(8, what)?;
    let mut header = u64::from(walk.u32(what)?);
    let name = walk.text(name, "a name")?;
    let mut fields = Walk::new(walk.take(extra, "an extra field")?, 0, context);
    walk.take(comment, "a comment")?;
    while fields.left() >= 4 {
        let (tag, length) = (fields.u16("a tag")?, fields.u16("a length")?);
        let mut field = Walk::new(fields.take(usize::from(length), "an extra field")?, 0, context);
        if tag == EXTRA_64 {
            for value in [&mut size, &mut packed, &mut header] {
                if *value == 0xffff_ffff {
                    *value = field.u64("a 64-bit size")?;
                }
            }
        }
    }
    if flags & 1 != 0 {
        return Err(context.malformed(format!("{} in the clear", quoted(name)), "an encrypted entry"));
    }
    if !matches!(method, STORED | DEFLATED) {
        return Err(context.malformed(
            format!("{} stored or deflated", quoted(name)),
            format!("compression method {method}"),
        ));
    }

    let mut local = Walk::new(walk.bytes, usize::try_from(header).unwrap_or(usize::MAX), context);
    if local.u32("a local header")? != LOCAL {
        return Err(
            context.malformed(format!("the header of {} at byte {header}", quoted(name)), "something else")
        );
    }
    local.take(22, "a local header")?;
    let [name_bytes, extra] = [local.u16("a length")?, local.u16("a length")?].map(usize::from);
    if local.take(name_bytes, "a name")? != name.as_bytes() {
        return Err(context.malformed(format!("the name {} at byte {header}", quoted(name)), "another name"));
    }
    local.take(extra, "an extra field")?;
    let begin = local.at;
    local.take(usize::try_from(packed).unwrap_or(usize::MAX), "the content of an entry")?;
    Ok(Entry { name: name.to_string(), method, checksum, data: begin..local.at, size })
}
