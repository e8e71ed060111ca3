//! Downloads from servers that are honest, broken, slow and lying.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::server::{Request, Server, answer, length, send};
use crate::support::folder;
use bolete_data::catalogue::fetch_files;
use bolete_data::download::{Checksum, DownloadError, DownloadOptions, Downloader, Progress, RemoteFile};

fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(mirrors: &[String]) -> RemoteFile {
    RemoteFile {
        name: "set.bin".into(),
        mirrors: mirrors.iter().map(|mirror| mirror.clone().into()).collect(),
        size: Some(content().len() as u64),
        checksum: Checksum::Md5(hex(Md5::digest(content())).into()),
        source: "a test".into(),
    }
}

fn options() -> DownloadOptions {
    DownloadOptions {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        back_off: Duration::from_millis(2),
        environment_proxy: false,
        ..DownloadOptions::default()
    }
}

fn fetch(file: &RemoteFile, folder: &Path) -> Result<PathBuf, DownloadError> {
    Downloader::new(options()).fetch(file, folder)
}

/// The message must be one line that says all of `parts`, the address and what to do.
fn assert_fails(result: Result<PathBuf, DownloadError>, server: &Server, parts: &[&str]) {
    let message = result.expect_err("the download must fail").to_string();
    assert!(!message.contains('\n'), "{message}");
    let address = server.url("set.bin");
    for part in
        parts.iter().copied().chain([address.as_str(), "set.bin could not be downloaded", "--data DIR"])
    {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

/// Downloads from a server that always answers like this, and gives what went wrong.
fn assert_refused(
    name: &str,
    behave: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static,
    parts: &[&str],
) -> Server {
    let server = Server::start(behave);
    let folder = folder(name);
    assert_fails(fetch(&file(&[server.url("set.bin")]), &folder), &server, parts);
    assert!(!folder.join("set.bin").exists(), "something was left under the name of the file");
    server
}

#[test]
fn a_file_is_downloaded_once() {
    let server = Server::honest(content());
    let folder = folder("download-once").join("deep/er");
    let remote = file(&[server.url("set.bin")]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer = move |progress: &Progress<'_>| {
        if let Progress::Receiving { received, of, .. } = progress {
            log.lock().unwrap().push((*received, *of));
        }
        ControlFlow::Continue(())
    };
    let downloader = Downloader::new(DownloadOptions { observer: Some(Arc::new(observer)), ..options() });
    let path = downloader.fetch(&remote, &folder).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&(1_200_000, Some(1_200_000))));
    fetch(&remote, &folder).unwrap();
    assert_eq!(server.requests().len(), 1);
    // What was damaged since is fetched anew.
    fs::write(&path, vec![0; content().len()]).unwrap();
    fetch(&remote, &folder).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    let sha = RemoteFile { checksum: Checksum::Sha256(hex(Sha256::digest(content())).into()), ..remote };
    fetch(&sha, &folder).unwrap();
    assert_eq!(server.requests().len(), 2);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    // Each connection breaks after 400,000 bytes.
    let server = Server::start(|_, request, stream| {
        let (content, begin) = (content(), request.begin());
        let rest = &content[begin..];
        let mut headers = vec![length(rest.len()), "ETag: \"v1\"".into()];
        headers.push(format!("Content-Range: bytes {begin}-1199999/1200000"));
        let status = if begin > 0 { "206 Partial Content" } else { "200 OK" };
        answer(stream, status, &headers, &rest[..rest.len().min(400_000)]);
    });
    let folder = folder("download-broken");
    let path = fetch(&file(&[server.url("set.bin")]), &folder).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    let begins: Vec<usize> = server.requests().iter().map(Request::begin).collect();
    assert_eq!(begins, [0, 400_000, 800_000]);
    assert_eq!(server.requests()[1].header("if-range").as_deref(), Some("\"v1\""));
    assert_eq!(server.requests()[0].header("if-range"), None);
}

