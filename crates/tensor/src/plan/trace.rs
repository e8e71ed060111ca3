//! A record of every kernel that runs, for the trace viewers of Chrome and Perfetto.
//!
//! `BOLETE_TRACE=file.json` makes a process write one event per kernel. The file is complete JSON after every plan.
//! [`start_profile`] and [`take_profile`] add up the time of the kernels of one name instead.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
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
    RECORDER.get().is_some() || PROFILING.load(Ordering::Relaxed)
}

/// What the kernels of one name have taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelTime {
    /// The ops that they do, joined by `+`.
    pub name: String,
    /// How often they ran.
    pub calls: u64,
    /// Seconds of all calls.
    pub seconds: f64,
    /// Floating-point operations of all calls.
    pub operations: u64,
    /// Bytes read and written by all calls.
    pub bytes: u64,
}

static PROFILING: AtomicBool = AtomicBool::new(false);
static PROFILE: Mutex<Option<HashMap<String, KernelTime>>> = Mutex::new(None);

fn profile() -> MutexGuard<'static, Option<HashMap<String, KernelTime>>> {
    PROFILE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Begins to add up the time of all kernels of the process, from nothing.
pub fn start_profile() {
    *profile() = Some(HashMap::new());
    PROFILING.store(true, Ordering::Relaxed);
}

/// Ends what [`start_profile`] began: the kernels by name, the slowest first.
pub fn take_profile() -> Vec<KernelTime> {
    PROFILING.store(false, Ordering::Relaxed);
    let mut times: Vec<KernelTime> = profile().take().unwrap_or_default().into_values().collect();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(a.name.cmp(&b.name)));
    times
}

/// Writes the event of a kernel that started then and has just ended.
pub(crate) fn record(kernel: &Kernel, start: Instant) {
    let duration = start.elapsed();
    if PROFILING.load(Ordering::Relaxed)
        && let Some(profile) = &mut *profile()
    {
        let time = profile.entry(kernel.name.clone()).or_default();
        time.name.clone_from(&kernel.name);
        time.calls += 1;
        time.seconds += duration.as_secs_f64();
        time.operations += kernel.operations as u64;
        time.bytes += kernel.bytes as u64;
    }
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
