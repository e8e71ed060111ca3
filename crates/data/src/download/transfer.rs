//! One attempt to get the bytes of a file from one address.

use std::io::{self, Read};
use std::time::Instant;

use ureq::http::{Response, header};
use ureq::{Body, Error, Timeout};

use super::partial::{Origin, Partial};
use super::{Checksum, Downloader, Failure, Progress, RemoteFile};

impl Downloader {
    /// Brings what is missing of the file into `partial`.
    pub(super) fn transfer(
        &self,
        file: &RemoteFile,
        address: &str,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        let have = self.usable_part(file, address, partial);
        if have > 0 && file.size == Some(have) {
            // The last run ended between the last byte and the check.
            partial.resume();
            return Ok(());
        }
        // A compressed file shall come as it is.
        let mut request = self.agent.get(address).header(header::ACCEPT_ENCODING, "identity");
        if have > 0 {
            partial.resume();
            request = request.header(header::RANGE, format!("bytes={have}-"));
            let origin = partial.origin().filter(|origin| origin.address == address);
            if let Some(validator) = origin.and_then(|origin| origin.validator.as_ref()) {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| self.failure(error, have, file.size))?;
        let status = response.status().as_u16();
        match status {
            200 => {
                let origin = Origin { address: address.to_string(), validator: validator(&response) };
                partial.restart(origin).map_err(Failure::Disk)?;
            }
            206 if have > 0 => check_range(&response, have, file.size)?,
            _ => return Err(Failure::Status { status }),
        }
        self.check_head(file, &response, partial.len())?;
        self.receive(file, address, response, partial)
    }

    /// How much of what is there can be gone on with.
    fn usable_part(&self, file: &RemoteFile, address: &str, partial: &Partial) -> u64 {
        let same_address = partial.origin().filter(|origin| origin.address == address);
        // With a checksum, any beginning will do: a wrong one is found out. Without, the server must say that it
        // still has the same file.
        let safe = match file.checksum {
            Checksum::FirstUse => same_address.is_some_and(|origin| origin.validator.is_some()),
            _ => partial.origin().is_some(),
        };
        let fits = file.size.is_none_or(|size| partial.len() <= size);
        if safe && fits { partial.len() } else { 0 }
    }

    /// What can be known to be wrong before the first byte.
    fn check_head(&self, file: &RemoteFile, response: &Response<Body>, have: u64) -> Result<(), Failure> {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.trim_start().starts_with("text/html"))
            && !file.name.ends_with(".html")
        {
            return Err(Failure::WebPage);
        }
        let Some(length) = response.body().content_length() else { return Ok(()) };
        let whole = have.saturating_add(length);
        match file.size {
            Some(expected) if expected != whole => Err(Failure::Length { expected, found: whole }),
            None if whole > self.options.largest => Err(Failure::Endless { expected: self.options.largest }),
            _ => Ok(()),
        }
    }

    fn receive(
        &self,
        file: &RemoteFile,
        address: &str,
        response: Response<Body>,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        let announced = response.body().content_length().map(|length| partial.len() + length);
        let of = file.size.or(announced);
        let most = file.size.unwrap_or(self.options.largest);
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let (mut window, mut window_bytes) = (Instant::now(), 0);
        loop {
            let count = match body.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failure(Error::from(error), partial.len(), of)),
            };
            if count == 0 {
                break;
            }
            if partial.len() == 0 && looks_like_a_page(&buffer[..count]) && !file.name.ends_with(".html") {
                return Err(Failure::WebPage);
            }
            if partial.len() + count as u64 > most {
                return Err(Failure::Endless { expected: most });
            }
            partial.append(&buffer[..count]).map_err(Failure::Disk)?;
            let received = partial.len();
            self.tell(&Progress::Receiving { file: &file.name, from: address, received, of })?;

            window_bytes += count as u64;
            let passed = window.elapsed();
            if passed >= self.options.speed_window {
                if window_bytes < self.options.slowest {
                    let (slowest, seconds) = (self.options.slowest, passed.as_secs_f64().round());
                    return Err(Failure::Slow { slowest, seconds, found: window_bytes });
                }
                (window, window_bytes) = (Instant::now(), 0);
            }
        }
        match of {
            // A body without a length that ends early looks like any other end.
            Some(of) if partial.len() < of => Err(Failure::Broken {
                received: partial.len(),
                of: Some(of),
                reason: "the server closed it".to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn failure(&self, error: Error, received: u64, of: Option<u64>) -> Failure {
        match error {
            Error::TooManyRedirects | Error::RedirectFailed => Failure::Redirects,
            Error::TlsRequired => Failure::NeedsHttps,
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => Failure::Unreachable {
                reason: format!("none within {} s", self.options.connect_timeout.as_secs_f64()),
            },
            Error::Timeout(_) => {
                Failure::Silent { seconds: self.options.read_timeout.as_secs_f64(), received }
            }
            Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable => {
                    Failure::Unreachable { reason: one_line(&error.to_string()) }
                }
                _ => Failure::Broken { received, of, reason: one_line(&error.to_string()) },
            },
            error @ (Error::HostNotFound | Error::ConnectionFailed | Error::BadUri(_)) => {
                Failure::Unreachable { reason: one_line(&error.to_string()) }
            }
            error => Failure::Broken { received, of, reason: one_line(&error.to_string()) },
        }
    }
}

/// A weak entity tag cannot be compared byte by byte, and is of no use here.
fn validator(response: &Response<Body>) -> Option<String> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
    text(header::ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(header::LAST_MODIFIED))
}

/// The range must begin where it was asked for, and belong to a file of the right length.
fn check_range(response: &Response<Body>, have: u64, size: Option<u64>) -> Result<(), Failure> {
    let found = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let wrong = || Failure::Range { expected: have, found: one_line(found.unwrap_or("no range")) };
    let range = found.and_then(|range| range.strip_prefix("bytes ")).ok_or_else(wrong)?;
    let (span, whole) = range.split_once('/').ok_or_else(wrong)?;
    let begin = span.split('-').next().and_then(|begin| begin.trim().parse::<u64>().ok());
    if begin != Some(have) {
        return Err(wrong());
    }
    match (whole.trim().parse::<u64>(), size) {
        (Ok(found), Some(expected)) if found != expected => Err(Failure::Length { expected, found }),
        _ => Ok(()),
    }
}

fn looks_like_a_page(bytes: &[u8]) -> bool {
    let begin = bytes.trim_ascii_start();
    let starts = |with: &[u8]| begin.len() >= with.len() && begin[..with.len()].eq_ignore_ascii_case(with);
    starts(b"<!doctype html") || starts(b"<html")
}

/// What a server or the system said, without line breaks and not too long.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect()
}