#[test]
fn a_stopped_download_goes_on_in_the_next_run_and_from_another_mirror() {
    let first = Server::honest(content());
    let stop = |progress: &Progress<'_>| match progress {
        Progress::Receiving { received, .. } if *received > 500_000 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let folder = folder("download-stopped");
    let stopping = Downloader::new(DownloadOptions { observer: Some(Arc::new(stop)), ..options() });
    let error = stopping.fetch(&file(&[first.url("set.bin")]), &folder).unwrap_err();
    assert!(matches!(error, DownloadError::Stopped { .. }), "{error}");
    assert!(error.to_string().contains("goes on from there"));
    let second = Server::honest(content());
    fetch(&file(&[second.url("set.bin")]), &folder).unwrap();
    let requests = second.requests();
    assert!(requests.len() == 1 && requests[0].begin() > 500_000, "{requests:?}");
    // The tag of one server means nothing to another.
    assert_eq!(requests[0].header("if-range"), None);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_beginning() {
    let folder = folder("download-changed");
    let part = |origin: &str, bytes: &[u8]| {
        fs::write(folder.join(".set.bin.part"), bytes).unwrap();
        fs::write(folder.join(".set.bin.part.origin"), origin).unwrap();
        let _ = fs::remove_file(folder.join("set.bin"));
    };
    let server = Server::honest(content());
    let remote = file(&[server.url("set.bin")]);
    // The server has another version than the part is of: it sends the whole.
    part(&format!("{}\n\"v0\"\n", server.url("set.bin")), &[7; 1000]);
    fetch(&remote, &folder).unwrap();
    assert_eq!(server.requests().len(), 1);
    // The part is wrong and nobody can tell: the checksum does, and it is fetched anew.
    part(&format!("{}\n\"v1\"\n", server.url("set.bin")), &[7; 1000]);
    fetch(&remote, &folder).unwrap();
    assert_eq!(server.requests()[1..].iter().map(Request::begin).collect::<Vec<_>>(), [1000, 0]);
    // The part is longer than the file, whole, or whole but wrong.
    for bytes in [vec![7; 1_300_000], content(), vec![7; 1_200_000]] {
        part(&format!("{}\n\"v1\"\n", server.url("set.bin")), &bytes);
        assert_eq!(fs::read(fetch(&remote, &folder).unwrap()).unwrap(), content());
    }
    // Without a note of its origin, a part is worth nothing.
    part("", &[7; 1000]);
    fetch(&remote, &folder).unwrap();
    assert_eq!(server.requests().last().unwrap().begin(), 0);
}

#[test]
fn servers_without_ranges_or_with_wrong_ones_are_coped_with() {
    let plain = Server::start(|_, _, stream| answer(stream, "200 OK", &[], &content()));
    let wrong = Server::start(|number, request, stream| {
        if number == 0 {
            let headers = [length(100), "Content-Range: bytes 0-99/1200000".into()];
            answer(stream, "206 Partial Content", &headers, &[0; 100]);
        } else {
            send(stream, request, &content(), "\"v1\"");
        }
    });
    for (name, server) in [("download-no-ranges", plain), ("download-wrong-range", wrong)] {
        let folder = folder(name);
        fs::write(folder.join(".set.bin.part"), &content()[..5000]).unwrap();
        fs::write(folder.join(".set.bin.part.origin"), "http://elsewhere/set.bin\n\n").unwrap();
        let path = fetch(&file(&[server.url("set.bin")]), &folder).unwrap();
        assert_eq!(fs::read(path).unwrap(), content());
        assert_eq!(server.requests()[0].begin(), 5000);
    }
}

#[test]
fn the_next_mirror_is_tried() {
    let missing = Server::start(|_, _, stream| answer(stream, "404 Not Found", &[length(0)], b""));
    let lying = Server::honest(vec![1; content().len()]);
    let honest = Server::honest(content());
    let mirrors = [missing.url("set.bin"), lying.url("set.bin"), honest.url("set.bin")];
    fetch(&file(&mirrors), &folder("download-mirrors")).unwrap();
    // What will not get better by asking again is asked for once.
    assert_eq!((missing.requests().len(), lying.requests().len(), honest.requests().len()), (1, 1, 1));
    // All that failed is named.
    let result = fetch(&file(&mirrors[..2]), &folder("download-mirrors-none"));
    assert_fails(result, &missing, &["404 (not found)", lying.url("set.bin").as_str(), "expected the MD5"]);
}

#[test]
fn passing_trouble_is_waited_out_and_lasting_trouble_is_told() {
    let busy = Server::start(|number, request, stream| match number {
        0 => answer(stream, "503 Service Unavailable", &[length(0)], b""),
        1 => answer(stream, "429 Too Many Requests", &[length(0)], b""),
        2 => {} // Hangs up.
        _ => send(stream, request, &content(), "\"v1\""),
    });
    fetch(&file(&[busy.url("set.bin")]), &folder("download-busy")).unwrap();
    assert_eq!(busy.requests().len(), 4);
    let down = assert_refused(
        "download-down",
        |_, _, stream| answer(stream, "500 Oops", &[length(4)], b"oops"),
        &["the answer 500 (trouble at the server)"],
    );
    assert_eq!(down.requests().len(), 4);
    let closed = assert_refused("download-closed", |_, _, _| {}, &["the connection broke after 0 bytes"]);
    assert_eq!(closed.requests().len(), 4);
}

#[test]
fn lies_are_found_out() {
    let short =
        |_: usize, _: &Request, stream: &mut TcpStream| answer(stream, "200 OK", &[length(10)], &[0; 10]);
    assert_refused("download-short", short, &["expected 1200000 bytes, found 10"]);
    let wrong = |_: usize, request: &Request, stream: &mut TcpStream| {
        send(stream, request, &vec![9; content().len()], "\"v1\"");
    };
    let sums = [hex(Md5::digest(content())), hex(Md5::digest(vec![9; content().len()]))];
    assert_refused("download-wrong", wrong, &["expected the MD5", &sums[0], &sums[1]]);
    let page = |_: usize, _: &Request, stream: &mut TcpStream| {
        let headers = ["Content-Type: text/html; charset=utf-8".to_string()];
        answer(stream, "200 OK", &headers, b"<p>Please log in</p>");
    };
    assert_refused("download-page", page, &["expected the file, found a web page"]);
    let disguised = |_: usize, _: &Request, stream: &mut TcpStream| {
        answer(stream, "200 OK", &[], b"\n <!DOCTYPE HTML><title>Welcome</title>");
    };
    assert_refused("download-disguised", disguised, &["expected the file, found a web page"]);
    let moved = |_: usize, request: &Request, stream: &mut TcpStream| {
        let headers = [format!("Location: {}x", request.path), length(0)];
        answer(stream, "302 Found", &headers, b"");
    };
    let circle = assert_refused("download-circle", moved, &["more than 8 redirects"]);
    assert_eq!(circle.requests().len(), 9);
    let away = |_: usize, request: &Request, stream: &mut TcpStream| {
        let location = format!("Location: https://{}/set.bin", request.header("host").unwrap());
        answer(stream, "301 Moved Permanently", &[location, length(0)], b"");
    };
    if cfg!(not(feature = "https")) {
        assert_refused("download-away", away, &["needs https", "--features https"]);
    }
    let garbage = |_: usize, _: &Request, stream: &mut TcpStream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
    };
    assert_refused("download-garbage", garbage, &["the connection broke after 0 bytes"]);
}

