//! The dashboard: curves, throughput, time left, and keys to steer, on a terminal that is large enough.
//!
//! A thread of its own draws four times a second and reads the keys, so that training neither waits for the screen nor
//! keys for a step. Events only change what is to be drawn.

mod draw;
mod state;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bolete::train::{Controls, Event};
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal as screen;

use super::{Display, Plain};
use state::State;

/// The smallest terminal that the dashboard is drawn on: columns and rows.
const SMALLEST: (u16, u16) = (60, 18);

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(250);

/// A display that takes the whole terminal while training runs, and is plain before and after.
pub struct Dashboard {
    plain: Plain,
    controls: Arc<Controls>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    over: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What is drawn is sound whatever happened to the thread that changed it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dashboard {
    /// A dashboard, if standard input and output are a terminal that is large enough.
    pub fn new(controls: Arc<Controls>, title: &str) -> Option<Dashboard> {
        use std::io::IsTerminal as _;
        let (columns, rows) = screen::size().ok()?;
        let is_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_none_or(|kind| kind == "dumb");
        if !is_terminal || is_dumb || columns < SMALLEST.0 || rows < SMALLEST.1 {
            return None;
        }
        let shared = Shared { state: Mutex::new(State::new(title)), over: AtomicBool::new(false) };
        Some(Dashboard { plain: Plain::new(), controls, shared: Arc::new(shared), thread: None })
    }

    fn start(&mut self) -> io::Result<()> {
        if self.thread.is_some() {
            return Ok(());
        }
        self.shared.over.store(false, Ordering::Relaxed);
        let (shared, controls) = (self.shared.clone(), self.controls.clone());
        let terminal = ratatui::try_init()?;
        let thread = std::thread::Builder::new()
            .name("bolete-dashboard".to_owned())
            .spawn(move || show(terminal, &shared, &controls));
        match thread {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                ratatui::restore();
                return Err(error);
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.over.store(true, Ordering::Relaxed);
            // A panic of the thread has restored the terminal, and there is nothing else to learn from it.
            let _ = thread.join();
            ratatui::restore();
        }
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Display for Dashboard {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Started(_) = event {
            self.start()?;
        }
        self.shared.lock().take(event);
        Ok(())
    }

    fn progress(&mut self, line: &str) -> io::Result<()> {
        match &self.thread {
            Some(_) => self.shared.lock().say(line),
            None => self.plain.progress(line)?,
        }
        Ok(())
    }

    fn panel(&mut self, text: &str) {
        self.shared.lock().panel = text.to_owned();
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        if self.thread.is_some() {
            text.lines().for_each(|line| self.shared.lock().say(line));
            return Ok(());
        }
        self.plain.print(text)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.thread.is_some() {
            self.stop();
            let lines = std::mem::take(&mut self.shared.lock().lines);
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            self.plain.print(&text)?;
        }
        self.plain.end()
    }
}

/// Draws and reads keys until training is over.
fn show(mut terminal: ratatui::DefaultTerminal, shared: &Shared, controls: &Controls) {
    while !shared.over.load(Ordering::Relaxed) {
        // A terminal that takes nothing more (closed, or gone) must not end the training.
        let drawn = terminal.draw(|frame| draw::draw(frame, &mut shared.lock())).is_ok();
        if !matches!(event::poll(FRAME), Ok(true)) {
            if !drawn {
                std::thread::sleep(FRAME);
            }
            continue;
        }
        while matches!(event::poll(Duration::ZERO), Ok(true)) {
            match event::read() {
                Ok(Input::Key(key)) if key.kind != KeyEventKind::Release => {
                    handle(key, shared, controls);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn handle(key: KeyEvent, shared: &Shared, controls: &Controls) {
    let is_interrupt =
        key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd'));
    match key.code {
        _ if is_interrupt => {
            // The second one does not wait for the step.
            if controls.stop.swap(true, Ordering::Relaxed) {
                ratatui::restore();
                std::process::exit(130);
            }
            shared.lock().say("stopping after this step; once more to end at once");
        }
        KeyCode::Char('q') => {
            controls.stop.store(true, Ordering::Relaxed);
            shared.lock().say("stopping after this step");
        }
        KeyCode::Char('s') => {
            controls.save.store(true, Ordering::Relaxed);
            shared.lock().say("a checkpoint will be saved after this step");
        }
        KeyCode::Tab | KeyCode::Char('v') | KeyCode::Right => shared.lock().next_view(),
        KeyCode::Char('l') => {
            let mut state = shared.lock();
            state.logarithmic = !state.logarithmic;
        }
        _ => {}
    }
}
