//! A record of every kernel that runs, for the trace viewers of Chrome and Perfetto.
//!
//! `BOLETE_TRACE=file.json` makes a process write one event per kernel. The file is complete JSON after every plan.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use super::Kernel;

/// Where events go.
struct Recorder {
    file: File,
    begin: Instant,
    /// Whether an event has been written.
    any: bool,
}

static RECORDER: OnceLock<Mutex<Recorder>> = OnceLock::new();
static FROM_ENVIRONMENT: OnceLock<Result<(), String>> = OnceLock::new();

/// The end of the file, written over by the next event.
const END: &[u8] = b"\n]\n";

/// Starts writing events to `path`; once per process, the first path wins.
///
/// # Errors
/// If the file cannot be made.
pub fn start(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(b"[")?;
    file.write_all(END)?;
    let _ = RECORDER.set(Mutex::new(Recorder { file, begin: Instant::now(), any: false }));
    Ok(())
}

/// Starts the trace that `BOLETE_TRACE` asks for, if it does. Running the first plan does it too, but cannot tell of an
/// error.
///
/// # Errors
/// One line that says why the file cannot be made.
pub fn start_from_environment() -> Result<(), String> {
    let started = FROM_ENVIRONMENT.get_or_init(|| {
        let Some(path) = std::env::var_os("BOLETE_TRACE") else { return Ok(()) };
        let path = Path::new(&path);
        start(path).map_err(|error| format!("BOLETE_TRACE: {} cannot be written: {error}", path.display()))
    });
    started.clone()
}

pub(crate) fn is_enabled() -> bool {
    let _ = start_from_environment();
    RECORDER.get().is_some()
}

/// Writes the event of a kernel that started then and has just ended.
pub(crate) fn record(kernel: &Kernel, start: Instant) {
    let duration = start.elapsed();
    let Some(recorder) = RECORDER.get() else { return };
    let mut recorder = recorder.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let at = start.saturating_duration_since(recorder.begin);
    let separator = if recorder.any { ",\n" } else { "\n" };
    let event = format!(
        "{separator}{{\"name\":\"{}\",\"cat\":\"kernel\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3},\"dur\":{:.3},\
         \"args\":{{\"operations\":{},\"bytes\":{}}}}}",
        kernel.name.escape_default(),
        at.as_secs_f64() * 1e6,
        duration.as_secs_f64() * 1e6,
        kernel.operations,
        kernel.bytes,
    );
    // A full disk ends the trace, not the computation.
    let written = recorder.file.seek(SeekFrom::End(-(END.len() as i64))).and_then(|_| {
        recorder.file.write_all(event.as_bytes())?;
        recorder.file.write_all(END)
    });
    recorder.any |= written.is_ok();
}
