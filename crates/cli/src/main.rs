//! The command `bolete`.

mod arguments;
mod commands;
mod download;
mod handwriting;
mod lecture;
mod networks;
mod pictures;
mod recipe;
mod recipes;
mod report;
mod runs;
mod session;
mod sweep;
mod terminal;
mod trial;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Why a command did not finish, other than by an error.
#[derive(Debug)]
struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// The exit status after Ctrl-C, as shells expect it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    report_panics_in_one_line();
    let result = std::panic::catch_unwind(|| run(arguments));
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) if error.is::<Interrupted>() => ExitCode::from(INTERRUPTED),
        // Whoever read our output has seen enough.
        Ok(Err(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(&format!("error: {}", one_line(&told_once(&error))));
            ExitCode::FAILURE
        }
        // The hook has said what happened.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Shows help where help was asked for; else what is wrong with the command line, in one line.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        // Nothing can be done about output that nobody takes.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
    }
    let text = error.render().to_string();
    let said: Vec<String> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(one_line)
        .filter(|line| !line.is_empty())
        .collect();
    complain(&format!("{}; `bolete --help` shows what there is", said.join("; ")));
    ExitCode::from(USAGE)
}

/// The exit status after a mistake on the command line.
const USAGE: u8 = 2;

fn run(arguments: Arguments) -> anyhow::Result<()> {
    bolete::tensor::plan::trace::start_from_environment().map_err(anyhow::Error::msg)?;
    match arguments.command {
        Command::Train(options) => commands::train(&options),
        Command::Eval(options) => commands::evaluate(&options),
        Command::Predict(options) => commands::predict(&options),
        Command::Describe(options) => commands::describe(&options),
        Command::Lecture(options) => lecture::lecture(&options),
        Command::Sweep(options) => sweep::sweep(&options),
        Command::Report(options) => report::report(&options),
        Command::Download(options) => download::download(&options),
        Command::Runs(options) => runs::runs(&options),
        Command::List => terminal::print(&recipes::list()),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Writes a line to standard error. Where that takes nothing (a full disk) the exit status still tells; `eprintln!`
/// would panic instead.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The error and its causes, without those that the message before them quotes already.
fn told_once(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
        if told.is_empty() {
            cause
        } else if told.contains(&cause) {
            told
        } else {
            format!("{told}: {cause}")
        }
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A panic is a mistake of ours; it is told in one line, without a trace that would mean nothing to most.
fn report_panics_in_one_line() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        complain(&format!("error: {}{place}; this is a bug in bolete, please report it", one_line(&text)));
    }));
}
