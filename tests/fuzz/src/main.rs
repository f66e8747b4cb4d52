//! `cargo run --profile fuzz -p sagaline-fuzz -- --seconds 600`: breaks texts and looks whether what must hold still does.
//!
//! Says how often it ran and what it found; exits with 1 if there is anything, and at once if a text is never read to its end.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use sagaline_fuzz::{
    Form, corpus,
    hunt::{Hunt, Until},
    shown, sizes,
};

/// Break definitions and expressions at random, and look whether what must hold still does
#[derive(Debug, Parser)]
struct Args {
    /// What is broken; all in turn without it
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// For how long, all forms together
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The same seed breaks in the same ways
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where texts are kept that led to something new; without it only those that hang, in the corpus of the repository
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Break nothing, and tell how long reading takes for files of several sizes
    #[arg(long)]
    sizes: bool,
}

fn main() -> io::Result<ExitCode> {
    let args = Args::parse();
    let mut out = io::stdout().lock();
    if args.sizes {
        sizes::measure(&mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    // What is caught is told below; it need not be told twice.
    std::panic::set_hook(Box::new(|_| {}));
    let forms = args.form.map_or(Form::ALL.to_vec(), |form| vec![form]);
    let time = Duration::from_secs(args.seconds) / u32::try_from(forms.len()).unwrap_or(1);
    let folder = args.keep.clone().unwrap_or_else(corpus::folder);
    let mut found = 0;
    for form in forms {
        let begun = Instant::now();
        let seeds = shown::seeds(form)?;
        let many = seeds.len();
        let result = Hunt::new(form, args.seed, seeds, &folder).run(Until::Time(time));
        writeln!(
            out,
            "{form:?}: {} runs in {} s from {many} texts, {} kinds of answers, {} texts with a new one, {} findings (seed {})",
            result.runs,
            begun.elapsed().as_secs(),
            result.signs,
            result.kept.len(),
            result.findings.len(),
            args.seed,
        )?;
        for (text, finding) in &result.findings {
            writeln!(out, "--- {}\n{text}\n---", finding.what)?;
        }
        if let Some(folder) = &args.keep {
            for text in &result.kept {
                corpus::keep(folder, form, text)?;
            }
        }
        found += result.findings.len();
    }
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
