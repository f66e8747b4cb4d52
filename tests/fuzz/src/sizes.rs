//! How long reading, formatting and converting take for files of several sizes: in a linear world the time for each KiB stays
//! the same.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use sagaline_lang::{Faults, Form, LARGEST_FILE, convert, format, read};

/// A file of steps, one after the other, of about so many bytes.
fn chain(form: Form, size: usize) -> String {
    let (start, end) = match form {
        Form::Yaml => ("workflow: large\nsteps:\n  s0: { activity: noop }\n", ""),
        Form::Flow => ("workflow large {\n\tsteps {\n\t\ts0 { activity: noop }\n", "\t}\n}\n"),
    };
    let mut text = start.to_owned();
    for number in 1.. {
        let step = step(form, number);
        if size < text.len() + step.len() + end.len() {
            break;
        }
        text.push_str(&step);
    }
    text + end
}

fn step(form: Form, number: usize) -> String {
    let before = number - 1;
    match form {
        Form::Yaml => format!(
            "  s{number}: {{ activity: echo, after: s{before}, when: \"steps.s{before}.output.number < 5\", input: {{ number: {number}, text: \"${{ steps.s{before}.output.text }}\" }}, retry: 3, timeout: 5m }}\n"
        ),
        Form::Flow => format!(
            "\t\ts{number} {{\n\t\t\tactivity: echo\n\t\t\tafter: s{before}\n\t\t\tif: steps.s{before}.output.number < 5\n\t\t\tinput: {{ number: {number}, text: steps.s{before}.output.text }}\n\t\t\tretry: 3\n\t\t\ttimeout: 5m\n\t\t}}\n"
        ),
    }
}

/// A table of both forms and of sizes up to the largest file.
pub fn measure(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:>6} {:>6} {:>6} {:>10} {:>10} {:>10} {:>10}",
        "form", "KiB", "steps", "read", "per KiB", "formatted", "converted"
    )?;
    for (form, file, other) in [(Form::Yaml, "large.yaml", Form::Flow), (Form::Flow, "large.flow", Form::Yaml)] {
        for share in [8, 4, 2, 1] {
            let text = chain(form, LARGEST_FILE / share);
            let kib = text.len() / 1024;
            let steps = read(&text, file).map_err(first)?.plan.root.nodes.len();
            let read = best_of(|| read(&text, file).map(drop))?;
            // YAML has no canonical form.
            let formatted = match form {
                Form::Yaml => None,
                Form::Flow => Some(best_of(|| format(&text, file).map(drop))?),
            };
            let converted = best_of(|| convert(&text, file, other).map(drop))?;
            let each = read / u32::try_from(kib).unwrap_or(1);
            writeln!(
                out,
                "{:>6} {kib:>6} {steps:>6} {:>10} {:>10} {:>10} {:>10}",
                format!("{form:?}").to_lowercase(),
                shown(read),
                shown(each),
                formatted.map_or("-".to_owned(), shown),
                shown(converted)
            )?;
        }
    }
    Ok(())
}

/// Of many faults one is enough to tell what is wrong here.
fn first(faults: Faults) -> io::Error {
    io::Error::other(faults.0.first().map_or_else(String::new, ToString::to_string))
}

fn shown(time: Duration) -> String {
    format!("{time:.1?}")
}

fn best_of(run: impl Fn() -> Result<(), Faults>) -> io::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        run().map_err(first)?;
        best = best.min(begun.elapsed());
    }
    Ok(best)
}
