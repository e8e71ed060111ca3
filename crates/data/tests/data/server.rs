//! A web server for tests, which can be told to misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asked for: its lines.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub path: String,
    pub headers: Vec<String>,
}

impl Request {
    /// The value of a header; its name in small letters.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        })
    }

    /// The place from which on bytes are asked for.
    pub fn begin(&self) -> usize {
        let range = self.header("range").unwrap_or_default();
        range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()).unwrap_or(0)
    }
}

/// Answers every request by a function of its number and content. Each connection is closed after its answer.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        // Ends with the test program.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    answer(number, &request, &mut stream);
                });
            }
        });
        Self { address, seen }
    }

    /// An honest server of one file, with an entity tag and ranges.
    pub fn honest(content: Vec<u8>) -> Self {
        Self::start(move |_, request, stream| send(stream, request, &content, "\"v1\""))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_string();
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    Some(Request { path, headers })
}

/// The head of an answer, and as much of a body as there is.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &[String], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    headers.iter().for_each(|header| head += &format!("{header}\r\n"));
    // A client that hangs up early is what some tests are about.
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
}

/// What an honest server sends: the whole, or the rest if the file is still that of the tag.
pub fn send(stream: &mut TcpStream, request: &Request, content: &[u8], tag: &str) {
    let begin = request.begin();
    let same = request.header("if-range").is_none_or(|wanted| wanted == tag);
    if begin > 0 && same {
        if begin >= content.len() {
            return answer(stream, "416 Range Not Satisfiable", &["Content-Length: 0".into()], b"");
        }
        let range = format!("Content-Range: bytes {begin}-{}/{}", content.len() - 1, content.len());
        let headers = [range, length(content.len() - begin), format!("ETag: {tag}")];
        answer(stream, "206 Partial Content", &headers, &content[begin..]);
    } else {
        answer(stream, "200 OK", &[length(content.len()), format!("ETag: {tag}")], content);
    }
}

pub fn length(length: usize) -> String {
    format!("Content-Length: {length}")
}