#[test]
fn a_body_without_end_is_cut_off() {
    fn endless(_: usize, _: &Request, stream: &mut TcpStream) {
        answer(stream, "200 OK", &[], &[]);
        while stream.write_all(&[3; 65_536]).is_ok() {}
    }
    assert_refused("download-endless", endless, &["expected at most 1200000 bytes, found more"]);
    // Also where the size is not known.
    let server = Server::start(endless);
    let unsized_ = RemoteFile { size: None, checksum: Checksum::FirstUse, ..file(&[server.url("set.bin")]) };
    let downloader = Downloader::new(DownloadOptions { largest: 500_000, ..options() });
    let result = downloader.fetch(&unsized_, &folder("download-endless-unsized"));
    assert_fails(result, &server, &["expected at most 500000 bytes, found more"]);
    let announced = Server::start(|_, _, stream| answer(stream, "200 OK", &[length(600_000)], &[]));
    let remote = RemoteFile { mirrors: vec![announced.url("set.bin").into()], ..unsized_ };
    let result = downloader.fetch(&remote, &folder("download-announced"));
    assert_fails(result, &announced, &["expected at most 500000 bytes, found more"]);
}

#[test]
fn silent_and_slow_servers_are_left() {
    fn dripping(_: usize, _: &Request, stream: &mut TcpStream) {
        answer(stream, "200 OK", &[length(1_200_000)], &[]);
        while stream.write_all(&[3; 10]).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let patient = DownloadOptions { attempts: 2, ..options() };
    let server = Server::start(dripping);
    let slow =
        DownloadOptions { speed_window: Duration::from_millis(100), slowest: 1_000_000, ..patient.clone() };
    let result = Downloader::new(slow).fetch(&file(&[server.url("set.bin")]), &folder("download-slow"));
    assert_fails(result, &server, &["expected at least 1000000 bytes in"]);

    let impatient = DownloadOptions { read_timeout: Duration::from_millis(100), ..patient };
    let downloader = Downloader::new(impatient);
    // Never answers, drips the head of its answer, or falls silent in the middle.
    let behaviours: [fn(usize, &Request, &mut TcpStream); 3] = [
        |_, _, _| std::thread::sleep(Duration::from_secs(3)),
        |_, _, stream| {
            for byte in b"HTTP/1.1 200 OK\r\nX-Drip: ".iter().chain(std::iter::repeat(&b'x')) {
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        },
        |_, _, stream| {
            answer(stream, "200 OK", &[length(1_200_000)], &content()[..1000]);
            std::thread::sleep(Duration::from_secs(3));
        },
    ];
    for (number, behave) in behaviours.into_iter().enumerate() {
        let server = Server::start(behave);
        let folder = folder(&format!("download-silent-{number}"));
        let result = downloader.fetch(&file(&[server.url("set.bin")]), &folder);
        assert_fails(result, &server, &["the server was silent for 0.1 s"]);
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn nobody_there_is_told() {
    // A port that was just free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = fetch(&file(&[format!("http://{free}/set.bin")]), &folder("download-nobody")).unwrap_err();
    assert!(message.to_string().contains("no connection"), "{message}");
    let none = fetch(&file(&[]), &folder("download-no-mirror")).unwrap_err().to_string();
    assert!(none.contains("no address is known"), "{none}");
    let file = RemoteFile { name: "../set.bin".into(), ..file(&[]) };
    let outside = fetch(&file, &folder("download-outside")).unwrap_err().to_string();
    assert!(outside.contains("expected the name of a file, found \"../set.bin\""), "{outside}");
}

#[test]
fn a_file_without_a_checksum_is_trusted_on_first_use_only() {
    let content = Arc::new(Mutex::new(b"first".to_vec()));
    let served = Arc::clone(&content);
    let server =
        Server::start(move |_, request, stream| send(stream, request, &served.lock().unwrap(), "\"v\""));
    let remote = RemoteFile { size: None, checksum: Checksum::FirstUse, ..file(&[server.url("set.bin")]) };
    let folder = folder("download-first-use");
    let path = fetch(&remote, &folder).unwrap();
    let record = fs::read_to_string(folder.join("set.bin.sha256")).unwrap();
    assert_eq!(record.trim(), hex(Sha256::digest(b"first")));
    fs::remove_file(&path).unwrap();
    fetch(&remote, &folder).unwrap();
    fs::remove_file(&path).unwrap();
    *content.lock().unwrap() = b"second".to_vec();
    assert_fails(fetch(&remote, &folder), &server, &["expected the SHA-256 of the first use", record.trim()]);

    // Nothing protects such a file on an open line.
    let open = RemoteFile { mirrors: vec!["http://example.invalid/set.bin".into()], ..remote };
    let message = fetch(&open, &folder).unwrap_err().to_string();
    assert!(message.contains("no published checksum and http is not protected"), "{message}");
    if cfg!(not(feature = "https")) {
        let secure = RemoteFile { mirrors: vec!["https://example.invalid/set.bin".into()], ..open };
        let message = fetch(&secure, &folder).unwrap_err().to_string();
        assert!(message.contains("needs https, which this build lacks"), "{message}");
    }
}

#[test]
fn two_downloads_of_one_file_are_one() {
    let started = Arc::new(Barrier::new(4));
    let waiting = Arc::new(AtomicUsize::new(0));
    let server = Server::start(|_, request, stream| {
        std::thread::sleep(Duration::from_millis(50));
        send(stream, request, &content(), "\"v1\"");
    });
    let folder = folder("download-lock");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (started, waiting, folder, server) = (&started, Arc::clone(&waiting), &folder, &server);
            scope.spawn(move || {
                started.wait();
                let count = move |progress: &Progress<'_>| {
                    if matches!(progress, Progress::Waiting { .. }) {
                        waiting.fetch_add(1, Ordering::Relaxed);
                    }
                    ControlFlow::Continue(())
                };
                let downloader =
                    Downloader::new(DownloadOptions { observer: Some(Arc::new(count)), ..options() });
                let path = downloader.fetch(&file(&[server.url("set.bin")]), folder).unwrap();
                assert_eq!(fs::read(path).unwrap(), content());
            });
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert!(waiting.load(Ordering::Relaxed) >= 3);
}

#[test]
fn archives_are_unpacked_and_deleted() {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for name in ["set/one.bin", "set/two.bin", "set/README"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(name.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, name.as_bytes()).unwrap();
    }
    let archive = tar.into_inner().unwrap().finish().unwrap();
    let server = Server::honest(archive.clone());
    let remote = RemoteFile {
        name: "set.tar.gz".into(),
        size: Some(archive.len() as u64),
        checksum: Checksum::Md5(hex(Md5::digest(&archive)).into()),
        ..file(&[server.url("set.tar.gz")])
    };
    let folder = folder("download-archive");
    let fetch = |contents: &[&str]| {
        fetch_files(std::slice::from_ref(&remote), contents, &Downloader::new(options()), &folder)
    };
    fetch(&["one.bin", "two.bin"]).unwrap();
    assert_eq!(fs::read(folder.join("two.bin")).unwrap(), b"set/two.bin");
    assert!(!folder.join("set.tar.gz").exists() && !folder.join("README").exists());
    fetch(&["one.bin", "two.bin"]).unwrap();
    assert_eq!(server.requests().len(), 1);
    let message = fetch(&["three.bin"]).unwrap_err().to_string();
    assert!(message.contains("expected the file three.bin, found none"), "{message}");
    let left = fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 4, "the two files, the archive and its lock");
}
